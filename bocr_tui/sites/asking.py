"""Questions that only a person can answer while a connection is made."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


class QuestionKind(StrEnum):
    HOST_KEY = "host_key"
    """Is this host's key the right one? Answered with `yes` or not at all."""
    PASSPHRASE = "passphrase"  # noqa: S105
    PASSWORD = "password"  # noqa: S105 - the kind of question, not an answer
    KEYBOARD = "keyboard"
    """Keyboard-interactive: whatever the host asks for, such as a one-time code."""


@dataclass(frozen=True)
class Prompt:
    """One field to fill. `echo` False: what is typed is not shown."""

    text: str
    echo: bool = False


@dataclass(frozen=True)
class Question:
    """`text` and the prompts may come from the host: show them as plain text only. Answers are kept in
    memory at most, never written or logged."""

    kind: QuestionKind
    site: str
    title: str
    text: str
    prompts: tuple[Prompt, ...]


class Asker(Protocol):
    """A face that can ask: a modal of the panel, a terminal."""

    async def __call__(self, question: Question) -> list[str] | None:
        """One answer a prompt; None when the person declines."""
        ...


async def ask_nobody(question: Question) -> list[str] | None:
    """Where nobody sits: every question is declined."""
    del question
    return None
