"""The one connection to a site: made when it is needed, shared, noticed when it is lost."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import asyncssh

from bocr_tui.config.errors import ConfigError
from bocr_tui.config.model import SiteConfig
from bocr_tui.sites.asking import Asker
from bocr_tui.sites.command_log import CommandLog, SentCommand
from bocr_tui.sites.transport.base import Link, NeedsPerson, NeverSent, TransportLost
from bocr_tui.sites.transport.ssh.hops import Hop, HopOpener, Tuning
from bocr_tui.sites.transport.ssh.identities import Opened
from bocr_tui.sites.transport.ssh.questions import Clock, Questions
from bocr_tui.sites.transport.ssh.settings import MAX_JUMPS, Target, parse_target, read_settings
from bocr_tui.sites.transport.ssh.words import plain_words

# asyncio warns on the terminal for each packet that is written before a loss has been noticed.
logging.getLogger("asyncio").addFilter(lambda record: "socket.send() raised" not in record.getMessage())


@dataclass(eq=False)
class Live:
    """A connection that was made. `one_time`: a person had to answer for it, and would have to again."""

    hops: list[Hop]
    one_time: bool

    @property
    def ssh(self) -> asyncssh.SSHClientConnection:
        return self.hops[-1].connection


class Connection:
    """`problem` says in words why there is no connection; `link` how things stand. `asked_s` is how long
    people took to answer its questions, in all."""

    def __init__(
        self, site: str, config: SiteConfig, asker: Asker, log: CommandLog, folder: Path, tuning: Tuning
    ) -> None:
        self.problem = ""
        self.asked_s = 0.0
        self._site, self._asker, self._log, self._folder, self._tuning = site, asker, log, folder, tuning
        self._target = _target(site, config)
        self._opened = Opened()
        self._live: Live | None = None
        self._attempt: asyncio.Task[Live] | None = None
        self._pause: NeedsPerson | None = None
        self._link = Link.CLOSED
        self._burials: set[asyncio.Task[None]] = set()

    @property
    def link(self) -> Link:
        return self._link

    @property
    def host(self) -> str:
        """What a person calls it."""
        return self._target.host

    async def get(self) -> Live:
        """The connection, made now if there is none; callers at the same time share one attempt. Raises
        NeverSent, or NeedsPerson: then nothing is tried again before `resume`."""
        if self._live is not None:
            return self._live
        if self._pause is not None:
            raise NeedsPerson(self._pause.cause, self._pause.next_step)
        if self._attempt is None:
            self._attempt = asyncio.create_task(self._open())
            self._attempt.add_done_callback(self._attempt_done)
        attempt = self._attempt
        try:
            return await asyncio.shield(attempt)
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if attempt.cancelled() and (task is None or not task.cancelling()):
                raise NeverSent(f"{self.host} was closed meanwhile.") from None
            raise

    async def resume(self) -> None:
        """A person asks for another try: connect, asking whatever there is to ask. Raises as `get` does."""
        self._pause = None
        await self.get()

    async def close(self) -> None:
        """End it; a later `get` makes a new one."""
        attempt, self._attempt = self._attempt, None
        if attempt is not None:
            attempt.cancel()
            await asyncio.gather(attempt, return_exceptions=True)
        live, self._live = self._live, None
        self._link = Link.CLOSED
        if live is not None:
            await _close_hops(live.hops)
        await asyncio.gather(*self._burials)

    def drop(self, live: Live, problem: str) -> None:
        """Give a connection up that does not do its work any more."""
        for hop in live.hops:
            hop.connection.abort()
        self._lost(live, problem)

    def _attempt_done(self, attempt: asyncio.Task[Live]) -> None:
        if self._attempt is attempt:
            self._attempt = None
        if not attempt.cancelled():
            attempt.exception()  # whoever waited for it has it; it is no forgotten one

    async def _open(self) -> Live:
        self._link = Link.CONNECTING
        started = time.monotonic()
        problem = "given up"
        try:
            self._live = await self._open_hops()
            self._link, self.problem, problem = Link.CONNECTED, "", ""
            return self._live
        except NeedsPerson as error:
            self._pause, self._link, problem = error, Link.PAUSED, error.cause
            raise
        except TransportLost as error:
            self._link, problem = Link.WAITING, error.cause
            raise
        finally:
            if problem:
                self.problem = problem
            if self._link is Link.CONNECTING:
                self._link = Link.CLOSED
            code = None if problem else 0
            self._log.write(
                SentCommand(self._site, "connect", code, time.monotonic() - started, problem=problem)
            )

    async def _open_hops(self) -> Live:
        clock = Clock(self._tuning.connect_s)
        questions = Questions(self._site, self._asker, clock)
        opener = HopOpener(self._tuning, clock, questions, self._opened)
        live = Live([], False)
        try:
            await self._follow(self._target, opener, live, 0)
            live.one_time = questions.one_time
            if any(hop.connection.is_closed() for hop in live.hops):
                raise NeverSent(f"{self.host} closed the connection at once.", "It is tried again by itself.")
        except BaseException:
            await asyncio.shield(_close_hops(live.hops))
            raise
        finally:
            self.asked_s += clock.stood_s
        return live

    async def _follow(self, target: Target, opener: HopOpener, live: Live, depth: int) -> None:
        """Open the way to a host, each jump by its own settings, then the host."""
        if depth > MAX_JUMPS:
            raise NeedsPerson(
                f"The ProxyJump of {target.host} leads through more than {MAX_JUMPS} hosts, or in a circle.",
                "Mend ~/.ssh/config.",
            )
        settings = await asyncio.to_thread(read_settings, target, self._folder)
        # The first jump may itself lie behind another; those after it are reached through it.
        for number, jump in enumerate(settings.jumps):
            if number == 0 and not live.hops:
                await self._follow(jump, opener, live, depth + 1)
            else:
                onward = await asyncio.to_thread(read_settings, jump, self._folder)
                await self._add(opener.open(onward, live.hops[-1], self._notice(live)), live)
        tunnel = live.hops[-1] if settings.jumps and live.hops else None
        await self._add(opener.open(settings, tunnel, self._notice(live)), live)

    @staticmethod
    async def _add(opening: Awaitable[Hop], live: Live) -> None:
        live.hops.append(await opening)

    def _notice(self, live: Live) -> Callable[[Exception | None], None]:
        def lost(error: Exception | None) -> None:
            self._lost(live, plain_words(str(error or "the host closed the connection")))

        return lost

    def _lost(self, live: Live, problem: str) -> None:
        if self._live is not live:
            return
        self._live = None
        self.problem = f"The connection to {self.host} was lost: {problem}."
        self._log.write(SentCommand(self._site, "connection lost", None, problem=problem))
        if live.one_time:
            self._link = Link.PAUSED
            self._pause = NeedsPerson(self.problem, "Connect again: you have to log in anew.")
        else:
            self._link = Link.WAITING
        burial = asyncio.create_task(_close_hops(live.hops))
        self._burials.add(burial)
        burial.add_done_callback(self._burials.discard)


def _target(site: str, config: SiteConfig) -> Target:
    """Raises ConfigError."""
    try:
        named = parse_target(config.host)
    except ValueError as error:
        raise ConfigError(f"sites.{site}.host: {error}.", "Name a host of ~/.ssh/config.") from None
    return Target(named.host, config.user or named.user, config.port or named.port)


async def _close_hops(hops: list[Hop]) -> None:
    for hop in reversed(hops):
        await hop.close()
