"""The order in which line boxes are read."""

from __future__ import annotations

import random
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bocr_worker.reading import Box, flat, reading_order

HEIGHT, STEP = 20.0, 30.0


def column(x0: float, x1: float, top: float, lines: int, *, last: float = 0.5) -> list[Box]:
    """Lines of running text that fill the column, but for the last."""
    boxes = [(x0, top + n * STEP, x1, top + n * STEP + HEIGHT) for n in range(lines)]
    x, y, _, bottom = boxes[-1]
    boxes[-1] = (x, y, x0 + (x1 - x0) * last, bottom)
    return boxes


def order(boxes: list[Box], right_to_left: bool = False) -> list[Box]:
    return [boxes[place] for place in flat(reading_order(boxes, right_to_left))]


def boxes(widths: tuple[int, int], heights: tuple[int, int]) -> st.SearchStrategy[list[Box]]:
    box = st.tuples(st.integers(0, 900), st.integers(0, 1300), st.integers(*widths), st.integers(*heights))
    as_edges = box.map(lambda b: (float(b[0]), float(b[1]), float(b[0] + b[2]), float(b[1] + b[3])))
    return st.lists(as_edges, max_size=50, unique=True)


anything, lines = boxes((1, 500), (1, 60)), boxes((40, 500), (12, 30))
few = settings(max_examples=60)


@few
@given(anything, st.booleans())
def test_every_line_is_read_exactly_once(boxes: list[Box], right_to_left: bool) -> None:
    assert sorted(flat(reading_order(boxes, right_to_left))) == list(range(len(boxes)))


@few
@given(anything, st.booleans(), st.randoms(use_true_random=False))
def test_the_order_in_which_lines_were_found_does_not_matter(
    boxes: list[Box], right_to_left: bool, chance: random.Random
) -> None:
    shuffled = list(boxes)
    chance.shuffle(shuffled)
    assert order(shuffled, right_to_left) == order(boxes, right_to_left)


@few
@given(lines, st.integers(100, 1200), st.booleans())
def test_nothing_is_read_across_a_full_width_heading(boxes: list[Box], y: int, right_to_left: bool) -> None:
    heading = (-10.0, float(y), 1500.0, float(y + 20))
    above = [box for box in boxes if box[3] <= y]
    below = [box for box in boxes if box[1] >= y + 20]
    read = order([*below, heading, *above], right_to_left)
    assert set(read[: read.index(heading)]) == set(above)


@few
@given(anything)
def test_a_mirrored_page_reads_as_the_mirror_of_the_page(boxes: list[Box]) -> None:
    mirrored = [(2000 - x1, y0, 2000 - x0, y1) for x0, y0, x1, y1 in boxes]
    read = order(mirrored, right_to_left=True)
    assert [round(y0) for _, y0, _, _ in read] == [round(y0) for _, y0, _, _ in order(boxes)]


def test_two_columns_are_read_one_after_the_other_although_their_lines_stand_level() -> None:
    left, right = column(0, 400, 100, 12), column(430, 830, 100, 12)
    assert order([*right, *left]) == [*left, *right]
    assert order([*right, *left], right_to_left=True) == [*right, *left]


def test_three_columns_are_three() -> None:
    columns = [column(x, x + 250, 100, 9) for x in (0, 280, 560)]
    assert order([box for lines in columns for box in lines]) == [box for lines in columns for box in lines]


def test_a_heading_across_separates_the_columns_above_from_those_below() -> None:
    upper = [column(0, 400, 100, 6), column(430, 830, 100, 6)]
    heading = (100.0, 300.0, 700.0, 325.0)
    lower = [column(0, 400, 350, 6), column(430, 830, 350, 6)]
    expected = [*upper[0], *upper[1], heading, *lower[0], *lower[1]]
    assert order(sorted(expected)) == expected


def test_head_and_page_number_stay_outside_the_columns() -> None:
    head = [(0.0, 10.0, 60.0, 30.0), (250.0, 10.0, 600.0, 30.0), (750.0, 10.0, 830.0, 30.0)]
    left, right = column(0, 400, 100, 10), column(430, 830, 100, 10)
    number = (390.0, 430.0, 440.0, 450.0)
    expected = [*head, *left, *right, number]
    assert order(sorted(expected)) == expected


def test_a_longer_column_keeps_its_lines() -> None:
    left, right = column(0, 400, 100, 14), column(430, 830, 100, 6)
    assert order([*right, *left]) == [*left, *right]
    assert order([*left, *right], right_to_left=True) == [*right, *left]


def test_a_column_that_starts_higher_keeps_its_first_lines() -> None:
    left, right = column(0, 400, 100, 10), column(430, 830, 40, 12)
    assert order([*right, *left]) == [*left, *right]


def test_the_rows_of_a_table_stay_rows() -> None:
    words, prices = [80.0, 140.0, 95.0, 260.0, 120.0, 70.0], [60.0, 55.0, 60.0, 48.0, 60.0, 52.0]
    rows = [
        [(0.0, y, wide, y + HEIGHT), (400.0, y, 400 + price, y + HEIGHT), (600.0, y, 655.0, y + HEIGHT)]
        for y, wide, price in zip((STEP * n for n in range(6)), words, prices, strict=True)
    ]
    cells = [cell for row in rows for cell in row]
    assert order(cells[::-1]) == cells
    assert order(cells, right_to_left=True) == [cell for row in rows for cell in reversed(row)]
    assert [len(row) for region in reading_order(cells) for row in region.rows] == [3] * 6


def test_a_list_of_headings_beside_an_article_is_a_column_of_its_own() -> None:
    headings = [(100.0, 107.0, 300.0, 127.0), (120.0, 243.0, 280.0, 263.0), (90.0, 411.0, 310.0, 431.0)]
    article = column(430, 830, 100, 14)
    assert order([*article, *headings]) == [*headings, *article]


def test_signatures_side_by_side_are_rows() -> None:
    offices = [(0.0, 0.0, 180.0, 20.0), (500.0, 0.0, 690.0, 20.0)]
    names = [(10.0, 60.0, 170.0, 80.0), (520.0, 60.0, 680.0, 80.0)]
    assert order([*names, *offices]) == [*offices, *names]


def test_a_seal_or_border_that_stands_upright_does_not_tie_lines_together() -> None:
    left, right = column(0, 400, 100, 12), column(430, 830, 100, 12)
    border = (840.0, 0.0, 860.0, 1000.0)
    assert order([border, *left, *right]) == [*left, *right, border]


def test_four_hundred_boxes_take_less_than_a_tenth_of_a_second() -> None:
    chance = random.Random(1)
    table = [
        (x * 100.0, y * STEP, x * 100.0 + chance.randint(20, 95), y * STEP + HEIGHT)
        for x in range(8)
        for y in range(50)
    ]
    begun = time.process_time()
    reading_order(table)
    assert time.process_time() - begun < 0.1


def test_no_boxes_make_no_regions_and_a_box_inside_out_is_refused() -> None:
    assert reading_order([]) == ()
    with pytest.raises(ValueError, match="ends before it starts"):
        reading_order([(10.0, 0.0, 5.0, 20.0)])
