"""How we prove who we are: keys first, then what a person answers."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import asyncssh

from bocr_tui.sites.asking import Prompt, QuestionKind
from bocr_tui.sites.transport.ssh.host_keys import KnownHosts
from bocr_tui.sites.transport.ssh.identities import Identities
from bocr_tui.sites.transport.ssh.questions import Questions
from bocr_tui.sites.transport.ssh.settings import HostSettings

TRIES = 3
"""Times a person is asked for a password or a code before the host is left alone."""


class Client(asyncssh.SSHClient):
    """One connection to one host. `offered` is the key it showed, when that was not one we know."""

    def __init__(
        self,
        settings: HostSettings,
        known: KnownHosts,
        identities: Identities,
        questions: Questions,
        lost: Callable[[Exception | None], None],
    ) -> None:
        self.offered: asyncssh.SSHKey | None = None
        self._settings, self._known = settings, known
        self._identities, self._questions = identities, questions
        self._lost = lost
        self._offered_keys = False
        self._told: list[str] = []
        self._tries = {QuestionKind.PASSWORD: 0, QuestionKind.KEYBOARD: 0}

    def validate_host_public_key(self, host: str, addr: str, port: int, key: asyncssh.SSHKey) -> bool:
        self.offered = key
        return key in self._known.loosely and not self._known.keys

    def connection_lost(self, exc: Exception | None) -> None:
        self._lost(exc)

    async def public_key_auth_requested(self) -> Sequence[asyncssh.SSHKeyPair] | None:
        if self._offered_keys:
            return None
        self._offered_keys = True
        return await self._identities.pairs() or None

    async def password_auth_requested(self) -> str | None:
        prompts = (Prompt(f"Password of {self._settings.user}@{self._settings.name}"),)
        answers = await self._ask(QuestionKind.PASSWORD, "", prompts)
        return answers[0] if answers else None

    async def kbdint_auth_requested(self) -> str | None:
        return None if self._spent(QuestionKind.KEYBOARD) else ""

    async def kbdint_challenge_received(
        self, name: str, instructions: str, lang: str, prompts: Sequence[tuple[str, bool]]
    ) -> list[str] | None:
        del lang
        self._told += [text for text in (name, instructions) if text]
        if not prompts:
            return []  # something to read before the question that follows
        text, self._told = "\n".join(self._told), []
        fields = tuple(Prompt(shown, echo) for shown, echo in prompts)
        return await self._ask(QuestionKind.KEYBOARD, text, fields)

    async def _ask(self, kind: QuestionKind, text: str, prompts: tuple[Prompt, ...]) -> list[str] | None:
        if self._spent(kind):
            return None
        again = "That was not accepted.\n" if self._tries[kind] else ""
        self._tries[kind] += 1
        return await self._questions.ask(kind, f"Log in to {self._settings.name}", again + text, prompts)

    def _spent(self, kind: QuestionKind) -> bool:
        return self._questions.declined or self._tries[kind] >= TRIES
