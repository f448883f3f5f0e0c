"""Verdicts on what real engines said of real pages: nothing good is refused, nothing unread is believed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from statistics import median

import pytest

from bocr_worker.protocol.failures import FailureClass
from bocr_worker.protocol.recognition import Box
from bocr_worker.quality.judge import judge
from tests.quality_builder import Reading, readings

GOOD = list(readings("good_pages"))
UNREAD = list(readings("unread_pages"))
PHOTOS = list(readings("photo_pages"))


def name(reading: Reading) -> str:
    return f"{reading.engine}: {reading.page}"


@pytest.mark.parametrize("reading", GOOD, ids=name)
def test_a_page_that_was_read_well_is_accepted(reading: Reading) -> None:
    verdict = judge(reading.case(reading.language, binding=True))
    assert verdict.finding is None
    assert verdict.score > 0.75


@pytest.mark.parametrize("reading", GOOD, ids=name)
def test_a_page_that_was_read_well_is_accepted_before_its_language_is_known(reading: Reading) -> None:
    assert judge(reading.case("fr", "ar")).finding is None


def test_rapidocr_on_good_pages_gives_hardly_a_doubt() -> None:
    doubted = [r.page for r in GOOD if r.engine == "rapidocr" and judge(r.case("fr")).doubts]
    assert doubted == []


@pytest.mark.parametrize("reading", UNREAD, ids=name)
def test_a_page_the_engine_cannot_read_is_refused(reading: Reading) -> None:
    for languages in ((), ("fr", "ar")):
        assert not judge(reading.case(*languages)).accepted


def test_arabic_given_to_rapidocr_is_caught_by_its_ink_alone() -> None:
    pages = [r for r in UNREAD if r.engine == "rapidocr"]
    classes = {name(r): judge(r.case()).finding for r in pages}
    assert len(pages) == 19
    assert {f.failure for f in classes.values() if f} <= {FailureClass.COVERAGE, FailureClass.EMPTY}


@pytest.mark.parametrize("reading", PHOTOS, ids=name)
def test_a_photograph_is_no_unread_text(reading: Reading) -> None:
    assert judge(reading.case("fr")).finding is None


HALVES: dict[str, Callable[[Box], bool]] = {
    "the lower half": lambda box: box[3] < 0.5,
    "the upper half": lambda box: box[1] > 0.5,
    "the right column": lambda box: box[2] < 0.65 and box[0] < 0.5,
    "the left column": lambda box: box[0] > 0.35,
    "the middle": lambda box: not 0.33 < (box[1] + box[3]) / 2 < 0.67,
}


def test_a_page_read_by_half_is_caught_nineteen_times_in_twenty() -> None:
    judged = caught = 0
    for keep in HALVES.values():
        for reading in GOOD:
            part = reading.without(keep)
            whole = len(reading.recognition.text)
            if reading.engine != "rapidocr" or whole < 500 or not 30 < len(part.text) < 0.72 * whole:
                continue
            judged += 1
            caught += not judge(replace(reading.case("fr"), recognition=part)).accepted
    assert judged > 150
    assert caught >= 0.95 * judged


def document(reading: Reading) -> tuple[str, str]:
    return (reading.engine, reading.page.rsplit(" p.", 1)[0])


def test_a_title_page_is_not_held_against_the_body_s_density() -> None:
    for reading in GOOD:
        others = [r.chars_per_ink for r in GOOD if document(r) == document(reading)]
        assert judge(reading.case("fr", "ar", chars_per_ink=median(others))).accepted, name(reading)


@pytest.mark.parametrize("reading", PHOTOS, ids=name)
def test_a_photograph_is_not_held_against_the_body_s_density(reading: Reading) -> None:
    assert judge(reading.case("fr", chars_per_ink=45_000.0)).accepted


def test_a_document_s_other_pages_witness_against_a_page_with_too_little_text() -> None:
    reading = next(r for r in GOOD if r.engine == "rapidocr" and r.page.startswith("procédure"))
    part = replace(reading.without(lambda box: box[1] < 0.15), blocks=())
    alone = replace(reading.case("fr", gives_boxes=False), recognition=part)
    witnessed = replace(alone.context, chars_per_ink=reading.chars_per_ink)
    assert judge(alone).accepted
    finding = judge(replace(alone, context=witnessed)).finding
    assert finding is not None
    assert finding.failure is FailureClass.COVERAGE
    assert finding.evidence["of_expected"] < 0.15


def test_every_accepted_reading_ranks_above_every_refused_one() -> None:
    worst_good = min(judge(r.case("fr", "ar")).score for r in GOOD)
    best_bad = max(judge(r.case("fr", "ar")).score for r in UNREAD)
    assert worst_good > 0.5 > best_bad
