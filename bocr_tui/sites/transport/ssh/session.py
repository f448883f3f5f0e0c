"""One command on the site: what goes in, what comes out, how it ends."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import asyncssh

from bocr_tui.sites.transport.ssh.frames import AnswerReader, BadAnswer

PIECE_BYTES = 1024 * 1024
"""Written at once; after it the loop may do other things, such as notice that the link is gone."""

BUFFER_BYTES = 2 * 1024 * 1024
"""Written ahead of what the link takes: enough to keep it busy, little enough to stop soon."""

KEPT_ERROR_BYTES = 4000
FAREWELL_S = 5.0
"""How long a command that has answered may take to end."""


class NotStarted(Exception):
    """The command was certainly not started. `again`: it may be tried at once, over the same connection."""

    def __init__(self, words: str, again: bool) -> None:
        super().__init__(words)
        self.again = again


class Silence(Exception):
    """The command was started and no answer came in time."""


@dataclass
class Outcome:
    """`exit_status` None: the connection was lost, or a signal ended it (`signal`)."""

    exit_status: int | None = None
    signal: str = ""
    error: bytes = b""
    sent_bytes: int = 0
    received_bytes: int = 0


class Session(asyncssh.SSHClientSession[bytes]):
    """Feeds what comes to an AnswerReader. `finished` is done when the answer came, or will not come any
    more; it raises BadAnswer for one that is none."""

    def __init__(self, reader: AnswerReader, outcome: Outcome) -> None:
        loop = asyncio.get_running_loop()
        self.finished: asyncio.Future[None] = loop.create_future()
        self.ended: asyncio.Future[None] = loop.create_future()
        self.writable = asyncio.Event()
        self.writable.set()
        self._reader, self._outcome = reader, outcome

    def data_received(self, data: bytes, datatype: asyncssh.DataType) -> None:
        self._outcome.received_bytes += len(data)
        if datatype is not None:  # stderr
            self._outcome.error = (self._outcome.error + data)[-KEPT_ERROR_BYTES:]
            return
        if self.finished.done():
            return
        try:
            self._reader.feed(data)
        except BadAnswer as error:
            self.finished.set_exception(error)
            return
        if self._reader.payload is not None:
            self.finished.set_result(None)

    def exit_status_received(self, status: int) -> None:
        self._outcome.exit_status = status
        self._end()

    def exit_signal_received(self, signal: str, core_dumped: bool, msg: str, lang: str) -> None:
        del core_dumped, msg, lang
        self._outcome.signal = signal
        self._end()

    def pause_writing(self) -> None:
        self.writable.clear()

    def resume_writing(self) -> None:
        self.writable.set()

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        self.writable.set()
        self._end()
        if not self.finished.done():
            self.finished.set_result(None)

    def _end(self) -> None:
        if not self.ended.done():
            self.ended.set_result(None)


async def run_command(
    connection: asyncssh.SSHClientConnection,
    command: str,
    body: AsyncIterator[bytes],
    reader: AnswerReader,
    outcome: Outcome,
    open_s: float,
    timeout_s: float,
) -> None:
    """Start a command, send it `body`, and wait until the reader has its answer or the command ends, for
    `timeout_s` after the last piece that could be sent.

    Raises NotStarted, Silence, BadAnswer, and whatever `body` raises; the command is ended then.
    """
    channel, session = await _open(connection, command, reader, outcome, open_s)
    limit = asyncio.timeout(timeout_s)
    sending: asyncio.Task[None] | None = None
    try:
        async with limit:
            sending = asyncio.create_task(
                _send(channel, session, _prolonging(body, limit, timeout_s), outcome)
            )
            await asyncio.wait({sending, session.finished}, return_when=asyncio.FIRST_COMPLETED)
            if sending.done():
                sending.result()
            await session.finished
            if reader.payload is not None:
                await _end(session)
    except TimeoutError:
        if reader.payload is None:
            raise Silence(f"no answer came within {timeout_s:.0f} s") from None
    finally:
        channel.close()
        if session.finished.done() and not session.finished.cancelled():
            session.finished.exception()
        if sending is not None:
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)


async def _prolonging(
    body: AsyncIterator[bytes], limit: asyncio.Timeout, timeout_s: float
) -> AsyncIterator[bytes]:
    """The time for an answer runs from the last piece on."""
    loop = asyncio.get_running_loop()
    async for data in body:
        for start in range(0, len(data), PIECE_BYTES):
            if not limit.expired():
                limit.reschedule(loop.time() + timeout_s)
            yield data[start : start + PIECE_BYTES]


async def _end(session: Session) -> None:
    """Let a command that has answered end by itself: its exit code is known then, and its place free."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(FAREWELL_S):
            await asyncio.shield(session.ended)


async def _open(
    connection: asyncssh.SSHClientConnection,
    command: str,
    reader: AnswerReader,
    outcome: Outcome,
    open_s: float,
) -> tuple[asyncssh.SSHClientChannel[bytes], Session]:
    # As long as nothing was sent to it, a command of ours does nothing: every failure here is NotStarted.
    opening = asyncio.create_task(
        connection.create_session(lambda: Session(reader, outcome), command, encoding=None)
    )
    try:
        async with asyncio.timeout(open_s):
            channel, session = await asyncio.shield(opening)
    except asyncssh.ChannelOpenError as error:
        raise NotStarted(error.reason, not connection.is_closed()) from error
    except TimeoutError:
        opening.add_done_callback(_close_late)
        raise NotStarted(f"no command was started within {open_s:.0f} s", False) from None
    except (asyncssh.Error, OSError) as error:
        raise NotStarted(str(error), False) from error
    except asyncio.CancelledError:
        opening.add_done_callback(_close_late)
        raise
    assert isinstance(session, Session)
    channel.set_write_buffer_limits(high=BUFFER_BYTES)
    return channel, session


def _close_late(opening: asyncio.Task[Any]) -> None:
    """Nobody waits for this command any more."""
    if not opening.cancelled() and opening.exception() is None:
        opening.result()[0].close()


async def _send(
    channel: asyncssh.SSHClientChannel[bytes],
    session: Session,
    body: AsyncIterator[bytes],
    outcome: Outcome,
) -> None:
    try:
        async for piece in body:
            await session.writable.wait()
            if session.finished.done():
                return
            channel.write(piece)
            outcome.sent_bytes += len(piece)
            await asyncio.sleep(0)
        channel.write_eof()
    except BrokenPipeError:
        return  # the other end tells why
