"""A terminal's late answers, kept from becoming keys.

Textual takes a sequence it does not know for keys: a device's answer would press `c`, `t` or `;`. Where the
probe's questions were not all answered in time, this driver is used: it reads the terminal in a thread of its
own, leaves the answers out, and hands on what persons type. After the last answer it hands on everything.
"""

from __future__ import annotations

import os
import re
import select
import threading
from typing import Any

from textual.drivers.linux_driver import LinuxDriver

KEY_S, ANSWER_S = 0.05, 1.0
"""How long a sequence may stand half received before it is handed on: an escape key must not hang, and what
can only be an answer may come in pieces over a slow line."""

_ANSWER = re.compile(rb"\x1b_G[^\x1b]{0,4096}\x1b\\|\x1b\[6;\d{1,4};\d{1,4}t|\x1b\[\?[\d;]{0,64}c")
_LAST = re.compile(rb"\x1b\[\?[\d;]{0,64}c")
_BEGUN = re.compile(rb"\x1b(?:_(?:G[^\x1b]{0,4096}\x1b?)?|\[(?:6?|6;[\d;]{0,9}|\?[\d;]{0,64})|)$")
"""The beginning of an answer at the end of what was received."""


class AnswerFilter:
    """Leaves answers out of a stream of bytes."""

    def __init__(self) -> None:
        self._held = b""
        self.done = False

    def take(self, received: bytes) -> bytes:
        """What is to be handed on now."""
        data = self._held + received
        self._held = b""
        if self.done:
            return data
        self.done = _LAST.search(data) is not None
        data = _ANSWER.sub(b"", data)
        begun = None if self.done else _BEGUN.search(data)
        if begun is not None:
            data, self._held = data[: begun.start()], data[begun.start() :]
        return data

    def release(self) -> bytes:
        """What was held and is no answer after all: nothing more came."""
        held, self._held = self._held, b""
        return held

    @property
    def patience_s(self) -> float | None:
        """How long to wait for the rest of what is held; None: nothing is."""
        if not self._held:
            return None
        return ANSWER_S if self._held.startswith((b"\x1b_G", b"\x1b[?", b"\x1b[6;")) else KEY_S


class AnsweringLateDriver(LinuxDriver):
    """Reads the terminal through an AnswerFilter."""

    def __init__(self, *given: Any, **named: Any) -> None:
        self._terminal = -1
        self._pipe = -1
        self._reader: threading.Thread | None = None
        super().__init__(*given, **named)

    @property
    def fileno(self) -> int:
        """The terminal; for the thread that reads keys the pipe that the filter writes to."""
        return self._pipe if threading.current_thread() is self._reader else self._terminal

    @fileno.setter
    def fileno(self, number: int) -> None:
        self._terminal = number

    def run_input_thread(self) -> None:
        """Called in the thread that reads keys."""
        self._pipe, sink = os.pipe()
        self._reader = threading.current_thread()
        relay = threading.Thread(target=self._relay, args=(sink,), name="late-answers", daemon=True)
        relay.start()
        try:
            super().run_input_thread()
        finally:
            relay.join()
            os.close(self._pipe)
            self._reader = None

    def _relay(self, sink: int) -> None:
        answers = AnswerFilter()
        try:
            while not self.exit_event.is_set():
                patience_s = answers.patience_s
                if not select.select([self._terminal], [], [], 0.1 if patience_s is None else patience_s)[0]:
                    data = answers.release()
                else:
                    received = os.read(self._terminal, 4096)
                    if not received:
                        break
                    data = answers.take(received)
                if data:
                    os.write(sink, data)
        except OSError:
            pass
        finally:
            os.close(sink)
