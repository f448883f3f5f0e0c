"""The same words again and again: what a generating model does when it has lost the page.

Three rules, with the numbers of facts measured on such models' output. (1) Tail: some tail of 1..250
characters stands more than int(4 * (1 + 3 / length)) times at the end, also with the last 50 characters cut
(chandra's detect_repeat_token). A longer tail counts from four times. (2) Inside: a sentence of 50 characters
or more five times in a row, a line of 8 or more three times. (3) One character 350 times.

Real gazettes repeat too, and must pass: dotted leaders and ruled form lines (`hollow` text: a long row of
dots is no loop), rows of a table, columns of the same figure, and whatever a line engine found twice on the
page (`grounded`).
"""

from __future__ import annotations

import re
from itertools import groupby
from typing import Any

from bocr_worker.protocol.failures import FailureClass
from bocr_worker.quality.grounded import is_grounded
from bocr_worker.quality.quote import quote
from bocr_worker.quality.tail import repeated_tail
from bocr_worker.quality.verdict import Case, Finding

CHARACTER_TIMES = 350
SENTENCE_LENGTH, SENTENCE_TIMES = 50, 5
LINE_LENGTH, LINE_TIMES = 8, 3
TABLE_ROW_TIMES = 9
SHORT_LINE_TIMES = 12
"""Also for lines without letters: a column of equal figures is common, a loop of three of them is not."""

HOLLOW_LINE_TIMES = 61
"""Ruled or dotted lines in a row: a page of forms has no more than this."""

HOLLOW_RUN = 6_000
"""Leaders, rules and empty table cells without a word between them: 60 full lines."""

GROUNDED_TIMES = 4
"""How many times more often a line engine's line may stand in a row."""

CUT = 50
_HOLLOW = r"\s.·…‥_\-–—‒―=~*+|:،•●○ـ□¦"
_HOLLOW_TEXT = re.compile(rf"[{_HOLLOW}]*")
_HOLLOW_STRETCH = re.compile(rf"[{_HOLLOW}]{{{HOLLOW_RUN},}}")
_TAG = re.compile(r"<[^<>]{1,200}>")
_TABLE_ROW = re.compile(r"\||\t|</?t[dhr]\b")
_SENTENCE_END = re.compile(r"(?<=[.!?;:؟؛。])\s")


def repetition(case: Case) -> Finding | None:
    """Looks at the text, and at the raw answer where a parser stands between the two."""
    recognition = case.recognition
    texts = [recognition.text.strip()]
    if recognition.raw is not None and recognition.raw != recognition.text:
        texts.append(recognition.raw.strip())
    for text in texts:
        evidence = _one_character(text) or _tail(text, case) or _lines(text, case) or _sentences(text, case)
        if evidence is None and len(text) > HOLLOW_RUN and (run := _HOLLOW_STRETCH.search(text)):
            evidence = {"rule": "hollow", "characters": run.end() - run.start(), "text": quote(run.group(0))}
        if evidence is not None:
            return Finding(FailureClass.REPETITION, evidence)
    return None


def _one_character(text: str) -> dict[str, Any] | None:
    """A run of CHARACTER_TIMES covers one of any two probes half as far apart, so few are enough."""
    step = CHARACTER_TIMES // 2
    for start in range(0, len(text) - step + 1, step):
        character = text[start]
        if text.count(character, start, start + step) == step:
            first, last = start, start + step
            while first > 0 and text[first - 1] == character:
                first -= 1
            while last < len(text) and text[last] == character:
                last += 1
            if last - first >= CHARACTER_TIMES:
                return {"rule": "character", "times": last - first, "text": quote(character * 3)}
    return None


def _tail(text: str, case: Case) -> dict[str, Any] | None:
    for cut in (0, CUT):
        tail = repeated_tail(text[: len(text) - cut])
        if tail is None:
            continue
        unit = _from_its_start(tail.unit)
        if tail.times >= _times_allowed(unit, tail.least_times, case):
            return {"rule": "tail", "length": len(unit), "times": tail.times, "text": quote(unit)}
    return None


def _from_its_start(unit: str) -> str:
    """The unit turned so that it begins where a person would say it does: a loop has no beginning, and the
    text's end cuts it anywhere."""
    for mark, keep in (("\n", 1), ("<", 0), (" ", 1)):
        place = unit.find(mark)
        if place >= 0:
            return unit[place + keep :] + unit[: place + keep]
    return unit


def _times_allowed(unit: str, least_times: int, case: Case) -> float:
    """How often this unit must stand at the end to be a loop."""
    if _is_hollow(unit):
        return HOLLOW_RUN / len(unit)
    allowed = float(least_times)
    if not any(character.isalpha() for character in unit):
        allowed = max(2 * allowed, 60 / len(unit))
    if "\n" in unit:
        lines = [line for line in unit.split("\n") if line.strip()]
        in_a_row = min(_line_times(line) for line in lines)
        allowed = max(allowed, in_a_row / len(lines)) * _slack(case)
    return allowed


def _line_times(line: str) -> int:
    if _is_hollow(line):
        return HOLLOW_LINE_TIMES
    if not any(character.isalpha() for character in line) or len(line) < LINE_LENGTH:
        return SHORT_LINE_TIMES
    return TABLE_ROW_TIMES if _TABLE_ROW.search(line) else LINE_TIMES


def _lines(text: str, case: Case) -> dict[str, Any] | None:
    lines = (stripped for line in text.split("\n") if (stripped := line.strip()))
    for line, run in groupby(lines):
        times = sum(1 for _ in run)
        if times >= LINE_TIMES and times >= _line_times(line) * _slack(case):
            return {"rule": "line", "times": times, "text": quote(line)}
    return None


def _sentences(text: str, case: Case) -> dict[str, Any] | None:
    sentences = _SENTENCE_END.split(" ".join(text.split()))
    for sentence, run in groupby(sentences):
        if len(sentence) < SENTENCE_LENGTH:
            continue
        times = sum(1 for _ in run)
        if times >= SENTENCE_TIMES and not _is_hollow(sentence) and times >= SENTENCE_TIMES * _slack(case):
            return {"rule": "sentence", "times": times, "text": quote(sentence)}
    return None


def _slack(case: Case) -> int:
    return GROUNDED_TIMES if is_grounded(case.recognition) else 1


def _is_hollow(text: str) -> bool:
    """Nothing but leaders, rules, white space and tags."""
    return _HOLLOW_TEXT.fullmatch(text) is not None or (
        "<" in text and _HOLLOW_TEXT.fullmatch(_TAG.sub("", text)) is not None
    )
