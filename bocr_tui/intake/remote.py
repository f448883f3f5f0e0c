"""Importing documents where they lie: a scan on the site looks at them, its answer becomes rows as it grows.

Nothing is downloaded. The scan goes on by itself; what is remembered here is which one it is and how far its
answer was read, so that a cut link, a Ctrl-C or another process only interrupts the reading. Rows first, then
the offset: what is read twice is known the second time.
"""

from __future__ import annotations

import asyncio
import time
from asyncio import to_thread
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace

from bocr_tui.catalog.database import Catalog, now
from bocr_tui.catalog.timeline import note
from bocr_tui.catalog.words import DocumentState
from bocr_tui.config.errors import SiteError
from bocr_tui.config.workspace import Workspace
from bocr_tui.intake.discovery import Trouble
from bocr_tui.intake.findings import Finding, ImportProgress, ImportReport
from bocr_tui.intake.importer import told
from bocr_tui.intake.language import Languages
from bocr_tui.intake.records import Recorder
from bocr_tui.intake.remote_lines import Heard, ScanReader, Seen, groups
from bocr_tui.intake.remote_memory import Scan, ScanMemory, new_token
from bocr_tui.intake.remote_starting import AsJob, LoginNode, Starter
from bocr_tui.intake.tally import Tally
from bocr_tui.intake.vanished import mark_gone, unseen_on_site
from bocr_tui.sites import scanning
from bocr_tui.sites.documents import local_part, site_path
from bocr_tui.sites.site import Site
from bocr_tui.sites.transport.base import NeedsPerson, TransportLost
from bocr_worker.protocol.lines import MAX_LINE_BYTES

_WRITE_FILES = 200
_WRITE_PAGES = 20_000

MOST_STARTS = 5
"""Starts in a row that end without a single file more: login nodes kill what runs for long, so that a scan
is started again, but not for ever."""

RETRY_S = (2.0, 5.0, 15.0, 30.0, 60.0, 60.0)
"""Pauses after the site did not answer; then the person hears of it."""

_GONE_AT_ONCE = 500


async def import_from_site(
    workspace: Workspace,
    catalog: Catalog,
    site: Site,
    path: bytes,
    *,
    language: str | None = None,
    on_progress: Callable[[ImportProgress], None] | None = None,
    tell: Callable[[str], None] = lambda _: None,
    stop: asyncio.Event | None = None,
    as_job: bool = False,
) -> ImportReport:
    """Bring what lies at `path` on a site into the catalog, in place. A new scan runs on the login node, or
    `as_job` of the site's scheduler.

    When `stop` is set the scan goes on there, and the report says that there is more; the next call goes on
    reading. Raises SiteError when nothing is there, the scan cannot be run, or the site does not answer;
    UsageError for a bad language code.
    """
    languages = Languages(workspace, language)
    importing = _RemoteImport(workspace, catalog, site, languages, on_progress, tell)
    return await importing.run(path, stop or asyncio.Event(), as_job=as_job)


class _RemoteImport:
    def __init__(
        self,
        workspace: Workspace,
        catalog: Catalog,
        site: Site,
        languages: Languages,
        on_progress: Callable[[ImportProgress], None] | None,
        tell: Callable[[str], None],
    ) -> None:
        self._workspace = workspace
        self._catalog = catalog
        self._site = site
        self._memory = ScanMemory(catalog, site.name)
        self._recorder = Recorder(catalog, languages)
        self._tally = Tally(on_progress)
        self._tell = tell

    async def run(self, asked: bytes, stop: asyncio.Event, *, as_job: bool) -> ImportReport:
        begun = time.monotonic()
        path = await scanning.find_path(self._site, asked)
        scan, is_new = await self._take_up(path)
        starter = self._starter(as_job=as_job if is_new else bool(scan.run))
        scan, ended = await self._follow(scan, starter, stop)
        missing = 0
        if ended:
            missing = await self._vanished(scan)
            await starter.tidy(scan)
            with suppress(SiteError):
                await scanning.remove_scan(self._site, scan.token)
            await to_thread(self._memory.forget, scan)
        self._tally.looking = False
        report = await to_thread(self._report, missing, not ended, time.monotonic() - begun)
        self._tally.tell(now=True)
        return report

    def _starter(self, *, as_job: bool) -> Starter:
        config = self._workspace.config
        if as_job:
            return AsJob(self._site, config, self._memory, self._tell)
        return LoginNode(self._site, config)

    async def _take_up(self, path: bytes) -> tuple[Scan, bool]:
        """The scan of this path that was begun earlier, or a new one, and whether it is new."""
        scan = await to_thread(self._memory.remembered, path)
        if scan is not None:
            if (await scanning.follow_scan(self._site, scan.token, scan.offset, 0)).exists:
                return scan, False
            await to_thread(self._memory.forget, scan)
        scan = Scan(new_token(), path, 0, now())
        known = await to_thread(self._memory.known_files, path)
        await to_thread(self._memory.remember, scan)
        config = self._workspace.config
        templates = (self._workspace.root / "job_templates",)
        await scanning.stage_scan(self._site, config, scan.token, path, known, templates, self._tell)
        return scan, True

    async def _follow(self, scan: Scan, starter: Starter, stop: asyncio.Event) -> tuple[Scan, bool]:
        """Read until the scan has ended. Returns whether it has."""
        reader = ScanReader(self._site.name, scan.path)
        starts, most_bytes, again = 0, scanning.PIECE_BYTES, False
        while True:
            news = await self._ask(scan, most_bytes, stop)
            if news is None:
                return scan, False
            if not news.exists:
                await to_thread(self._memory.forget, scan)
                raise SiteError(f"The scan on {self._site.name} was removed there.", "Import it again.")
            alive = await starter.alive(scan, news)
            heard = reader.read(news.data, alive=alive)
            if heard.seen or heard.troubles:
                starts = 0
            scan = await self._take(scan, heard)
            if heard.end is not None and heard.end.outcome == "error":
                await to_thread(self._memory.forget, scan)
                cause = heard.end.cause.rstrip(".") or "it does not say why"
                raise SiteError(f"The scan on {self._site.name} cannot go on: {cause}.", "Import it again.")
            if heard.end is not None and heard.end.outcome == "ok":
                if again or not reader.passed_over:
                    return scan, True
                again = True  # the files of unreadable lines are listed by another start
            if heard.used_bytes:
                most_bytes = scanning.PIECE_BYTES
                if scan.offset < news.size:
                    continue
            elif len(news.data) == most_bytes:
                most_bytes = min(2 * most_bytes, MAX_LINE_BYTES + 2)
                continue
            if not alive:
                starts += 1
                if starts > MOST_STARTS:
                    raise SiteError(*self._why_it_ends(news.log))
                scan = await starter.start(scan)
            if stop.is_set():
                return scan, False
            self._tally.tell()
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), self._site.poll_s)

    def _why_it_ends(self, log: str) -> tuple[str, str]:
        lines = [line.strip() for line in log.splitlines() if line.strip()]
        last = f" ({lines[-1][:300]})" if lines else ""
        return (
            f"The scan on {self._site.name} ends before it is done{last}.",
            "See `bocr doctor`; import it again to go on.",
        )

    async def _ask(self, scan: Scan, most_bytes: int, stop: asyncio.Event) -> scanning.ScanNews | None:
        """What is new; None when somebody stopped us while the site did not answer."""
        for pause in (*RETRY_S, None):
            try:
                return await scanning.follow_scan(self._site, scan.token, scan.offset, most_bytes)
            except NeedsPerson:
                raise
            except TransportLost as error:
                if pause is None:
                    raise
                self._tell(f"{error.cause} Tried again in {pause:g} s; the scan goes on there.")
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), pause)
            if stop.is_set():
                return None
        raise AssertionError("the last try raises or returns")

    async def _take(self, scan: Scan, heard: Heard) -> Scan:
        """Rows, then the offset."""
        for part in groups(heard.seen, _WRITE_FILES, _WRITE_PAGES):
            await to_thread(self._write, part)
        for trouble in heard.troubles:
            self._tally.found += 1
            self._tally.add_trouble(trouble)
        gone = [trouble.path for trouble in heard.troubles if trouble.gone]
        if gone:
            await to_thread(mark_gone, self._catalog, gone)
        if not heard.used_bytes:
            return scan
        self._tally.tell()
        moved = replace(scan, offset=scan.offset + heard.used_bytes)
        await to_thread(self._memory.remember, moved)
        return moved

    def _write(self, seen: Sequence[Seen]) -> None:
        by_path = {entry.found.path: entry for entry in seen}
        known, fresh = self._recorder.sort([entry.found for entry in by_path.values()])
        findings, lost = [], []
        for found in fresh:
            entry = by_path[found.path]
            finding = entry.finding or self._finding_of(entry)
            if finding is None:
                lost.append(Trouble(found.path, found.root, "The catalog knows it no more: import it again."))
            else:
                findings.append(finding)
        self._tally.found += len(by_path)
        for outcome in self._recorder.write(known, findings):
            self._tally.add(outcome)
        for trouble in lost:
            self._tally.add_trouble(trouble)

    def _finding_of(self, entry: Seen) -> Finding | None:
        """A file that was not read, because the catalog had its hash when the scan began."""
        with self._catalog.reading() as connection:
            row = connection.exec_driver_sql(
                "SELECT kind, extension, state, reason FROM document WHERE sha256 = ?", (entry.sha256,)
            ).first()
        if row is None or row[2] == DocumentState.MISSING:
            return None
        found = entry.found
        state = DocumentState(row[2])
        return Finding(
            found, entry.sha256, found.size_bytes, found.mtime_ns, row[0], row[1], state, reason=row[3]
        )

    async def _vanished(self, scan: Scan) -> int:
        """Files known at or below the path, not listed, and not there: the site is asked, because a folder
        that could not be listed says nothing."""
        root, last, count = site_path(self._site.name, scan.path), b"", 0
        while True:
            unseen = await to_thread(
                unseen_on_site, self._catalog, root, scan.started_at, last, _GONE_AT_ONCE
            )
            if not unseen:
                return count
            last = unseen[-1]
            gone = await scanning.gone_files(self._site, [local_part(path) for path in unseen])
            paths = [path for path in unseen if local_part(path) in gone]
            if paths:
                count += await to_thread(mark_gone, self._catalog, paths)

    def _report(self, missing: int, stopped: bool, seconds: float) -> ImportReport:
        report = self._tally.report(self._catalog, missing, stopped, seconds)
        if report.added or report.changed or report.missing:
            with self._catalog.writing() as connection:
                note(connection, "import", f"{self._site.name}: {told(report)}")
        return report
