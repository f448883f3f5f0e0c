"""Names and texts that try to be more than text."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from sqlalchemy import update

from bocr_tui.catalog import core
from bocr_tui.ui.safe_text import clean, fit, is_right_to_left, wrap
from tests.ui import campaign as builder
from tests.ui.campaign import build
from tests.ui.conftest import opened

NASTY = (
    "[red]not red[/red].pdf",
    "[/]unbalanced[.pdf",
    "\x1b[2J\x1b[31mred\x1b]0;owned\x07.pdf",
    "line\nbreak\ttab\r.pdf",
    "\u202egnp.exe\u202c.pdf",
    "z" + "\u0301" * 200 + ".pdf",
    "官報" * 60 + ".pdf",
    "إضافة-صلاحية-" * 12 + ".pdf",
    "[@click=app.leave]click me[/].pdf",
    "",
)


@pytest.mark.parametrize("size", [(80, 24), (200, 60)])
async def test_hostile_names_and_texts_are_only_text(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: tuple[int, int]
) -> None:
    monkeypatch.setattr(builder, "FRENCH", NASTY)
    monkeypatch.setattr(builder, "ARABIC", NASTY)
    campaign = build(tmp_path / "w", documents=len(NASTY), pages_each=2, names=NASTY, states=("failed", "ok"))
    with campaign.catalog.writing() as connection:
        evidence = {"[bold]key": NASTY[2], "deep": [{"a": "\x9b31m"}]}
        connection.execute(update(core.attempt).values(evidence=evidence, variation="\x1b[5m[blink]"))
        connection.execute(update(core.document).values(reason=NASTY[2]))
        connection.execute(update(core.event).values(text=NASTY[0] + NASTY[2]))
    async with opened(campaign.workspace, size) as panel:
        for place in ("batches", "jobs", "pages", "documents"):
            await panel.go(place)
            for _ in NASTY:
                await panel.press("j")
            check(panel.lines, size[0])
        await panel.go("pages")
        await panel.sees("[red]not red[/red].pdf")
        await panel.press("g", "enter")
        await panel.sees("Why it failed")
        await panel.press("tab")
        await panel.sees("[/]unbalanced[.pdf")
        check(panel.lines, size[0])


def check(lines: list[str], width: int) -> None:
    """Every line is exactly as wide as the screen, and holds nothing that a terminal obeys."""
    for line in lines:
        assert cell_len(line) == width, line
        assert not set(line) & set(map(chr, (*range(32), *range(127, 160), 0x202E, 0x2066))), repr(line)


@given(st.text(max_size=60), st.integers(0, 40), st.booleans(), st.sampled_from(["left", "right"]))
def test_a_cell_is_exactly_as_wide_as_its_column(text: str, width: int, middle: bool, align: str) -> None:
    assert cell_len(fit(clean(text), width, align=align, middle=middle)) == width


@given(st.text(max_size=200))
def test_cleaning_leaves_nothing_to_obey_and_changes_nothing_twice(text: str) -> None:
    once = clean(text)
    assert clean(once) == once
    assert not any(ord(c) < 32 or 127 <= ord(c) < 160 or 0xD800 <= ord(c) < 0xE000 for c in once)
    once.encode("utf-8")


@given(st.text(max_size=200), st.integers(4, 40))
def test_wrapped_lines_fit_and_lose_no_letter(text: str, width: int) -> None:
    text = clean(text)
    pieces = wrap(text, width)
    assert all(cell_len(piece) <= width for piece in pieces)
    assert "".join(pieces).replace(" ", "") == text.replace(" ", "")


def test_a_path_that_is_no_utf8_can_be_shown() -> None:
    assert clean(b"caf\xe9.pdf".decode("utf-8", "surrogateescape")) == "caf\ufffd.pdf"


def test_a_long_name_keeps_its_beginning_and_its_end() -> None:
    assert fit("BO_2418-bis_1959-03-05.pdf", 16, middle=True) == "BO_2418-bi…5.pdf"


def test_the_language_of_a_line_decides_its_side() -> None:
    assert is_right_to_left("نظام الإحصاء 1447")
    assert not is_right_to_left("Dahir n° 1-58 (ظهير)")
    assert not is_right_to_left("1959")
