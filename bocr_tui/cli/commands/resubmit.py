"""`bocr resubmit`, `bocr reset` and `bocr ignore`: what is done to pages that filters choose."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from bocr_tui.cli.call import Call, JsonOption, WorkspaceOption, call_of, the_workspace
from bocr_tui.cli.commands.lists import FilterOption
from bocr_tui.config.errors import UsageError

if TYPE_CHECKING:
    from bocr_tui.actions.action import Options
    from bocr_tui.config.workspace import Workspace

_TOLD_ONE_BY_ONE = 5
"""Pages read again of which each is told; of more, how many."""


class NothingFailed(UsageError):
    """All that failed was asked for, and nothing has."""


FailedOption = Annotated[bool, typer.Option("--failed", help="Pages that failed or gave up.")]
ClassOption = Annotated[
    list[str] | None, typer.Option("--class", help="Failed pages of this class; may be repeated.")
]
StateOption = Annotated[list[str] | None, typer.Option("--state", help="In this state; may be repeated.")]
DocumentOption = Annotated[
    str | None, typer.Option("--document", help="Of this document: name, path or sha256.")
]
PageOption = Annotated[str | None, typer.Option("--page", help="With these numbers: 3 or 3,5 or 3-9.")]
IdOption = Annotated[
    str | None,
    typer.Option("--id", metavar="IDS", help="Of these ids, as the panel names pages: 3 or 3-9,12."),
]
DryOption = Annotated[bool, typer.Option("--dry-run", help="Only say which pages are meant.")]


def resubmit(
    context: typer.Context,
    failed: FailedOption = False,
    failure: ClassOption = None,
    state: StateOption = None,
    document: DocumentOption = None,
    page: PageOption = None,
    ids: IdOption = None,
    words: FilterOption = "",
    engine: Annotated[str | None, typer.Option("--engine", help="Read them with this engine alone.")] = None,
    site: Annotated[
        str | None, typer.Option("--site", help="Where; the configuration's site if not said.")
    ] = None,
    wait: Annotated[bool, typer.Option("--wait", help="Drive the jobs until they have ended.")] = False,
    dry_run: DryOption = False,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Read pages again: all that failed, or those that the options choose together."""
    from bocr_tui.actions.action import Options, Outcome, Selection
    from bocr_tui.cli.acting import act, answer, tell_refused

    call = call_of(context)
    bare = not (state or failure or document or page or ids or words)
    states = [*(state or []), *(("failed", "gave_up") if failed or bare else ())]
    try:
        chosen = chosen_pages(call, states, failure or [], document, page, ids, words)
    except NothingFailed as nothing:  # all is well, which a timer that says this every night may hear
        answer(call, Outcome(nothing.cause, numbers={"pages": 0, "chains": [], "jobs": []}))
    found = the_workspace(call)
    if dry_run:
        _say_taken(call, found, chosen, Options(engine=engine, site=site))
        return
    before = _texts(found, chosen) if wait else {}
    outcome = act(found, "page.resubmit", Selection(pages=tuple(chosen)), Options(engine=engine, site=site))
    if not wait or not outcome.count:
        answer(call, outcome)
    tell_refused(outcome)
    from bocr_tui.cli.finish import watch_and_tell

    watch_and_tell(call, found, page_ids=chosen, also=lambda: _tell_which_counts(found, before))


def _texts(workspace: Workspace, ids: Sequence[int]) -> dict[int, int]:
    """Of those that are read already: which attempt's text is theirs."""
    from bocr_tui.catalog.lists import open_reader

    reader = open_reader(workspace.catalog_path)
    try:
        rows = reader.pages.rows(ids)
    finally:
        reader.close()
    return {row.id: row.accepted_attempt_id for row in rows if row.accepted_attempt_id is not None}


def _tell_which_counts(workspace: Workspace, before: Mapping[int, int]) -> None:
    """Of pages that had a text and were read again: whose text counts now, and why."""
    from bocr_tui.actions.words import counted
    from bocr_tui.catalog.counting import why_it_counts
    from bocr_tui.catalog.lists import open_reader
    from bocr_tui.cli.output import safe, say

    if len(before) > _TOLD_ONE_BY_ONE:
        now = _texts(workspace, list(before))
        new = sum(now.get(page_id) != attempt_id for page_id, attempt_id in before.items())
        say(
            f"Of {counted(len(before), 'page')} that had a text the new one counts on {new:,}: the better"
            " score is kept. `bocr page` says of each which and why."
        )
        return
    reader = open_reader(workspace.catalog_path)
    try:
        for row in reader.pages.rows(list(before)):
            why = why_it_counts(reader.attempts(row.id), row.accepted_attempt_id, by_person=row.by_person)
            if why:
                say(safe(f"{row.document}, page {row.number}: {why}"))
    finally:
        reader.close()


def reset(
    context: typer.Context,
    failed: FailedOption = False,
    failure: ClassOption = None,
    state: StateOption = None,
    document: DocumentOption = None,
    page: PageOption = None,
    ids: IdOption = None,
    words: FilterOption = "",
    dry_run: DryOption = False,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make pages that gave up failed again, and ignored ones what they were before."""
    states = [*(state or []), *(("gave_up",) if failed else ())]
    _simply(call_of(context), "page.reset", states, failure, document, page, ids, words, dry_run)


def ignore(
    context: typer.Context,
    failed: FailedOption = False,
    failure: ClassOption = None,
    state: StateOption = None,
    document: DocumentOption = None,
    page: PageOption = None,
    ids: IdOption = None,
    words: FilterOption = "",
    dry_run: DryOption = False,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Leave pages out: they count as settled, and exports name them."""
    states = [*(state or []), *(("failed", "gave_up") if failed else ())]
    _simply(call_of(context), "page.ignore", states, failure, document, page, ids, words, dry_run)


def _simply(
    call: Call,
    action_id: str,
    states: Sequence[str],
    failure: list[str] | None,
    document: str | None,
    page: str | None,
    ids: str | None,
    words: str,
    dry_run: bool,
) -> None:
    from bocr_tui.actions.action import Selection
    from bocr_tui.cli.acting import act, answer

    chosen = chosen_pages(call, states, failure or [], document, page, ids, words)
    if dry_run:
        say_chosen(call, chosen)
    else:
        answer(call, act(the_workspace(call), action_id, Selection(pages=tuple(chosen))))


def chosen_pages(
    call: Call,
    states: Sequence[str],
    classes: Sequence[str],
    document: str | None,
    page: str | None,
    said: str | None,
    words: str = "",
) -> Sequence[int]:
    """The ids that the options choose together. Raises UsageError when they choose everything or nothing."""
    from dataclasses import replace

    from bocr_tui.catalog.filter_fields import PAGE_FIELDS
    from bocr_tui.catalog.filter_language import parse
    from bocr_tui.cli.choose import numbers_in, page_filters, page_ids
    from bocr_tui.cli.commands.lists import open_the_reader

    terms = parse(words, PAGE_FIELDS)
    if said is not None:
        return _of_ids(call, said, also=bool(states or classes or document or page or terms))
    if not (states or classes or document or terms):
        raise UsageError(
            "This would be every page.",
            "Say which: --failed, --class, --state, --filter, or --document and --page.",
        )
    reader = open_the_reader(call)
    try:
        filters = [
            replace(wanted, terms=terms) for wanted in page_filters(reader, states, classes, document, None)
        ]
        ids = page_ids(reader, filters, None if page is None else numbers_in(page))
    finally:
        reader.close()
    if not ids and list(states) == ["failed", "gave_up"] and not (classes or document or terms):
        raise NothingFailed("No page has failed.", "")
    if not ids:
        raise UsageError("No page is meant by that.", "`bocr pages` takes the same options and lists them.")
    return ids


def _of_ids(call: Call, said: str, *, also: bool) -> Sequence[int]:
    """Raises UsageError for ids that are none, or beside other options."""
    from bocr_tui.cli.choose import numbers_in
    from bocr_tui.cli.commands.lists import open_the_reader

    if also:
        raise UsageError("--id says which pages are meant by itself.", "Leave the other options out.")
    wanted = sorted(numbers_in(said))
    reader = open_the_reader(call)
    try:
        found = {row.id for row in reader.pages.rows(wanted)}
    finally:
        reader.close()
    missing = [each for each in wanted if each not in found]
    if missing:
        raise UsageError(f"There is no page with the id {missing[0]}.", "`bocr pages --json` lists ids.")
    return wanted


def _say_taken(call: Call, workspace: Workspace, ids: Sequence[int], options: Options) -> None:
    """By the rules of the resubmission itself. Raises BocrError for an engine or a site that is none."""
    from bocr_tui.actions.action import CatalogHandle, Context, Outcome, Selection
    from bocr_tui.actions.pages import refuses_to_resubmit
    from bocr_tui.cli.acting import tell_refused

    catalog = CatalogHandle(workspace.catalog_path, create=False)
    try:
        refused = refuses_to_resubmit(Context(workspace, catalog, Selection(pages=tuple(ids))), options)
    finally:
        catalog.close()
    left_out = {page_id for page_id, _ in refused}
    say_chosen(call, [page_id for page_id in ids if page_id not in left_out])
    tell_refused(Outcome("", refused=refused, thing="page"))


def say_chosen(call: Call, ids: Sequence[int]) -> None:
    from bocr_tui.actions.words import counted
    from bocr_tui.cli.commands.lists import open_the_reader
    from bocr_tui.cli.output import say, show, table, write_json

    if call.json:
        write_json({"pages": len(ids)})
        return
    rows = open_the_reader(call).pages.rows(ids[:20])
    columns = ("Document", "Page", "State", "Class")
    if rows:
        show(table("", columns, ((r.document, r.number, r.state, r.failure) for r in rows), ("Page",)))
    more = f" The first {len(rows)} are shown." if len(rows) < len(ids) else ""
    say(f"{counted(len(ids), 'page')} would be taken.{more}")
