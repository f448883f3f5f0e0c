"""Where a client comes from: a server that we start, or one that is there."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any, Protocol

from bocr_worker.runtimes.base import RuntimeBroken
from bocr_worker.runtimes.openai.client import ChatClient, Served
from bocr_worker.runtimes.openai.launch import Launch
from bocr_worker.runtimes.openai.options import OpenAiOptions
from bocr_worker.runtimes.openai.process import ServerProcess, free_port
from bocr_worker.runtimes.openai.troubles import ShutOut, Trouble

_LOOK_S, _LOOK_AGAIN_S = 0.1, 1.0
"""Between the looks at a server that starts: often at first, when a small one may be up at once."""

_HEALTH_WITHIN_S = 10.0


class Server(Protocol):
    """Opened, watched, closed, and opened again."""

    @property
    def name(self) -> str: ...

    @property
    def is_ours(self) -> bool: ...

    @property
    def ended(self) -> asyncio.Future[str] | None:
        """Done when its process has ended by itself; None where it has none that we see."""
        ...

    async def open(self) -> tuple[ChatClient, Served]:
        """A client of a server that is healthy and has the model. Raises RuntimeBroken with the cause."""
        ...

    async def close(self) -> None:
        """Whatever was opened, half or whole, is gone."""
        ...

    def last_words(self) -> str:
        """The end of a sentence: what its log says."""
        ...


class SpawnedServer:
    """vLLM, or what the options start in its place."""

    is_ours = True

    def __init__(self, name: str, launch: Launch, api_key: str, log: Path, options: OpenAiOptions) -> None:
        self.name = name
        self._launch = launch
        self._api_key = api_key
        self._log = log
        self._options = options
        self._process: ServerProcess | None = None
        self._client: ChatClient | None = None

    @property
    def ended(self) -> asyncio.Future[str] | None:
        return None if self._process is None else self._process.ended

    async def open(self) -> tuple[ChatClient, Served]:
        port = free_port()
        process = ServerProcess(self._launch.command(port), self._launch.environment, self._log)
        self._process = process
        await process.start()
        self._client = ChatClient(f"http://127.0.0.1:{port}", self._api_key, self._options.most_answer_bytes)
        await self._client.open()
        await self._until_healthy(process, self._client)
        try:
            served = await self._client.served(self._launch.name if self._launch.is_named else "")
        except Trouble as error:
            raise RuntimeBroken(f"{self.name} is healthy, but not as it was started: {error}") from None
        return self._client, served

    async def _until_healthy(self, process: ServerProcess, client: ChatClient) -> None:
        deadline_s = self._options.start_deadline_s
        until = time.monotonic() + deadline_s
        pause_s = _LOOK_S
        while True:
            left_s = until - time.monotonic()
            if left_s <= 0:
                cause = f"{self.name} gave no sign of health within {deadline_s:g} s (start_deadline_s)."
                raise RuntimeBroken(cause + process.last_words())
            look = asyncio.ensure_future(client.is_healthy(min(left_s, _HEALTH_WITHIN_S)))
            try:
                either: set[asyncio.Future[Any]] = {look, process.ended}
                await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
                if process.ended.done():
                    how = process.ended.result()
                    raise RuntimeBroken(f"{self.name} ended ({how}).{process.last_words()}")
                if look.result():
                    return
            finally:
                look.cancel()
            await asyncio.wait({process.ended}, timeout=min(pause_s, left_s))
            pause_s = min(2 * pause_s, _LOOK_AGAIN_S)

    def last_words(self) -> str:
        return "" if self._process is None else self._process.last_words()

    async def close(self) -> None:
        client, self._client = self._client, None
        process, self._process = self._process, None
        try:
            if client is not None:
                await client.close()
        finally:
            if process is not None:
                await process.stop()


class ExistingServer:
    """Somebody else's: it is asked and waited for, never started or stopped."""

    is_ours = False
    ended = None

    def __init__(self, url: str, model: str, api_key: str, options: OpenAiOptions) -> None:
        self.name = url
        self._model = model
        self._api_key = api_key
        self._options = options
        self._client: ChatClient | None = None

    async def open(self) -> tuple[ChatClient, Served]:
        self._client = ChatClient(self.name, self._api_key, self._options.most_answer_bytes)
        await self._client.open()
        until = time.monotonic() + self._options.outage_s
        pause_s = _LOOK_S
        while True:
            try:
                return self._client, await self._client.served(self._model, _HEALTH_WITHIN_S)
            except ShutOut as error:
                raise RuntimeBroken(f"{self.name} does not let us in: {error}") from None
            except Trouble as error:
                if time.monotonic() >= until:
                    raise RuntimeBroken(
                        f"{self.name} did not answer for {self._options.outage_s:g} s (outage_s): {error}"
                    ) from None
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, _LOOK_AGAIN_S)

    def last_words(self) -> str:
        return ""

    async def close(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            await client.close()
