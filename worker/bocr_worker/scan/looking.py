"""Looking at files in a child that may die of one: each file gets its line, whatever it does to the child."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bocr_worker.children import Child, ChildFailed, ChildSpec, ChildTimeout, TaskRaised
from bocr_worker.probe.report import FileMissing, ProbeFailed, ProbeOrder, ProbeReport
from bocr_worker.protocol.scan import ScannedFile, ScanTrouble
from bocr_worker.scan.walk import Found

GROUP_FILES = 200
GROUP_BYTES = 64 * 1024 * 1024
"""Files are sent to the child many at a time, so that it does not wait for us between them."""

_MEMORY_BYTES = 1024 * 1024 * 1024
_DEADLINE_S = 60.0
"""What opening one document may take, beside reading it from a slow disk."""

_SLOW_DISK_BYTES_PER_S = 5 * 1024 * 1024
_GROUPS_A_CHILD = 200
"""A child is replaced after so many groups: libraries leak."""

_IMAGES = frozenset({"png", "jpg", "jpeg", "tif", "tiff", "bmp", "webp"})

Listed = ScannedFile | ScanTrouble


class CannotLook(Exception):
    """No child can be started: a library is missing, say."""


@dataclass(frozen=True)
class Hashed:
    """A file's content, unseen."""

    sha256: str
    size_bytes: int
    mtime_ns: int


class Looker:
    """One child at work. `look` is for one caller at a time."""

    def __init__(self, deadline_s: float = _DEADLINE_S, task: str = "bocr_worker.probe.task:probe_documents"):
        spec = ChildSpec(
            task=task,
            setup="bocr_worker.probe.task:set_up",
            memory_bytes=_MEMORY_BYTES,
            tasks=_GROUPS_A_CHILD,
        )
        self._child = Child(spec)
        self._deadline_s = deadline_s

    async def look(self, group: Sequence[Found]) -> list[Listed]:
        """Raises CannotLook; nothing that a file does is an error."""
        await self._start()
        if len(group) > 1:
            try:
                return await self._ask(group)
            except (ChildFailed, TaskRaised):
                await self._start()
        return [await self._alone(found) for found in group]

    async def close(self) -> None:
        await self._child.kill()

    async def _start(self) -> None:
        try:
            await self._child.start()
        except (ChildFailed, TaskRaised, OSError) as error:
            raise CannotLook(f"documents cannot be read here: {error}") from None

    async def _ask(self, group: Sequence[Found]) -> list[Listed]:
        orders = tuple(ProbeOrder(os.fsdecode(found.path)) for found in group)
        answers = await self._child.run(orders, self._deadline_s + _reading_s(group))
        return [listed(found, answer) for found, answer in zip(group, answers)]  # noqa: B905 - 3.10

    async def _alone(self, found: Found) -> Listed:
        try:
            return (await self._ask([found]))[0]
        except (ChildFailed, TaskRaised) as failure:
            return await self._unseen(found, failure)

    async def _unseen(self, found: Found, failure: ChildFailed | TaskRaised) -> Listed:
        """A document all the same, because its content has a name: damaged, as far as we can tell."""
        hasher = Child(ChildSpec(task="bocr_worker.scan.looking:hash_file"))
        path = os.fsdecode(found.path)
        try:
            hashed: Hashed = await hasher.run(path, self._deadline_s + _reading_s([found]))
        except (ChildFailed, TaskRaised) as unreadable:
            return ScanTrouble(found.path, f"This file cannot be read ({unreadable}).")
        finally:
            await hasher.kill()
        extension = os.path.splitext(path)[1][1:].lower()
        return ScannedFile(
            path=found.path,
            size_bytes=hashed.size_bytes,
            mtime_ns=hashed.mtime_ns,
            sha256=hashed.sha256,
            document_kind="image" if extension in _IMAGES else "pdf",
            extension=extension if extension.isascii() else "",
            state="damaged",
            reason=_reason(failure),
        )


def listed(found: Found, answer: ProbeReport | ProbeFailed) -> Listed:
    """The line for what the probe says of a file."""
    if isinstance(answer, ProbeFailed):
        return ScanTrouble(found.path, f"This file {answer.cause}.", gone=isinstance(answer, FileMissing))
    return ScannedFile(
        path=found.path,
        size_bytes=answer.size_bytes,
        mtime_ns=answer.mtime_ns,
        sha256=answer.sha256,
        document_kind=answer.kind,
        extension=answer.extension,
        state=answer.state,
        reason=answer.reason,
        sizes_pt=answer.sizes_pt,
        unloadable=answer.unloadable,
    )


def hash_file(path: str) -> Hashed:
    """A child's task. Raises OSError."""
    digest = hashlib.sha256()
    with Path(path).open("rb") as stream:
        info = os.fstat(stream.fileno())
        while chunk := stream.read(1 << 20):
            digest.update(chunk)
    return Hashed(digest.hexdigest(), info.st_size, info.st_mtime_ns)


def _reason(failure: ChildFailed | TaskRaised) -> str:
    """A predicate for a document that a child did not survive, or that raised what nobody foresaw."""
    if isinstance(failure, TaskRaised):
        if failure.kind == "MemoryError":
            return f"takes more than {_MEMORY_BYTES // 2**20:,} MB of memory to open"
        return f"cannot be opened ({failure.kind})"
    if isinstance(failure, ChildTimeout):
        return f"takes longer than {failure.deadline_s:.0f} s to open"
    return f"crashes whatever opens it: {failure}"


def _reading_s(group: Sequence[Found]) -> float:
    return sum(found.size_bytes for found in group) / _SLOW_DISK_BYTES_PER_S
