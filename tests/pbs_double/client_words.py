"""The server's side of what client.py speaks: a length, then marshalled Python values."""

from __future__ import annotations

import marshal
import socket
from typing import Any

DOWN, STDIN, ANSWER = 0, 1, 2
MOST = 64 << 20


def send(door: socket.socket, value: Any) -> None:
    raw = marshal.dumps(value)
    door.sendall(len(raw).to_bytes(4, "big") + raw)


def receive(door: socket.socket) -> Any:
    """Raises EOFError, ValueError, OSError."""
    size = int.from_bytes(_exactly(door, 4), "big")
    if size > MOST:
        raise ValueError("too long")
    return marshal.loads(_exactly(door, size))


def _exactly(door: socket.socket, size: int) -> bytes:
    parts = []
    while size:
        part = door.recv(min(size, 1 << 20))
        if not part:
            raise EOFError
        parts.append(part)
        size -= len(part)
    return b"".join(parts)
