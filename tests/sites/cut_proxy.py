"""A TCP link that fails on command."""

from __future__ import annotations

import contextlib
import socket
import threading
import time

CHUNK_BYTES = 65536


class CutProxy:
    """Listens on `port` and passes everything on to a server, in threads of its own.

    It cuts (`cut`, `cut_after`), refuses (`refuse`), delays (`delay_s`, each way) and freezes (`freeze`:
    everything stays connected and nothing moves). `bytes_up` and `bytes_down` count what passed, to the
    server and from it, and `connections` how often somebody came.
    """

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.delay_s = 0.0
        self.connections = self.bytes_up = self.bytes_down = 0
        self._refusing = False
        self._moving = threading.Event()
        self._moving.set()
        self._lock = threading.Lock()
        self._pairs: list[tuple[socket.socket, socket.socket]] = []
        self._up_left: int | None = None
        self._down_left: int | None = None
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        """Break every connection that there is; new ones are let through."""
        with self._lock:
            pairs, self._pairs = self._pairs, []
            self._up_left = self._down_left = None
        for pair in pairs:
            for end in pair:
                _break(end)

    def cut_after(self, *, down: int | None = None, up: int | None = None) -> None:
        """Break the connection once so many bytes more have come from the server, or gone to it."""
        with self._lock:
            self._down_left, self._up_left = down, up

    def refuse(self, refusing: bool = True) -> None:
        """Close whoever comes at once."""
        self._refusing = refusing

    def freeze(self) -> None:
        self._moving.clear()

    def thaw(self) -> None:
        self._moving.set()

    def close(self) -> None:
        self.refuse()
        self.thaw()
        _break(self._listener)
        self.cut()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            if self._refusing:
                _break(near)
                continue
            try:
                far = socket.create_connection(self._target)
            except OSError:
                _break(near)
                continue
            for end in (near, far):
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._lock:
                self._pairs.append((near, far))
            threading.Thread(target=self._pump, args=(near, far, True), daemon=True).start()
            threading.Thread(target=self._pump, args=(far, near, False), daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket, up: bool) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(CHUNK_BYTES):
                if self.delay_s:
                    time.sleep(self.delay_s)
                self._moving.wait()
                passed, cut = self._share(data, up)
                sink.sendall(passed)
                if cut:
                    self.cut()
                    return
        _break(source)
        _break(sink)

    def _share(self, data: bytes, up: bool) -> tuple[bytes, bool]:
        """How much of it still passes, and whether the link breaks then."""
        with self._lock:
            left = self._up_left if up else self._down_left
            passed = data if left is None else data[:left]
            if up:
                self.bytes_up += len(passed)
                self._up_left = None if left is None else left - len(passed)
            else:
                self.bytes_down += len(passed)
                self._down_left = None if left is None else left - len(passed)
            return passed, left is not None and left <= len(data)


def _break(end: socket.socket) -> None:
    with contextlib.suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)
    end.close()
