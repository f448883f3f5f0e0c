"""From the probabilities of tokens to how sure a model was: of the page, of a block, of a stretch.

Pure functions. A token's bytes are matched with the text it belongs to, so that markup can be left out and
doubtful stretches be shown; special tokens that the text does not hold are passed over.
"""

from __future__ import annotations

import math
import re
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from operator import sub
from typing import NamedTuple

from bocr_worker.protocol.recognition import Confidence
from bocr_worker.quality.confidence import summarise

TOKEN_WINDOW = 40
"""Tokens of a window: the 120 characters of quality/confidence.py at three a token, which is what French and
Arabic take in the models' vocabularies."""

DOUBTFUL = 0.5
_GAP = 2
"""So many sure tokens between two doubtful ones do not end a stretch."""

MOST_STRETCHES = 50
_RESYNC = 32
"""Bytes of the text that may be passed over to find a token again (servers strip white space)."""


_CONTINUED = bytes(range(0x80, 0xC0))
"""The bytes of UTF-8 that begin no character."""


class Token(NamedTuple):
    """A piece of the answer as bytes (a character may be cut in two) and how likely it was, None unknown."""

    spelled: bytes
    probability: float | None


class Placed(NamedTuple):
    """A token in the text: characters from `start` up to `end`."""

    start: int
    end: int
    probability: float | None


@dataclass(frozen=True)
class Stretch:
    """Characters of the answer that the model doubted; `mean` of its tokens."""

    start: int
    end: int
    mean: float


def place_tokens(text: str, tokens: Iterable[Token]) -> tuple[Placed, ...]:
    """The tokens that the text holds, in order."""
    whole = text.encode("utf-8", "surrogatepass")
    placed: list[Placed] = []
    at = begun = 0  # bytes that are passed, and characters whose first byte is among them
    for spelled, probability in tokens:
        if not spelled:
            continue
        if not whole.startswith(spelled, at):
            found = whole.find(spelled, at, at + _RESYNC + len(spelled))
            if found < 0:
                continue
            begun += len(whole[at:found].translate(None, _CONTINUED))
            at = found
        # A character belongs to every token that spells a part of it.
        start = begun - (spelled[0] in _CONTINUED)
        begun += len(spelled.translate(None, _CONTINUED))
        placed.append(Placed(start, begun, probability))
        at += len(spelled)
    return tuple(placed)


def without_markup(text: str, placed: Sequence[Placed], markup: re.Pattern[str] | None) -> tuple[Placed, ...]:
    """The tokens of the page's own text: no white space, and nothing that markup touches."""
    spans = [match.span() for match in markup.finditer(text)] if markup else []
    starts = [start for start, _ in spans]
    kept = []
    for token in placed:
        at = bisect_left(starts, token.end) - 1
        if at >= 0 and spans[at][1] > token.start:
            continue
        if text[token.start : token.end].strip():
            kept.append(token)
    return tuple(kept)


def overall(tokens: Iterable[Placed]) -> Confidence:
    """Mean probability of a token, and the least mean of a window: summarise() for a thousand weights that
    are all the same."""
    known = [token.probability for token in tokens if token.probability is not None]
    if not known or not all(map(math.isfinite, known)):
        return summarise(((probability, 1.0) for probability in known), TOKEN_WINDOW)
    sums = list(accumulate(known, initial=0.0))
    mean = sums[-1] / len(known)
    if len(known) < TOKEN_WINDOW:
        return _confidence(mean, mean)
    return _confidence(mean, min(mean, min(map(sub, sums[TOKEN_WINDOW:], sums)) / TOKEN_WINDOW))


def _confidence(mean: float, minimum: float) -> Confidence:
    """Four digits are all that is stored; sums of floats may step out of 0..1 by a hair."""
    return Confidence(round(min(1.0, max(0.0, mean)), 4), round(min(1.0, max(0.0, minimum)), 4))


def mean_within(tokens: Sequence[Placed], start: int, end: int) -> float | None:
    """Of the tokens that begin between two characters; None where nothing is known. `tokens` are in order."""
    first = bisect_left(tokens, start, key=lambda token: token.start)
    known: list[float] = []
    for token in tokens[first:]:
        if token.start >= end:
            break
        if token.probability is not None:
            known.append(token.probability)
    return round(sum(known) / len(known), 4) if known else None


def doubtful_stretches(tokens: Sequence[Placed]) -> tuple[Stretch, ...]:
    """The stretches below DOUBTFUL in the text's order; of too many, those that hold the most doubt."""
    runs: list[list[int]] = []
    for number, token in enumerate(tokens):
        if token.probability is None or token.probability >= DOUBTFUL:
            continue
        if runs and number - runs[-1][-1] <= _GAP + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    stretches = [_stretch(tokens[run[0] : run[-1] + 1]) for run in runs]
    worst = sorted(stretches, key=lambda each: (each.end - each.start) * (1.0 - each.mean), reverse=True)
    return tuple(sorted(worst[:MOST_STRETCHES], key=lambda each: each.start))


def _stretch(tokens: Sequence[Placed]) -> Stretch:
    known = [token.probability for token in tokens if token.probability is not None]
    return Stretch(tokens[0].start, tokens[-1].end, round(sum(known) / len(known), 4))
