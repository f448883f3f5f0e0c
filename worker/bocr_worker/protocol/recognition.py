"""What an engine says about a page, in the one form that every engine's parser ends in."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

Box = tuple[float, float, float, float]
"""x0, y0, x1, y1 as fractions of the page as displayed: 0..1, origin top left, x1 > x0, y1 > y0."""


@dataclass(frozen=True)
class Word:
    """One word (or one character run) with its box and the engine's confidence, 0..1, None if unknown."""

    text: str
    box: Box
    confidence: float | None = None


@dataclass(frozen=True)
class Block:
    """A piece of the page in reading order: a line for line engines, a region for layout models.

    `label` is `line`, or the layout label in lower case with hyphens (`section-header`, `table`, …).
    """

    text: str
    box: Box
    label: str = "line"
    confidence: float | None = None
    words: tuple[Word, ...] = ()


@dataclass(frozen=True)
class Usage:
    """Tokens that went in and came out; None where the engine has no tokens."""

    prompt_tokens: int | None = None
    completion_tokens: int | None = None


@dataclass(frozen=True)
class Confidence:
    """Mean and windowed minimum over the page, 0..1. None is unknown, which is not zero."""

    mean: float | None = None
    minimum: float | None = None


@dataclass(frozen=True)
class Recognition:
    """One engine's reading of one page.

    `text` is plain text in reading order, `markdown` the same with structure, `raw` what a model wrote
    before parsing (None for engines without markup). `finish` is `stop`, `length` or `unknown`.
    `language` is the language the page was read as. `extra` holds what an engine has to say beyond this.
    """

    text: str
    markdown: str
    blocks: tuple[Block, ...] = ()
    raw: str | None = None
    finish: str = "stop"
    usage: Usage = field(default_factory=Usage)
    confidence: Confidence = field(default_factory=Confidence)
    language: str | None = None
    markup_problem: str | None = None
    """Set by a parser that could not make sense of the answer: becomes the class `invalid_markup`."""
    extra: dict[str, Any] = field(default_factory=dict)
