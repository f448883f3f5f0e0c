"""Plain text, one file a document; a form feed ends a page, as in a printed one."""

from __future__ import annotations

from collections.abc import Mapping

from bocr_tui.export.format import Format, ReadPage
from bocr_tui.export.rows import ExportDocument
from bocr_tui.export.sentences import absence, unreadable


def _document(document: ExportDocument, counts: Mapping[str, int]) -> str:
    return "" if counts else f"[{unreadable(document)}]\n"


def _page(document: ExportDocument, read: ReadPage) -> str:
    if read.recognition is None:
        return f"[{absence(read.page)}]\n\f"
    text = read.recognition.text.replace("\f", "\n").strip("\n")
    return f"{text}\n\f"


PLAIN = Format(name="text", extension=".txt", file_name="", start="", document=_document, page=_page)
