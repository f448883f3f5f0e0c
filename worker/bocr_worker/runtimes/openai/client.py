"""One server, spoken to over HTTP: every way in which that can go wrong becomes a typed trouble.

aiohttp is imported when a client is opened: a model server's own environment has it. Proxies of the job's
environment are not used: a server on this machine is never behind one.
"""

from __future__ import annotations

import asyncio
import email.utils
import io
import math
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bocr_worker.engines.base import EngineUnavailable
from bocr_worker.runtimes.openai.answers import Completion, read_completion, words_of
from bocr_worker.runtimes.openai.metrics import Load, read_load
from bocr_worker.runtimes.openai.streaming import ABORTED, LoopWatch, StreamedAnswer
from bocr_worker.runtimes.openai.troubles import (
    Broken,
    Faulty,
    Overloaded,
    Refused,
    ShutOut,
    TooLate,
    TooLong,
    Trouble,
    Unreachable,
)

if TYPE_CHECKING:
    import aiohttp

PACKAGE = "aiohttp>=3.9"

_CONNECT_WITHIN_S = 10.0
_IDLE_S = 3.0
"""Servers close idle connections after five seconds (uvicorn); a question must not meet that."""

_LONGEST_PAUSE_S = 300.0
_LONGEST_LINE = 4 * 1024 * 1024
_SMALL_BYTES = 4 * 1024 * 1024
"""The largest answer to anything but a question."""

_WORDS_BYTES = 16384
_SHUT_OUT = frozenset((401, 402, 403, 404, 405, 501))
_REFUSED = frozenset((400, 411, 413, 414, 415, 422))
_OVERLOADED = frozenset((429, 503))


@dataclass(frozen=True)
class Served:
    """What a server says that it has: the name to ask for, where it was loaded from, and the most tokens
    that a question and its answer may have together."""

    name: str
    root: str
    max_model_len: int | None


class ChatClient:
    """`open` first, `close` last; in between any number of questions at a time."""

    def __init__(self, url: str, api_key: str = "", most_answer_bytes: int = 64 * 1024 * 1024) -> None:
        self.url = url
        self._api_key = api_key
        self._most_answer_bytes = most_answer_bytes
        self._session: aiohttp.ClientSession | None = None

    async def open(self) -> None:
        """Raises EngineUnavailable where there is no aiohttp."""
        try:
            import aiohttp
        except ImportError:
            raise EngineUnavailable(
                "openai", "there is no aiohttp to ask a server with", f"Install {PACKAGE}."
            ) from None
        headers = {"Accept-Encoding": "identity"}
        if self._api_key:
            headers["Authorization"] = f"Bearer {self._api_key}"
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=_IDLE_S),
            headers=headers,
            auto_decompress=False,
            trust_env=False,
            read_bufsize=1 << 20,
        )

    async def close(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    # -- questions -------------------------------------------------------------------------------------

    async def complete(self, body: bytes, deadline_s: float) -> Completion:
        """Raises the troubles. Cancelled, the connection is closed, and the server stops writing."""
        async with self._request("POST", "/v1/chat/completions", deadline_s, body) as response:
            answer = await _read(response, self._most_answer_bytes)
            if answer is None:
                raise TooLong(f"the answer is larger than {self._most_answer_bytes} bytes")
            return read_completion(answer)

    async def stream(self, body: bytes, deadline_s: float) -> Completion:
        """The same, of a body that asks for a stream. An answer that goes round in circles is stopped: its
        finish is ABORTED."""
        answer, watch = StreamedAnswer(), LoopWatch()
        async with self._request("POST", "/v1/chat/completions", deadline_s, body) as response:
            async for line in _lines(response, self._most_answer_bytes):
                answer.take(line)
                if answer.done:
                    break
                if not answer.finish and watch.due(answer.characters) and watch.is_lost(answer.text):
                    answer.finish = ABORTED
                    response.close()
                    break
        return answer.completion()

    # -- about the server ------------------------------------------------------------------------------

    async def is_healthy(self, within_s: float) -> bool:
        """Whether it says so, in time. A server without this door that answers at all counts as healthy."""
        try:
            async with self._request("GET", "/health", within_s):
                return True
        except ShutOut:
            return True
        except Trouble:
            return False

    async def served(self, model: str, within_s: float = 30.0) -> Served:
        """The model to ask for: this one, or the first. Raises the troubles, ShutOut for a server that has
        others only."""
        record = await self._json("/v1/models", within_s)
        entries = record.get("data")
        models = [each for each in entries if isinstance(each, dict)] if isinstance(entries, list) else []
        known = [_served(each) for each in models if isinstance(each.get("id"), str)]
        if not known:
            raise Faulty(f"{self.url} says of no model that it has it")
        for each in known:
            if model in ("", each.name, each.root):
                return each
        names = ", ".join(each.name for each in known[:5])
        raise ShutOut(f"{self.url} has no model {model!r}; it has {names}")

    async def version(self, within_s: float = 10.0) -> str:
        """Of the server's program; empty where it does not say."""
        try:
            version = (await self._json("/version", within_s)).get("version")
        except Trouble:
            return ""
        return version[:80] if isinstance(version, str) else ""

    async def load(self, within_s: float = 10.0) -> Load | None:
        """None where it does not say, or not in time."""
        try:
            async with self._request("GET", "/metrics", within_s) as response:
                page = await _read(response, _SMALL_BYTES)
        except Trouble:
            return None
        return read_load(page.decode("utf-8", "replace")) if page else None

    async def _json(self, path: str, within_s: float) -> dict[str, Any]:
        import json

        async with self._request("GET", path, within_s) as response:
            body = await _read(response, _SMALL_BYTES)
        try:
            record = json.loads(body or b"")
        except (ValueError, RecursionError):
            raise Faulty(f"{self.url}{path} answers no JSON: {words_of(body or b'')}") from None
        if not isinstance(record, dict):
            raise Faulty(f"{self.url}{path} answers no JSON object")
        return record

    @asynccontextmanager
    async def _request(
        self, method: str, path: str, deadline_s: float, body: bytes | None = None
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """An answer of status 200, whose body is still to be read; else a trouble."""
        import aiohttp

        if self._session is None:
            raise Faulty(f"{self.url} is not open")
        began = time.monotonic()
        timeout = aiohttp.ClientTimeout(total=deadline_s, sock_connect=min(deadline_s, _CONNECT_WITHIN_S))
        data = None if body is None else io.BytesIO(body)
        headers = {} if body is None else {"Content-Type": "application/json"}
        try:
            async with self._session.request(
                method, self.url + path, data=data, headers=headers, timeout=timeout, allow_redirects=False
            ) as response:
                if response.status != 200:
                    raise await _trouble(response)
                yield response
        except asyncio.TimeoutError:
            if time.monotonic() - began < deadline_s * 0.99:
                raise Unreachable(f"{self.url} does not take the connection") from None
            raise TooLate(f"no answer within {deadline_s:g} s") from None
        except (aiohttp.ClientError, OSError) as error:
            words = f"{self.url}: {type(error).__name__}: {str(error)[:300]}"
            unsent = isinstance(error, aiohttp.ClientConnectorError)
            raise (Unreachable(words) if unsent else Broken(words)) from None


async def _read(response: aiohttp.ClientResponse, most_bytes: int) -> bytes | None:
    """The body; None when it is longer than that."""
    if (response.content_length or 0) > most_bytes:
        return None
    parts, size = [], 0
    async for part in response.content.iter_any():
        size += len(part)
        if size > most_bytes:
            response.close()
            return None
        parts.append(part)
    return b"".join(parts)


async def _lines(response: aiohttp.ClientResponse, most_bytes: int) -> AsyncIterator[bytes]:
    """The body line by line. Raises TooLong."""
    rest, size = b"", 0
    async for part in response.content.iter_any():
        size += len(part)
        if size > most_bytes or len(rest) > _LONGEST_LINE:
            raise TooLong(f"the answer is larger than {most_bytes} bytes")
        *lines, rest = (rest + part).split(b"\n")
        for line in lines:
            yield line


async def _trouble(response: aiohttp.ClientResponse) -> Trouble:
    words = f"status {response.status}: {words_of(await response.content.read(_WORDS_BYTES))}"
    if response.status in _SHUT_OUT or 300 <= response.status < 400:
        return ShutOut(words)
    if response.status in _REFUSED:
        return Refused(words)
    if response.status in _OVERLOADED:
        return Overloaded(words, retry_after_s(response.headers.get("Retry-After", ""), time.time()))
    return Faulty(words)


def retry_after_s(header: str, now: float) -> float:
    """Seconds from a Retry-After header, a number or a date; 0 for none, at most five minutes."""
    header = header.strip()
    try:
        seconds = float(header)
    except ValueError:
        try:
            seconds = email.utils.parsedate_to_datetime(header).timestamp() - now
        except (ValueError, TypeError, IndexError, OverflowError):
            return 0.0
    return min(max(seconds, 0.0), _LONGEST_PAUSE_S) if math.isfinite(seconds) else 0.0


def _served(entry: dict[str, Any]) -> Served:
    root, longest = entry.get("root"), entry.get("max_model_len")
    return Served(
        name=str(entry["id"])[:500],
        root=root[:500] if isinstance(root, str) and root else str(entry["id"])[:500],
        max_model_len=longest if isinstance(longest, int) and longest > 0 else None,
    )
