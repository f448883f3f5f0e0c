"""People who answer, refuse or do not come."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from bocr_tui.sites.asking import Question, QuestionKind


class Person:
    """Answers by the question's kind and keeps what was asked. A kind without answers is declined; the last
    answer of a kind is given again and again."""

    def __init__(self, **answers: Sequence[list[str]]) -> None:
        self.questions: list[Question] = []
        self._answers = {QuestionKind(kind): list(given) for kind, given in answers.items()}
        self.thinking: asyncio.Event | None = None
        """Set it to an event that the person waits for before answering."""

    async def __call__(self, question: Question) -> list[str] | None:
        self.questions.append(question)
        if self.thinking is not None:
            await self.thinking.wait()
        given = self._answers.get(question.kind)
        if not given:
            return None
        return given.pop(0) if len(given) > 1 else given[0]

    @property
    def kinds(self) -> list[QuestionKind]:
        return [question.kind for question in self.questions]
