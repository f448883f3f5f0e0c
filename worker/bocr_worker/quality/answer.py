"""Objections to the form of an answer: markup nobody can parse, and an answer that was cut off."""

from __future__ import annotations

import re

from bocr_worker.protocol.failures import FailureClass
from bocr_worker.quality.quote import quote
from bocr_worker.quality.verdict import Case, Finding

_STOPPED, _UNKNOWN = "stop", "unknown"
_PAIRED = ("table", "div", "thead", "tbody", "ul", "ol", "math", "form")
_TAG = re.compile(rf"<(/?)({'|'.join(_PAIRED)})\b", re.IGNORECASE)
_OPEN_END = re.compile(r"<(?:[a-zA-Z/|][^<>]{0,400})$")


def invalid_markup(case: Case) -> Finding | None:
    """The engine's own parser could not make sense of the answer."""
    problem = case.recognition.markup_problem
    if problem is None:
        return None
    evidence = {"problem": quote(problem)}
    if case.recognition.raw:
        evidence["starts"] = quote(case.recognition.raw)
    return Finding(FailureClass.INVALID_MARKUP, evidence)


def truncated(case: Case) -> Finding | None:
    """The engine stopped for another reason than having read the page.

    Where a runtime does not say why it stopped (`unknown`), markup that ends inside a tag or leaves one
    open is the only sign there is.
    """
    recognition = case.recognition
    ends = {"ends": quote((recognition.raw or recognition.text)[-40:])}
    if recognition.finish == _UNKNOWN:
        left_open = _left_open(recognition.raw or "")
        return (
            None
            if left_open is None
            else Finding(FailureClass.TRUNCATED, {"finish": _UNKNOWN, "open": quote(left_open), **ends})
        )
    if recognition.finish == _STOPPED:
        return None
    evidence: dict[str, object] = {"finish": quote(recognition.finish), **ends}
    if recognition.usage.completion_tokens is not None:
        evidence["tokens"] = recognition.usage.completion_tokens
    return Finding(FailureClass.TRUNCATED, evidence)


def _left_open(raw: str) -> str | None:
    """The piece of markup that the answer ends in or never closed; None where all is closed."""
    end = raw.rstrip()
    if match := _OPEN_END.search(end[-401:]):
        return match.group(0)
    open_tags: dict[str, int] = {}
    for slash, name in _TAG.findall(raw):
        key = name.lower()
        open_tags[key] = open_tags.get(key, 0) + (-1 if slash else 1)
    return next((f"<{name}>" for name, count in open_tags.items() if count > 0), None)
