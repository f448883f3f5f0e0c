"""Names with Arabic in them keep their columns and can be read, whether or not the terminal reorders."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bocr_tui.ui.safe_text import LEFT_TO_RIGHT_MARK, clean, width_of
from bocr_tui.ui.terminal_facts import TerminalFacts
from bocr_tui.ui.widgets.columns import Column, Placed, fitted, in_order
from bocr_tui.ui.widgets.virtual_table import VirtualTable
from tests.ui.campaign import build
from tests.ui.conftest import opened

MIXED = "جريدة رسمية 1958 numéro 12.pdf"
LIGATURE = "لا إله 7.pdf"


def plain(text: str) -> str:
    """The letters that presentation forms stand for."""
    return unicodedata.normalize("NFKC", text)


@given(st.text("aé1 ._-(جريدةلاآ", max_size=40), st.integers(1, 30), st.booleans())
def test_a_cell_has_its_width_whatever_the_name(name: str, width: int, middle: bool) -> None:
    cell = fitted(((clean(name), "plain"),), Placed(Column("Name", middle=middle), 0, width))
    for ((text, _),) in (cell, in_order(cell)):
        assert width_of(text.replace(LEFT_TO_RIGHT_MARK, "")) == width


def test_words_from_the_right_are_turned_and_all_else_stays() -> None:
    ((text, _),) = in_order(fitted(((MIXED, "plain"),), Placed(Column("Name"), 0, 40)))
    assert plain(text).rstrip() == "1958 ةيمسر ةديرج numéro 12.pdf"
    ((text, _),) = in_order(fitted(((LIGATURE, "plain"),), Placed(Column("Name"), 0, 20)))
    assert width_of(text) == 20
    assert plain(text).rstrip() == "7 هلإ لا.pdf", "a number after Arabic belongs to it, as in Annex 9"


@pytest.mark.parametrize("reorders", [True, False], ids=["panel", "terminal"])
async def test_columns_stand_under_each_other(tmp_path: Path, reorders: bool) -> None:
    made = build(tmp_path / "w", names=(MIXED, LIGATURE, "abc.pdf", "x", "y", "z", "1 جريدة"))
    async with opened(made.workspace, (80, 24)) as panel:
        await panel.go("documents")
        panel.app.terminal_facts = TerminalFacts(reorders_text=reorders)
        table = panel.app.screen.query_one("#table", VirtualTable)
        table.on_mount()
        table.redraw()
        await panel.until(lambda: ("ةيمسر" in plain(panel.text)) is reorders)
        lines = [line.replace(LEFT_TO_RIGHT_MARK, "") for line in panel.lines[3:10]]
        assert {next(at for at, sign in enumerate(line) if sign in "✓!✗") for line in lines} == {
            panel.lines[2].index("State")
        }
