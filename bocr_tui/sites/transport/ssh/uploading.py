"""Files to a site: small ones together, large ones each from where it was cut, none twice."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO, Protocol

from bocr_tui.config.errors import SiteError
from bocr_tui.sites.transport.base import CALL_TIMEOUT_S, Progressed, Upload
from bocr_tui.sites.transport.ssh.pace import Pace
from bocr_tui.sites.transport.ssh.words import plain_words

SMALL_BYTES = 4 * 1024 * 1024
"""Up to here a file is read whole, checked, and sent with others; an upload that is cut sends it again."""

GROUP_BYTES, GROUP_FILES = 32 * 1024 * 1024, 500
ASKED_AT_ONCE = 5000
CHUNK_BYTES = 4 * 1024 * 1024

STALL_S = 300.0
"""A site that takes nothing for so long has a file system that hangs."""

LONGEST_S = 48 * 3600.0
"""For one stream: a hundred gigabytes over half a megabyte a second."""


class CannotUpload(SiteError):
    """`files` cannot be read here, or are no longer what their SHA-256 says. All the others are there."""

    def __init__(self, files: Sequence[Upload], cause: str) -> None:
        more = f" So are {len(files) - 1} more files." if len(files) > 1 else ""
        super().__init__(f"{cause}{more}", "Import them again, then upload.")
        self.files = tuple(files)


class Ask(Protocol):
    async def __call__(
        self,
        function: str,
        arguments: tuple[object, ...],
        timeout_s: float,
        stream: Callable[[], AsyncIterator[bytes]] | None = None,
        stream_s: float = 0.0,
    ) -> Any: ...


async def upload_files(ask: Ask, files: Sequence[Upload], progressed: Progressed, mb_per_s: float) -> None:
    """See Transport.upload. Raises CannotUpload in the end, once the other files are there."""
    await _Uploading(ask, progressed, mb_per_s).run(files)


class _Uploading:
    def __init__(self, ask: Ask, progressed: Progressed, mb_per_s: float) -> None:
        self._ask, self._progressed = ask, progressed
        self._pace = Pace(mb_per_s * 1e6)
        self._failed: list[CannotUpload] = []

    async def run(self, files: Sequence[Upload]) -> None:
        small: list[Upload] = []
        large: list[tuple[Upload, int]] = []
        for file, there in await self._what_is_there(files):
            if there == file.size_bytes:
                self._progressed(file.size_bytes)
            elif file.size_bytes <= SMALL_BYTES:
                small.append(file)
            else:
                large.append((file, max(0, there)))
        for group in _groups(small):
            await self._send_group(group)
        for file, offset in large:
            with self._noting():
                await self._send_large(file, offset)
        if self._failed:
            files = [file for error in self._failed for file in error.files]
            raise CannotUpload(files, self._failed[0].cause)

    @contextlib.contextmanager
    def _noting(self) -> Iterator[None]:
        """A file that cannot be uploaded does not keep the others from being."""
        try:
            yield
        except CannotUpload as error:
            self._failed.append(error)

    async def _what_is_there(self, files: Sequence[Upload]) -> list[tuple[Upload, int]]:
        different = list({file.name: file for file in files}.values())
        found: list[tuple[Upload, int]] = []
        for start in range(0, len(different), ASKED_AT_ONCE):
            part = different[start : start + ASKED_AT_ONCE]
            asked = [(file.name, file.size_bytes) for file in part]
            answer = await self._ask("upload_state", (asked,), CALL_TIMEOUT_S)
            if not isinstance(answer, list) or len(answer) != len(part):
                raise SiteError("The site does not say which files it has.", "Run `bocr doctor` for it.")
            found += [(file, _offset(there, file)) for file, there in zip(part, answer, strict=True)]
        return found

    async def _send_group(self, group: list[Upload]) -> None:
        ready: list[tuple[Upload, bytes]] = []
        for file in group:
            with self._noting():
                ready.append((file, await asyncio.to_thread(_read_small, file)))
        if not ready:
            return
        entries = [(file.name, file.size_bytes, file.sha256) for file, _ in ready]

        async def stream() -> AsyncIterator[bytes]:
            for _, data in ready:
                for piece in self._pieces(data):
                    await self._pace.take(len(piece))
                    yield piece
                    self._progressed(len(piece))

        damaged = await self._ask("receive_files", (entries,), STALL_S, stream, LONGEST_S)
        if damaged:
            raise _damaged(next((file for file, _ in ready if file.name == damaged[0]), ready[0][0]))

    async def _send_large(self, file: Upload, offset: int) -> None:
        source = await asyncio.to_thread(_open, file)
        try:
            self._progressed(offset)
            arguments = (file.name, file.size_bytes, file.sha256, offset)
            stored = await self._ask(
                "receive_file", arguments, STALL_S, lambda: self._read(source, file, offset), LONGEST_S
            )
        finally:
            source.close()
        if stored is not True:
            await asyncio.to_thread(_check, file)
            raise _damaged(file)

    async def _read(self, source: BinaryIO, file: Upload, offset: int) -> AsyncIterator[bytes]:
        """What is still to be sent, read ahead by one piece."""
        left = file.size_bytes - offset
        await asyncio.to_thread(source.seek, offset)
        ahead = asyncio.create_task(asyncio.to_thread(_read_piece, source, file, left))
        try:
            while left:
                data = await ahead
                left -= len(data)
                if left:
                    ahead = asyncio.create_task(asyncio.to_thread(_read_piece, source, file, left))
                for piece in self._pieces(data):
                    await self._pace.take(len(piece))
                    yield piece
                    self._progressed(len(piece))
        finally:
            await asyncio.gather(ahead, return_exceptions=True)

    def _pieces(self, data: bytes) -> Iterator[bytes]:
        for start in range(0, len(data), self._pace.piece_bytes):
            yield data[start : start + self._pace.piece_bytes]


def _offset(there: object, file: Upload) -> int:
    """Never more than what makes sense, whatever the site says."""
    if type(there) is not int or there > file.size_bytes:
        return -1
    return there


def _groups(files: list[Upload]) -> Iterator[list[Upload]]:
    group: list[Upload] = []
    size_bytes = 0
    for file in files:
        if group and (size_bytes + file.size_bytes > GROUP_BYTES or len(group) == GROUP_FILES):
            yield group
            group, size_bytes = [], 0
        group.append(file)
        size_bytes += file.size_bytes
    if group:
        yield group


def _open(file: Upload) -> BinaryIO:
    try:
        source = file.path.open("rb")
        if source.seek(0, 2) == file.size_bytes:
            return source
        source.close()
    except OSError as error:
        raise _unreadable(file, error) from error
    raise _changed(file)


def _read_small(file: Upload) -> bytes:
    with _open(file) as source:
        source.seek(0)
        try:
            data = source.read(file.size_bytes + 1)
        except OSError as error:
            raise _unreadable(file, error) from error
    if hashlib.sha256(data).hexdigest() != file.sha256:
        raise _changed(file)
    return data


def _read_piece(source: BinaryIO, file: Upload, left: int) -> bytes:
    try:
        data = source.read(min(left, CHUNK_BYTES))
    except OSError as error:
        raise _unreadable(file, error) from error
    if not data:
        raise _changed(file)
    return data


def _check(file: Upload) -> None:
    """Raises CannotUpload when it is the file here that is not what it was."""
    try:
        with Path(file.path).open("rb") as source:
            if hashlib.file_digest(source, "sha256").hexdigest() == file.sha256:
                return
    except OSError as error:
        raise _unreadable(file, error) from error
    raise _changed(file)


def _changed(file: Upload) -> CannotUpload:
    return CannotUpload([file], f"{plain_words(str(file.path))} has changed since it was imported.")


def _unreadable(file: Upload, error: OSError) -> CannotUpload:
    return CannotUpload([file], f"{plain_words(str(file.path))} cannot be read: {error.strerror or error}.")


def _damaged(file: Upload) -> SiteError:
    return SiteError(
        f"{plain_words(str(file.path))} did not arrive as it was sent; what came was deleted.",
        "Upload again.",
    )
