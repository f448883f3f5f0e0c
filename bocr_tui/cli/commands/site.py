"""`bocr site add`, `bocr site list`, `bocr site test` and `bocr site remove`"""

from __future__ import annotations

from typing import Annotated

import typer

from bocr_tui.cli.call import JsonOption, WorkspaceOption, call_of, the_workspace
from bocr_tui.cli.commands.doctor import WAIT_S, exit_code

site = typer.Typer(
    name="site", no_args_is_help=True, help="Bring sites into bocr.toml, test and remove them."
)

NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="The site's name in bocr.toml.")]
PerEngine = "ENGINE=TEXT"


@site.command(name="add")
def add(
    context: typer.Context,
    name: NameArgument,
    host: Annotated[
        str | None, typer.Option("--host", help="A name of ~/.ssh/config, or an address.")
    ] = None,
    here: Annotated[bool, typer.Option("--here", help="This machine, such as a login node.")] = False,
    user: Annotated[str | None, typer.Option("--user", help="As ~/.ssh/config says if not said.")] = None,
    port: Annotated[int | None, typer.Option("--port", help="As ~/.ssh/config says, or 22.")] = None,
    root: Annotated[str | None, typer.Option("--root", help="bocr's folder there.")] = None,
    scheduler: Annotated[str | None, typer.Option("--scheduler", help="pbs or direct.")] = None,
    pbs_exec: Annotated[
        str | None, typer.Option("--pbs-exec", help="PBS: its folder there, where it is not found by itself.")
    ] = None,
    queue: Annotated[str | None, typer.Option("--queue", help="PBS: the queue.")] = None,
    select: Annotated[
        str | None, typer.Option("--select", help="PBS: such as 1:ncpus=20:mem=180gb:ngpus=1.")
    ] = None,
    walltime: Annotated[str | None, typer.Option("--walltime", help="PBS: hours:minutes:seconds.")] = None,
    account: Annotated[str | None, typer.Option("--account", help="PBS: who pays.")] = None,
    project: Annotated[str | None, typer.Option("--project", help="PBS: the project.")] = None,
    directive: Annotated[
        list[str] | None, typer.Option("--directive", help="PBS: more of qsub, such as '-l place=excl'.")
    ] = None,
    max_queued: Annotated[
        int | None, typer.Option("--max-queued", help="Jobs to keep there, waiting and running.")
    ] = None,
    slots: Annotated[int | None, typer.Option("--slots", help="Without a scheduler: jobs at once.")] = None,
    python: Annotated[str | None, typer.Option("--python", help="The Python of the worker there.")] = None,
    cores: Annotated[int | None, typer.Option("--cores", help="Cores a job may use.")] = None,
    setup: Annotated[
        list[str] | None, typer.Option("--setup", help="A shell line at the start of every job; repeatable.")
    ] = None,
    activate: Annotated[
        list[str] | None,
        typer.Option("--activate", metavar=PerEngine, help="A line that activates an engine's environment."),
    ] = None,
    engine_python: Annotated[
        list[str] | None,
        typer.Option("--engine-python", metavar=PerEngine, help="The Python of an engine's environment."),
    ] = None,
    model: Annotated[
        list[str] | None,
        typer.Option("--model", metavar=PerEngine, help="The folder of an engine's weights there."),
    ] = None,
    documents: Annotated[
        str | None, typer.Option("--documents", help="upload, or in_place where they lie there already.")
    ] = None,
    upload_mb_s: Annotated[
        float | None, typer.Option("--upload-mb-s", help="Megabytes a second at most for uploads.")
    ] = None,
    default: Annotated[
        bool, typer.Option("--default", help="Work goes there when no site is named.")
    ] = False,
    no_test: Annotated[bool, typer.Option("--no-test", help="Do not connect.")] = False,
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="Ask nothing: what is not said is as it is by default.")
    ] = False,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Bring a site into bocr.toml, and test it. In a terminal, what is not said is asked."""
    from bocr_tui.cli.site_editing import add_site
    from bocr_tui.cli.site_questions import Said, by_engine

    call = call_of(context)
    said = Said(
        host=host,
        here=here,
        user=user,
        port=port,
        root=root,
        scheduler=scheduler,
        pbs_exec=pbs_exec,
        queue=queue,
        select=select,
        walltime=walltime,
        account=account,
        project=project,
        directives=directive or (),
        max_queued=max_queued,
        slots=slots,
        python=python,
        cores=cores,
        setup=setup or (),
        activate=by_engine(activate or (), "--activate"),
        python_of=_last(by_engine(engine_python or (), "--engine-python")),
        model=_last(by_engine(model or (), "--model")),
        documents=documents,
        upload_mb_s=upload_mb_s,
    )
    checks = add_site(call, the_workspace(call), name, said, default=default, test=not no_test, yes=yes)
    raise typer.Exit(exit_code(checks))


@site.command(name="list")
def list_(context: typer.Context, workspace: WorkspaceOption = None, as_json: JsonOption = False) -> None:
    """Show the sites that bocr.toml configures, and how many jobs live there."""
    from bocr_tui.cli.site_editing import list_sites

    call = call_of(context)
    list_sites(call, the_workspace(call))


@site.command(name="test")
def test(
    context: typer.Context,
    name: NameArgument,
    no_job: Annotated[bool, typer.Option("--no-job", help="Submit no test job there.")] = False,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Check a site as `bocr doctor NAME` does."""
    from bocr_tui.cli.site_doctor import examine_site

    call = call_of(context)
    checks = examine_site(call, the_workspace(call), name, bring=True, job=not no_job, wait_s=WAIT_S)
    raise typer.Exit(exit_code(checks))


@site.command(name="remove")
def remove(
    context: typer.Context,
    name: NameArgument,
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="Also where documents are known that lie there alone.")
    ] = False,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take a site out of bocr.toml, unless jobs live there. What lies there stays."""
    from bocr_tui.cli.site_editing import remove_site

    call = call_of(context)
    remove_site(call, the_workspace(call), name, yes=yes)


def _last(found: dict[str, list[str]]) -> dict[str, str]:
    return {engine: texts[-1] for engine, texts in found.items()}
