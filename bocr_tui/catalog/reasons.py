"""A failure in words: what its class means, and what the evidence says."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from bocr_worker.protocol.failures import FailureClass

MEANING: dict[str, str] = {
    str(FailureClass.TRANSPORT): "the engine died or refused",
    str(FailureClass.TIMEOUT): "the engine did not answer in time",
    str(FailureClass.RENDER): "the page could not be loaded or drawn",
    str(FailureClass.TRUNCATED): "the engine stopped before the page's end",
    str(FailureClass.REPETITION): "the same words again and again",
    str(FailureClass.RUNAWAY): "far more text than a page can hold",
    str(FailureClass.BLANK_TEXT): "text where the page is blank",
    str(FailureClass.EMPTY): "no text where the page has ink",
    str(FailureClass.INVALID_MARKUP): "an answer whose markup cannot be parsed",
    str(FailureClass.COVERAGE): "part of the page was not read",
    str(FailureClass.CHARSET): "characters that the document's language does not use",
    str(FailureClass.LOW_CONFIDENCE): "the engine doubts what it read",
    str(FailureClass.ROTATION): "the page lies on its side or on its head",
}

_LONGEST = 300
"""Characters of evidence in a sentence: enough for a few numbers and a short quote."""


def reason_of(failure: str | None, evidence: Mapping[str, Any] | None = None) -> str:
    """One line without line breaks. A class this program does not know is named as it is."""
    meaning = MEANING.get(failure or "", failure or "no reason was recorded")
    said = _evidence(evidence or {})
    return f"{meaning} ({said})" if said else meaning


def spread_out(evidence: Mapping[str, Any]) -> dict[str, Any]:
    """The evidence with each doubt as a piece of its own, for people: `doubt: low confidence` and what the
    doubt rests on."""
    plain = {name: value for name, value in evidence.items() if name != "doubts"}
    doubts = evidence.get("doubts")
    if isinstance(doubts, Mapping):
        for name, facts in doubts.items():
            told = facts.items() if isinstance(facts, Mapping) else [("", facts)]
            words = ", ".join(f"{key.replace('_', ' ')} {_value(value)}".strip() for key, value in told)
            plain[f"doubt: {name}"] = words
    elif doubts is not None:
        plain["doubts"] = doubts
    return plain


def _evidence(evidence: Mapping[str, Any]) -> str:
    parts = [f"{name.replace('_', ' ')} {_value(value)}" for name, value in spread_out(evidence).items()]
    line = re.sub(r"\s+", " ", ", ".join(parts)).strip()
    return line if len(line) <= _LONGEST else line[: _LONGEST - 1] + "…"


def _value(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.3g}"
    if isinstance(value, Mapping):
        return " ".join(f"{name}={_value(inner)}" for name, inner in value.items())
    if isinstance(value, (list, tuple)):
        return " ".join(_value(inner) for inner in value)
    return str(value)
