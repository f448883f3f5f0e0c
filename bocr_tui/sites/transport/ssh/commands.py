"""Commands over a site's connection: a few at a time, each logged, their failures told apart."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

from bocr_tui.sites.command_log import CommandLog, SentCommand
from bocr_tui.sites.transport.base import NeverSent, TransportLost
from bocr_tui.sites.transport.ssh.connection import Connection, Live
from bocr_tui.sites.transport.ssh.frames import AnswerReader, BadAnswer
from bocr_tui.sites.transport.ssh.session import NotStarted, Outcome, Silence, run_command
from bocr_tui.sites.transport.ssh.words import plain_words

AT_ONCE = 4
"""Servers allow ten sessions by default and free them late: with four none is refused."""

OPEN_S = 20.0
"""How long a live connection may take to start a command."""

REFUSED_FOR_S = 10.0
"""How long a server that has no session free is asked again before we give up."""


class Unanswered(Exception):
    """The command ended and did not answer; its exit code says why."""

    def __init__(self, exit_status: int, words: str) -> None:
        super().__init__(words)
        self.exit_status, self.words = exit_status, words


@dataclass(frozen=True)
class Command:
    """`what` is its line in the log, `line` what the site's shell gets, `body` makes what goes to its
    stdin."""

    what: str
    line: str
    nonce: bytes
    body: Callable[[], AsyncIterator[bytes]]
    timeout_s: float


class Commands:
    """`count`, `sent_bytes` and `received_bytes` are of all commands so far, without SSH's own bytes."""

    def __init__(self, site: str, connection: Connection, log: CommandLog) -> None:
        self.count = self.sent_bytes = self.received_bytes = 0
        self._site, self._connection, self._log = site, connection, log
        self._places = asyncio.Semaphore(AT_ONCE)

    async def run(self, live: Live, command: Command) -> Any:
        """The value a command answered. Raises NeverSent, TransportLost, Unanswered, and whatever the
        command's body raises."""
        async with self._places:
            outcome = Outcome()
            started = time.monotonic()
            problem = "given up"
            try:
                value = await self._run(live, command, outcome)
                problem = _told_problem(value)
                return value
            except Unanswered as error:
                problem = error.words
                raise
            except TransportLost as error:
                problem = error.cause
                raise
            finally:
                self._account(command, outcome, time.monotonic() - started, problem)

    def _account(self, command: Command, outcome: Outcome, seconds: float, problem: str) -> None:
        self.count += 1
        self.sent_bytes += outcome.sent_bytes
        self.received_bytes += outcome.received_bytes
        sent, received = outcome.sent_bytes, outcome.received_bytes
        self._log.write(
            SentCommand(self._site, command.what, outcome.exit_status, seconds, sent, received, problem)
        )

    async def _run(self, live: Live, command: Command, outcome: Outcome) -> Any:
        reader = AnswerReader(command.nonce)
        try:
            await self._start(live, command, reader, outcome)
        except Silence as error:
            raise TransportLost(
                f"{command.what} on {self._connection.host}: {error}.", "It is asked again."
            ) from error
        except BadAnswer as error:
            raise self._bad(command, error) from error
        if reader.payload is None:
            raise self._no_answer(command, reader, outcome)
        try:
            return await asyncio.to_thread(reader.value) if len(reader.payload) > 65536 else reader.value()
        except BadAnswer as error:
            raise self._bad(command, error) from error

    async def _start(self, live: Live, command: Command, reader: AnswerReader, outcome: Outcome) -> None:
        deadline = time.monotonic() + REFUSED_FOR_S
        pause_s = 0.05
        while (refused := await self._try(live, command, reader, outcome)) is not None:
            if not refused.again or time.monotonic() > deadline:
                words = plain_words(str(refused))
                if not refused.again:
                    self._connection.drop(live, words)
                raise NeverSent(
                    f"{self._connection.host} takes no command: {words}.", "It is tried again by itself."
                ) from refused
            await asyncio.sleep(pause_s)
            pause_s = min(1.0, pause_s * 2)

    @staticmethod
    async def _try(live: Live, command: Command, reader: AnswerReader, outcome: Outcome) -> NotStarted | None:
        try:
            await run_command(
                live.ssh, command.line, command.body(), reader, outcome, OPEN_S, command.timeout_s
            )
        except NotStarted as error:
            return error
        return None

    def _bad(self, command: Command, error: Exception) -> TransportLost:
        return TransportLost(
            f"{command.what} on {self._connection.host} was not answered soundly: {plain_words(str(error))}.",
            "It is asked again.",
        )

    def _no_answer(self, command: Command, reader: AnswerReader, outcome: Outcome) -> Exception:
        if outcome.exit_status is None:
            how = f"it was ended by {plain_words(outcome.signal)}" if outcome.signal else "the link was lost"
            return TransportLost(
                f"{command.what} on {self._connection.host} did not answer: {how}.", "It is asked again."
            )
        said = plain_words(outcome.error) or plain_words(reader.noise)
        return Unanswered(outcome.exit_status, said or f"it ended with {outcome.exit_status}")


def _told_problem(value: Any) -> str:
    """What an answer says went wrong, for the log."""
    if isinstance(value, dict) and len(value) == 1:
        for kind in ("refused", "timeout", "os_error", "error"):
            if kind in value:
                return plain_words(f"{kind}: {value[kind]}", 200)
    return ""
