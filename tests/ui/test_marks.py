"""Marks: one by one, in ranges, all of a list; they stay on their rows, and actions act on them."""

from __future__ import annotations

import time
from array import array

from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import insert

from bocr_tui.catalog import core
from bocr_tui.ui.screens.asking import Confirm
from bocr_tui.ui.widgets.marking_table import MarkingTable
from bocr_tui.ui.widgets.marks import DENSE_IDS, Marks
from tests.ui.campaign import START, Campaign
from tests.ui.conftest import Panel, opened


def marking(panel: Panel) -> MarkingTable[object]:
    table = panel.table
    assert isinstance(table, MarkingTable)
    return table


async def test_space_marks_and_the_second_line_counts(shared_campaign: Campaign) -> None:
    async with opened(shared_campaign.workspace) as panel:
        await panel.go("pages")
        await panel.press("space", "space", "j", "space")
        await panel.sees("● 3 marked")
        assert marking(panel).chosen()[0] == (1, 2, 4)
        assert [line[0] for line in panel.lines[3:8]] == ["●", "●", " ", "●", " "]
        await panel.press("k", "space")
        await panel.sees("● 2 marked")
        await panel.press("escape")
        await panel.until(lambda: "marked" not in panel.text)
        assert marking(panel).chosen() == ((5,), frozenset({"ok"}))


async def test_a_range_is_drawn_while_it_grows_and_ends_where_one_says(shared_campaign: Campaign) -> None:
    async with opened(shared_campaign.workspace) as panel:
        await panel.go("pages")
        await panel.press("j", "v", "j", "j", "j")
        await panel.sees("● 4 marked, v ends")
        assert [line[0] for line in panel.lines[3:9]] == [" ", "●", "●", "●", "●", " "]
        await panel.press("k", "v")
        await panel.sees("● 3 marked ")
        await panel.press("G", "v", "k")
        await panel.sees("● 5 marked, v ends")
        await panel.press("escape")
        await panel.sees("● 3 marked ")
        assert marking(panel).chosen()[0] == (2, 3, 4)


async def test_all_of_a_filter_is_marked_and_only_what_the_list_holds_is_acted_on(
    shared_campaign: Campaign,
) -> None:
    async with opened(shared_campaign.workspace) as panel:
        await panel.go("pages")
        await panel.press("f")
        await panel.until(lambda: panel.ready and panel.table.row_count == 21)
        await panel.press("asterisk")
        await panel.sees("● 21 marked")
        panel.app.screen.filter_by("class:coverage")  # type: ignore[attr-defined]
        await panel.sees("● 7 marked (+14 not shown)")
        assert len(marking(panel).chosen()[0]) == 7
        panel.app.screen.filter_by("")  # type: ignore[attr-defined]
        await panel.sees("● 21 marked ")
        await panel.press("ctrl+a")
        await panel.until(lambda: "marked" not in panel.lines[1])


async def test_marks_stay_on_their_rows_when_rows_come_before_them(campaign: Campaign) -> None:
    async with opened(campaign.workspace) as panel:
        await panel.go("jobs")
        await panel.press("space", "space", "v", "j")
        held = marking(panel).chosen()[0]
        assert len(held) == 4
        with campaign.catalog.writing() as connection:
            new = {"chain_id": 1, "stage": 3, "engine": "rapidocr", "site": "local", "state": "planned"}
            rest = {"reason": "", "pages": 1, "ok": 0, "failed": 0, "created_at": START, "heartbeat": {}}
            connection.execute(insert(core.job), [{**new, **rest, "token": "bnew", "try_number": 1}])
        await panel.sees("9 jobs")
        await panel.until(lambda: panel.ready)
        assert marking(panel).chosen()[0] == held
        assert panel.lines[3][0] == " "


async def test_an_action_takes_the_marked_pages_and_their_marks_have_served(campaign: Campaign) -> None:
    async with opened(campaign.workspace) as panel:
        await panel.go("pages")
        await panel.press("f")
        await panel.until(lambda: panel.ready and panel.table.row_count == 21)
        await panel.press("space", "space", "space", "i")
        await panel.until(lambda: isinstance(panel.app.screen, Confirm))
        await panel.sees("3 pages")
        await panel.agree()
        await panel.until(lambda: panel.table.row_count == 18)
        assert "marked" not in panel.lines[1]


@given(
    st.lists(st.lists(st.integers(0, 400) | st.integers(DENSE_IDS, DENSE_IDS + 50), max_size=30), max_size=6)
)
def test_marks_are_a_set(steps: list[list[int]]) -> None:
    marks, expected = Marks(), set[int]()
    for number, ids in enumerate(steps):
        if number % 2:
            for each in ids:
                marks.toggle(each)
                expected ^= {each}
        else:
            marks.add(ids)
            expected |= set(ids)
    assert len(marks) == len(expected)
    everything = array("q", [*range(410), *range(DENSE_IDS, DENSE_IDS + 60)])
    assert set(marks.among(everything)) == expected
    assert all(each in marks for each in expected)


def test_a_million_marks_cost_a_megabyte_and_a_moment() -> None:
    marks, ids = Marks(), array("q", range(1, 1_000_001))
    began = time.thread_time()
    marks.add(ids)
    assert len(marks.among(ids)) == 1_000_000
    assert time.thread_time() - began < 2.0
    assert len(marks._bytes) < 1_100_000
