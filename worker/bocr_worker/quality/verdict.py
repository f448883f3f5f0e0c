"""What a detector sees and what it says."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from bocr_worker.protocol.facts import ImageFacts
from bocr_worker.protocol.failures import FailureClass
from bocr_worker.protocol.recognition import Recognition


@dataclass(frozen=True)
class PageContext:
    """What is known beside the page itself.

    `languages` are those the document may be in, the likeliest first; `binding` says that a person or a
    rule named them. `chars_per_ink` is the median, over the document's accepted pages so far, of
    characters per unit of ink share (None: too few pages to say). `engine_languages` None: all.
    `turned` says that a preparation turned the image before the engine read it, so that lines standing
    upright on the page are what was meant.
    """

    engine: str
    languages: tuple[str, ...] = ()
    binding: bool = False
    chars_per_ink: float | None = None
    engine_languages: frozenset[str] | None = None
    gives_boxes: bool = True
    turned: bool = False


FAILING = 0.5
"""The severity from which a finding fails its page."""


@dataclass(frozen=True)
class Finding:
    """One detector's objection. `evidence` is small JSON with numbers and short quotes that a person can
    check; `severity` 0..1 lowers the score, and below FAILING it is a doubt that fails no page."""

    failure: FailureClass
    evidence: dict[str, Any] = field(default_factory=dict)
    severity: float = 1.0


@dataclass(frozen=True)
class Verdict:
    """`finding` None: accepted. `doubts` are objections too weak to fail the page, kept for people.
    `score` 0..1 orders attempts on one page: the better one is kept."""

    finding: Finding | None
    doubts: tuple[Finding, ...] = ()
    score: float = 1.0
    scripts: dict[str, float] = field(default_factory=dict)

    @property
    def accepted(self) -> bool:
        return self.finding is None


@dataclass(frozen=True)
class Case:
    """Everything a detector may look at."""

    facts: ImageFacts
    recognition: Recognition
    context: PageContext
