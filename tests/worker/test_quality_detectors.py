"""Each failure class is found for its own reason, with evidence a person can check, and for nothing else."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from bocr_worker.protocol.failures import FailureClass as Failure
from bocr_worker.protocol.recognition import Block, Confidence, Recognition, Usage, Word
from bocr_worker.quality.judge import DETECTORS, judge, screen
from bocr_worker.quality.quote import quote
from bocr_worker.quality.rotation import is_turned
from bocr_worker.quality.verdict import Case, PageContext
from tests.quality_builder import (
    EMPTY_GRID,
    SENTENCES,
    blank_facts,
    french,
    good_page,
    page_facts,
    read_lines,
    written,
)

GOOD = good_page()
TALL_LINES = tuple(
    Block(sentence, (0.1 + 0.05 * place, 0.09, 0.115 + 0.05 * place, 0.91), "line", 0.97)
    for place, sentence in enumerate(SENTENCES * 3)
)
TALL = Recognition("\n".join(SENTENCES * 3), "", TALL_LINES, confidence=Confidence(0.97, 0.9))

CASES: dict[Failure, Case] = {
    Failure.INVALID_MARKUP: french(replace(GOOD, markup_problem="no data-label block", raw="<p>…</p>")),
    Failure.TRUNCATED: french(replace(GOOD, finish="length", usage=Usage(900, 8192))),
    Failure.BLANK_TEXT: french(written(" ".join(SENTENCES)), blank_facts()),
    Failure.EMPTY: french(written("")),
    Failure.REPETITION: french(written(" ".join(SENTENCES) + " le ministre" * 40)),
    Failure.RUNAWAY: french(written(" ".join(f"{place} article" for place in range(3000)))),
    Failure.CHARSET: french(
        read_lines([*GOOD.text.split("\n")[:36], *["步北元日っ日日山司月風北日門" * 2] * 4])
    ),
    Failure.ROTATION: french(TALL),
    Failure.COVERAGE: french(good_page(12)),
    Failure.LOW_CONFIDENCE: french(replace(GOOD, confidence=Confidence(0.31, 0.1))),
}


def test_every_class_that_a_reading_can_show_has_its_case() -> None:
    assert set(CASES) == set(Failure) - {Failure.TRANSPORT, Failure.TIMEOUT, Failure.RENDER}
    assert len(DETECTORS) == len(CASES)


@pytest.mark.parametrize("failure", CASES, ids=str)
def test_each_failure_is_named_by_its_class(failure: Failure) -> None:
    verdict = judge(CASES[failure])
    assert verdict.finding is not None
    assert verdict.finding.failure is failure
    assert 0 <= verdict.score < 0.5


@pytest.mark.parametrize("failure", CASES, ids=str)
def test_evidence_is_small_json(failure: Failure) -> None:
    verdict = judge(CASES[failure])
    assert verdict.finding is not None
    for finding in (verdict.finding, *verdict.doubts):
        assert finding.evidence
        assert len(json.dumps(finding.evidence, ensure_ascii=False).encode()) < 1000


def test_a_good_page_has_no_finding_and_no_doubt() -> None:
    verdict = judge(french(GOOD))
    assert (verdict.finding, verdict.doubts) == (None, ())
    assert verdict.score > 0.95
    assert verdict.scripts == {"latin": 1.0}


def test_the_most_causal_failure_names_the_page_and_the_others_are_doubts() -> None:
    looped = written(" ".join(SENTENCES) + " le ministre" * 3000, finish="length")
    verdict = judge(french(looped))
    assert verdict.finding is not None
    assert verdict.finding.failure is Failure.REPETITION
    assert {doubt.failure for doubt in verdict.doubts} >= {Failure.TRUNCATED, Failure.RUNAWAY}


def test_a_page_cut_off_without_a_loop_is_truncated() -> None:
    verdict = judge(french(written(" ".join(SENTENCES), finish="length")))
    assert verdict.finding is not None
    assert verdict.finding.failure is Failure.TRUNCATED


def test_nothing_read_on_a_blank_page_is_right() -> None:
    assert judge(french(written(""), blank_facts())).accepted
    assert judge(french(written(" \n"), blank_facts(blank=False))).accepted


def test_a_single_word_that_may_have_been_lost_is_a_doubt() -> None:
    grid = bytearray(EMPTY_GRID)
    grid[6 * 32 + 10 : 6 * 32 + 14] = bytes([30, 40, 35, 20])
    verdict = judge(french(written(""), blank_facts(blank=False, grid=bytes(grid))))
    assert verdict.accepted
    assert [doubt.failure for doubt in verdict.doubts] == [Failure.EMPTY]


def test_a_few_specks_read_on_a_blank_page_are_a_doubt() -> None:
    verdict = judge(french(written("· 1 ."), blank_facts()))
    assert verdict.accepted
    assert [doubt.failure for doubt in verdict.doubts] == [Failure.BLANK_TEXT]


def test_a_nearly_blank_page_may_hold_the_last_lines_of_a_decree() -> None:
    text = written("Fait à Rabat, le 1er chaabane 1378 (10 février 1959).\nABDALLAH IBRAHIM.")
    assert judge(french(text, blank_facts(blank=False, ink=0.005))).accepted


def test_a_nearly_blank_page_does_not_hold_three_thousand_characters() -> None:
    verdict = judge(french(good_page(), blank_facts(blank=False, ink=0.001)))
    assert verdict.finding is not None
    assert verdict.finding.failure is Failure.BLANK_TEXT


@pytest.mark.parametrize("raw", ["<table><tr><td>1</td></tr>", "<div>text</div><div data-bb", "a <table>"])
def test_an_answer_of_unknown_end_that_leaves_markup_open_was_cut_off(raw: str) -> None:
    verdict = judge(french(replace(GOOD, raw=raw, finish="unknown")))
    assert verdict.finding is not None
    assert verdict.finding.failure is Failure.TRUNCATED


@pytest.mark.parametrize("raw", [None, "", "<table><tr><td>1</td></tr></table>", "où 3 < 4"])
def test_an_answer_of_unknown_end_whose_markup_is_closed_is_believed(raw: str | None) -> None:
    assert judge(french(replace(GOOD, raw=raw, finish="unknown"))).accepted


def test_unknown_confidence_is_not_low_confidence() -> None:
    verdict = judge(french(replace(GOOD, confidence=Confidence())))
    assert (verdict.finding, verdict.doubts) == (None, ())


@pytest.mark.parametrize(
    ("mean", "minimum", "fails"),
    [(0.49, 0.49, True), (0.65, 0.2, True), (0.65, 0.45, False), (0.75, 0.1, False), (0.55, None, False)],
)
def test_a_fair_mean_fails_only_with_noise_in_it(mean: float, minimum: float | None, fails: bool) -> None:
    verdict = judge(french(replace(GOOD, confidence=Confidence(mean, minimum))))
    assert verdict.accepted is not fails
    if not fails:
        assert [doubt.failure for doubt in verdict.doubts] == [Failure.LOW_CONFIDENCE]


def test_a_third_of_the_words_in_noise_fails_a_fair_page() -> None:
    def page(noisy: int) -> Case:
        sides = [0.15 if place < noisy else 0.95 for place in range(40)]
        blocks = tuple(
            replace(block, confidence=side) for block, side in zip(GOOD.blocks, sides, strict=True)
        )
        return french(replace(GOOD, blocks=blocks, confidence=Confidence(0.69, 0.4)))

    verdict = judge(page(13))
    assert verdict.finding is not None
    assert verdict.finding.failure is Failure.LOW_CONFIDENCE
    assert verdict.finding.evidence["noise_share"] == pytest.approx(0.33, abs=0.02)
    assert judge(page(6)).accepted


def test_an_engine_that_says_the_page_is_turned_is_believed() -> None:
    verdict = judge(french(replace(GOOD, extra={"rotated": 90})))
    assert verdict.finding is not None
    assert verdict.finding.evidence == {"engine_says": 90.0}
    assert judge(french(replace(GOOD, extra={"rotated": 0}))).accepted


def test_upright_lines_are_right_on_a_page_that_was_turned_on_purpose() -> None:
    verdict = judge(french(TALL, turned=True))
    assert Failure.ROTATION not in {f.failure for f in (verdict.finding, *verdict.doubts) if f}


def test_the_engine_s_word_about_a_turned_image_counts() -> None:
    verdict = judge(french(replace(TALL, extra={"rotated": 180}), turned=True))
    assert verdict.finding is not None
    assert verdict.finding.failure is Failure.ROTATION


def test_a_page_is_turned_by_the_preparations_that_turn() -> None:
    assert is_turned(["deskew", "rotate-90"])
    assert is_turned(["upright"])
    assert not is_turned(["deskew", "columns"])


def test_one_imprint_along_the_margin_does_not_turn_a_page() -> None:
    margin = Block("Imprimerie officielle de la République", (0.95, 0.1, 0.965, 0.9), "line", 0.9)
    assert judge(french(replace(GOOD, blocks=(*GOOD.blocks, margin)))).accepted


# -- charset -----------------------------------------------------------------------------------------------


def reading(text: str, *languages: str, binding: bool = False) -> Case:
    return Case(page_facts(), written(text), PageContext("any", languages, binding=binding))


LATIN = " ".join(SENTENCES)
ARABIC = "بناء على المادة السبعين من النظام الأساسي للحكم الصادر بالأمر الملكي رقم (أ/٩٠) وتاريخ " * 3


@pytest.mark.parametrize(
    ("case", "fails"),
    [
        (reading(LATIN + " " + "\ufffd" * 30, "fr"), True),
        (reading(LATIN + " " + "\ufffd" * 3, "fr"), False),
        (reading(LATIN + " " + "\ue012" * 30, "fr"), True),
        (reading(LATIN + " " + "\x07" * 30), True),
        (reading(LATIN + " 山司月風北日門っ日日日日", "fr"), True),
        (reading(LATIN + " 山司", "fr"), False),
        (reading(LATIN + " λ, μ et Δ", "fr"), False),
        (reading(LATIN + " и от него, и был вечер, и было утро: день первый", "fr"), True),
        (reading(LATIN + " 山司月風北日門っ日日日日"), False),
        (reading(LATIN + " 山司月風北日門っ日日日日", "fr", "zh"), False),
        (reading(LATIN + " 山司月風北日門っ日日日日", "fr", "xx"), False),
        (reading(ARABIC + " Hewlett-Packard, ISO 9001, XIV", "ar", binding=True), False),
        (reading("\u200f" + ARABIC.replace(" ", " \u200e"), "ar", binding=True), False),
        (reading(LATIN, "ar", binding=True), True),
        (reading(LATIN, "ar"), False),
        (reading(LATIN, "ar", "fr"), False),
        (reading(ARABIC, "fr"), False),
        (reading(ARABIC, "fr", binding=True), True),
    ],
)
def test_letters_the_page_cannot_have_shown_fail_it(case: Case, fails: bool) -> None:
    finding = judge(case).finding
    assert (finding is not None and finding.failure is Failure.CHARSET) is fails


def test_a_language_the_engine_cannot_read_is_screened_before_it_is_asked() -> None:
    context = PageContext("rapidocr", ("ar",), binding=True, engine_languages=frozenset({"fr", "en"}))
    finding = screen(context)
    assert finding is not None
    assert finding.failure is Failure.CHARSET
    assert finding.evidence == {"language": "ar", "engine_reads": ["en", "fr"]}


@pytest.mark.parametrize(
    "context",
    [
        PageContext("rapidocr", ("ar",), binding=False, engine_languages=frozenset({"fr"})),
        PageContext("rapidocr", (), binding=True, engine_languages=frozenset({"fr"})),
        PageContext("rapidocr", ("fr",), binding=True, engine_languages=frozenset({"fr"})),
        PageContext("chandra", ("ar",), binding=True, engine_languages=None),
    ],
)
def test_a_guess_or_a_readable_language_is_no_reason_not_to_ask(context: PageContext) -> None:
    assert screen(context) is None


# -- coverage ----------------------------------------------------------------------------------------------


def test_a_row_of_a_table_is_covered_by_its_words() -> None:
    blocks = []
    for place in range(40):
        top = 0.09 + place * 0.0208
        words = tuple(
            Word("4,76", (left, top, left + 0.04, top + 0.014), 0.9) for left in (0.09, 0.3, 0.5, 0.7)
        )
        blocks.append(Block("4,76 4,76 4,76 4,76", (0.09, top, 0.74, top + 0.014), "line", 0.9, words))
    row = bytes(60 if place in (3, 4, 9, 10, 16, 17, 22, 23) else 0 for place in range(32))
    grid = b"".join(row if 4 <= place < 44 else bytes(32) for place in range(48))
    recognition = Recognition("\n".join(f"{n} 4,76" for n in range(40)), "", tuple(blocks))
    assert judge(french(recognition, page_facts(grid=grid))).accepted
    wordless = replace(recognition, blocks=tuple(replace(block, words=()) for block in blocks))
    assert not judge(french(wordless, page_facts(grid=grid))).accepted


def test_a_layout_model_s_regions_cover_what_they_hold() -> None:
    text = GOOD.text
    region = Recognition(text, text, (Block(text, (0.08, 0.07, 0.92, 0.93), "text"),))
    assert judge(french(region)).accepted
    hollow = Recognition("Titre", "Titre", (Block("Titre", (0.08, 0.07, 0.92, 0.93), "text"),))
    assert not judge(french(hollow)).accepted
    picture = Recognition("Titre", "Titre", (Block("Titre", (0.08, 0.07, 0.92, 0.93), "image"),))
    assert judge(french(picture)).accepted


def test_without_boxes_characters_are_held_against_the_ink() -> None:
    assert judge(french(written(GOOD.text), gives_boxes=False)).accepted
    verdict = judge(french(written("Bulletin officiel"), gives_boxes=False))
    assert verdict.finding is not None
    assert verdict.finding.failure is Failure.COVERAGE


def test_a_page_without_a_grid_is_not_blamed_for_it() -> None:
    assert judge(french(good_page(3), page_facts(grid=b""))).accepted


def test_quotes_are_short_and_printable() -> None:
    assert quote("a" * 500) == "a" * 59 + "…"
    assert quote("x\x00\n  y") == "x\\u0000 y"
    assert len(quote("\x00" * 500)) <= 60
