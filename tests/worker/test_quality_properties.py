"""What must hold for every text, box and grid."""

from __future__ import annotations

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from bocr_worker.protocol.facts import GRID_COLUMNS, GRID_ROWS, ImageFacts
from bocr_worker.protocol.recognition import Block, Confidence, Recognition, Word
from bocr_worker.quality.inkmap import cover, map_ink
from bocr_worker.quality.judge import judge
from bocr_worker.quality.repetition import repetition
from bocr_worker.quality.verdict import Case, PageContext
from tests.quality_builder import french, written

ANY_TEXT = st.text(max_size=200) | st.text(alphabet="a.\n|<td>/ 0ابأ日\ufffd\x00", max_size=400)
EDGE = st.floats(-0.5, 1.5) | st.floats()
BOX = st.tuples(EDGE, EDGE, EDGE, EDGE)
SHARE = st.none() | st.floats(0, 1) | st.floats()
WORD = st.builds(Word, st.text(max_size=12), BOX, SHARE)
BLOCK = st.builds(
    Block,
    ANY_TEXT,
    BOX,
    st.sampled_from(["line", "table", "image", "text"]),
    SHARE,
    st.lists(WORD, max_size=4).map(tuple),
)
RECOGNITION = st.builds(
    Recognition,
    text=ANY_TEXT,
    markdown=ANY_TEXT,
    blocks=st.lists(BLOCK, max_size=8).map(tuple),
    raw=st.none() | ANY_TEXT,
    finish=st.sampled_from(["stop", "length", "unknown", "abort"]),
    confidence=st.builds(Confidence, SHARE, SHARE),
    markup_problem=st.none() | st.text(max_size=100),
    extra=st.dictionaries(st.just("rotated"), st.booleans() | st.floats() | st.text(max_size=3)),
)
GRID = st.just(b"") | st.binary(max_size=40).map(
    lambda seed: ((seed or b"\0") * (GRID_ROWS * GRID_COLUMNS))[: GRID_ROWS * GRID_COLUMNS]
)
FACTS = st.builds(
    ImageFacts,
    width_px=st.integers(0, 5000),
    height_px=st.integers(0, 5000),
    dpi=st.just(150.0),
    ink=st.floats(0, 1),
    bright=st.floats(0, 1),
    deviation=st.floats(0, 128),
    blank=st.booleans(),
    nearly_blank=st.booleans(),
    grid=GRID,
)
CONTEXT = st.builds(
    PageContext,
    engine=st.just("any"),
    languages=st.lists(st.sampled_from(["fr", "ar", "zh", "xx", ""]), max_size=3).map(tuple),
    binding=st.booleans(),
    chars_per_ink=st.none() | st.floats(),
    gives_boxes=st.booleans(),
    turned=st.booleans(),
)
CASE = st.builds(Case, FACTS, RECOGNITION, CONTEXT)


@given(CASE)
@settings(max_examples=250)
def test_no_text_box_or_grid_makes_a_detector_raise(case: Case) -> None:
    verdict = judge(case)
    assert judge(case) == verdict
    assert 0 <= verdict.score <= 1
    assert (verdict.score < 0.5) is not verdict.accepted
    for finding in (*verdict.doubts, *((verdict.finding,) if verdict.finding else ())):
        assert 0 <= finding.severity <= 1
        written_out = json.dumps(finding.evidence, ensure_ascii=False, allow_nan=False)
        assert len(written_out.encode("utf-8", "backslashreplace")) < 1000


@given(
    st.lists(
        st.text(alphabet="abcdefghijklmnopqrstuvwxyz", min_size=3, max_size=9), unique=True, max_size=300
    )
)
def test_distinct_words_are_never_a_loop(words: list[str]) -> None:
    assert repetition(french(written(" ".join(words)))) is None
    assert repetition(french(written("\n".join(words)))) is None


@given(
    st.text(max_size=40),
    st.text(min_size=1, max_size=120).filter(lambda unit: any(c.isalpha() for c in unit)),
)
def test_a_string_repeated_often_enough_is_always_a_loop(before: str, unit: str) -> None:
    assert repetition(french(written(before + unit * 80))) is not None


@given(st.lists(BOX, max_size=10))
def test_boxes_cover_within_the_page(boxes: list[tuple[float, float, float, float]]) -> None:
    rows = cover(boxes)
    assert len(rows) == GRID_ROWS
    assert all(0 <= row < 1 << GRID_COLUMNS for row in rows)
    if not any(box[2] > box[0] and box[3] > box[1] for box in boxes):
        assert not any(rows)


@given(GRID, st.lists(BOX, max_size=6), BOX)
def test_one_more_box_never_leaves_more_unread(
    grid: bytes, boxes: list[tuple[float, float, float, float]], more: tuple[float, float, float, float]
) -> None:
    covered, wider = cover(boxes), cover([*boxes, more])
    assert all(row & ~wide == 0 for row, wide in zip(covered, wider, strict=True))
    assert (map_ink(grid, boxes) is None) == (len(grid) != GRID_ROWS * GRID_COLUMNS)


def test_a_box_over_the_whole_page_leaves_nothing_unread() -> None:
    ink = map_ink(bytes([50]) * (GRID_ROWS * GRID_COLUMNS), [(0.0, 0.0, 1.0, 1.0)])
    assert ink is not None
    assert not any(ink.unread)
