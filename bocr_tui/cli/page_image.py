"""Drawing one page to a file, in a child process that can be killed."""

from __future__ import annotations

import asyncio
import io
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bocr_tui.config.errors import BocrError
from bocr_worker.children import Child, ChildFailed, ChildSpec, TaskRaised
from bocr_worker.render.page import RenderOrder

if TYPE_CHECKING:
    from bocr_tui.catalog.list_rows import DocumentRow
    from bocr_tui.catalog.lists import Reader
    from bocr_tui.config.workspace import Workspace

DPI = 200
MOST_PIXELS = 25_000_000
DEADLINE_S = 120.0
MEMORY_BYTES = 1200 * 1024 * 1024


class NoImage(BocrError):
    """The page has no image to write."""


_FORMATS = {".jpg": "JPEG", ".jpeg": "JPEG", ".tif": "TIFF", ".tiff": "TIFF", ".webp": "WEBP", ".bmp": "BMP"}


@dataclass(frozen=True)
class Written:
    """An image on disk. `format` is what it is encoded as, as Pillow calls it."""

    file: str
    format: str
    width_px: int
    height_px: int
    dpi: float

    @property
    def sentence(self) -> str:
        size = f"{self.width_px}x{self.height_px} pixels at {self.dpi:.0f} dpi"
        return f"{self.file}: {self.format}, {size}."


def write_image(
    workspace: Workspace, reader: Reader, document: DocumentRow, number: int, target: Path
) -> Written:
    """Draw a page as the engines see it and write it as the file's ending says, as PNG if it says nothing.
    A document that lies on a site is drawn there, and only the image is fetched.

    Raises NoImage: the file is gone, the page cannot be drawn, nothing is drawn on it, or `target` exists.
    """
    if target.exists():
        raise NoImage(f"{target} exists already.", "Name another file.")
    path = _path(reader, document)
    if path is None:
        return _write_far(workspace, document, number, target)
    order = RenderOrder(str(path), document.kind, number, DPI, MOST_PIXELS)
    rendered = asyncio.run(_draw(order))
    facts = rendered.facts
    if not rendered.images:
        raise NoImage(f"Page {number} of {document.name} is blank.", "There is no image to write.")
    image = rendered.images[0].image
    wanted = _FORMATS.get(target.suffix.lower(), "PNG")
    target.write_bytes(_encoded(image, wanted, facts.dpi))
    return Written(str(target), wanted, image.width_px, image.height_px, round(facts.dpi, 1))


def _encoded(image: Any, wanted: str, dpi: float) -> bytes:
    """The image in another form; the bytes as they are where they have that form already."""
    if image.format.upper() == wanted:
        return bytes(image.encoded)
    from PIL import Image

    made = io.BytesIO()
    with Image.open(io.BytesIO(image.encoded)) as opened:
        opened.save(made, format=wanted, dpi=(dpi, dpi))
    return made.getvalue()


def _path(reader: Reader, document: DocumentRow) -> Path | None:
    """Where it lies on this machine."""
    for source in reader.sources(document.id):
        path = Path(os.fsdecode(source.path))
        if not source.site and path.is_file():
            return path
    return None


def _write_far(workspace: Workspace, document: DocumentRow, number: int, target: Path) -> Written:
    from bocr_tui.actions.far_pages import decoded, far_page_image
    from bocr_tui.catalog.database import open_catalog
    from bocr_tui.cli.asking_terminal import TerminalAsker

    catalog = open_catalog(workspace.catalog_path)
    try:
        image = far_page_image(workspace, catalog, document.id, number, DPI, asker=TerminalAsker())
    finally:
        catalog.close()
    if image is None:
        raise NoImage(f"The file of {document.name} is not where it was imported from.", "Import it again.")
    wanted = _FORMATS.get(target.suffix.lower(), "PNG")
    if image.format.upper() == wanted:
        target.write_bytes(image.data)
    else:
        decoded(image).save(target, format=wanted, dpi=(image.dpi, image.dpi))
    return Written(str(target), wanted, image.width_px, image.height_px, round(image.dpi, 1))


async def _draw(order: RenderOrder) -> Any:
    child = Child(ChildSpec(task="bocr_worker.render.task:render_page", memory_bytes=MEMORY_BYTES))
    try:
        return await child.run(order, DEADLINE_S)
    except TaskRaised as raised:
        cause = (getattr(raised.error, "cause", None) or str(raised)).rstrip(".")
        raise NoImage(f"Page {order.page} cannot be drawn: {cause}.", "") from None
    except ChildFailed as failed:
        raise NoImage(f"Page {order.page} cannot be drawn: {str(failed).rstrip('.')}.", "") from None
    finally:
        await child.kill()
