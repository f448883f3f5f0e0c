"""What a person does with a page: looks, compares, says which text is right, sends it again."""

from __future__ import annotations

import hashlib
import stat
import sys
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from bocr_tui.catalog import core
from bocr_tui.catalog.results import ResultLocator, read_result
from bocr_tui.ui.engines_known import engines_to_choose
from bocr_tui.ui.screens.asking import Pick
from bocr_tui.ui.screens.compare import CompareScreen
from bocr_tui.ui.screens.page import PageScreen
from bocr_tui.ui.widgets.picture_view import PictureView
from bocr_tui.ui.widgets.text_pane import TextPane
from bocr_worker.protocol.recognition import Block, Recognition, Word
from bocr_worker.protocol.results import PageResult, encode_result
from tests.ui.campaign import Campaign, build
from tests.ui.conftest import Panel, opened
from tests.ui.test_commands import type_command
from tests.ui.test_page import into_page


def page_row(campaign: Campaign, page_id: int) -> Any:
    with campaign.catalog.reading() as connection:
        return connection.execute(select(core.page).where(core.page.c.id == page_id)).one()


def replace_result(campaign: Campaign, page_id: int, seen: Recognition) -> None:
    """Give every attempt on a page this reading."""
    line = encode_result(PageResult("0" * 64, 1, 1, False, seen))
    file = campaign.workspace.results / "made" / f"{page_id}.jsonl"
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(line)
    with campaign.catalog.writing() as connection:
        connection.execute(
            update(core.attempt)
            .where(core.attempt.c.page_id == page_id)
            .values(
                result_file=f"made/{page_id}.jsonl",
                result_offset=0,
                result_length=len(line),
                result_sha256=hashlib.sha256(line).hexdigest(),
            )
        )


def drawn(folder: Path) -> Campaign:
    """One document whose first page, which failed, is an image on disk."""
    from PIL import Image, ImageDraw

    image = Image.new("L", (620, 877), 255)
    ImageDraw.Draw(image).rectangle((62, 53, 560, 70), fill=20)
    folder.mkdir(exist_ok=True)
    image.save(folder / "page.png")
    return build(
        folder / "w",
        documents=1,
        pages_each=3,
        states=("failed", "ok", "ok"),
        file=folder / "page.png",
        kind="image",
    )


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60)], ids=str)
async def test_three_keys_from_the_start_to_a_failed_page_s_image_and_reason_and_one_to_send_it_again(
    tmp_path: Path, size: tuple[int, int]
) -> None:
    campaign = drawn(tmp_path / "drawn")
    async with opened(campaign.workspace, size) as panel:
        await panel.press("4")
        await panel.until(lambda: panel.ready)
        await panel.press("f")
        await panel.until(lambda: panel.ready)
        await panel.press("enter")
        await panel.sees("Why it failed")
        await panel.until(lambda: panel.app.screen.query_one(PictureView).image is not None)
        await panel.until(lambda: "▀" in panel.text, "the image")
        await panel.press("r")

        def held() -> bool:
            with campaign.catalog.reading() as connection:
                held = core.reservation.c.page_id == 1, core.reservation.c.released_at.is_(None)
                return connection.execute(select(core.reservation).where(*held)).first() is not None

        await panel.until(held, "the page is with a job again")


async def test_a_failed_attempt_is_accepted_as_it_is_shown(campaign: Campaign) -> None:
    async with opened(campaign.workspace) as panel:
        await into_page(panel, "f")
        await panel.sees("Why it failed")
        await panel.press("a")
        await panel.sees("▸ 1 ✗ rapidocr plain")
        await panel.press("t")
        await panel.sees("bocr accept")
        await panel.press("right", "enter")
        await panel.sees("✓ ok")
        await panel.until(lambda: page_row(campaign, 14).by_person)
        await panel.press("shift+tab", "shift+tab") if panel.app.screen.pane != "facts" else None
        row = page_row(campaign, 14)
        assert (row.state, row.engine, row.failure) == ("ok", "rapidocr", None)


async def test_the_editor_s_text_becomes_an_attempt_and_the_panel_shows_it(
    campaign: Campaign, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    editor = tmp_path / "editor"
    editor.write_text(
        f"#!{sys.executable}\nimport sys, pathlib\np = pathlib.Path(sys.argv[1])\n"
        "t = p.read_text()\nassert t.startswith('ROYAUME')\np.write_text(t.replace('ROYAUME', 'Royaume'))\n"
    )
    editor.chmod(editor.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("EDITOR", str(editor))
    monkeypatch.delenv("VISUAL", raising=False)
    async with opened(campaign.workspace) as panel:
        await into_page(panel, "f")
        await panel.sees("Why it failed")
        await panel.press("E")
        await panel.until(lambda: any("no terminal here" in toast for toast in panel.toasts))
        monkeypatch.setattr(panel.app, "suspend", nullcontext)
        await panel.press("E")
        await panel.sees("3 ✓ person edited")
        await panel.sees("accepted by a person")
    row = page_row(campaign, 14)
    assert (row.state, row.engine, row.attempts) == ("ok", "person", 3)
    with campaign.catalog.reading() as connection:
        made = connection.execute(select(core.attempt).where(core.attempt.c.engine == "person")).one()
    place = ResultLocator(made.result_file, made.result_offset, made.result_length, made.result_sha256)
    seen = read_result(campaign.workspace.results, place).recognition
    assert seen.text.startswith("Royaume DU MAROC")
    assert seen.blocks[0].text == "Royaume DU MAROC" and len(seen.blocks) == 22


async def test_an_editor_that_changes_nothing_keeps_nothing(
    campaign: Campaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EDITOR", "true")
    monkeypatch.delenv("VISUAL", raising=False)
    async with opened(campaign.workspace) as panel:
        await into_page(panel, "f")
        monkeypatch.setattr(panel.app, "suspend", nullcontext)
        await panel.press("E")
        await panel.until(lambda: "Nothing was changed, and nothing kept." in panel.toasts)
    assert page_row(campaign, 14).state == "failed"


class LentTerminal:
    """Counts how often the driver gave the terminal away and took it back, as one on a real terminal does."""

    def __init__(self, panel: Panel, monkeypatch: pytest.MonkeyPatch) -> None:
        self.lent = self.taken_back = 0
        driver = panel.app._driver
        monkeypatch.setattr(type(driver), "can_suspend", True)
        monkeypatch.setattr(driver, "suspend_application_mode", self._lend, raising=False)
        monkeypatch.setattr(driver, "resume_application_mode", self._take_back, raising=False)

    def _lend(self) -> None:
        self.lent += 1

    def _take_back(self) -> None:
        self.taken_back += 1


@pytest.mark.parametrize(
    ("script", "told"),
    [
        (None, "is not here"),
        ("no program at all", "The editor cannot be used"),
        ("#!/bin/sh\nexit 1\n", "The editor ended with status 1. Nothing was kept."),
        ("#!/bin/sh\nkill -9 $$\n", "The editor was ended by signal 9. Nothing was kept."),
    ],
    ids=["missing", "no-program", "fails", "killed"],
)
async def test_the_panel_has_its_terminal_back_however_the_editor_ends(
    campaign: Campaign, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str | None, told: str
) -> None:
    editor = tmp_path / "editor"
    if script is not None:
        editor.write_text(script)
        editor.chmod(editor.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("EDITOR", str(editor))
    monkeypatch.delenv("VISUAL", raising=False)
    async with opened(campaign.workspace) as panel:
        terminal = LentTerminal(panel, monkeypatch)
        await into_page(panel, "f")
        for place, key in ((None, "E"), ("settings", "e")):
            if place is not None:
                await panel.go(place)
            before = len(panel.toasts)
            await panel.press(key)
            await panel.until(lambda before=before: len(panel.toasts) > before)
            assert told.split(". ")[0] in panel.toasts[-1]
        assert terminal.lent == terminal.taken_back > 0
        assert told in panel.toasts[before - 1]
    assert page_row(campaign, 14).state == "failed"


async def test_an_engine_can_be_chosen_to_read_the_page_again(campaign: Campaign) -> None:
    async with opened(campaign.workspace) as panel:
        await into_page(panel, "f")
        await panel.press("w")
        await panel.until(lambda: isinstance(panel.app.screen, Pick))
        await panel.sees("tried 1×")
        await panel.press("escape")


async def test_marked_pages_of_a_list_are_read_again_by_an_engine_that_is_chosen(
    campaign: Campaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bocr_tui.ui.outbox.OUTBOX_S", 600.0)
    async with opened(campaign.workspace) as panel:
        await panel.go("pages")
        await panel.press("space", "space", "r")
        await panel.until(lambda: any("w asks which" in toast for toast in panel.toasts))
        await panel.press("w")
        await panel.sees("Read 2 pages again with which engine?")
        await panel.press("enter")
        await panel.sees("Resubmit 2 pages in")


async def test_engines_that_cannot_run_here_come_last_with_the_reason(
    campaign: Campaign, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    choices = await engines_to_choose(campaign.workspace, ["tesseract"])
    names = [name for name, _ in choices]
    said = dict(choices)["tesseract"]
    assert names.index("rapidocr") < names.index("tesseract")
    assert said.startswith("tesseract  tried 1×  (") and said.endswith(")")
    async with opened(campaign.workspace) as panel:
        await into_page(panel, "f")
        await type_command(panel, "resubmit engine=tesseract")
        await panel.until(lambda: any("tesseract cannot run on local" in toast for toast in panel.toasts))
        assert not len(panel.app.outbox)


async def test_two_attempts_stand_side_by_side_with_what_differs_marked(campaign: Campaign) -> None:
    seen = Recognition("ROYAUME DU MAROG\nBULLETIN OFFICIEL", "")
    async with opened(campaign.workspace, (120, 40)) as panel:
        replace_one(campaign, 14, "tesseract", seen)
        await into_page(panel, "f")
        await panel.sees("Why it failed")
        await panel.press("C")
        await panel.until(lambda: isinstance(panel.app.screen, CompareScreen))
        await panel.sees("▸a 1 rapidocr plain   b 2 tesseract dpi300")
        await panel.sees("of the words are the same")
        left, right = (panel.app.screen.query_one(f"#{side}", TextPane) for side in ("left", "right"))
        assert [span.look for span in left.lines[0].spans] == ["gone"]
        first = right.lines[0]
        assert [first.text[span.start : span.end] for span in first.spans] == ["MAROG"]
        await panel.press("n")
        assert left.cursor == 2
        await panel.press("s")
        await panel.sees("▸a 2 tesseract dpi300   b 1 rapidocr plain")
        await panel.press("t")
        await panel.sees("bocr accept")
        await panel.press("right", "enter")
        await panel.until(lambda: page_row(campaign, 14).engine == "tesseract")


def replace_one(campaign: Campaign, page_id: int, engine: str, seen: Recognition) -> None:
    line = encode_result(PageResult("0" * 64, 1, 1, False, seen))
    file = campaign.workspace.results / "one.jsonl"
    file.write_bytes(line)
    where = (core.attempt.c.page_id == page_id, core.attempt.c.engine == engine)
    values = {"result_file": "one.jsonl", "result_offset": 0, "result_length": len(line)}
    with campaign.catalog.writing() as connection:
        connection.execute(
            update(core.attempt)
            .where(*where)
            .values(**values, result_sha256=hashlib.sha256(line).hexdigest())
        )


async def test_m_shows_the_answer_as_it_was_written_and_doubts_are_underlined(campaign: Campaign) -> None:
    raw = "<h1>ROYAUME DU MAROC</h1>\nDahir n° 1-58-261"
    at = raw.index("1-58")
    seen = Recognition(
        "ROYAUME DU MAROC\n\nDahir n° 1-58-261",
        "# ROYAUME DU MAROC\n\nDahir n° 1-58-261",
        raw=raw,
        extra={"doubtful": [[at, at + 8, 0.2]]},
    )
    replace_result(campaign, 1, seen)
    async with opened(campaign.workspace) as panel:
        await into_page(panel)
        await panel.sees("ROYAUME DU MAROC")
        assert "# ROYAUME" not in panel.text
        assert underlined(panel) == ["1-58-261"]
        await panel.press("m")
        await panel.sees("<h1>ROYAUME DU MAROC</h1>")
        await panel.sees("attempt 1 of 1: raw answer")
        assert underlined(panel) == ["1-58-261"]
        await panel.press("m")
        await panel.until(lambda: "<h1>" not in panel.text)


def underlined(panel: Panel) -> list[str]:
    pane = panel.app.screen.query_one(TextPane)
    lines = (pane.render_line(number) for number in range(pane.size.height))
    return [segment.text for line in lines for segment in line if segment.style and segment.style.underline]


async def test_z_fills_the_image_with_the_block_one_stands_on(tmp_path: Path) -> None:
    campaign = drawn(tmp_path / "drawn")
    async with opened(campaign.workspace, (120, 40)) as panel:
        await into_page(panel)
        view = panel.app.screen.query_one(PictureView)
        await panel.until(lambda: view.image is not None and "▀" in panel.text)
        await panel.press("z")
        await panel.until(lambda: view.zoomed and "▀" not in panel.text, "only the line, in dots")
        await panel.press("enter")
        await panel.until(lambda: "▀" in panel.text)


NASTY = (
    "[red]no colour[/red] [/] [@click=app.leave]x[/]",
    "\x1b[2J\x1b]0;owned\x07\x9b31m\u202egnp.exe\u202c",
    "z" + "\u0301" * 300 + "لا" * 200,
    "官報" * 100,
    "x" * 25_000,
)


@pytest.mark.parametrize("size", [(80, 24), (200, 60)], ids=str)
async def test_texts_that_try_to_be_more_than_text_are_shown_in_both_forms(
    campaign: Campaign, size: tuple[int, int]
) -> None:
    from tests.ui.test_hostile import check

    text = "\n".join(NASTY)
    words = (Word(NASTY[0][:9], (0, 0, 1, 1), 0.1),)
    blocks = tuple(Block(each, (-5.0, 2.0, 9.0, -1.0), "[b]", 0.4, words) for each in NASTY)
    extra = {"doubtful": [[0, 10, 0.1], [-4, "x", 2], [60, 70, 0.1]]}
    replace_result(campaign, 1, Recognition(text, text, blocks, raw=text, extra=extra))
    async with opened(campaign.workspace, size) as panel:
        screen = await into_page(panel)
        for reorders in (False, True):
            screen.query_one(TextPane).reorders = reorders
            for key in ("j", "j", "j", "m", "G", "g", "m"):
                await panel.press(key)
                check(panel.lines, size[0])
        await panel.press("t", "escape", "C")
        check(panel.lines, size[0])


async def test_a_hundred_thousand_lines_open_at_once_and_the_end_is_reached(campaign: Campaign) -> None:
    text = "\n".join(f"ligne {number} المادة" for number in range(100_000))
    replace_result(campaign, 1, Recognition(text, text))
    async with opened(campaign.workspace) as panel:
        screen = await into_page(panel)
        await panel.sees("ligne 0")
        await panel.press("G")
        await panel.until(lambda: screen.query_one(TextPane).cursor == 99_999)
        await panel.sees("ligne 99999")
        for _ in range(3):
            await panel.press("k")
        assert screen.query_one(TextPane).cursor == 99_996


async def test_pages_before_and_after_keep_the_raw_view_and_show_their_own_text(campaign: Campaign) -> None:
    async with opened(campaign.workspace) as panel:
        screen = await into_page(panel)
        await panel.press("m", "right_square_bracket")
        await panel.until(lambda: screen.story is not None and screen.story.page.number == 2)
        assert isinstance(screen, PageScreen) and screen.raw
        await panel.sees("text as exported")
