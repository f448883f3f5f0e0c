"""An answer picked out of everything a site sends, with bounds on all of it."""

from __future__ import annotations

import hashlib
import secrets
from typing import Any

from bocr_tui.sites.helper.frames import MAGIC, MAX_HEADER_BYTES, BadFrame, read_header, unpack

MAX_NOISE_BYTES = 4 * 1024 * 1024
"""Banners and shells' start-up files may say so much before the answer."""

MAX_ANSWER_BYTES = 64 * 1024 * 1024
"""As it comes, and once it is unzipped: twice what a poll may answer."""

KEPT_NOISE_BYTES = 2000


class BadAnswer(Exception):
    """What the site sent is no answer, or not a sound one. `str()` says why."""


def new_nonce() -> bytes:
    """Names a question and its answer."""
    return secrets.token_hex(16).encode()


class AnswerReader:
    """Fed with what a site sends, piece by piece; `payload` is there once the answer came whole."""

    def __init__(self, nonce: bytes, max_bytes: int = MAX_ANSWER_BYTES) -> None:
        self.payload: bytes | None = None
        self._noise = b""
        self._start = MAGIC + nonce + b" "
        self._max_bytes = max_bytes
        self._buffer = bytearray()
        self._skipped = 0
        self._size = -1
        self._sha256 = ""

    def feed(self, data: bytes) -> None:
        """Raises BadAnswer, after which nothing more is taken."""
        if self.payload is not None:
            return
        self._buffer += data
        if self._size < 0 and not (self._find_start() and self._read_header()):
            return
        if len(self._buffer) >= self._size:
            payload = bytes(self._buffer[: self._size])
            self._buffer.clear()
            if hashlib.sha256(payload).hexdigest() != self._sha256:
                raise BadAnswer("the answer is damaged")
            self.payload = payload

    @property
    def noise(self) -> bytes:
        """The beginning of what came before an answer, or instead of one."""
        return self._noise if self.begun else (self._noise + self._buffer)[:KEPT_NOISE_BYTES]

    @property
    def begun(self) -> bool:
        """Whether an answer has begun to come."""
        return self._size >= 0

    def _find_start(self) -> bool:
        place = self._buffer.find(self._start)
        useless = place if place >= 0 else max(0, len(self._buffer) - len(self._start) + 1)
        if len(self._noise) < KEPT_NOISE_BYTES:
            self._noise += bytes(self._buffer[: min(useless, KEPT_NOISE_BYTES - len(self._noise))])
        del self._buffer[:useless]
        self._skipped += useless
        if self._skipped > MAX_NOISE_BYTES:
            raise BadAnswer(f"more than {MAX_NOISE_BYTES} bytes came and no answer")
        return place >= 0

    def _read_header(self) -> bool:
        end = self._buffer.find(b"\n", 0, MAX_HEADER_BYTES)
        if end < 0:
            if len(self._buffer) >= MAX_HEADER_BYTES:
                raise BadAnswer("the answer begins with no header")
            return False
        try:
            _, self._size, self._sha256 = read_header(bytes(self._buffer[: end + 1]))
        except BadFrame as error:
            raise BadAnswer(str(error)) from None
        if self._size > self._max_bytes:
            raise BadAnswer(f"the answer has {self._size} bytes, more than {self._max_bytes}")
        del self._buffer[: end + 1]
        return True

    def value(self) -> Any:
        """What the whole answer says. Raises BadAnswer."""
        if self.payload is None:
            raise BadAnswer("the answer was cut" if self.begun else "no answer came")
        try:
            return unpack(self.payload, MAX_ANSWER_BYTES)
        except BadFrame as error:
            raise BadAnswer(str(error)) from None
