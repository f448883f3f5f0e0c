"""The small parts: columns, bars, the store of rows, words for numbers, images as text."""

from __future__ import annotations

from array import array
from dataclasses import dataclass, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from rich.cells import cell_len

from bocr_tui.catalog.list_rows import Tally
from bocr_tui.ui import wording
from bocr_tui.ui.halfcells import Mark, overview, zoomed
from bocr_tui.ui.safe_text import clean, whole_words
from bocr_tui.ui.sheets import BatchSheet, DocumentSheet, JobSheet, PageSheet, tally_bar
from bocr_tui.ui.widgets.columns import GAP, bar, place
from bocr_tui.ui.widgets.row_store import CHUNK_ROWS, CHUNKS_KEPT, RowStore
from bocr_tui.ui.widgets.top_line import Standing, first_line


@dataclass(frozen=True)
class Row:
    id: int
    version: int = 0


def store_of(count: int) -> RowStore[Row]:
    store: RowStore[Row] = RowStore()
    store.replace_ids(array("q", range(1, count + 1)), keep=False)
    return store


@given(st.integers(76, 300), st.sampled_from([PageSheet, BatchSheet, JobSheet, DocumentSheet]))
def test_columns_fill_the_width_exactly(width: int, sheet: type[PageSheet]) -> None:
    placed = place(sheet.columns, width)
    assert sum(each.width for each in placed) + GAP * (len(placed) - 1) == width


@given(st.lists(st.integers(0, 10**7), min_size=1, max_size=5), st.integers(5, 40), st.integers(0, 10**6))
def test_a_bar_is_as_wide_as_it_should_be_and_shows_whatever_there_is(
    counts: list[int], width: int, rest: int
) -> None:
    shares = [(number, str(index)) for index, number in enumerate(counts)]
    parts = bar(width, shares, sum(counts) + rest)
    assert sum(cell_len(text) for text, _ in parts) == width
    if sum(counts):
        assert {tone for _, tone in parts} - {"muted"} == {tone for number, tone in shares if number}


STANDING = Standing(
    workspace="archive",
    driving="driving",
    driving_tone="ok",
    stale_s=None,
    unread=(),
    counted=True,
    activity="",
    running=7,
    queued=71_234,
    failed=21,
    ok=91_000,
    total=1_000_000,
)


def first_line_in(width: int, standing: Standing) -> str:
    left, right = first_line(standing, width)
    texts = "".join(text for text, _ in left), "".join(text for text, _ in right)
    assert cell_len(texts[0]) + cell_len(texts[1]) <= width
    return " ".join(texts)


@pytest.mark.parametrize("width", [60, 80, 100, 120, 200])
@pytest.mark.parametrize("name", ["archive", "the-scans-of-the-national-archive-1912-1961"])
def test_a_narrow_first_line_keeps_what_matters_and_cuts_no_word(width: int, name: str) -> None:
    trouble = replace(
        STANDING,
        workspace=name,
        driving="driver stopped",
        driving_tone="failed",
        sites=((" │ cluster connected 12%", "ok"), (" │ box paused", "warning")),
        activity="reading the sample pages, 3 of 12",
        autopilot=True,
    )
    told = first_line_in(width, trouble)
    assert "driver stopped" in told and "✗ 21" in told
    whole = {word for part in (*_words_of(trouble), "running queued failed live") for word in part.split()}
    cut = {word for word in told.replace(name, "").split() if "…" not in word and word.isalpha()} - whole
    assert not cut
    assert "stale 34 s" in first_line_in(width, replace(trouble, driving_tone="ok", stale_s=34.0))
    assert "✓ 91,000/1,000,000" in first_line_in(40, trouble)


def _words_of(standing: Standing) -> list[str]:
    return [standing.driving, standing.activity, "autopilot", *(text for text, _ in standing.sites)]


@given(st.text(max_size=60), st.integers(1, 50))
def test_a_cut_text_ends_after_a_whole_word_and_fits(text: str, width: int) -> None:
    text = clean(text)
    cut = whole_words(text, width)
    assert cell_len(cut) <= width
    assert cut == text or cut.endswith("…")


def test_a_number_is_not_left_without_what_it_counts() -> None:
    assert whole_words("1 running, 12 planned, 3 held", 25) == "1 running, 12 planned…"
    assert whole_words("1 running, 12 planned, 3 held", 17) == "1 running…"


def test_one_failed_page_among_ten_thousand_is_seen() -> None:
    assert "failed" in {tone for _, tone in tally_bar(Tally({"ok": 9_999, "failed": 1}), 10_000)}


def test_the_store_keeps_a_few_chunks_and_knows_what_is_missing() -> None:
    store = store_of(CHUNK_ROWS * (CHUNKS_KEPT + 2))
    assert store.missing(0, 10) == [0]
    for chunk in range(CHUNKS_KEPT + 1):
        store.put(chunk, store.ids, [Row(each) for each in store.ids_of(chunk)])
    assert store.missing(0, CHUNK_ROWS) == [0]
    assert store.row(CHUNK_ROWS) == Row(CHUNK_ROWS + 1)


def test_rows_known_before_a_refresh_stand_in_until_they_are_read_again() -> None:
    store = store_of(3)
    store.put(0, store.ids, [Row(1), Row(2), Row(3)])
    store.replace_ids(array("q", [3, 9, 1]), keep=True)
    assert (store.row(0), store.row(1), store.row(2)) == (Row(3), None, Row(1))
    store.replace_ids(array("q", [1, 3]), keep=True)
    assert store.row(0) == Row(1)
    store.put(0, store.ids, [Row(1, 2), Row(3, 2)])
    assert store.row(0) == Row(1, 2)


def test_rows_of_a_list_that_is_gone_are_not_taken_for_those_of_the_present_one() -> None:
    store = store_of(3)
    old = store.ids
    store.replace_ids(array("q", [7, 8]), keep=False)
    store.put(0, old, [Row(1), Row(2)])
    assert store.missing(0, 1) == [0]


def test_numbers_and_times_are_in_words() -> None:
    assert [wording.duration(each) for each in (None, 0.42, 7, 65, 3720, 200_000)] == [
        "–", "0.4 s", "7 s", "1 m 05 s", "1 h 02 m", "2 d 7 h",
    ]  # fmt: skip
    estimates = [wording.about(each) for each in (45, 59.7, 655, 3599, 12_000, 35_970, 86_000, 200_000, 9e6)]
    assert estimates == [
        "~45 s",
        "~1 m",
        "~11 m",
        "~1 h 00 m",
        "~3 h 20 m",
        "~10 h",
        "~1 d 0 h",
        "~2 d 8 h",
        "~104 d",
    ]
    assert all(len(wording.about(1.07**power)) <= 9 for power in range(260))
    assert (wording.size(812), wording.size(12_345_678)) == ("812 B", "12.3 MB")
    assert (wording.things(1, "page"), wording.things(1234, "page")) == ("1 page", "1,234 pages")
    assert wording.percent(None) == "–"
    assert wording.job_state("finished", "walltime") == ("! walltime", "warning")
    assert wording.page_state("failed", held=True)[0] == "· in retry"


@given(st.integers(1, 90), st.integers(1, 50), st.integers(1, 400), st.integers(1, 400))
def test_an_overview_fits_its_cells_whatever_the_page_s_shape(
    columns: int, rows: int, width: int, height: int
) -> None:
    strips = overview(Image.new("L", (width, height), 255), columns, rows, [Mark((0, 0, 1, 1), (1, 2, 3))])
    assert len(strips) <= rows
    assert {strip.cell_length for strip in strips} == {columns}
    assert all(cell_len(strip.text) == columns for strip in strips)


@given(st.tuples(*[st.floats(-0.5, 1.5)] * 4), st.integers(2, 60), st.integers(1, 30), st.booleans())
def test_a_crop_fits_its_cells_whatever_the_box(
    box: tuple[float, float, float, float], columns: int, rows: int, from_right: bool
) -> None:
    strips = zoomed(Image.new("L", (90, 120), 200), box, columns, rows, (9, 9, 9), from_right=from_right)
    assert len(strips) <= rows
    assert all(cell_len(strip.text) == columns for strip in strips)


def test_a_crop_shows_ink_and_not_paper() -> None:
    image = Image.new("L", (200, 100), 240)
    image.paste(10, (0, 40, 100, 60))
    strips = zoomed(image, (0.0, 0.4, 1.0, 0.6), 80, 5, (9, 9, 9), from_right=False)
    text = strips[2].text
    assert set(text[:34]) == {"⣿"}
    assert set(text[38:]) == {"⠀"}
