"""The stand-in's doors and what happens behind them."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.worker.stand_in import wire
from tests.worker.stand_in.answers import Answer, answer_for, question_key
from tests.worker.stand_in.faults import STATUS, FaultPlan
from tests.worker.stand_in.http import Connection, Request
from tests.worker.stand_in.settings import Range, Settings
from tests.worker.stand_in.slots import Slots

_DYING_S = 0.3
_HUGE_PIECE = b" " * 65536


@dataclass(frozen=True)
class Seen:
    """A question that came in, whatever became of it."""

    at: float
    key: str
    prompt: str
    image: str
    body: dict[str, Any]
    headers: dict[str, str]
    fault: str


class Gone(Exception):
    """The connection is cut, or its client left: nothing more to say to it."""


class StandIn:
    """`url` once it has started; `seen`, `slots` and `faults` may be looked at and changed at any time."""

    def __init__(self, settings: Settings | None = None, faults: FaultPlan | None = None) -> None:
        self.settings = settings or Settings()
        self.faults = faults or FaultPlan()
        self.slots = Slots(self.settings.slots)
        self.seen: list[Seen] = []
        self.served = 0
        self.deserted = 0
        """Questions whose client hung up before the answer."""
        self.completion_tokens = 0
        self.healthy = True
        self.port = 0
        self.on_crash: Callable[[], None] = self.stop_at_once
        self._released = asyncio.Event()
        self._permits = 0
        self._connections: set[Connection] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def __aenter__(self) -> StandIn:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> None:
        """On `port`, or the one it had, or a free one."""
        await asyncio.sleep(self.settings.start_s)
        self._server = await asyncio.start_server(self._talk, host, port or self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    def stop_at_once(self) -> None:
        """As a crash: nobody listens, every connection is cut."""
        if self._server is not None:
            self._server.close()
        for connection in list(self._connections):
            connection.cut()

    async def close(self) -> None:
        self.stop_at_once()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._server is not None:
            await self._server.wait_closed()

    def release(self, count: int = 1 << 30) -> None:
        """Let that many held requests be served."""
        self._permits += count
        self._released.set()

    # -- a connection ----------------------------------------------------------------------------------

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        connection = Connection(reader, writer)
        self._connections.add(connection)
        self._tasks.add(task)
        try:
            while (request := await connection.next()) is not None:
                await self._answer(connection, request)
                if request.headers.get("connection", "").lower() == "close":
                    break
        except (Gone, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            self._tasks.discard(task)
            self._connections.discard(connection)
            writer.close()

    async def _answer(self, connection: Connection, request: Request) -> None:
        path = request.path.partition("?")[0]
        if path == "/v1/chat/completions" and request.method == "POST":
            await self._chat(connection, request)
        elif path == "/health":
            if self.slots.running >= self.slots.count:
                await asyncio.sleep(self.settings.health_stall_s)
            await connection.answer(200 if self.healthy else 503, b"")
        elif path == "/v1/models":
            await self._models(connection, request)
        elif path == "/version" and self.settings.version:
            await connection.answer(200, json.dumps({"version": self.settings.version}).encode())
        elif path == "/metrics" and self.settings.metrics:
            await connection.answer(200, self._metrics(), kind="text/plain")
        elif path == "/stand-in/stats":
            await connection.answer(200, json.dumps(self.stats()).encode())
        elif path == "/stand-in/faults":
            order = json.loads(request.body)
            self.faults.add(order.pop("kind"), order.pop("times", None), **order)
            await connection.answer(200, b"{}")
        elif path == "/stand-in/release":
            self.release()
            await connection.answer(200, b"{}")
        else:
            await connection.answer(404, b'{"detail":"Not Found"}')

    def _may_enter(self, request: Request) -> bool:
        key = self.settings.api_key
        return not key or request.headers.get("authorization") == f"Bearer {key}"

    async def _models(self, connection: Connection, request: Request) -> None:
        if not self._may_enter(request):
            await connection.answer(401, b'{"error":"Unauthorized"}')
            return
        served = {
            "id": self.settings.model,
            "object": "model",
            "root": f"/models/{self.settings.model}",
            "max_model_len": self.settings.max_model_len,
        }
        await connection.answer(200, json.dumps({"object": "list", "data": [served]}).encode())

    def _metrics(self) -> bytes:
        label = f'{{engine="0",model_name="{self.settings.model}"}}'
        return (
            "# HELP vllm:num_requests_running Number of requests in model execution batches.\n"
            "# TYPE vllm:num_requests_running gauge\n"
            f"vllm:num_requests_running{label} {float(self.slots.running)}\n"
            "# TYPE vllm:num_requests_waiting gauge\n"
            f"vllm:num_requests_waiting{label} {float(self.slots.waiting)}\n"
            f"vllm:generation_tokens_total{label} {float(self.completion_tokens)}\n"
            f"vllm:num_preemptions_total{label} 0.0\n"
        ).encode()

    def stats(self) -> dict[str, Any]:
        """`cpu_s` is this process's; that of a test too, where both are one process."""
        return {
            "slots": self.slots.count,
            "running": self.slots.running,
            "waiting": self.slots.waiting,
            "seen": len(self.seen),
            "served": self.served,
            "deserted": self.deserted,
            "completion_tokens": self.completion_tokens,
            "cpu_s": time.process_time(),
            "pid": os.getpid(),
            **self.slots.occupancy(),
        }

    # -- a question ------------------------------------------------------------------------------------

    async def _chat(self, connection: Connection, request: Request) -> None:
        if not self._may_enter(request):
            await connection.answer(401, b'{"error":"Unauthorized"}')
            return
        try:
            body = json.loads(request.body)
            prompt, image = wire.question(body)
        except (ValueError, KeyError, TypeError) as error:
            await self._refuse(connection, 400, f"not understood: {error!r}")
            return
        temperature = float(body.get("temperature", 1.0))
        digest = hashlib.sha256(image).hexdigest()
        key = question_key(prompt, image, temperature)
        fault = self.faults.next(digest, prompt, temperature)
        slim = {name: value for name, value in body.items() if name != "messages"}
        self.seen.append(Seen(time.monotonic(), key, prompt, digest, slim, request.headers, fault))
        self._enter_in_ledger(digest)
        if body.get("model") != self.settings.model:
            await self._refuse(connection, 404, f"The model `{body.get('model')}` does not exist.")
            return
        most = self.settings.most_waiting
        if most is not None and self.slots.waiting >= most and self.slots.running >= self.slots.count:
            fault = "429"
        if fault == "dying":
            self.healthy = False
            asyncio.get_running_loop().call_later(_DYING_S, self.on_crash)
        if not self.healthy:
            await self._refuse(connection, 500, "EngineCore encountered an issue.")
            return
        if fault in STATUS:
            await self._refuse(connection, int(fault), f"told to answer {fault}")
            return
        await self._serve(connection, body, key, fault)

    def _enter_in_ledger(self, image: str) -> None:
        if self.settings.ledger:
            with open(self.settings.ledger, "a") as ledger:  # noqa: PTH123 - one write, whole or not at all
                ledger.write(f"{image}\n")

    async def _refuse(self, connection: Connection, status: int, words: str) -> None:
        headers = {"retry-after": self.settings.retry_after} if status in (429, 503) else {}
        error = {"error": {"message": words, "type": "StandInError", "code": status}}
        await connection.answer(status, json.dumps(error).encode(), headers)

    async def _serve(self, connection: Connection, body: dict[str, Any], key: str, fault: str) -> None:
        settings = self.settings
        said = answer_for(
            key,
            round(Range.parse(settings.tokens).of(key)),
            settings.markup,
            int(body.get("max_tokens") or body.get("max_completion_tokens") or 1 << 30),
            fault,
            bool(body.get("logprobs")),
        )
        if fault == "crash":
            self.on_crash()
            raise Gone
        if fault == "reset":
            connection.cut()
            raise Gone
        if fault == "lost":
            await self._while_there(connection, asyncio.Event().wait())
        await self._while_there(connection, self._in_slot(connection, body, said, key, fault))

    async def _in_slot(
        self, connection: Connection, body: dict[str, Any], said: Answer, key: str, fault: str
    ) -> None:
        async with self.slots.one():
            if fault == "hang":
                await asyncio.Event().wait()
            await self._turn()
            seconds = self.settings.service_s(key, len(said.tokens))
            if body.get("stream"):
                await self._stream(connection, body, said, seconds)
                self._count(said)
                return
            await asyncio.sleep(seconds)
        self._count(said)
        await self._whole(connection, said, fault)

    def _count(self, said: Answer) -> None:
        self.served += 1
        self.completion_tokens += len(said.tokens)

    async def _turn(self) -> None:
        while self.settings.held and self._permits == 0:
            self._released.clear()
            await self._released.wait()
        self._permits -= self.settings.held

    async def _while_there(self, connection: Connection, work: Any) -> None:
        """Do the work unless the client hangs up; then the slot is free at once, as in vLLM."""
        working = asyncio.ensure_future(work)
        leaving = asyncio.ensure_future(connection.gone())
        try:
            await asyncio.wait({working, leaving}, return_when=asyncio.FIRST_COMPLETED)
            if not working.done():
                self.deserted += 1
                raise Gone
            working.result()
        finally:
            working.cancel()
            leaving.cancel()
            await asyncio.gather(working, leaving, return_exceptions=True)

    # -- the answer ------------------------------------------------------------------------------------

    async def _whole(self, connection: Connection, said: Answer, fault: str) -> None:
        if fault == "html":
            await connection.answer(200, b"<html><body>Bad gateway</body></html>", kind="text/html")
            return
        body = wire.completion(self.settings.model, said, choices=fault != "no_choices")
        if fault == "malformed":
            await connection.answer(200, body[: len(body) // 2])
        elif fault == "reset_body":
            connection.head(200, {"content-type": "application/json", "content-length": str(len(body))})
            connection.writer.write(body[: len(body) // 2])
            await connection.writer.drain()
            connection.writer.close()
            raise Gone
        elif fault == "huge":
            connection.head(200, {"content-type": "application/json", "transfer-encoding": "chunked"})
            while True:
                await connection.chunk(_HUGE_PIECE)
        else:
            await connection.answer(200, body)

    async def _stream(
        self, connection: Connection, body: dict[str, Any], said: Answer, seconds: float
    ) -> None:
        """Server-sent events, eight tokens each, evenly over the time that it takes."""
        connection.head(200, {"content-type": "text/event-stream", "transfer-encoding": "chunked"})
        pieces = range(0, len(said.tokens), 8)
        for start in pieces:
            await asyncio.sleep(seconds / len(pieces))
            tokens = said.tokens[start : start + 8]
            probabilities = None if said.logprobs is None else said.logprobs[start : start + 8]
            await connection.chunk(wire.event(wire.delta(tokens, probabilities, None)))
        await connection.chunk(wire.event(wire.delta((), None, said.finish)))
        if (body.get("stream_options") or {}).get("include_usage"):
            await connection.chunk(wire.event(f'{{"choices":[],"usage":{json.dumps(wire.usage(said))}}}'))
        await connection.chunk(wire.event("[DONE]"))
        with contextlib.suppress(ConnectionError):
            await connection.chunk(b"")
