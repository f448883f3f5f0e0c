"""`bocr accept` and `bocr edit`: a person's word on pages."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bocr_tui.cli.call import JsonOption, WorkspaceOption, call_of, the_workspace
from bocr_tui.cli.commands.lists import FilterOption
from bocr_tui.cli.commands.resubmit import (
    ClassOption,
    DocumentOption,
    DryOption,
    FailedOption,
    IdOption,
    PageOption,
    StateOption,
    chosen_pages,
    say_chosen,
)
from bocr_tui.config.errors import UsageError

if TYPE_CHECKING:
    from bocr_tui.config.workspace import Workspace

AttemptOption = Annotated[
    int | None,
    typer.Option("--attempt", min=1, help="Which, as `bocr page` lists them; the best if not said."),
]


def accept(
    context: typer.Context,
    failed: FailedOption = False,
    failure: ClassOption = None,
    state: StateOption = None,
    document: DocumentOption = None,
    page: PageOption = None,
    ids: IdOption = None,
    words: FilterOption = "",
    attempt: AttemptOption = None,
    dry_run: DryOption = False,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make an attempt's text the page's, whatever was thought of it; later readings leave it."""
    from bocr_tui.actions.action import Options, Selection
    from bocr_tui.cli.acting import act, answer

    call = call_of(context)
    states = [*(state or []), *(("failed", "gave_up") if failed else ())]
    pages = chosen_pages(call, states, failure or [], document, page, ids, words)
    if dry_run:
        say_chosen(call, pages)
        return
    options = Options(attempt=attempt)
    answer(call, act(the_workspace(call), "page.accept", Selection(pages=tuple(pages)), options))


def edit(
    context: typer.Context,
    document: DocumentOption = None,
    page: PageOption = None,
    ids: IdOption = None,
    attempt: AttemptOption = None,
    file: Annotated[
        Path | None,
        typer.Option("--file", help="Take the text from there, - for the input; no editor opens."),
    ] = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write a page's text in $EDITOR, or take it from a file: kept as a new attempt, and accepted."""
    from bocr_tui.actions.action import Options, Selection
    from bocr_tui.cli.acting import act, answer

    call = call_of(context)
    pages = tuple(chosen_pages(call, [], [], document, page, ids))
    if len(pages) != 1:
        raise UsageError(f"{len(pages):,} pages are meant; one is edited at a time.", "Name its --page.")
    found = the_workspace(call)
    text = _edited(found, pages[0], attempt) if file is None else _text_in(file)
    options = Options(attempt=attempt, text=text)
    answer(call, act(found, "page.edit", Selection(pages=pages), options))


def _edited(workspace: Workspace, page_id: int, attempt: int | None) -> str:
    """What an editor made of the page's text. Raises UsageError: no terminal, or nothing was changed."""
    from bocr_tui.actions.editing import edit_text
    from bocr_tui.catalog.database import open_catalog
    from bocr_tui.control.reviewing import text_to_edit

    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UsageError("An editor needs a terminal.", "Name the text's file with --file.")
    catalog = open_catalog(workspace.catalog_path, create=False)
    try:
        before, ending = text_to_edit(catalog, workspace.results, page_id, attempt)
    finally:
        catalog.close()
    edited = edit_text(before, ending)
    if edited is None:
        raise UsageError("Nothing was changed, and nothing kept.", "")
    return edited


def _text_in(file: Path) -> str:
    try:
        if str(file) == "-":
            return sys.stdin.buffer.read().decode("utf-8")
        return file.read_bytes().decode("utf-8")
    except UnicodeDecodeError:
        raise UsageError(f"{file} is no UTF-8 text.", "Save it as UTF-8.") from None
    except OSError as error:
        raise UsageError(f"{file} cannot be read: {error.strerror or error}.", "Name another file.") from None
