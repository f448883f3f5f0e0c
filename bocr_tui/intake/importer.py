"""The import: files found in one thread, read in killable children, written to the catalog in batches.

Everything between the three is a bounded queue, so that memory does not grow with the number of files. What
is written is a valid catalog at every moment; a second import takes up where a stopped one ended.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from bocr_tui.catalog.database import Catalog
from bocr_tui.catalog.timeline import note
from bocr_tui.config.errors import UsageError
from bocr_tui.config.workspace import Workspace
from bocr_tui.intake.discovery import Found, Trouble, Walk, resolve
from bocr_tui.intake.findings import Finding, ImportProgress, ImportReport
from bocr_tui.intake.language import Languages
from bocr_tui.intake.manifests import check_manifest, is_manifest
from bocr_tui.intake.names import display_name
from bocr_tui.intake.probing import GROUP_BYTES, GROUP_FILES, Prober
from bocr_tui.intake.records import Known, Recorder
from bocr_tui.intake.tally import Tally
from bocr_tui.intake.vanished import knows, mark_vanished

_LOOK_UP = 500
"""Files looked up at once."""

_AHEAD = 10_000
"""Files found before they are read: enough for an honest progress bar, few enough for memory."""

_GROUP_S = 0.2
"""What a child is given at once: long against the time it waits for more, short against a person's patience
with a progress bar."""

_FIRST_FILE_S = 0.01
"""What a file is thought to take until one was read."""

_UNWRITTEN = 16
"""Groups of files that were read and wait to be written."""

_WRITE_FILES = 200
_WRITE_PAGES = 20_000
_WRITE_AFTER_S = 0.5
"""A transaction is written when it has so many files or pages, or its first file has waited so long."""

_MOST_PROCESSES = 16
"""More readers than this only make a disk slower."""


async def import_paths(
    workspace: Workspace,
    catalog: Catalog,
    paths: Sequence[Path],
    *,
    language: str | None = None,
    on_progress: Callable[[ImportProgress], None] | None = None,
    stop: asyncio.Event | None = None,
    processes: int = 0,
) -> ImportReport:
    """Bring files, folders and manifests (.txt, .lst) into the catalog.

    `language` is a person's word for every document of this import. `on_progress` is called in the event
    loop, a few times a second. When `stop` is set, what is being read is dropped, what was read is
    written, and the report says so. `processes` 0: as many as there are cores. Raises UsageError for a path
    that exists neither on disk nor in the catalog, and for a bad language code.
    """
    resolved = [resolve(path) for path in paths]
    for path in resolved:
        if is_manifest(path):
            check_manifest(path)
        elif not os.path.lexists(path) and not knows(catalog, path):
            raise UsageError(f"{display_name(path)} does not exist.", "Check the path.")
    languages = Languages(workspace, language)
    run = _Import(workspace, catalog, languages, resolved, processes or _cores(), on_progress)
    return await run.run(stop or asyncio.Event())


def _cores() -> int:
    try:
        cores = len(os.sched_getaffinity(0))
    except AttributeError:  # not on macOS
        cores = os.cpu_count() or 1
    return min(cores, _MOST_PROCESSES)


class _Import:
    """One import: three kinds of tasks and the queues between them."""

    def __init__(
        self,
        workspace: Workspace,
        catalog: Catalog,
        languages: Languages,
        paths: Sequence[bytes],
        processes: int,
        on_progress: Callable[[ImportProgress], None] | None,
    ) -> None:
        self._catalog = catalog
        self._recorder = Recorder(catalog, languages)
        self._walk = Walk(workspace)
        self._paths = paths
        self._processes = processes
        self._tally = Tally(on_progress)
        self._waiting: asyncio.Queue[Found | None] = asyncio.Queue(_AHEAD)
        self._read: asyncio.Queue[Sequence[Known | Finding | Trouble] | None] = asyncio.Queue(_UNWRITTEN)

    async def run(self, stop: asyncio.Event) -> ImportReport:
        started = time.monotonic()
        writer = asyncio.create_task(self._write())
        readers = [asyncio.create_task(self._look())]
        readers += [asyncio.create_task(self._probe()) for _ in range(self._processes)]
        await self._until_done(readers, writer, stop)
        stopped = not self._tally.complete
        missing = 0
        if not stopped:
            gone = [*self._walk.folders, *self._walk.gone]
            missing = await asyncio.to_thread(mark_vanished, self._catalog, gone, self._recorder.started_at)
        report = await asyncio.to_thread(self._report, missing, stopped, started)
        self._tally.tell(now=True)
        return report

    async def _until_done(
        self, readers: Sequence[asyncio.Task[None]], writer: asyncio.Task[None], stop: asyncio.Event
    ) -> None:
        """Wait for the readers, or for `stop`, or for the first failure; then for the writer to finish what
        was read."""
        waiter = asyncio.create_task(stop.wait())
        reading = asyncio.gather(*readers)
        awaited: list[asyncio.Future[Any]] = [reading, waiter, writer]
        try:
            await asyncio.wait(awaited, return_when=asyncio.FIRST_COMPLETED)
            if reading.done():
                reading.result()
        finally:
            waiter.cancel()
            for reader in readers:
                reader.cancel()
            await asyncio.gather(*readers, reading, waiter, return_exceptions=True)
            ending = asyncio.create_task(self._read.put(None))
            await asyncio.wait([ending, writer], return_when=asyncio.FIRST_COMPLETED)
            ending.cancel()
            await asyncio.shield(writer)

    async def _look(self) -> None:
        """Find files, and pass on those that have to be read."""
        files = self._walk.files(self._paths)
        while chunk := await asyncio.to_thread(_take, files, _LOOK_UP):
            found = [entry for entry in chunk if isinstance(entry, Found)]
            self._tally.found += len(chunk)
            self._tally.tell()
            known, fresh = await asyncio.to_thread(self._recorder.sort, found)
            await self._read.put([*known, *(entry for entry in chunk if isinstance(entry, Trouble))])
            for entry in fresh:
                await self._waiting.put(entry)
        self._tally.looking = False
        await self._waiting.put(None)

    async def _probe(self) -> None:
        """Read files in a child of its own, at once as many as keep it busy for a moment."""
        file_s = _FIRST_FILE_S
        async with Prober() as prober:
            while group := await self._next_group(round(_GROUP_S / file_s)):
                started = time.monotonic()
                await self._read.put(await prober.read(group))
                file_s = (time.monotonic() - started) / len(group)

    async def _next_group(self, files: int) -> list[Found]:
        """So many files, but no more than a fair share of what waits; none when there are no more."""
        entry = await self._waiting.get()
        group: list[Found] = []
        size_bytes = 0
        most = min(files, GROUP_FILES, 1 + self._waiting.qsize() // (2 * self._processes))
        while entry is not None:
            group.append(entry)
            size_bytes += entry.size_bytes
            if len(group) >= most or size_bytes >= GROUP_BYTES or self._waiting.empty():
                return group
            entry = self._waiting.get_nowait()
        await self._waiting.put(None)  # for the other readers
        return group

    async def _write(self) -> None:
        """Write what was read until a None comes."""
        more = True
        while more:
            findings: list[Finding] = []
            known: list[Known] = []
            more = await self._collect(findings, known)
            if findings or known:
                outcomes = await asyncio.to_thread(self._recorder.write, known, findings)
                for outcome in outcomes:
                    self._tally.add(outcome)
                self._tally.tell()

    async def _collect(self, findings: list[Finding], known: list[Known]) -> bool:
        """Gather one transaction's worth. False when there is no more to come."""
        pages = 0
        deadline: float | None = None
        while len(findings) + len(known) < _WRITE_FILES and pages < _WRITE_PAGES:
            try:
                async with asyncio.timeout_at(deadline):
                    entries = await self._read.get()
            except TimeoutError:
                return True
            if entries is None:
                return False
            for entry in entries:
                if isinstance(entry, Finding):
                    findings.append(entry)
                    pages += entry.pages
                elif isinstance(entry, Known):
                    known.append(entry)
                else:
                    self._tally.add_trouble(entry)
            if deadline is None:
                deadline = asyncio.get_running_loop().time() + _WRITE_AFTER_S
        return True

    def _report(self, missing: int, stopped: bool, started: float) -> ImportReport:
        report = self._tally.report(self._catalog, missing, stopped, time.monotonic() - started)
        if report.added or report.changed or report.missing:
            with self._catalog.writing() as connection:
                note(connection, "import", told(report))
        return report


def _take(files: Iterator[Found | Trouble], count: int) -> list[Found | Trouble]:
    return list(islice(files, count))


def told(report: ImportReport) -> str:
    """An import in a sentence, for the timeline."""
    parts = [f"{report.added:,} files added"]
    parts += [f"{report.changed:,} changed"] if report.changed else []
    parts += [f"{report.missing:,} gone"] if report.missing else []
    parts += [f"{report.unreadable:,} without a page to read"] if report.unreadable else []
    return f"Import{' stopped' if report.stopped else ''}: {', '.join(parts)}."
