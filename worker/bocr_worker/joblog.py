"""What a person wants to read in a running job's log: what began, where, what failed, how it ended.

Nothing rests on these lines; journal and exit.json hold what counts. They are made from the journal's own
records, so that a log never says other than the journal does.
"""

from __future__ import annotations

import contextlib
import io
import platform
import socket
import sys
import time
from collections.abc import Mapping
from typing import Any

from bocr_worker import __version__
from bocr_worker.protocol.events import FAILED, HEARTBEAT, PAGE, STAGE
from bocr_worker.protocol.exit_report import ExitReport
from bocr_worker.protocol.manifest import DocumentOrder, Manifest

PROGRESS_EVERY_S = 60.0
"""Between two lines that only say how far it is."""

MOST_FAILURES = 5000
"""Lines about failed pages; the journal has all of them. Half a megabyte."""

MOST_CHARACTERS = 300
"""Of anything that came from elsewhere: a name, a cause."""


class JobLog:
    """Writes to the job's standard output, which its script sends to job.log. Never raises: a full disk shows
    where pages are recorded."""

    def __init__(self, manifest: Manifest) -> None:
        self._manifest = manifest
        if isinstance(sys.stdout, io.TextIOWrapper):
            sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace", line_buffering=True)
        self._documents = {document.sha256: document for document in manifest.documents}
        self._begun: set[str] = set()
        self._failures = 0
        self._told_at = time.monotonic()
        self._told_done = 0

    def begin(self, cores: int) -> None:
        """Who reads what, with what, where."""
        manifest = self._manifest
        engine = manifest.engine
        runtime = f" through {engine.runtime}" if engine.runtime else ""
        self.say(
            f"bocr worker {__version__}, Python {platform.python_version()} ({sys.executable}) on"
            f" {socket.gethostname()}, {cores} cores"
        )
        self.say(
            f"job {manifest.token}, stage {manifest.stage + 1}: {engine.name}{runtime}, up to"
            f" {manifest.page_count} pages of {len(manifest.documents)} documents"
        )

    def hear(self, record: Mapping[str, Any]) -> None:
        """Told of each record that is written to the journal."""
        kind = record.get("kind")
        if kind == STAGE and record.get("phase") != "ended":
            facts = (f"{name} {value}" for name, value in record.items() if name not in _NO_FACTS)
            self.say(": ".join(part for part in (str(record["phase"]), ", ".join(facts)) if part))
        elif kind == HEARTBEAT:
            self._hear_heartbeat(record)
        elif kind == PAGE:
            self._hear_page(record)

    def end(self, report: ExitReport) -> None:
        """How it ended, in numbers."""
        cause = f": {report.cause}" if report.cause else ""
        self.say(
            f"ended {report.outcome}{cause} after {report.seconds:.0f} s; pages: {report.ok} ok,"
            f" {report.failed} failed, {report.skipped} skipped, {report.left} left"
        )

    def say(self, text: str) -> None:
        """One line with the time of day."""
        line = f"{time.strftime('%Y-%m-%d %H:%M:%S')} {_plain(text)}"
        with contextlib.suppress(OSError, ValueError):
            print(line, flush=True)  # noqa: T201

    def _hear_heartbeat(self, record: Mapping[str, Any]) -> None:
        done, now = int(record.get("done", 0)), time.monotonic()
        if done == self._told_done or now - self._told_at < PROGRESS_EVERY_S:
            return
        rate = (done - self._told_done) / (now - self._told_at)
        self._told_done, self._told_at = done, now
        failed = record.get("failed", 0)
        self.say(f"{done} of {record.get('total')} pages, {failed} failed, {rate:.2f} pages a second")

    def _hear_page(self, record: Mapping[str, Any]) -> None:
        sha256 = str(record.get("document"))
        document = self._documents.get(sha256)
        if sha256 not in self._begun and document is not None:
            self._begun.add(sha256)
            self.say(f"document {_cut(document.name)} ({sha256[:12]}), {_pages(document)}")
        if record.get("status") != FAILED:
            return
        self._failures += 1
        if self._failures <= MOST_FAILURES:
            name = _cut(document.name) if document is not None else sha256[:12]
            self.say(f"failed: {name} page {record.get('page')}, {_why(record)}")
        if self._failures == MOST_FAILURES:
            self.say("further failures stand in the journal alone")


_NO_FACTS = frozenset({"kind", "at", "phase", "seq"})


def _why(record: Mapping[str, Any]) -> str:
    """Class, evidence, and which attempt it was."""
    evidence = record.get("evidence")
    facts = evidence.items() if isinstance(evidence, Mapping) else ()
    said = _cut(", ".join(f"{name} {value}" for name, value in facts))
    end = "" if record.get("last", True) else ", to be tried again"
    return f"{record.get('class')}{f' ({said})' if said else ''}, attempt {record.get('attempt')}{end}"


def _pages(document: DocumentOrder) -> str:
    count = len(document.pages)
    return f"{count} page{'' if count == 1 else 's'}"


def _cut(text: str) -> str:
    return text if len(text) <= MOST_CHARACTERS else f"{text[:MOST_CHARACTERS]}…"


def _plain(text: str) -> str:
    """Names and causes are other people's: no line ends, escape codes or turned writing in a log."""
    return "".join(letter if letter.isprintable() else "�" for letter in text)
