"""As much HTTP/1.1 as a model server's clients speak: a request read, an answer written."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

_REASONS = {
    200: "OK",
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    413: "Content Too Large",
    429: "Too Many Requests",
    500: "Internal Server Error",
    502: "Bad Gateway",
    503: "Service Unavailable",
}


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""


class Connection:
    """One client's connection, kept alive as long as it wants."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        self._head = b""

    async def next(self) -> Request | None:
        """None when the client has gone."""
        try:
            head = await self.reader.readuntil(b"\r\n\r\n")
            first, *lines = head.decode("latin-1").split("\r\n")
            method, path, _ = first.split(" ", 2)
            headers = {}
            for line in lines:
                name, _, value = line.partition(":")
                headers[name.strip().lower()] = value.strip()
            if headers.get("expect", "").lower() == "100-continue":
                self.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            return Request(method, path, headers, await self._body(headers))
        except (asyncio.IncompleteReadError, ConnectionError, ValueError):
            return None

    async def _body(self, headers: dict[str, str]) -> bytes:
        if headers.get("transfer-encoding", "").lower() != "chunked":
            return await self.reader.readexactly(int(headers.get("content-length", "0")))
        parts = []
        while size := int((await self.reader.readline()).split(b";")[0], 16):
            parts.append(await self.reader.readexactly(size))
            await self.reader.readline()
        await self.reader.readline()
        return b"".join(parts)

    async def answer(
        self, status: int, body: bytes, headers: dict[str, str] | None = None, kind: str = "application/json"
    ) -> None:
        self.head(status, {"content-type": kind, "content-length": str(len(body)), **(headers or {})})
        self.writer.write(body)
        await self.writer.drain()

    def head(self, status: int, headers: dict[str, str]) -> None:
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        self.writer.write(f"HTTP/1.1 {status} {_REASONS.get(status, 'Odd')}\r\n{lines}\r\n".encode())

    async def chunk(self, body: bytes) -> None:
        """One piece of a chunked answer; empty ends it."""
        self.writer.write(b"%x\r\n%b\r\n" % (len(body), body))
        await self.writer.drain()

    async def gone(self) -> None:
        """Until the client hangs up. One that sends on before it was answered counts as having done so."""
        await self.reader.read(1)

    def cut(self) -> None:
        """Now, and without a word."""
        self.writer.transport.abort()
