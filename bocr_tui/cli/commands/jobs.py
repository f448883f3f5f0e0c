"""`bocr submit` and `bocr watch`"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from bocr_tui.cli.call import Call, JsonOption, WorkspaceOption, call_of, the_workspace
from bocr_tui.cli.commands.plan import EngineOption
from bocr_tui.cli.output import note
from bocr_tui.config.errors import UsageError

if TYPE_CHECKING:
    from bocr_tui.catalog.lists import Reader
    from bocr_tui.config.workspace import Workspace


QueueOption = Annotated[
    str | None, typer.Option("--queue", help="PBS's queue; the site's if not said, its default if empty.")
]
WalltimeOption = Annotated[
    str | None, typer.Option("--walltime", metavar="H:MM:SS", help="For each job; the site's if not said.")
]


def submit(
    context: typer.Context,
    batches: Annotated[
        list[str] | None,
        typer.Argument(metavar="[BATCH]...", help="Batches by name; all planned ones if none."),
    ] = None,
    site: Annotated[
        str | None, typer.Option("--site", help="Where; the configuration's site if not said.")
    ] = None,
    engine: EngineOption = None,
    queue: QueueOption = None,
    walltime: WalltimeOption = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be done.")] = False,
    wait: Annotated[bool, typer.Option("--wait", help="Drive the jobs until they have ended.")] = False,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Send planned batches through the pipeline."""
    from bocr_tui.actions.action import Options, Selection
    from bocr_tui.catalog.lists import open_reader
    from bocr_tui.cli.acting import act, answer, tell_refused

    call = call_of(context)
    found = the_workspace(call)
    reader = open_reader(found.catalog_path)
    ids = batches_named(reader, batches) if batches else _planned(reader)
    reader.close()
    if not ids:
        _nothing_planned(call, found, wait=wait)
    options = Options(site=site, stages=tuple(engine or ()), queue=queue, walltime=walltime)
    if dry_run:
        answer(call, act(found, "batch.foretell", Selection(batches=tuple(ids)), options))
    outcome = act(found, "batch.submit", Selection(batches=tuple(ids)), options)
    if not wait or not outcome.count:
        answer(call, outcome)
    tell_refused(outcome)
    from bocr_tui.cli.finish import watch_and_tell

    watch_and_tell(call, found)


def _nothing_planned(call: Call, found: Workspace, *, wait: bool) -> NoReturn:
    """All is submitted, which is no fault: a timer says `bocr submit --wait` every night."""
    from bocr_tui.actions.action import Outcome
    from bocr_tui.cli.acting import answer
    from bocr_tui.cli.finish import watch_and_tell

    step = "Run `bocr plan` for new pages, `bocr watch` for submitted ones."
    if wait:
        note("Nothing is planned.")
        watch_and_tell(call, found)
    answer(
        call, Outcome("Nothing is planned.", next_step=step, numbers={"pages": 0, "chains": [], "jobs": []})
    )


def watch(context: typer.Context, workspace: WorkspaceOption = None, as_json: JsonOption = False) -> None:
    """Drive and follow the jobs until nothing is under way; takes over when another driver ends."""
    from bocr_tui.cli.finish import watch_and_tell

    call = call_of(context)
    watch_and_tell(call, the_workspace(call))


def _planned(reader: Reader) -> list[int]:
    """Batches with pages that wait, those that need attention for other pages among them."""
    from bocr_tui.report.waiting import UNSUBMITTED

    planned = f"SELECT DISTINCT batch_id FROM page WHERE {UNSUBMITTED} ORDER BY batch_id"  # noqa: S608
    with reader.snapshot() as connection:
        return [row[0] for row in connection.execute(planned)]


def batches_named(reader: Reader, names: list[str]) -> list[int]:
    """Their ids. Raises UsageError for a name that is none."""
    with reader.snapshot() as connection:
        known = dict(connection.execute("SELECT name, id FROM batch"))
    for name in names:
        if name not in known:
            raise UsageError(
                f"There is no batch {name!r}.", "`bocr status` counts them; the panel lists them."
            )
    return [known[name] for name in names]
