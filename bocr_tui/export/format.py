"""What a format is. Which there are, formats.py says."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from bocr_tui.export.rows import ExportDocument, ExportPage
from bocr_worker.protocol.recognition import Recognition


@dataclass(frozen=True)
class ReadPage:
    """A page with what was read on it; `recognition` is None when there is no text to export."""

    page: ExportPage
    recognition: Recognition | None


@dataclass(frozen=True)
class Format:
    """Pure text: the exporter opens the files.

    `extension` makes one file a document, `file_name` one file for all of them (exactly one is set).
    Two may share a name; then both are written.
    `start` opens a file; `document` opens a document, given its pages' number by state; `page` is one page.
    """

    name: str
    extension: str
    file_name: str
    start: str
    document: Callable[[ExportDocument, Mapping[str, int]], str]
    page: Callable[[ExportDocument, ReadPage], str]
    encoding: str = "utf-8"

    def file_for(self, stem: str) -> str:
        return self.file_name or f"{stem}{self.extension}"


def nothing(document: ExportDocument, counts: Mapping[str, int]) -> str:
    """For formats that say nothing at a document's start."""
    return ""
