"""Tables for spreadsheets: one row a page, and one row a document.

UTF-8 with a byte order mark, without which Excel takes Arabic and accents for another encoding.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from typing import Any

from bocr_tui.export.format import Format, ReadPage
from bocr_tui.export.rows import ExportDocument
from bocr_worker.protocol.recognition import Recognition

CELL_LIMIT = 32_000
"""Characters in a cell. Excel stops at 32,767 and spills the rest over the rows below."""

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "\0")
"""What makes a spreadsheet take a text for a formula, from OWASP's page on CSV injection. A field
separator or quote inside a text is the csv module's business."""

PAGE_COLUMNS = (
    "document",
    "sha256",
    "page",
    "state",
    "class",
    "reason",
    "engine",
    "engine_version",
    "language",
    "confidence",
    "attempts",
    "characters",
    "text",
)
DOCUMENT_COLUMNS = (
    "document",
    "sha256",
    "state",
    "reason",
    "language",
    "file",
    "pages",
    "ok",
    "failed",
    "gave_up",
    "ignored",
    "not_read",
)


def safe_cell(text: str) -> str:
    """A text that no spreadsheet runs: an apostrophe before what looks like a formula, no NUL, and a
    length that fits, with what was cut said."""
    if len(text) > CELL_LIMIT:
        text = f"{text[:CELL_LIMIT]}… [cut here: {len(text):,} characters in all, whole in pages.jsonl]"
    guarded = f"'{text}" if text.lstrip(" ").startswith(_FORMULA_STARTS) else text
    return guarded.replace("\0", "")


def _row(cells: tuple[Any, ...]) -> str:
    stream = io.StringIO()
    guarded = [safe_cell(cell) if isinstance(cell, str) else cell for cell in cells]
    csv.writer(stream, lineterminator="\r\n").writerow(guarded)
    return stream.getvalue()


def _page(document: ExportDocument, read: ReadPage) -> str:
    page, seen = read.page, read.recognition
    return _row(
        (
            document.name,
            document.sha256,
            page.number,
            page.state,
            page.failure,
            page.reason,
            page.engine,
            page.provenance.get("engine_version"),
            page.language,
            None if page.confidence is None else round(page.confidence, 4),
            page.attempts,
            len(seen.text) if seen else None,
            _text(seen),
        )
    )


def _text(seen: Recognition | None) -> str | None:
    return None if seen is None else seen.text.replace("\r\n", "\n").replace("\r", "\n")


def _document(document: ExportDocument, counts: Mapping[str, int]) -> str:
    named = ("ok", "failed", "gave_up", "ignored")
    not_read = sum(count for state, count in counts.items() if state not in named)
    return _row(
        (
            document.name,
            document.sha256,
            document.state,
            document.reason,
            document.language,
            document.stem,
            sum(counts.values()),
            *(counts.get(state, 0) for state in named),
            not_read,
        )
    )


PAGES_SHEET = Format(
    name="csv",
    extension="",
    file_name="pages.csv",
    start=_row(PAGE_COLUMNS),
    document=lambda document, counts: "",
    page=_page,
    encoding="utf-8-sig",
)
DOCUMENTS_SHEET = Format(
    name="csv",
    extension="",
    file_name="documents.csv",
    start=_row(DOCUMENT_COLUMNS),
    document=_document,
    page=lambda document, read: "",
    encoding="utf-8-sig",
)
