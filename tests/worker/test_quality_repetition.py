"""Loops are found, and what merely repeats in a gazette is not taken for one."""

from __future__ import annotations

import time

import pytest

from bocr_worker.protocol.failures import FailureClass
from bocr_worker.protocol.recognition import Block, Recognition
from bocr_worker.quality.repetition import repetition
from bocr_worker.quality.tail import least_times, repeated_tail
from tests.quality_builder import SENTENCES, french, written

PAGE = " ".join(SENTENCES)


def found(text: str, **changes: object) -> str | None:
    finding = repetition(french(written(text, **changes)))
    if finding is None:
        return None
    assert finding.failure is FailureClass.REPETITION
    return str(finding.evidence["rule"])


@pytest.mark.parametrize(
    "text",
    [
        PAGE + " the" * 12,
        PAGE + "ha" * 11,
        PAGE + "a" * 17,
        PAGE + (SENTENCES[0] + " ") * 6,
        PAGE + "\n| Total | 12 |" * 9,
        PAGE + "<tr><td>Total</td></tr>" * 9,
        "Visas. " + (" ".join(SENTENCES[:4]) + " ") * 4,
        PAGE + " non" * 60 + "\n\nFin de la page, tout autre.",
        "السعودية " * 12,
    ],
)
def test_a_loop_at_the_end_is_found(text: str) -> None:
    assert found(text) == "tail"


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        (PAGE + "\nLe ministre signe." * 3 + "\n" + PAGE, "line"),
        (PAGE + "\n\nLe ministre signe." * 3 + "\n" + PAGE, "line"),
        (PAGE + "\n| Total | douze |" * 9 + "\n" + PAGE, "line"),
        (PAGE + "\nnon" * 12 + "\n" + PAGE, "line"),
        ((SENTENCES[0] + " ") * 5 + " " + PAGE, "sentence"),
        (PAGE + "é" * 350 + PAGE, "character"),
        (PAGE + "." * 350 + PAGE, "character"),
        (PAGE + " ." * 3001 + PAGE, "hollow"),
    ],
)
def test_a_loop_inside_is_found(text: str, rule: str) -> None:
    assert found(text) == rule


@pytest.mark.parametrize(
    "text",
    [
        "\n".join(f"Chapitre {n} {'.' * 90} {n * 7}" for n in range(40)) + "\n" + "." * 120,
        "\n".join(f"Chapitre {n} {'. ' * 50}{n * 7}" for n in range(40)),
        "Nom :\n" + ("_" * 80 + "\n") * 20,
        "Signature : " + "…" * 60,
        "المملكـــــــــــــــــــــــــــــــــــــــــــــــة",
        PAGE + "\n| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |",
        PAGE + "<tr>" + "<td></td>" * 12 + "</tr>",
        PAGE + "\n" + " ".join(["0,00"] * 12),
        PAGE + "\n" + "2,5\n" * 11,
        PAGE + "\n| Néant | 0 |" * 8,
        "Article premier\n" * 2 + PAGE,
        "\n".join(f"Article {n}\n{SENTENCES[n % 5]} Alinéa {n}." for n in range(30)),
        "",
        "\n" * 500,
    ],
)
def test_leaders_rules_and_tables_are_no_loops(text: str) -> None:
    assert found(text) is None


def column(line: str, times: int) -> Recognition:
    blocks = tuple(Block(line, (0.1, n * 0.02, 0.3, n * 0.02 + 0.015), "line", 0.95) for n in range(times))
    text = "\n".join(block.text for block in blocks)
    return Recognition(text, text, blocks)


def test_what_a_line_engine_found_ten_times_stands_there_ten_times() -> None:
    assert repetition(french(column("Administrateur principal", 10))) is None
    assert found("Administrateur principal\n" * 10) is not None


def test_even_a_line_engine_is_not_believed_for_ever() -> None:
    assert repetition(french(column("Administrateur principal", 45))) is not None


def test_a_loop_in_the_raw_answer_counts_though_the_parser_hid_it() -> None:
    assert found(PAGE, raw="<p>" + PAGE + "</p>" + "<p>non</p>" * 30) == "tail"


@pytest.mark.parametrize("length", [1, 2, 7, 12, 13, 99, 250])
def test_the_rule_begins_where_its_formula_says(length: int) -> None:
    unit = ("abcdefghijklmnopqrstuvwxyz" * 10)[: length - 1] + "#"
    times = int(4 * (1 + 3 / length)) + 1
    assert least_times(length) == times
    tail = repeated_tail("Z" + unit * times)
    assert tail is not None
    assert (tail.unit, tail.times) == (unit, times)
    assert repeated_tail("Z" + unit * (times - 1)) is None


@pytest.mark.parametrize("unit", ["the ", ". ", "x\n", "<td></td>", PAGE, PAGE * 3, "a" * 340 + "b"])
def test_a_loop_of_sixty_thousand_characters_is_judged_in_a_blink(unit: str) -> None:
    text = (unit * (60_000 // len(unit) + 1))[:60_000]
    begun = time.perf_counter()
    assert found(text) is not None
    assert time.perf_counter() - begun < 0.25  # measured 0.01 s; the rest is for a busy machine
