"""One page: image, text, reason, attempts; to the next one and back."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from PIL.Image import Image
from sqlalchemy import update

from bocr_tui.catalog import core
from bocr_tui.ui import outside
from bocr_tui.ui.pictures import PageFile, Pictures
from bocr_tui.ui.screens.page import PageScreen
from bocr_tui.ui.turning import neighbour
from bocr_tui.ui.widgets.picture_view import PictureView
from bocr_tui.ui.widgets.text_pane import TextPane
from tests.ui.campaign import Campaign, build
from tests.ui.conftest import Panel, opened


async def into_page(panel: Panel, *keys: str) -> PageScreen:
    """To the list of pages, then these keys, then into the page under the cursor."""
    await panel.go("pages")
    await panel.press(*keys)
    await panel.until(lambda: panel.ready)
    await panel.press("enter")
    await panel.until(lambda: isinstance(panel.app.screen, PageScreen) and panel.app.screen.story)
    screen = panel.app.screen
    assert isinstance(screen, PageScreen)
    return screen


def page_number(panel: Panel) -> int:
    screen = panel.app.screen
    assert isinstance(screen, PageScreen)
    assert screen.story is not None
    return screen.story.page.number


async def test_a_page_that_was_read_opens_on_its_text_with_confidence(shared_campaign: Campaign) -> None:
    async with opened(shared_campaign.workspace) as panel:
        await into_page(panel)
        await panel.sees("99 ROYAUME DU MAROC")
        await panel.sees("54 formant Code de procédure pénale.")
        await panel.press("tab")
        assert panel.app.screen.query_one(PictureView).display
        assert not panel.app.screen.query_one(TextPane).display


async def test_arabic_stands_at_the_right(shared_campaign: Campaign) -> None:
    async with opened(shared_campaign.workspace) as panel:
        await panel.go("pages")
        panel.table.go_to(41)
        await panel.press("enter")
        await panel.sees("المادة الأولى")
        line = next(line for line in panel.lines if "المملكة" in line)
        assert line.rstrip(" \u200e▁▂▃▄▅▆▇█").endswith("السعودية")
        assert line.strip().startswith("99  ")


async def test_a_failed_page_tells_why_with_evidence_and_every_attempt(shared_campaign: Campaign) -> None:
    async with opened(shared_campaign.workspace) as panel:
        await into_page(panel, "f")
        await panel.sees("Why it failed")
        for words in (
            "covered        0.41",
            "Dahir n° 1-58-261",
            "1 ✗ rapidocr plain",
            "▸ 2 ✗ tesseract dpi300",
        ):
            await panel.sees(words)
        await panel.press("a")
        await panel.sees("▸ 1 ✗ rapidocr plain")


async def test_n_goes_from_failed_page_to_failed_page_and_says_when_there_is_none(
    shared_campaign: Campaign,
) -> None:
    async with opened(shared_campaign.workspace) as panel:
        await into_page(panel)
        assert page_number(panel) == 1
        for expected in (14, 15, 16, 14):
            await panel.press("n")
            await panel.until(lambda expected=expected: page_number(panel) == expected)
        await panel.press("N")
        await panel.until(lambda: page_number(panel) == 16)
        await panel.press("right_square_bracket")
        await panel.until(lambda: page_number(panel) == 17)
        for number in (16, 15, 14):
            await panel.press("N")
            await panel.until(lambda number=number: page_number(panel) == number)
        await panel.press("N")
        await panel.until(lambda: "No failed page before this one." in panel.toasts)


async def test_bytes_that_do_not_verify_are_never_shown_as_text(campaign: Campaign) -> None:
    for file in campaign.workspace.results.rglob("results-*.jsonl"):
        file.write_bytes(file.read_bytes().replace(b"ROYAUME", b"REPUBLI"))
    async with opened(campaign.workspace) as panel:
        await into_page(panel)
        await panel.sees("do not hash")
        assert "REPUBLI" not in panel.text


async def test_a_page_changes_on_the_screen_when_it_changes_in_the_catalog(campaign: Campaign) -> None:
    async with opened(campaign.workspace) as panel:
        await into_page(panel)
        await panel.sees("✓ ok")
        with campaign.catalog.writing() as connection:
            change = {"state": "failed", "failure": "repetition"}
            connection.execute(update(core.page).where(core.page.c.id == 1).values(change))
        await panel.sees("✗ failed repetition")


async def test_a_file_that_is_gone_is_said_in_the_image_s_place(shared_campaign: Campaign) -> None:
    async with opened(shared_campaign.workspace, (120, 40)) as panel:
        await into_page(panel)
        await panel.sees("The file is not where it was found.")


@pytest.fixture(scope="module")
def drawn_campaign(tmp_path_factory: pytest.TempPathFactory) -> Campaign:
    return drawn_pages(tmp_path_factory.mktemp("drawn"))


def drawn_pages(folder: Path) -> Campaign:
    """A document whose first page is an image on disk."""
    from PIL import Image, ImageDraw

    image = Image.new("L", (620, 877), 255)
    pen = ImageDraw.Draw(image)
    for row in range(14):
        pen.rectangle((62, 53 + row * 35, 560, 70 + row * 35), fill=20)
    image.save(folder / "page.png")
    file = folder / "page.png"
    return build(folder / "workspace", documents=1, pages_each=20, file=file, kind="image")


async def test_the_image_is_drawn_with_its_boxes_and_the_line_enlarged(drawn_campaign: Campaign) -> None:
    async with opened(drawn_campaign.workspace, (120, 40)) as panel:
        await into_page(panel)
        view = panel.app.screen.query_one(PictureView)
        await panel.until(lambda: view.image is not None and "▀" in panel.text)
        await panel.until(lambda: any("\u2801" <= character <= "\u28ff" for character in panel.text))
        first = panel.lines
        await panel.press("j", "j")
        await panel.until(lambda: panel.lines != first)


async def test_o_writes_the_image_and_says_where_it_is_when_no_window_opens(
    drawn_campaign: Campaign, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(outside, "viewer", lambda: None)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    async with opened(drawn_campaign.workspace) as panel:
        await into_page(panel)
        await panel.press("o")
        await panel.until(lambda: panel.toasts)
        path = Path(panel.toasts[0].rsplit(": ", 1)[-1])
        assert path.is_relative_to(tmp_path)
        assert path.read_bytes().startswith(b"\x89PNG")


async def test_a_page_the_file_does_not_have_is_a_sentence_and_the_panel_goes_on(
    drawn_campaign: Campaign,
) -> None:
    async with opened(drawn_campaign.workspace, (120, 40)) as panel:
        await into_page(panel)
        await panel.press("right_square_bracket")
        await panel.sees("cannot be drawn")
        await panel.press("left_square_bracket")
        await panel.until(lambda: "▀" in panel.text)


async def test_an_image_that_comes_after_one_has_turned_the_page_is_not_shown_there(
    drawn_campaign: Campaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn, turned = Pictures.picture, asyncio.Event()
    shown: list[int] = []

    async def late(pictures: Pictures, page: PageFile) -> Image:
        image = await drawn(pictures, page)
        await turned.wait()
        shown.append(page.number)
        return image

    monkeypatch.setattr(Pictures, "picture", late)
    async with opened(drawn_campaign.workspace, (120, 40)) as panel:
        await into_page(panel)
        await panel.press("right_square_bracket")
        await panel.sees("cannot be drawn")
        turned.set()
        await panel.until(lambda: shown)
        assert shown == [1]
        assert "cannot be drawn" in panel.text and panel.app.screen.query_one(PictureView).image is None


async def test_an_image_is_drawn_to_its_end_however_often_the_page_changes_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    campaign = drawn_pages(tmp_path)
    drawn, asked = Pictures.picture, 0

    async def slow_at_first(pictures: Pictures, page: PageFile) -> Image:
        nonlocal asked
        asked += 1
        if asked == 1:
            await asyncio.Event().wait()
        return await drawn(pictures, page)

    monkeypatch.setattr(Pictures, "picture", slow_at_first)
    async with opened(campaign.workspace, (120, 40)) as panel:
        await into_page(panel)
        await panel.until(lambda: asked == 1)
        with campaign.catalog.writing() as connection:
            connection.execute(update(core.page).where(core.page.c.id == 1).values(confidence=0.5))
        await panel.until(lambda: "▀" in panel.text, "the image")


def test_a_neighbour_is_found_in_the_list_s_order_even_from_a_page_that_left_it() -> None:
    from array import array

    every, among = array("q", [5, 9, 2, 7]), array("q", [2, 5])
    assert neighbour(every, among, 9, 1) == 2
    assert neighbour(every, among, 9, -1) == 5
    assert neighbour(every, among, 2, 1) is None
    assert neighbour(array("q", [1, 3, 8]), array("q", [3, 8]), 4, 1) == 8
    assert neighbour(array("q", [1, 3, 8]), array("q", [3, 8]), 4, -1) == 3
