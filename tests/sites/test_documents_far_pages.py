"""A page of a document that lies on a site is drawn there, fetched when somebody looks, and kept."""

from __future__ import annotations

import asyncio
import io
import os
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from bocr_tui.actions.far_pages import NoPageImage, decoded, far_page_image
from bocr_tui.catalog.database import Catalog, open_catalog
from bocr_tui.cli.main import main
from bocr_tui.config.errors import BocrError, SiteError
from bocr_tui.config.workspace import Workspace, make_workspace
from bocr_tui.control.driver import Driver
from bocr_tui.control.far_pages import ask_for_page
from bocr_tui.control.requests import pause_site
from bocr_tui.intake.remote import import_from_site
from bocr_tui.sites import page_images
from bocr_tui.sites.asking import ask_nobody
from bocr_tui.sites.helper import calls, drawing
from bocr_tui.sites.page_images import FarPage, PageCache, PageImage
from bocr_tui.sites.site import open_site
from tests.papers import make_pdf


class Far:
    """One document of two pages in place on the site `far`."""

    def __init__(self, folder: Path) -> None:
        made = make_workspace(folder / "workspace")
        made.config_path.write_text('[sites.local]\n[sites.far]\nroot = "far"\npoll_s = 0.05\n')
        self.workspace = Workspace(made.root)
        self.catalog: Catalog = open_catalog(self.workspace.catalog_path)
        self.paper = make_pdf(folder / "it's \nhere.pdf", 2)
        site = open_site(self.workspace, "far")
        asyncio.run(import_from_site(self.workspace, self.catalog, site, os.fsencode(self.paper)))

    def image(self, number: int = 1, **options: object) -> PageImage | None:
        options = {"asker": ask_nobody, **options}
        return far_page_image(self.workspace, self.catalog, 1, number, 72, **options)  # type: ignore[arg-type]


@pytest.fixture
def far(tmp_path: Path) -> Iterator[Far]:
    made = Far(tmp_path)
    yield made
    made.catalog.close()


@pytest.fixture
def draws(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The pages that the site was asked to draw."""
    asked: list[int] = []
    draw = drawing.draw_page

    def counted(root: str, order: dict[str, object]) -> object:
        asked.append(int(str(order["page"])))
        return draw(root, order)

    monkeypatch.setitem(calls.FUNCTIONS, "draw_page", counted)
    return asked


def test_a_page_is_drawn_there_once_and_kept_here(far: Far, draws: list[int]) -> None:
    assert far.image(fetch=False) is None and draws == []
    first = far.image(2)
    assert first is not None
    assert decoded(first).size == (240, 320)
    assert far.image(2) == first and far.image(2, fetch=False) == first
    assert draws == [2]
    assert not list((far.workspace.root / "far" / "tmp").iterdir())
    kept = list((far.workspace.root / "cache" / "pages").iterdir())
    assert len(kept) == 1
    kept[0].write_bytes(b"spoilt")
    assert far.image(2) == first and draws == [2, 2]


def test_the_command_writes_it_in_any_form(far: Far, tmp_path: Path) -> None:
    for name, form in (("page.png", "PNG"), ("page.jpg", "JPEG"), ("page.tif", "TIFF")):
        target = tmp_path / name
        code = main(
            ["-w", str(far.workspace.root), "page", "site:far:" + str(far.paper), "1", "--image", str(target)]
        )
        assert code == 0
        with Image.open(target) as image:
            assert image.format == form


def test_a_page_that_cannot_be_drawn_says_why(far: Far) -> None:
    with pytest.raises(SiteError, match="cannot be drawn"):
        far.image(7)
    far.paper.write_bytes(b"exchanged")
    with pytest.raises(SiteError, match="not the one that was imported"):
        far.image(1)
    far.paper.unlink()
    with pytest.raises(SiteError, match="No such file"):
        far.image(1)


def test_a_driver_draws_what_other_faces_ask_for(far: Far, draws: list[int]) -> None:
    async def both() -> PageImage | None:
        stop = asyncio.Event()
        driving = asyncio.create_task(Driver(far.workspace, far.catalog).run(until_idle=False, stop=stop))
        while not _driven(far):
            await asyncio.sleep(0.01)
        try:
            return await asyncio.to_thread(far.image, asker=None)
        finally:
            stop.set()
            await driving

    assert asyncio.run(both()) is not None
    assert draws == [1]
    with far.catalog.reading() as connection:
        assert connection.exec_driver_sql("SELECT kind, state FROM request").all() == [("page_image", "done")]


def test_a_driver_says_why_it_does_not_draw(far: Far) -> None:
    async def ask(number: int) -> str:
        stop = asyncio.Event()
        driving = asyncio.create_task(Driver(far.workspace, far.catalog).run(until_idle=False, stop=stop))
        while not _driven(far):
            await asyncio.sleep(0.01)
        try:
            await asyncio.to_thread(far.image, number, asker=None)
        except BocrError as error:
            return str(error)
        finally:
            stop.set()
            await driving
        return ""

    assert "cannot be drawn" in asyncio.run(ask(9))
    pause_site(far.catalog, "far")
    assert "far is paused" in asyncio.run(ask(1))


def test_without_a_driver_and_without_a_person_nothing_is_fetched(far: Far) -> None:
    with pytest.raises(NoPageImage, match="nothing does"):
        far.image(asker=None)


def test_old_requests_are_nobodys(far: Far, draws: list[int]) -> None:
    ask_for_page(far.catalog, 1, 1, 72)
    with far.catalog.writing() as connection:
        connection.exec_driver_sql("UPDATE request SET asked_at = asked_at - 1000")
    asyncio.run(Driver(far.workspace, far.catalog).run(until_idle=True, stop=asyncio.Event()))
    assert draws == []


LIES = {
    "no record": "what?",
    "no image": {"format": "png", "width_px": 1, "height_px": 1, "dpi": 72.0, "image": b""},
    "another format": {"format": "svg", "width_px": 1, "height_px": 1, "dpi": 72.0, "image": b"<svg"},
    "a bomb": {"format": "png", "width_px": 99_999, "height_px": 99_999, "dpi": 72.0, "image": b"x"},
    "no numbers": {"format": "png", "width_px": "1", "height_px": 1, "dpi": 72.0, "image": b"x"},
}


@pytest.mark.parametrize("answer", LIES.values(), ids=LIES)
def test_a_site_that_lies_is_not_believed(far: Far, monkeypatch: pytest.MonkeyPatch, answer: object) -> None:
    monkeypatch.setitem(calls.FUNCTIONS, "draw_page", lambda *_: answer)
    with pytest.raises(SiteError, match="no image"):
        far.image()
    assert far.image(fetch=False) is None


def test_bytes_that_are_another_image_than_was_said_are_not_decoded() -> None:
    made = io.BytesIO()
    Image.new("L", (300, 300)).save(made, "PNG")
    said = PageImage(made.getvalue(), "png", 300, 300, 72.0)
    assert decoded(said).size == (300, 300)
    for image in (replace(said, width_px=10), replace(said, data=b"x"), replace(said, data=said.data[:60])):
        with pytest.raises(NoPageImage):
            decoded(image)


def test_the_cache_keeps_the_newest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page_images, "CACHE_BYTES", 2500)
    cache = PageCache(tmp_path)
    pages = [FarPage("a" * 64, b"/a", number, 72) for number in range(4)]
    for age, page in enumerate(pages):
        cache.keep(page, PageImage(b"x" * 1000, "png", 10, 10, 72.0))
        for path in (tmp_path / "cache" / "pages").iterdir():
            os.utime(path, (age if path.name.endswith(f"-{age}-72") else path.stat().st_mtime,) * 2)
    assert [cache.find(page) is not None for page in pages] == [False, False, True, True]


def _driven(far: Far) -> bool:
    from bocr_tui.control.lease import driver_lives

    with far.catalog.reading() as connection:
        return driver_lives(connection)


def test_the_panel_fetches_a_page_only_when_it_is_opened(far: Far, draws: list[int]) -> None:
    from bocr_tui.ui import pictures

    async def look() -> None:
        shown = pictures.Pictures(far.workspace)
        with pytest.raises(pictures.PictureFailed, match="fetched when it is opened"):
            await shown.picture(pictures.FarPage(1, 1, fetch=False))
        with pytest.raises(pictures.PictureFailed, match="nothing does"):
            await shown.picture(pictures.FarPage(1, 1))
        stop = asyncio.Event()
        driving = asyncio.create_task(Driver(far.workspace, far.catalog).run(until_idle=False, stop=stop))
        while not _driven(far):
            await asyncio.sleep(0.01)
        image = await shown.picture(pictures.FarPage(1, 1))
        assert image.size[0] > 300 and image.mode == "L"
        assert await shown.picture(pictures.FarPage(1, 1, fetch=False)) is image
        stop.set()
        await driving
        await shown.close()

    asyncio.run(look())
    assert draws == [1]


def test_looking_elsewhere_withdraws_the_request(far: Far, draws: list[int]) -> None:
    """A face that has gone on leaves nothing for the driver to do."""
    with far.catalog.writing() as connection:
        connection.exec_driver_sql(
            "INSERT INTO setting (key, value) VALUES ('driver', ?)",
            ('{"nonce": "x", "pid": 1, "host": "elsewhere", "at": 9e12}',),
        )
    stop = threading.Event()
    waiting = threading.Thread(target=lambda: far.image(asker=None, stop=stop))
    waiting.start()
    while not _asked(far):
        time.sleep(0.01)
    stop.set()
    waiting.join(10)
    with far.catalog.reading() as connection:
        states = connection.exec_driver_sql("SELECT state, answer FROM request").all()
    assert states == [("refused", "withdrawn")]
    assert draws == []


def _asked(far: Far) -> bool:
    with far.catalog.reading() as connection:
        return connection.exec_driver_sql("SELECT count(*) FROM request").scalar_one() > 0
