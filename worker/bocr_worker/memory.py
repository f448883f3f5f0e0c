"""What a job learns about a document while it reads it: its language, and how dense its pages are."""

from __future__ import annotations

from collections import Counter, deque
from statistics import median

from bocr_worker.language import decide, vote
from bocr_worker.protocol.manifest import DocumentOrder

_PAGES_FOR_DENSITY = 3
"""Accepted pages before a document's own density is used as a measure."""

_PAGES_REMEMBERED = 65


class DocumentMemory:
    """Of one document; kept by the feed, in memory, and learned again after a restart."""

    def __init__(self, document: DocumentOrder, languages: tuple[str, ...]) -> None:
        self._document = document
        self._languages = languages
        self._votes: Counter[str] = Counter()
        self._densities: deque[float] = deque(maxlen=_PAGES_REMEMBERED)

    @property
    def binding(self) -> bool:
        return self._document.language is not None and self._document.language_binding

    @property
    def languages(self) -> tuple[str, ...]:
        """Candidates, the likeliest first."""
        if self.binding:
            assert self._document.language is not None
            return (self._document.language,)
        first = decide(self._votes.elements()) or self._document.language
        if first is None:
            return self._languages
        return (first, *(language for language in self._languages if language != first))

    @property
    def chars_per_ink(self) -> float | None:
        if len(self._densities) < _PAGES_FOR_DENSITY:
            return None
        return median(self._densities)

    def learn(self, scripts: dict[str, float], characters: int, ink: float) -> None:
        """From an accepted page with text."""
        language = vote(scripts, self._languages)
        if language is not None:
            self._votes[language] += 1
        if ink > 0 and characters:
            self._densities.append(characters / ink)
