"""The commands' tree. Importing it loads typer and the commands' signatures, nothing they need to run."""

from __future__ import annotations

import sys
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from bocr_tui import __version__
from bocr_tui.cli.call import (
    EXIT_CODES,
    Interrupted,
    JsonOption,
    ReaderLeft,
    WorkspaceOption,
    call_of,
)
from bocr_tui.cli.commands.autopilot import autopilot
from bocr_tui.cli.commands.clean import clean
from bocr_tui.cli.commands.config import config
from bocr_tui.cli.commands.demo import demo
from bocr_tui.cli.commands.doctor import doctor
from bocr_tui.cli.commands.export import export
from bocr_tui.cli.commands.health import health
from bocr_tui.cli.commands.init import init
from bocr_tui.cli.commands.intake import import_
from bocr_tui.cli.commands.job_orders import cancel, hold, release, requeue, settle
from bocr_tui.cli.commands.jobs import submit, watch
from bocr_tui.cli.commands.list_work import batches, jobs
from bocr_tui.cli.commands.lists import documents, pages
from bocr_tui.cli.commands.log import log
from bocr_tui.cli.commands.page import page
from bocr_tui.cli.commands.plan import plan
from bocr_tui.cli.commands.resubmit import ignore, reset, resubmit
from bocr_tui.cli.commands.reviewing import accept, edit
from bocr_tui.cli.commands.run import run
from bocr_tui.cli.commands.script import script
from bocr_tui.cli.commands.serve import serve
from bocr_tui.cli.commands.site import site
from bocr_tui.cli.commands.sites import commands, pause, resume, sites
from bocr_tui.cli.commands.status import status
from bocr_tui.cli.commands.unplan import unplan
from bocr_tui.cli.commands.upload import upload
from bocr_tui.config.errors import UsageError


class _Group(TyperGroup):
    """Turns the two interruptions that typer would answer by itself into ours, and groups the commands of a
    help without Rich as Rich's panels do."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        found = ((name, self.get_command(ctx, name)) for name in self.list_commands(ctx))
        shown = [(name, command) for name, command in found if command is not None and not command.hidden]
        room = formatter.width - 6 - max((len(name) for name, _ in shown), default=0)
        headings: dict[str, list[tuple[str, str]]] = {}
        for name, command in shown:
            heading = getattr(command, "rich_help_panel", None)
            under = heading if isinstance(heading, str) else "Commands"
            headings.setdefault(under, []).append((name, command.get_short_help_str(room)))
        for under, rows in headings.items():
            with formatter.section(under):
                formatter.write_dl([(name.ljust(formatter.width - 6 - room), said) for name, said in rows])

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            raise Interrupted("Interrupted.", "What was done so far is kept.") from None
        except BrokenPipeError:
            raise ReaderLeft from None


app = typer.Typer(
    cls=_Group,
    name="bocr",
    add_completion=False,
    invoke_without_command=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=EXIT_CODES,
)


def _version(wanted: bool) -> None:
    if wanted:
        sys.stdout.write(f"bocr {__version__}\n")
        raise typer.Exit


@app.callback()
def face(
    context: typer.Context,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
    read_only: Annotated[
        bool, typer.Option("--readonly", help="Open a panel that changes nothing and drives nothing.")
    ] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and end.")
    ] = False,
) -> None:
    """Read whole archives: from folders of PDFs and images to text, every page accounted for.

    Without a command the panel opens.
    """
    if context.invoked_subcommand is None:
        from bocr_tui.cli.panel import open_panel

        open_panel(call_of(context), read_only=read_only)
    elif read_only:
        raise UsageError("--readonly is for the panel.", f"`bocr {context.invoked_subcommand}` takes none.")


COMMANDS = {
    "From files to text": (
        init, run, demo, import_, plan, unplan, upload, submit, script, watch, autopilot, export,
    ),
    "How things stand": (status, health, documents, batches, jobs, pages, page, log, serve),
    "Pages": (resubmit, reset, ignore, accept, edit),
    "Jobs": (cancel, requeue, hold, release, settle),
    "Workspace and sites": (doctor, config, clean, sites, pause, resume, commands),
}  # fmt: skip
"""What the help shows them under, in the order in which they are needed."""

for heading, those in COMMANDS.items():
    for command in those:
        app.command(command.__name__.rstrip("_"), rich_help_panel=heading)(command)
app.add_typer(site, rich_help_panel="Workspace and sites")
