"""Images in pixels: asked for, encoded, sent with their frame; and answers that never become keys."""

from __future__ import annotations

import os
import re
import sys
import threading
import time
from base64 import b64decode
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from bocr_tui.ui.graphics import kitty, sixel
from bocr_tui.ui.graphics.drawing import Area, PanePicture, drawn, png
from bocr_tui.ui.halfcells import Mark
from bocr_tui.ui.late_answers import AnswerFilter
from bocr_tui.ui.terminal_facts import CELL_PX, Images, TerminalFacts, Wanted, facts_of, read_wanted
from bocr_tui.ui.terminal_probe import Answers, ask_terminal, read_answers
from bocr_tui.ui.widgets.picture_view import PictureView
from tests.cli.conftest import environment
from tests.ui.conftest import opened
from tests.ui.small_terminal import SmallTerminal
from tests.ui.test_page import into_page
from tests.ui.test_page_review import drawn as drawn_campaign

KITTY = b"\x1b_Gi=7331;OK\x1b\\"
CELL = b"\x1b[6;18;9t"
DEVICE = b"\x1b[?62;4;22c"


def test_a_terminal_s_answers_are_understood() -> None:
    assert read_answers(KITTY + CELL + DEVICE) == Answers(True, True, (9, 18), True)
    assert read_answers(b"\x1b_Gi=7331;ENOTSUP:no\x1b\\\x1b[?1;2c") == Answers(False, False, None, True)
    assert read_answers(b"typed" + CELL) == Answers(False, False, (9, 18), False)
    assert read_answers(b"\x1b[?4c").sixel is False, "a VT132 says 4 first, and means itself"


def test_what_is_drawn_follows_the_setting_then_the_answers(tmp_path: Path) -> None:
    both, none = Answers(True, True, (9, 18)), Answers()
    assert facts_of(Wanted(), both, {}) == TerminalFacts(Images.TGP, (9, 18), True)
    assert facts_of(Wanted(), Answers(sixel=True), {}).images is Images.SIXEL
    assert facts_of(Wanted(), none, {}).images is Images.HALFCELL
    assert facts_of(Wanted(Images.SIXEL), none, {}).images is Images.SIXEL
    assert facts_of(Wanted(Images.OFF), both, {}).images is Images.OFF
    assert facts_of(Wanted(), Answers(True, cell_px=(0, 9999)), {}).cell_px == CELL_PX
    assert facts_of(Wanted(bidi="terminal"), none, {}).reorders_text is False
    config = tmp_path / "bocr.toml"
    config.write_text('[panel]\nimages = "sixel"\nbidi = "panel"\n')
    assert read_wanted(config, {}) == Wanted(Images.SIXEL, "panel")
    assert read_wanted(config, {"BOCR_IMAGES": "off"}).images is Images.OFF
    config.write_text("[panel\n")
    assert read_wanted(config, {}) == Wanted()


def asked(answers: bytes, *, after_s: float = 0.0, timeout_s: float = 5.0) -> tuple[Answers, float]:
    """Ask over a pty whose other end answers so much later."""
    ours, theirs = os.openpty()

    def terminal() -> None:
        os.read(ours, 4096)
        time.sleep(after_s)
        os.write(ours, answers)

    thread = threading.Thread(target=terminal)
    thread.start()
    began = time.monotonic()
    try:
        return ask_terminal(timeout_s, theirs, theirs), time.monotonic() - began
    finally:
        thread.join()
        os.close(ours)
        os.close(theirs)


def test_the_probe_ends_with_the_last_answer_and_does_not_wait_for_one_that_never_comes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    found, took_s = asked(KITTY + CELL + DEVICE)
    assert found == Answers(True, True, (9, 18), True) and took_s < 4.0
    silent, took_s = asked(b"", timeout_s=0.2)
    assert silent == Answers(complete=False) and took_s < 3.0


@given(st.lists(st.sampled_from([KITTY, CELL, b"j", b"\x1b[A", b"q4", b"\x1bOP"]), max_size=8), st.data())
def test_answers_are_left_out_wherever_the_stream_is_cut_and_keys_come_through(
    parts: list[bytes], data: st.DataObject
) -> None:
    stream = b"".join([*parts, DEVICE, b"\x1b[?62c after"])
    answers, handed, here = AnswerFilter(), b"", 0
    while here < len(stream):
        step = data.draw(st.integers(1, 6))
        handed += answers.take(stream[here : here + step])
        here += step
    handed += answers.release()
    keys = b"".join(part for part in parts if part not in (KITTY, CELL))
    assert handed == keys + b"\x1b[?62c after" or handed == keys + b" after"


def test_an_escape_key_is_not_kept_for_long() -> None:
    answers = AnswerFilter()
    assert answers.take(b"\x1b") == b""
    assert answers.patience_s is not None and answers.patience_s <= 0.05
    assert answers.release() == b"\x1b" and answers.patience_s is None


KEYS_PROGRAM = """
import sys
from textual.app import App
from bocr_tui.ui.late_answers import AnsweringLateDriver

class Keys(App):
    def on_mount(self):
        self.title = "up"
        print("ready", file=open(sys.argv[1], "a"), flush=True)

    def on_key(self, event):
        print(event.key, file=open(sys.argv[1], "a"), flush=True)
        if event.key == "x":
            self.exit()

Keys(driver_class=AnsweringLateDriver).run()
"""


def test_answers_that_come_after_the_start_press_no_key(tmp_path: Path) -> None:
    log = tmp_path / "keys"
    command = [sys.executable, "-c", KEYS_PROGRAM, str(log)]
    with SmallTerminal(command, environment={**environment(), "TERM": "xterm-256color"}) as terminal:
        ends = time.monotonic() + 20
        while not log.exists() and time.monotonic() < ends:
            terminal.listen(0.05)
        terminal.type(b"j" + KITTY[:6])
        terminal.listen(0.1)
        terminal.type(KITTY[6:] + CELL + DEVICE[:4])
        terminal.listen(0.1)
        terminal.type(DEVICE[4:] + b"k\x1b[Ax")
        while "x" not in log.read_text().split() and time.monotonic() < ends:
            terminal.listen(0.05)
    assert log.read_text().split() == ["ready", "j", "k", "up", "x"]


def a_page(size: tuple[int, int] = (400, 560)) -> Image.Image:
    image = Image.new("L", size, 255)
    ImageDraw.Draw(image).rectangle((40, 50, 360, 80), fill=0)
    return image


def test_a_kitty_image_is_sent_in_chunks_under_its_name_and_stands_on_its_cells() -> None:
    packed = png(Image.effect_noise((300, 300), 80))
    sent = kitty.transmission(packed, 0x123456, 40, 12)
    messages = re.findall(r"\x1b_G([^;]*);([^\x1b]*)\x1b\\", sent)
    assert "".join(payload for _, payload in messages) and len(messages) > 3
    assert b64decode("".join(payload for _, payload in messages)) == packed
    assert messages[0][0] == "a=T,f=100,t=d,i=1193046,U=1,c=40,r=12,q=2,m=1"
    assert all(head == "q=2,m=1" for head, _ in messages[1:-1]) and messages[-1][0] == "q=2,m=0"
    assert all(len(payload) <= 4096 for _, payload in messages)
    rows = kitty.cells(0x123456, 40, 12)
    assert [row.cell_length for row in rows] == [40] * 12
    assert all(sum(segment.cell_length for segment in row) == 40 for row in rows)
    style = next(iter(rows[0])).style
    assert style is not None and style.color is not None and style.color.triplet == (0x12, 0x34, 0x56)


def test_a_sixel_draws_the_same_pixels() -> None:
    image = Image.new("RGB", (37, 20), (255, 255, 255))
    ImageDraw.Draw(image).rectangle((5, 3, 20, 14), fill=(0, 0, 0))
    assert sixel_pixels(sixel.encoded(image)) == {
        (x, y): (0, 0, 0) if 5 <= x <= 20 and 3 <= y <= 14 else (100, 100, 100)
        for x in range(37)
        for y in range(20)
    }


def sixel_pixels(sequence: str) -> dict[tuple[int, int], tuple[int, ...]]:
    """What a terminal would draw, colours in per cent."""
    assert sequence.startswith("\x1bP") and sequence.endswith("\x1b\\")
    body = sequence[sequence.index('"') + 1 : -2]
    colours: dict[int, tuple[int, ...]] = {}
    pixels: dict[tuple[int, int], tuple[int, ...]] = {}
    x = top = current = 0
    tokens = r"#(\d+);2;(\d+);(\d+);(\d+)|#(\d+)|!(\d+)(.)|([$-])|([?-~])"
    for found in re.finditer(tokens, body[body.index("#") :]):
        if found[1]:
            colours[int(found[1])] = (int(found[2]), int(found[3]), int(found[4]))
        elif found[5]:
            current = int(found[5])
        elif found[8]:
            x, top = 0, top + (6 if found[8] == "-" else 0)
        else:
            times, bits = int(found[6] or 1), ord(found[7] or found[9]) - 63
            for step in range(times):
                pixels.update(
                    {(x + step, top + bit): colours[current] for bit in range(6) if bits >> bit & 1}
                )
            x += times
    return pixels


def test_boxes_are_drawn_and_numbered_and_a_crop_is_cut_out() -> None:
    marks = (Mark((0.1, 0.1, 0.9, 0.15), (200, 0, 0), number=7), Mark((2.0, -3.0, -1.0, 9.0), (0, 0, 200)))
    plain = PanePicture(400, 560, (9, 9, 9), Area(0, 0, 400, 560))
    marked = PanePicture(400, 560, (9, 9, 9), Area(0, 0, 400, 560), marks=marks)
    assert drawn(a_page(), marked).getpixel((40, 60)) == (200, 0, 0)
    reddish = [pixel for _, pixel in drawn(a_page(), marked).getcolors(99_999) or [] if pixel == (200, 0, 0)]
    assert reddish and not [p for _, p in drawn(a_page(), plain).getcolors(99_999) or [] if p == (200, 0, 0)]
    crop = PanePicture(300, 60, (9, 9, 9), crop_area=Area(0, 0, 300, 60), box=(0.1, 0.09, 0.9, 0.143))
    middle = drawn(a_page(), crop).getpixel((150, 30))
    assert isinstance(middle, tuple) and max(middle) < 40, "the black bar fills the crop"


@pytest.mark.parametrize("images", [Images.TGP, Images.SIXEL, Images.OFF])
async def test_the_page_s_picture_is_sent_beside_the_cells_and_again_when_it_changes(
    tmp_path: Path, images: Images, monkeypatch: pytest.MonkeyPatch
) -> None:
    campaign = drawn_campaign(tmp_path / "drawn")
    sent: list[str] = []
    was = PictureView.render_lines

    def render_lines(view, crop):  # type: ignore[no-untyped-def]
        strips = was(view, crop)
        sent.extend(segment.text for strip in strips for segment in strip if segment.control)
        assert all(strip.cell_length == view.size.width for strip in strips)
        return strips

    monkeypatch.setattr(PictureView, "render_lines", render_lines)
    async with opened(campaign.workspace, (120, 40)) as panel:
        panel.app.terminal_facts = TerminalFacts(images, (8, 16))
        await into_page(panel)
        if images is Images.OFF:
            await panel.sees("Images are off")
            return
        mark = "\x1b_Ga=T" if images is Images.TGP else "\x1bP0;1q"
        await panel.until(lambda: any(mark in each for each in sent), "the image")
        if images is Images.TGP:
            await panel.until(lambda: kitty.PLACEHOLDER in panel.text)
            (first,) = re.findall(r"m=\d;([^\x1b]*)\x1b", sent[0])[:1]
            assert first.startswith("iVBOR"), "a PNG"
            assert len(sent) == 1, "sent once"
        before = len(sent)
        await panel.press("z")
        await panel.until(lambda: len(sent) > before, "the block alone")


PATIENT_PROGRAM = """
import sys
from bocr_tui.cli.main import main
from bocr_tui.ui import terminal_probe

terminal_probe.HERE_S = 60.0
sys.exit(main())
"""
"""The panel waits for a terminal's answers as long as a busy machine needs to run the terminal."""


def test_the_panel_asks_draws_in_kitty_s_way_and_leaves_the_terminal_as_it_was(tmp_path: Path) -> None:
    campaign = drawn_campaign(tmp_path / "drawn")
    command = [sys.executable, "-c", PATIENT_PROGRAM, "-w", str(campaign.workspace.root)]
    surroundings = {**environment(), "TERM": "xterm-kitty"}
    for name in ("COLORTERM", "SSH_CONNECTION", "SSH_TTY", "BOCR_IMAGES", "TMUX"):
        surroundings.pop(name, None)
    answers = {b"\x1b[c": KITTY + CELL + DEVICE}
    with SmallTerminal(command, environment=surroundings, answers=answers) as terminal:
        terminal.until(b"Batches")
        terminal.type(b"4")
        at = terminal.until(b"Why it failed")
        terminal.type(b"\r")
        terminal.until(b"\x1b_Ga=T,f=100", at)
        placed = terminal.until("\U0010eeee".encode(), at)
        assert b"7331" not in terminal.seen[at:]
        assert re.search(
            rb"38;2;\d+;\d+;\d+(;48;2;\d+;\d+;\d+)?m\xf4\x8e\xbb\xae", terminal.seen[at - 1000 :]
        ), "named to the bit"
        terminal.type(b"q")
        terminal.until(b"\x1b[?1049l", placed)
