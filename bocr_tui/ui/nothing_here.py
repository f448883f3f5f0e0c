"""What lists say that hold nothing: what there is instead, and which key or command goes on from there."""

from __future__ import annotations

from bocr_tui.catalog.list_rows import Counts
from bocr_tui.catalog.words import PageState
from bocr_tui.ui.widgets.table_drawing import Notice
from bocr_tui.ui.wording import things

IMPORT = ":import FOLDER brings them in; in a shell, bocr import FOLDER."
BEGIN = ":import FOLDER makes one; in a shell, bocr import FOLDER."
"""Where there is no catalog yet."""


def no_batches(counts: Counts) -> Notice:
    new = counts.pages.of(PageState.NEW)
    if new:
        waits = "waits" if new == 1 else "wait"
        said = f"No batches yet: {things(new, 'page')} of {_documents(counts)} {waits} to be planned."
        return Notice(said, "1, then P plans them; in a shell, bocr plan.")
    return _nothing_imported(counts) or Notice("No batches yet.", "1, then P plans what is new.")


def no_jobs(counts: Counts) -> Notice:
    if counts.batches.total:
        return Notice("No jobs yet.", "2, then s submits a batch; in a shell, bocr submit.")
    batches = no_batches(counts)
    return Notice(batches.title.replace("No batches yet", "No jobs yet"), batches.hint)


def no_pages(counts: Counts) -> Notice:
    return _nothing_imported(counts) or Notice("No pages yet.", IMPORT)


def nothing_to_plan(counts: Counts) -> Notice:
    more = ":import FOLDER brings more; in a shell, bocr import FOLDER."
    return _nothing_imported(counts) or Notice("Every page is in a batch.", more)


def _nothing_imported(counts: Counts) -> Notice | None:
    """None where there are pages."""
    if counts.pages.total:
        return None
    if counts.documents.total:
        return Notice(
            f"No page of {_documents(counts)} can be read.", "6 says why; :import FOLDER brings others."
        )
    return Notice("Nothing has been imported yet.", f"{IMPORT} Then 1 plans.")


def _documents(counts: Counts) -> str:
    return things(counts.documents.total, "document")
