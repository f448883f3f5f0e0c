"""What stands in the place of a text that is not there."""

from __future__ import annotations

from bocr_tui.export.rows import ExportDocument, ExportPage

_WHY = {
    "new": "not read yet: it is in no batch",
    "planned": "not read yet: its batch was not submitted",
    "queued": "not read yet: it is waiting",
    "running": "not read yet: it is being read",
    "ignored": "left out by a person's word",
}


def absence(page: ExportPage) -> str:
    """`Page 4: gave up after 3 attempts, coverage: part of the page was not read`; one line."""
    if page.state in _WHY:
        return f"Page {page.number}: {_WHY[page.state]}"
    tries = f" after {page.attempts} attempt{'' if page.attempts == 1 else 's'}" if page.attempts else ""
    said = "gave up" if page.state == "gave_up" else "failed"
    return f"Page {page.number}: {said}{tries}, {page.failure or 'unknown'}: {page.reason}"


def unreadable(document: ExportDocument) -> str:
    """Why a document has no page at all; one line."""
    reason = " ".join(document.reason.split())
    return f"This document could not be read ({document.state}){f': {reason}' if reason else ''}"
