"""A page's image from wherever its document lies, for faces: blocks, call it in a thread."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import TYPE_CHECKING

from bocr_tui.config.errors import BocrError

if TYPE_CHECKING:
    from PIL.Image import Image

    from bocr_tui.catalog.database import Catalog
    from bocr_tui.config.workspace import Workspace
    from bocr_tui.control.far_pages import Whereabouts
    from bocr_tui.sites.asking import Asker
    from bocr_tui.sites.page_images import PageImage

WAIT_S = 120.0
"""For whoever drives: the first page takes as long as the environment takes to be entered."""

_LOOK_EVERY_S = 0.2


class NoPageImage(BocrError):
    """There is no image of this page, or nobody here can fetch it."""


def far_page_image(
    workspace: Workspace,
    catalog: Catalog,
    document_id: int,
    number: int,
    dpi: int,
    *,
    asker: Asker | None = None,
    fetch: bool = True,
    stop: threading.Event | None = None,
) -> PageImage | None:
    """From the cache, or drawn on the site: by the driver if there is one, otherwise over a connection of
    our own, made with `asker`. None when the document lies on no site, when it would have to be fetched and
    `fetch` is False, or when `stop` was set. Raises NoPageImage, SiteError."""
    from bocr_tui.control.far_pages import find_far_page
    from bocr_tui.control.lease import driver_lives
    from bocr_tui.sites.page_images import PageCache

    with catalog.reading() as connection:
        place = find_far_page(connection, workspace.config, document_id, number, dpi)
        driven = driver_lives(connection)
    if place is None:
        return None
    kept = PageCache(workspace.root).find(place.page)
    if kept is not None or not fetch:
        return kept
    if driven:
        return _asked_for(workspace, catalog, document_id, place, stop or threading.Event())
    if asker is None:
        raise NoPageImage(
            f"The page is fetched from {place.site} by whatever drives the workspace; nothing does.",
            "Open the panel, or run `bocr watch`.",
        )
    return asyncio.run(_own(workspace, place, asker))


def _asked_for(
    workspace: Workspace, catalog: Catalog, document_id: int, place: Whereabouts, stop: threading.Event
) -> PageImage | None:
    from bocr_tui.control.far_pages import answer_to, ask_for_page, withdraw
    from bocr_tui.sites.page_images import PageCache

    page = place.page
    request_id = ask_for_page(catalog, document_id, page.number, page.dpi)
    deadline = time.monotonic() + WAIT_S
    while time.monotonic() < deadline and not stop.is_set():
        state, words = answer_to(catalog, request_id)
        if state == "done":
            found = PageCache(workspace.root).find(page)
            if found is None:
                raise NoPageImage("The page's image cannot be kept in the workspace.", "Is the disk full?")
            return found
        if state == "refused":
            raise NoPageImage(words, "")
        stop.wait(_LOOK_EVERY_S)
    withdraw(catalog, request_id)
    if stop.is_set():
        return None
    raise NoPageImage(f"{place.site} did not send the page within {WAIT_S:.0f} s.", "Try again.")


async def _own(workspace: Workspace, place: Whereabouts, asker: Asker) -> PageImage:
    from bocr_tui.sites.page_images import PageCache, page_image
    from bocr_tui.sites.site import open_site

    site = open_site(workspace, place.site, asker)
    try:
        return await page_image(
            site, workspace.config, place.page, PageCache(workspace.root), lambda text: None
        )
    finally:
        await site.transport.close()


def decoded(image: PageImage) -> Image:
    """Grayscale or RGB, as displayed. Raises NoPageImage for bytes that are not the image they claim to be;
    nothing is decoded that is larger than was stated."""
    import io

    from PIL import Image, UnidentifiedImageError

    try:
        opened = Image.open(io.BytesIO(image.data), formats=("PNG", "JPEG"))
        if opened.size != (image.width_px, image.height_px):
            raise NoPageImage("The page's image is of another size than was said.", "Try again.")
        opened.load()
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError) as error:
        raise NoPageImage(f"The page's image cannot be decoded: {error}.", "Try again.") from error
    return opened if opened.mode in ("L", "RGB") else opened.convert("RGB")
