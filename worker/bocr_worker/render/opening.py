"""Opening a PDF with pdfium so that a failure says what is wrong with the file.

Shared by the renderer and the probe. pdfium is imported inside the functions.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

_NOWHERE = b"/nonexistent/bocr"
_TAIL_BYTES = 2 * 1024 * 1024

PROTECTED = "protected"
DAMAGED = "damaged"
EMPTY = "empty"


class OpenFailed(Exception):
    """This file gives no pages. `state` is the document's state, `reason` a predicate ("has no pages")."""

    def __init__(self, state: str, reason: str) -> None:
        super().__init__(reason)
        self.state = state
        self.reason = reason

    def __reduce__(self) -> tuple[Any, ...]:
        return (OpenFailed, (self.state, self.reason))


def open_pdf(path: str) -> Any:
    """The document as pypdfium2.PdfDocument; the caller closes it. Raises OpenFailed, or OSError where the
    file cannot be read at all.

    pdfium keeps its last error for the whole process and sets it only on failure, so that a file opened
    after a protected one can inherit "wrong password"; and a file without pages opens without any error,
    which pypdfium2 reports as "Success". Hence the raw call here: the error is first set to "no such file".
    """
    import pypdfium2
    from pypdfium2 import raw

    with Path(path).open("rb"):  # says in the system's words why a file cannot be read
        pass
    raw.FPDF_LoadDocument(_NOWHERE, None)
    handle = raw.FPDF_LoadDocument(os.fsencode(path), None)
    if not handle:
        raise _refused(path, raw.FPDF_GetLastError())
    if raw.FPDF_GetPageCount(handle) < 1:
        raw.FPDF_CloseDocument(handle)
        raise _pageless(path)
    return pypdfium2.PdfDocument(handle)


def _refused(path: str, code: int) -> OpenFailed:
    from pypdfium2 import raw

    if code == raw.FPDF_ERR_PASSWORD:
        return OpenFailed(PROTECTED, "is protected by a password")
    if code == raw.FPDF_ERR_SECURITY:
        return OpenFailed(PROTECTED, "is protected in a way that cannot be opened")
    ends = _ends(path)
    if b"%PDF-" not in ends:
        return OpenFailed(DAMAGED, "is not a readable PDF: it has no PDF header")
    if b"/Encrypt" in ends:
        return OpenFailed(PROTECTED, "is protected or damaged: it cannot be opened without its password")
    return OpenFailed(DAMAGED, "is damaged: its structure cannot be read as a PDF")


def _pageless(path: str) -> OpenFailed:
    ends = _ends(path)
    if b"/Encrypt" in ends:
        return OpenFailed(PROTECTED, "is protected or damaged: no page can be reached")
    if b"/Pages" in ends or b"/ObjStm" in ends:
        return OpenFailed(EMPTY, "has no pages")
    return OpenFailed(DAMAGED, "is damaged: it has no list of pages")


def _ends(path: str) -> bytes:
    """The first and the last part of the file, where headers and trailers stand."""
    with Path(path).open("rb") as file:
        head = file.read(_TAIL_BYTES)
        size = file.seek(0, os.SEEK_END)
        if size <= len(head):
            return head
        file.seek(max(len(head), size - _TAIL_BYTES))
        return head + file.read(_TAIL_BYTES)
