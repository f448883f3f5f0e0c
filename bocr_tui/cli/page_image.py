"""Drawing one page to a file, in a child process that can be killed."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bocr_tui.config.errors import BocrError
from bocr_worker.children import Child, ChildFailed, ChildSpec, TaskRaised
from bocr_worker.render.page import RenderOrder

if TYPE_CHECKING:
    from bocr_tui.catalog.list_rows import DocumentRow
    from bocr_tui.catalog.lists import Reader

DPI = 200
MOST_PIXELS = 25_000_000
DEADLINE_S = 120.0
MEMORY_BYTES = 1200 * 1024 * 1024


class NoImage(BocrError):
    """The page has no image to write."""


def write_image(reader: Reader, document: DocumentRow, number: int, target: Path) -> str:
    """Draw a page as the engines see it and write it as it was encoded. Returns a sentence.

    Raises NoImage: the file is gone, the page cannot be drawn, nothing is drawn on it, or `target` exists.
    """
    if target.exists():
        raise NoImage(f"{target} exists already.", "Name another file.")
    order = RenderOrder(str(_path(reader, document)), document.kind, number, DPI, MOST_PIXELS)
    rendered = asyncio.run(_draw(order))
    facts = rendered.facts
    if not rendered.images:
        raise NoImage(f"Page {number} of {document.name} is blank.", "There is no image to write.")
    image = rendered.images[0].image
    target.write_bytes(image.encoded)
    size = f"{image.width_px}x{image.height_px} pixels at {facts.dpi:.0f} dpi"
    return f"{target}: {image.format.upper()}, {size}."


def _path(reader: Reader, document: DocumentRow) -> Path:
    for source in reader.sources(document.id):
        path = Path(os.fsdecode(source.path))
        if path.is_file():
            return path
    raise NoImage(f"The file of {document.name} is not where it was imported from.", "Import it again.")


async def _draw(order: RenderOrder) -> Any:
    child = Child(ChildSpec(task="bocr_worker.render.task:render_page", memory_bytes=MEMORY_BYTES))
    try:
        return await child.run(order, DEADLINE_S)
    except TaskRaised as raised:
        cause = getattr(raised.error, "cause", None) or str(raised)
        raise NoImage(f"Page {order.page} cannot be drawn: {cause}.", "") from None
    except ChildFailed as failed:
        raise NoImage(f"Page {order.page} cannot be drawn: {failed}.", "") from None
    finally:
        await child.kill()
