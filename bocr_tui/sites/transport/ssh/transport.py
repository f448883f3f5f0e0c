"""The transport over SSH: each question is one command, and its answer one frame."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from bocr_tui.config.errors import SiteError
from bocr_tui.config.model import SiteConfig
from bocr_tui.sites.asking import Asker
from bocr_tui.sites.command_log import CommandLog, describe_call
from bocr_tui.sites.helper.frames import BROKEN, CUT
from bocr_tui.sites.transport.base import (
    CALL_TIMEOUT_S,
    Link,
    NeverSent,
    Progressed,
    RunAsk,
    RunNews,
    TransportLost,
    Upload,
)
from bocr_tui.sites.transport.ssh.commands import Command, Commands, Unanswered
from bocr_tui.sites.transport.ssh.connection import Connection, Live
from bocr_tui.sites.transport.ssh.hops import Tuning
from bocr_tui.sites.transport.ssh.host_keys import fingerprint
from bocr_tui.sites.transport.ssh.installing import MISSING, Place, find_place, install_helper, question
from bocr_tui.sites.transport.ssh.news import Nonsense, read_news
from bocr_tui.sites.transport.ssh.settings import ssh_folder
from bocr_tui.sites.transport.ssh.uploading import upload_files
from bocr_tui.sites.transport.ssh.words import plain_words

POLL_BYTES = 32 * 1024 * 1024
"""Of all journals in one answer; the rest comes with the next."""

GRACE_S = 15.0
"""Between the end of a question's time on the site and the moment from which no answer is expected."""

NOT_RUN = {126, 127}
"""Exit codes of a shell that found nothing to run."""


class SshTransport:
    """Runs the site's helper on the login node. `folder` is ours instead of ~/.ssh."""

    def __init__(
        self,
        site: str,
        config: SiteConfig,
        asker: Asker,
        command_log: Path,
        *,
        folder: Path | None = None,
        tuning: Tuning | None = None,
    ) -> None:
        """Raises ConfigError for a host that is none. Nothing is connected yet."""
        self.site = site
        self._config = config
        log = CommandLog(command_log)
        self._connection = Connection(site, config, asker, log, folder or ssh_folder(), tuning or Tuning())
        self.commands = Commands(site, self._connection, log)
        self._seen: tuple[Live, Place] | None = None
        self._looking = asyncio.Lock()

    @property
    def link(self) -> Link:
        return self._connection.link

    @property
    def problem(self) -> str:
        """Why there is no connection, a sentence; empty while there is one."""
        return self._connection.problem

    @property
    def asked_s(self) -> float:
        """How long people took to answer questions of the connection, in all."""
        return self._connection.asked_s

    async def place(self) -> Place:
        """What the site looks like: root, host, Python. Connects, and installs the helper."""
        return (await self._ready())[1]

    async def host_key(self) -> str:
        """The host's key as `SHA256:…`, which was known or has been accepted; empty where an authority
        vouches for it. Connects."""
        key = (await self._connection.get()).ssh.get_server_host_key()
        return "" if key is None else fingerprint(key)

    async def stage(self, folders: Mapping[str, Mapping[str, bytes]]) -> None:
        await self.call("stage_folders", {name: dict(files) for name, files in folders.items()})

    async def poll(self, asks: Sequence[RunAsk]) -> list[RunNews]:
        plain = [
            {
                "token": ask.token,
                "offsets": dict(ask.offsets),
                "max_bytes": ask.max_bytes,
                "logs": list(ask.logs),
            }
            for ask in asks
        ]
        answer = await self.call("poll_runs", plain, POLL_BYTES)
        try:
            return read_news(answer, asks)
        except Nonsense as error:
            raise TransportLost(
                f"{self._connection.host} answered something else than was asked: {plain_words(str(error))}.",
                "It is asked again.",
            ) from error

    async def call(self, function: str, *arguments: object, timeout_s: float = CALL_TIMEOUT_S) -> Any:
        return await self.ask(function, arguments, timeout_s)

    async def upload(self, files: Sequence[Upload], progressed: Progressed, mb_per_s: float = 0.0) -> None:
        await upload_files(self.ask, files, progressed, mb_per_s)

    async def resume(self) -> None:
        """Connects at once, so that a question comes while somebody is there. Raises as `call` does."""
        await self._connection.resume()

    async def close(self) -> None:
        await self._connection.close()

    async def ask(
        self,
        function: str,
        arguments: tuple[object, ...],
        timeout_s: float,
        stream: Callable[[], AsyncIterator[bytes]] | None = None,
        stream_s: float = 0.0,
    ) -> Any:
        """Put a question to the helper, with what `stream` makes behind it: for that, `stream_s` more."""
        what = describe_call(function, arguments)
        for attempt in (1, 2):
            live, place = await self._ready()
            line, nonce, frame = await asyncio.to_thread(
                question, place, function, arguments, timeout_s, stream_s
            )
            command = Command(what, line, nonce, partial(_body, frame, stream), timeout_s + GRACE_S)
            try:
                answer = await self.commands.run(live, command)
            except Unanswered as error:
                if error.exit_status in (MISSING, BROKEN) and attempt == 1:
                    await self._mend(live, place)
                    continue
                raise self._ended(what, error) from error
            return self._value(function, answer)
        raise AssertionError("unreachable")

    async def _ready(self) -> tuple[Live, Place]:
        """The connection, and what was seen through it: another one may lead to another login node."""
        live = await self._connection.get()
        async with self._looking:
            if self._seen is None or self._seen[0] is not live:
                self._seen = (live, await find_place(self.commands, live, self._config))
            return self._seen

    async def _mend(self, live: Live, place: Place) -> None:
        """The helper was purged or damaged since it was seen."""
        async with self._looking:
            await install_helper(self.commands, live, place)

    def _ended(self, what: str, error: Unanswered) -> SiteError:
        host, words = self._connection.host, plain_words(error.words)
        if error.exit_status == CUT:
            return NeverSent(f"{what} did not reach {host} whole.", "It is asked again.")
        if error.exit_status in {MISSING, BROKEN} | NOT_RUN:
            return SiteError(f"Nothing can be run on {host}: {words}.", "Run `bocr doctor` for this site.")
        return TransportLost(
            f"{what} on {host} ended with {error.exit_status} and did not answer: {words}.",
            "It is asked again.",
        )

    def _value(self, function: str, answer: Any) -> Any:
        """What the helper's answer stands for."""
        match answer:
            case {"ok": value}:
                return value
            case {"refused": [str(cause), str(next_step)]}:
                raise SiteError(plain_words(cause), plain_words(next_step))
            case {"timeout": str(words)}:
                raise TransportLost(
                    f"{function} on {self._connection.host} took too long: {plain_words(words)}.",
                    "It is asked again.",
                )
            case {"os_error": str(words)} | {"error": str(words)}:
                raise SiteError(
                    f"{function} on {self._connection.host} failed: {plain_words(words)}.",
                    "Mend that there, then try again.",
                )
            case _:
                raise TransportLost(
                    f"{self._connection.host} gave no answer that is known here to {function}.",
                    "It is asked again.",
                )


async def _body(frame: bytes, stream: Callable[[], AsyncIterator[bytes]] | None) -> AsyncIterator[bytes]:
    yield frame
    if stream is not None:
        async for piece in stream():
            yield piece
