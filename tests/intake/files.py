"""Documents made on the spot, and an import as a test calls it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import pypdfium2
from PIL import Image

from bocr_tui.catalog.database import Catalog, open_catalog
from bocr_tui.config.workspace import Workspace, make_workspace
from bocr_tui.intake.findings import ImportReport
from bocr_tui.intake.importer import import_paths


def pdf_bytes(*widths_pt: float) -> bytes:
    """A PDF with an empty page of each width. Different widths, different content."""
    document = pypdfium2.PdfDocument.new()
    for width_pt in widths_pt:
        document.new_page(width_pt, 800)
    buffer = BytesIO()
    document.save(buffer)
    document.close()
    return buffer.getvalue()


def image_bytes(kind: str, frames: int = 1, grey: int = 200) -> bytes:
    """An image file of A4's shape, 150 dpi where the format can say so."""
    pages = [Image.new("L", (1240, 1754), grey + place) for place in range(frames)]
    buffer = BytesIO()
    more: dict[str, Any] = {"save_all": True, "append_images": pages[1:]} if kind == "TIFF" else {}
    pages[0].save(buffer, kind, dpi=(150, 150), **more)
    return buffer.getvalue()


def put(folder: Path, name: str | bytes, content: bytes) -> Path:
    """Write a file, its folders with it."""
    path = folder / os.fsdecode(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


@dataclass(frozen=True)
class Place:
    """A workspace with its catalog, and an empty folder to import from."""

    workspace: Workspace
    catalog: Catalog
    archive: Path

    async def imported(self, *paths: Path, **options: Any) -> ImportReport:
        """Import these paths (the whole archive if none), with one process."""
        options.setdefault("processes", 1)
        return await import_paths(self.workspace, self.catalog, list(paths) or [self.archive], **options)

    def rows(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        with self.catalog.reading() as connection:
            return [tuple(row) for row in connection.exec_driver_sql(statement, values)]

    def documents(self) -> dict[str, tuple[str, str, int]]:
        """State, reason and page count by name."""
        rows = self.rows("SELECT name, state, reason, page_count FROM document")
        return {name: (state, reason, pages) for name, state, reason, pages in rows}

    def states(self) -> dict[str, str]:
        return {name: state for name, (state, _, _) in self.documents().items()}


def make_place(folder: Path, config: str = "") -> Place:
    workspace = make_workspace(folder / "workspace")
    if config:
        workspace.config_path.write_text(config, encoding="utf-8")
    archive = folder / "archive"
    archive.mkdir()
    return Place(workspace, open_catalog(workspace.catalog_path), archive)


def touch_later(path: Path) -> None:
    """As if it had been written a minute later, whatever the file system's clock counts in."""
    info = path.stat()
    os.utime(path, ns=(info.st_atime_ns, info.st_mtime_ns + 60_000_000_000))
