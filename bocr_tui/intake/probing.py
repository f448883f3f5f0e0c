"""One killable child that reads files, and what becomes of the files it does not survive."""

from __future__ import annotations

import os
from collections.abc import Sequence
from types import TracebackType
from typing import Self

from bocr_tui.catalog.words import DocumentState
from bocr_tui.config.errors import BocrError
from bocr_tui.intake.discovery import IMAGES, Found, Trouble
from bocr_tui.intake.findings import Finding
from bocr_worker.children import Child, ChildFailed, ChildSpec, ChildTimeout, TaskRaised
from bocr_worker.probe.report import FileMissing, ProbeFailed, ProbeOrder, ProbeReport

MEMORY_BYTES = 1024 * 1024 * 1024
"""What opening one document may take."""

DEADLINE_S = 60.0
"""What opening one document may take, beside reading it from a slow disk."""

_SLOW_DISK_BYTES_PER_S = 10 * 1024 * 1024

GROUP_FILES = 500
GROUP_BYTES = 64 * 1024 * 1024
_GROUP_DEADLINE_S = 20.0
"""Files are sent to the child many at a time, so that it does not wait for us between them. If one of them
kills it, or all take so long, each is read again by itself."""

_GROUPS_A_CHILD = 200
"""A child is replaced after so many groups: libraries leak."""

_PROBE = ChildSpec(
    task="bocr_worker.probe.task:probe_documents",
    setup="bocr_tui.intake.child:prepare",
    memory_bytes=MEMORY_BYTES,
    tasks=_GROUPS_A_CHILD,
)
_HASH = ChildSpec(task="bocr_tui.intake.child:hash_file")


class Prober:
    """Reads files in a child process that it starts when first needed."""

    def __init__(self, spec: ChildSpec = _PROBE, deadline_s: float = DEADLINE_S) -> None:
        self._child = Child(spec)
        self._deadline_s = deadline_s

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await (self._child.close() if kind is None else self._child.kill())

    async def read(self, group: Sequence[Found]) -> list[Finding | Trouble]:
        """Look at every file of the group; nothing that a file does is an error. Raises BocrError when no
        child can be started."""
        await self._start()
        if len(group) > 1:
            try:
                return await self._run(group, min(self._deadline_s, _GROUP_DEADLINE_S))
            except (ChildFailed, TaskRaised):
                await self._start()
        return [await self._alone(found) for found in group]

    async def _start(self) -> None:
        try:
            try:
                await self._child.start()
            except ChildFailed:  # a Ctrl-C that was meant for us can kill a child in its first milliseconds
                await self._child.start()
        except (ChildFailed, TaskRaised) as failure:
            raise BocrError(
                f"The process that reads documents does not start: {failure}.", "Run `bocr doctor`."
            ) from None

    async def _alone(self, found: Found) -> Finding | Trouble:
        try:
            return (await self._run([found], self._deadline_s))[0]
        except (ChildFailed, TaskRaised) as failure:
            return await self._unseen(found, _reason(failure))

    async def _run(self, group: Sequence[Found], deadline_s: float) -> list[Finding | Trouble]:
        orders = tuple(ProbeOrder(os.fsdecode(found.path)) for found in group)
        answers = await self._child.run(orders, deadline_s + _reading_s(group))
        return [_entry(found, answer) for found, answer in zip(group, answers, strict=True)]

    async def _unseen(self, found: Found, reason: str) -> Finding | Trouble:
        """A document all the same, because its content has a name: damaged, as far as we can tell."""
        hasher = Child(_HASH)
        path = os.fsdecode(found.path)
        try:
            hashed = await hasher.run(path, self._deadline_s + _reading_s([found]))
        except (ChildFailed, TaskRaised) as failure:
            return Trouble(found.path, found.root, f"This file cannot be read ({failure}).")
        finally:
            await hasher.kill()
        extension = os.path.splitext(path)[1][1:].lower()
        return Finding(
            found,
            sha256=hashed.sha256,
            size_bytes=hashed.size_bytes,
            mtime_ns=hashed.mtime_ns,
            kind="image" if f".{extension}".encode("utf-8", "replace") in IMAGES else "pdf",
            extension=extension if extension.isascii() else "",
            state=DocumentState.DAMAGED,
            reason=reason,
        )


def _entry(found: Found, answer: ProbeReport | ProbeFailed) -> Finding | Trouble:
    if isinstance(answer, ProbeFailed):
        gone = isinstance(answer, FileMissing)
        return Trouble(found.path, found.root, sentence(answer.cause), gone)
    return Finding(
        found,
        sha256=answer.sha256,
        size_bytes=answer.size_bytes,
        mtime_ns=answer.mtime_ns,
        kind=answer.kind,
        extension=answer.extension,
        state=DocumentState(answer.state),
        reason=sentence(answer.reason),
        sizes_pt=answer.sizes_pt,
        unloadable=frozenset(answer.unloadable),
    )


def sentence(predicate: str) -> str:
    """The probe's predicate ("has no pages") as a sentence; empty for an empty one."""
    if not predicate:
        return ""
    return f"{predicate}." if predicate[0].isdigit() else f"This file {predicate}."


def _reason(failure: ChildFailed | TaskRaised) -> str:
    """A sentence for a document that a child did not survive, or that raised what nobody foresaw."""
    if isinstance(failure, TaskRaised):
        if failure.kind == "MemoryError":
            return f"Opening it takes more than {MEMORY_BYTES // 2**20:,} MB of memory."
        return f"It cannot be opened ({failure.kind})."
    if isinstance(failure, ChildTimeout):
        return f"Opening it took longer than {failure.deadline_s:.0f} s."
    return f"Opening it crashed the reader: {failure}."


def _reading_s(group: Sequence[Found]) -> float:
    return sum(found.size_bytes for found in group) / _SLOW_DISK_BYTES_PER_S
