"""The names of the ways a page can fail. They are stored, filtered and compared: never rename one."""

from __future__ import annotations

from enum import Enum


class FailureClass(str, Enum):
    """Why a page's attempt was not accepted. Each is stored with its evidence."""

    TRANSPORT = "transport"
    """The engine or its server died or refused: never the page's own fault."""
    TIMEOUT = "timeout"
    """The engine did not answer for this page before its deadline."""
    RENDER = "render"
    """The page could not be loaded or drawn within its time and memory."""
    TRUNCATED = "truncated"
    """The engine stopped at a limit, not at the page's end."""
    REPETITION = "repetition"
    """The same words again and again, at the end or inside."""
    RUNAWAY = "runaway"
    """Far more characters than a page can hold."""
    BLANK_TEXT = "blank_text"
    """A page without ink for which the engine wrote text."""
    EMPTY = "empty"
    """A page with ink for which the engine wrote nothing."""
    INVALID_MARKUP = "invalid_markup"
    """An answer whose markup cannot be parsed."""
    COVERAGE = "coverage"
    """Ink that no box covers, or far less text than that much ink holds."""
    CHARSET = "charset"
    """Characters or a script that the document's languages do not use."""
    LOW_CONFIDENCE = "low_confidence"
    """The engine itself doubts what it read."""
    ROTATION = "rotation"
    """The page lies on its side or stands on its head."""

    def __str__(self) -> str:
        return self.value
