"""`--scan PATH OUT`: list every file under PATH in OUT, nicely, stoppable, and go on where it ended."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from bocr_worker.protocol.scan import KnownFile, ScanEnd, ScanProgress, ScanTrouble
from bocr_worker.scan.answer import Answer, AnswerRefused, file_key, read_known
from bocr_worker.scan.looking import GROUP_BYTES, GROUP_FILES, CannotLook, Looker
from bocr_worker.scan.walk import Found, files
from bocr_worker.stopping import JobStops, StopSign

EXIT_OK, EXIT_ERROR, EXIT_PARTIAL = 0, 1, 4

_NICE = 10
_PROGRESS_S = 5.0
_POLL_S = 0.5
_WALKED_AT_ONCE = 5000
"""Files that are passed over before the walk lets go of its thread: a stop is heard in between."""


def run_scan(path: str, out: str, known: str | None, cores: int) -> int:
    """Returns the exit status: 0 everything is listed, 4 stopped before that, 1 it cannot be done."""
    with contextlib.suppress(OSError):
        os.nice(_NICE)
    scanned = os.path.abspath(os.fsencode(path))
    try:
        hashes = read_known(Path(known)) if known else {}
        answer = Answer(Path(out), scanned)
    except (AnswerRefused, OSError) as error:
        print(f"bocr-worker: {out}: {error}", file=sys.stderr)  # noqa: T201
        return EXIT_ERROR
    try:
        return asyncio.run(Scan(scanned, Path(out), answer, hashes, max(1, cores)).run())
    finally:
        answer.close()


class Scan:
    """One start of a scan."""

    def __init__(self, path: bytes, out: Path, answer: Answer, known: dict[bytes, str], cores: int) -> None:
        self._out = out
        self._answer = answer
        self._known = known
        self._lookers = [Looker() for _ in range(cores)]
        self._walk = files(path, _site_root(out))
        self._walking = asyncio.Lock()
        self._sign = StopSign()
        self._begun = time.monotonic()
        self._files = self._troubles = self._read_bytes = 0

    async def run(self) -> int:
        self._sign.heed_signals()
        watching = asyncio.create_task(self._watch())
        outcome, cause, status = "ok", "", EXIT_OK
        try:
            await self._sign.unless_given(self._everything())
        except JobStops:
            outcome, cause, status = "partial", self._sign.reason, EXIT_PARTIAL
        except (CannotLook, OSError) as error:
            outcome, cause, status = "error", str(error), EXIT_ERROR
        finally:
            watching.cancel()
            await asyncio.gather(
                watching, *(looker.close() for looker in self._lookers), return_exceptions=True
            )
        try:
            self._answer.append(self._end(outcome, cause))
        except OSError as error:
            print(f"bocr-worker: {self._out}: {error}", file=sys.stderr)  # noqa: T201
            return EXIT_ERROR
        return status

    def _end(self, outcome: str, cause: str) -> ScanEnd:
        seconds = round(time.monotonic() - self._begun, 3)
        return ScanEnd(outcome, cause, self._files, self._troubles, self._read_bytes, seconds)

    async def _everything(self) -> None:
        tasks = [asyncio.create_task(self._look_with(looker)) for looker in self._lookers]
        try:
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _look_with(self, looker: Looker) -> None:
        while True:
            async with self._walking:
                group, ended = await asyncio.to_thread(self._next_group)
            if group:
                for record in await looker.look(group):
                    self._troubles += isinstance(record, ScanTrouble)
                    self._answer.append(record)
                self._read_bytes += sum(found.size_bytes for found in group)
            if ended:
                return

    def _next_group(self) -> tuple[list[Found], bool]:
        """Files that have to be read, and whether the walk is at its end. What is known is listed here; what
        an earlier start has listed is passed over."""
        group: list[Found] = []
        size_bytes = 0
        for found in self._some():
            if isinstance(found, ScanTrouble):
                self._troubles += 1
                if not self._answer.says(found):
                    self._answer.append(found)
                continue
            self._files += 1
            if self._answer.says(found):
                continue
            sha256 = self._known.get(file_key(found))
            if sha256 is not None:
                self._answer.append(KnownFile(found.path, found.size_bytes, found.mtime_ns, sha256))
                continue
            group.append(found)
            size_bytes += found.size_bytes
            if len(group) >= GROUP_FILES or size_bytes >= GROUP_BYTES:
                return group, False
        return group, self._walk_ended

    _walk_ended = False

    def _some(self) -> Iterator[Found | ScanTrouble]:
        for _ in range(_WALKED_AT_ONCE):
            found = None if self._sign.given() else next(self._walk, None)
            if found is None:
                self._walk_ended = True
                return
            yield found

    async def _watch(self) -> None:
        """Progress, and a stop file beside the answer."""
        told_at = time.monotonic()
        while True:
            await asyncio.sleep(_POLL_S)
            if (self._out.parent / "stop").exists():
                self._sign.give("asked to stop")
            if time.monotonic() - told_at >= _PROGRESS_S:
                told_at = time.monotonic()
                with contextlib.suppress(OSError):
                    self._answer.append(ScanProgress(round(time.time(), 3), self._files, self._read_bytes))
                    await asyncio.to_thread(self._answer.sync)


def _site_root(out: Path) -> bytes | None:
    """An answer in `<root>/scans/<token>/` is of the site with that root."""
    scans = out.absolute().parent.parent
    return os.fsencode(scans.parent) if scans.name == "scans" else None
