"""What the stand-in says: made from the question's hash, in one of four forms, cut into tokens."""

from __future__ import annotations

import hashlib
import json
import random
import re
from dataclasses import dataclass

_WORDS = [
    "le",
    "la",
    "les",
    "du",
    "des",
    "au",
    "est",
    "une",
    "pour",
    "que",
    "par",
    "sur",
    "dans",
    "avec",
    "décret",
    "arrêté",
    "loi",
    "article",
    "journal",
    "officiel",
    "ministre",
    "gouvernement",
    "république",
    "commune",
    "société",
    "service",
    "publique",
    "année",
    "prix",
    "chemin",
    "terre",
    "compte",
    "avis",
    "nomination",
]
_TOKEN = re.compile(r"\s*[^\s<>|]+|\s*[<>|]+[^\s<>|]*[<>|]*|\s+")

_FRONT_MATTER = """---
primary_language: fr
is_rotation_valid: True
rotation_correction: 0
is_table: False
is_diagram: False
---"""
"""What olmocr's client wants before a page's text."""

NO_END_TOKENS = 100_000
"""What a loop runs to where the question names no limit."""


@dataclass(frozen=True)
class Answer:
    """`logprobs` has an entry a token; None: none were asked for or the fault took them."""

    tokens: tuple[str, ...]
    finish: str
    logprobs: tuple[object, ...] | None

    @property
    def text(self) -> str:
        return "".join(self.tokens)


def answer_for(key: str, tokens: int, markup: str, most_tokens: int, fault: str, logprobs: bool) -> Answer:
    """`key` is the question's hash; `tokens` about how many it is answered with."""
    chance = random.Random(key)
    if fault == "empty":
        return Answer((), "stop", () if logprobs else None)
    if fault == "markup":
        text = _broken(markup)
    elif fault == "loop":
        looped = _loop(_line(chance, key, 0), markup, min(most_tokens, NO_END_TOKENS))
        return Answer(looped, "length", _probabilities(looped, chance, "") if logprobs else None)
    else:
        text = _page(chance, key, tokens, markup)
    said = _tokens(text)
    finish = "stop"
    if fault == "truncated":
        said, finish = said[: max(1, len(said) * 2 // 3)], "length"
    if len(said) > most_tokens:
        said, finish = said[:most_tokens], "length"
    if not logprobs or fault == "no_logprobs":
        return Answer(said, finish, None)
    return Answer(said, finish, _probabilities(said, chance, fault))


def _loop(line: str, markup: str, count: int) -> tuple[str, ...]:
    """A place and then the same line for ever."""
    piece = {"chandra": _chandra(0, "", 1).removesuffix("</p></div>"), "deepseek": _deepseek(0, "", 1)}
    start = _tokens(piece.get(markup, "").rstrip() + "\n" if markup in piece else "")
    unit = _tokens(line + "\n")
    return (start + unit * (count // len(unit) + 1))[:count]


def _tokens(text: str) -> tuple[str, ...]:
    return tuple(_TOKEN.findall(text))


def _line(chance: random.Random, key: str, number: int) -> str:
    words = " ".join(chance.choice(_WORDS) for _ in range(9))
    return f"{key[:6]} {number} {words}."


def _page(chance: random.Random, key: str, tokens: int, markup: str) -> str:
    lines = [_line(chance, key, number) for number in range(1, max(1, round(tokens / 12)) + 1)]
    if markup == "chandra":
        return "\n".join(_chandra(place, line, len(lines)) for place, line in enumerate(lines))
    if markup == "deepseek":
        return "\n".join(_deepseek(place, line, len(lines)) for place, line in enumerate(lines))
    if markup == "olmocr":
        return "\n".join([_FRONT_MATTER, *lines])
    return "\n".join(lines)


def _chandra(place: int, line: str, count: int) -> str:
    top, bottom = 100 + 800 * place // count, 100 + 800 * (place + 1) // count
    return f'<div data-label="Text" data-bbox="60 {top} 940 {bottom}"><p>{line}</p></div>'


def _deepseek(place: int, line: str, count: int) -> str:
    top, bottom = 100 + 800 * place // count, 100 + 800 * (place + 1) // count
    return f"<|ref|>text<|/ref|><|det|>[[60, {top}, 940, {bottom}]]<|/det|>\n{line}\n"


def _broken(markup: str) -> str:
    if markup == "deepseek":
        return "<|ref|>text<|/ref|><|det|>[[60, 12, __import__('os')]]<|/det|>\nno box at all"
    return '<div data-label="Text" data-bbox="940 a -3"><p>no box <div><div at all'


def _probabilities(tokens: tuple[str, ...], chance: random.Random, fault: str) -> tuple[object, ...]:
    values: list[object] = [-0.001 - 0.04 * chance.random() for _ in tokens]
    if fault == "doubt":
        low, high = len(tokens) // 3, len(tokens) // 3 + max(1, len(tokens) // 4)
        values[low:high] = [-2.5 for _ in values[low:high]]
    if fault == "odd_logprobs":
        odd = [None, float("nan"), 3.0, -9999.0, "low", True, float("-inf")]
        values = [odd[place % len(odd)] for place in range(len(values))]
    return tuple(values)


def question_key(prompt: str, image: bytes, temperature: float) -> str:
    """The same question has the same answer at temperature 0; a warmer one is another question."""
    digest = hashlib.sha256(prompt.encode())
    digest.update(hashlib.sha256(image).digest())
    digest.update(f"{temperature:g}".encode())
    return digest.hexdigest()


def logprob_entry(token: str, value: object) -> str:
    """As vLLM writes it, JSON's missing NaN included."""
    shown = json.dumps(token, ensure_ascii=False)
    spelled = ",".join(map(str, token.encode()))
    return f'{{"token":{shown},"logprob":{json.dumps(value)},"bytes":[{spelled}],"top_logprobs":[]}}'
