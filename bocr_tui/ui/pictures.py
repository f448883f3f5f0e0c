"""Page images for the panel: drawn by a killable child, decoded in a thread, the last few kept."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bocr_tui.actions.action import CatalogHandle
from bocr_tui.config.errors import BocrError

if TYPE_CHECKING:
    from PIL.Image import Image

    from bocr_tui.config.workspace import Workspace
    from bocr_worker.children import Child

DPI = 130
"""Enough to read a line in the zoomed crop, a third of what an engine is given."""

READING_DPI = 250
"""For an image that is opened outside: what an engine is given, more or less."""

MOST_PIXELS = 8_000_000
"""An A4 page has 1.6 million at DPI, 6 at READING_DPI; a map or a newspaper is drawn smaller."""

DEADLINE_S = 30.0
"""A page that takes longer is opened with `o` by a person who wants to wait."""

MEMORY_BYTES = 700 * 1024 * 1024
PAGES_A_CHILD = 200
"""A child is replaced now and then, because native libraries never give memory back."""

KEPT = 6


class PictureFailed(Exception):
    """There is no image; the text says why."""


@dataclass(frozen=True)
class PageFile:
    """One page of one file."""

    path: Path
    kind: str
    """pdf or image."""
    number: int
    dpi: int = DPI


@dataclass(frozen=True)
class FarPage:
    """One page of a document that lies on a site. It is drawn there, and fetched only when somebody looks at
    it: with `fetch` False only what was fetched before is shown."""

    document_id: int
    number: int
    dpi: int = DPI
    fetch: bool = field(default=True, compare=False)


class Pictures:
    """One child that draws, started when the first image is asked for."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._catalog = CatalogHandle(workspace.catalog_path, create=False)
        self._child: Child | None = None
        self._one_at_a_time = asyncio.Lock()
        self._kept: OrderedDict[PageFile | FarPage, Image] = OrderedDict()

    async def picture(self, page: PageFile | FarPage) -> Image:
        """The page as displayed, grayscale or RGB. Raises PictureFailed. Cancelling kills the drawing."""
        if page in self._kept:
            self._kept.move_to_end(page)
            return self._kept[page]
        if isinstance(page, FarPage):
            image = await self._far(page)
        else:
            async with self._one_at_a_time:
                rendered = await self._render(page)
            image = await asyncio.to_thread(_decode, rendered)
        self._kept[page] = image
        while len(self._kept) > KEPT:
            self._kept.popitem(last=False)
        return image

    async def _far(self, page: FarPage) -> Image:
        stop = threading.Event()
        try:
            return await asyncio.to_thread(self._fetch, page, stop)
        except BocrError as error:
            raise PictureFailed(f"{error.cause} {error.next_step}".strip()) from None
        finally:
            stop.set()

    def _fetch(self, page: FarPage, stop: threading.Event) -> Image:
        from bocr_tui.actions.far_pages import decoded, far_page_image

        image = far_page_image(
            self._workspace,
            self._catalog.open(),
            page.document_id,
            page.number,
            page.dpi,
            fetch=page.fetch,
            stop=stop,
        )
        if image is None:
            raise PictureFailed("The page lies on a site: it is fetched when it is opened.")
        return decoded(image)

    async def _render(self, page: PageFile) -> Any:
        from bocr_worker.children import Child, ChildFailed, ChildSpec, TaskRaised
        from bocr_worker.render.page import RenderOrder

        if self._child is None:
            self._child = Child(
                ChildSpec(
                    task="bocr_worker.render.task:render_page",
                    memory_bytes=MEMORY_BYTES,
                    tasks=PAGES_A_CHILD,
                    nice=5,
                )
            )
        order = RenderOrder(str(page.path), page.kind, page.number, page.dpi, MOST_PIXELS)
        try:
            return await self._child.run(order, DEADLINE_S)
        except TaskRaised as raised:
            cause = getattr(raised.error, "cause", None) or str(raised)
            raise PictureFailed(f"The page cannot be drawn: {cause}.") from None
        except ChildFailed as failed:
            raise PictureFailed(f"The page cannot be drawn: {failed}.") from None
        except OSError as error:
            raise PictureFailed(f"No process can be started to draw the page: {error}.") from None

    async def close(self) -> None:
        self._catalog.close()
        child, self._child = self._child, None
        if child is not None:
            with contextlib.suppress(Exception):
                await child.kill()


def _decode(rendered: Any) -> Image:
    """The image of a RenderedPage; white where the page is blank."""
    import io

    from PIL import Image

    facts = rendered.facts
    if not rendered.images:
        return Image.new("L", (max(1, facts.width_px), max(1, facts.height_px)), 255)
    image = Image.open(io.BytesIO(rendered.images[0].image.encoded))
    image.load()
    return image if image.mode in ("L", "RGB") else image.convert("RGB")
