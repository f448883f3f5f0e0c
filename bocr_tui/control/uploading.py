"""Documents on their way to a site: a step of its own, before any job is staged.

What jobs wait for goes first, the oldest job's documents before the others'; then what people asked for.
The catalog's rows are a cache of what lies on the site: scratch file systems are purged, so that presence is
confirmed before a job is staged.
"""

from __future__ import annotations

import asyncio
import time
from asyncio import to_thread
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from bocr_tui.catalog.database import Catalog
from bocr_tui.config.errors import Busy, SiteError
from bocr_tui.control.events import ControlEvent, Trouble
from bocr_tui.control.lease import DriverLease
from bocr_tui.control.places import Place, places
from bocr_tui.control.upload_files import examine
from bocr_tui.control.upload_meter import UploadMeter
from bocr_tui.control.upload_rows import (
    asked_uploads,
    chain_documents,
    mark_documents,
    mark_failed,
    upload_paused,
    waiting_chains,
)
from bocr_tui.sites.documents import have_documents, uploads_documents
from bocr_tui.sites.site import Site
from bocr_tui.sites.transport.base import NeedsPerson, TransportLost, Upload

GROUP_BYTES = 64 * 1024 * 1024
GROUP_FILES = 500
"""What goes at once, and is remembered at once: a cut link costs a few seconds of knowledge, no data."""

WATCH_S = 1.0
"""How often it is looked whether somebody paused the upload under way."""

LOOK_EVERY_S = 2.0
"""Between two looks for documents to upload, when there were none."""

COUNT_EVERY_S = 30.0
"""Between two counts of all that waits, for the progress bar: with a million pages one takes a second."""

RETRY_S = (2.0, 5.0, 15.0, 60.0, 300.0)
"""Pauses after the site failed, growing to the last."""


@dataclass(frozen=True)
class DocumentsReady:
    """A job's documents on its site, by id: `waiting` have to be uploaded first; `failed` cannot come, for
    these reasons, and the job goes without them."""

    waiting: tuple[int, ...] = ()
    failed: Mapping[int, str] = field(default_factory=dict)

    @property
    def all(self) -> bool:
        """Whether the job may be staged."""
        return not self.waiting


class Uploader:
    """Of one site. `tell` gets Uploading while something goes, Trouble when it does not."""

    def __init__(self, catalog: Catalog, site: Site, tell: Callable[[ControlEvent], None]) -> None:
        self._catalog = catalog
        self._site = site
        self._tell = tell
        self._meter = UploadMeter(site.name, tell)
        self._lease = DriverLease(catalog, f"uploads:{site.name}", f"uploads to {site.name}")
        self._provided: set[int] = set()
        """Chains whose documents were seen to be there, or to have failed."""
        self._held = False
        self._left_bytes = 0
        self._counted_at = -COUNT_EVERY_S
        self._wake = asyncio.Event()

    async def ready(self, job_id: int) -> DocumentsReady:
        """By what the catalog says; nothing is asked of the site."""
        return await to_thread(self._ready, job_id)

    async def confirm(self, job_ids: Sequence[int]) -> dict[int, DocumentsReady]:
        """The same for jobs about to be staged, with the site asked whether their uploaded documents are
        still there: one call for all. Raises SiteError."""
        chains = {job_id: await to_thread(self._chain_of, job_id) for job_id in job_ids}
        uploaded: dict[str, Place] = {}
        for chain_id, since in set(chains.values()):
            found = await to_thread(self._places, chain_id, since)
            uploaded.update({place.path: place for place in found.values() if place.uploaded})
        if uploaded:
            sizes = {path: place.size_bytes for path, place in uploaded.items()}
            there = await have_documents(self._site.transport, sizes)
            gone = [place.document_id for path, place in uploaded.items() if path not in there]
            await to_thread(self._mark, "freed", gone)
            if gone:
                self._provided.clear()
        return {job_id: await self.ready(job_id) for job_id in job_ids}

    def wake(self) -> None:
        """There may be something to upload: look now."""
        self._wake.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Upload what is wanted until `stop` is set or this is cancelled. What the site does wrong is told
        and tried again."""
        failures, said = 0, ""
        try:
            while not stop.is_set():
                pause = LOOK_EVERY_S
                try:
                    if await self.step(stop):
                        failures, said, pause = 0, "", 0.0
                except SiteError as error:
                    pause = RETRY_S[min(failures, len(RETRY_S) - 1)]
                    failures += 1
                    if error.cause != said and not isinstance(error, NeedsPerson):
                        said = error.cause
                        self._tell(Trouble(f"Uploading to {self._site.name}: {error.cause}", error.next_step))
                await self._rest(stop, pause)
        finally:
            await self.close()

    async def step(self, stop: asyncio.Event) -> bool:
        """Upload one group. Returns whether there may be more. Ends early when `stop` is set or somebody
        pauses uploading. Raises SiteError: then what has arrived counts, and the rest is wanted still."""
        if not uploads_documents(self._site.config):
            return False
        group, left_bytes = await to_thread(self._next_group)
        if not group:
            await self.close()
            return False
        if not await to_thread(self._hold):
            return False
        looked_at = await to_thread(examine, group)
        if looked_at.problems:
            await to_thread(self._fail, looked_at.problems)
        if looked_at.uploads:
            self._meter.begin_group(_name(group), left_bytes)
            if not await self._send(group, looked_at.uploads, stop):
                await self.close()
                return False
        self._left_bytes -= sum(place.size_bytes for place in group)
        return True

    async def close(self) -> None:
        """Say that nothing is under way, and let others upload."""
        await asyncio.shield(to_thread(self._end))

    async def _send(self, group: Sequence[Place], uploads: Mapping[int, Upload], stop: asyncio.Event) -> bool:
        """Returns whether it has arrived; False: it was stopped. Raises SiteError."""
        try:
            arrived = await self._transfer(list(uploads.values()), stop)
        except (TransportLost, NeedsPerson):
            raise
        except SiteError:
            # Is it a file here or the site? The words alone do not say.
            again = await to_thread(
                examine, [place for place in group if place.document_id in uploads], read=True
            )
            if not again.problems:
                raise
            await to_thread(self._fail, again.problems)
            return True
        if arrived:
            await to_thread(self._mark, "present", list(uploads))
            self._meter.end_group(sum(upload.size_bytes for upload in uploads.values()))
            await to_thread(self._meter.write, self._catalog)
        return arrived

    async def _transfer(self, uploads: Sequence[Upload], stop: asyncio.Event) -> bool:
        """Cancelled with its caller, when `stop` is set, and when somebody pauses."""
        rate = self._site.config.upload_mb_s
        sending = asyncio.create_task(self._site.transport.upload(uploads, self._meter.passed, rate))
        stopping = asyncio.create_task(stop.wait())
        try:
            while not sending.done():
                await asyncio.wait({sending, stopping}, timeout=WATCH_S, return_when=asyncio.FIRST_COMPLETED)
                if not sending.done() and (stop.is_set() or not await to_thread(self._may_go_on)):
                    return False
            sending.result()
            return True
        finally:
            stopping.cancel()
            sending.cancel()
            await asyncio.gather(sending, stopping, return_exceptions=True)

    def _may_go_on(self) -> bool:
        """Nobody has paused uploading, nor taken our place."""
        self._meter.write(self._catalog)
        if not self._hold():
            return False
        with self._catalog.reading() as connection:
            return not upload_paused(connection, self._site.name)

    async def _rest(self, stop: asyncio.Event, seconds: float) -> None:
        """Until somebody wakes us, `stop` is set, or time is up."""
        if not seconds:
            return
        waiters = [asyncio.create_task(stop.wait()), asyncio.create_task(self._wake.wait())]
        try:
            with suppress(TimeoutError):
                await asyncio.wait(waiters, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._wake.clear()
            for waiter in waiters:
                waiter.cancel()

    # -- the catalog, in threads ------------------------------------------------------------------------

    def _chain_of(self, job_id: int) -> tuple[int, float]:
        with self._catalog.reading() as connection:
            row = connection.exec_driver_sql(
                "SELECT c.id, c.created_at FROM job j JOIN chain c ON c.id = j.chain_id WHERE j.id = ?",
                (job_id,),
            ).one()
            return int(row[0]), float(row[1])

    def _places(self, chain_id: int, since: float) -> dict[int, Place]:
        with self._catalog.reading() as connection:
            wanted = chain_documents(connection, chain_id)
            return places(connection, self._site.name, self._site.config, wanted, since)

    def _ready(self, job_id: int) -> DocumentsReady:
        found = self._places(*self._chain_of(job_id)).values()
        return DocumentsReady(
            waiting=tuple(place.document_id for place in found if place.waits),
            failed={place.document_id: place.problem for place in found if place.problem},
        )

    def _next_group(self) -> tuple[list[Place], int]:
        """The documents to upload now, and the bytes of all that wait, these included.

        All that wait are counted now and then only; between two counts it is enough to fill a group.
        """
        site, config = self._site.name, self._site.config
        count_all = time.monotonic() - self._counted_at > COUNT_EVERY_S
        waiting: dict[int, Place] = {}
        with self._catalog.reading() as connection:
            if upload_paused(connection, site):
                return [], 0
            for chain_id, since in waiting_chains(connection, site):
                if chain_id in self._provided or (_fills_group(waiting) and not count_all):
                    continue
                wanted = chain_documents(connection, chain_id)
                found = places(connection, site, config, wanted, since).values()
                needed = {place.document_id: place for place in found if place.waits}
                if not needed:
                    self._provided.add(chain_id)
                waiting.update(needed)
            if count_all or not _fills_group(waiting):
                asked = asked_uploads(connection, site, -1 if count_all else GROUP_FILES)
                for document_id, place in places(connection, site, config, asked).items():
                    if place.waits or place.problem:
                        waiting.setdefault(document_id, place)
        found_bytes = sum(place.size_bytes for place in waiting.values())
        if count_all:
            self._left_bytes, self._counted_at = found_bytes, time.monotonic()
        self._left_bytes = max(self._left_bytes, found_bytes)
        return _group(list(waiting.values())), self._left_bytes

    def _mark(self, state: str, document_ids: Sequence[int]) -> None:
        with self._catalog.writing() as connection:
            mark_documents(connection, self._site.name, state, document_ids)

    def _fail(self, problems: dict[int, str]) -> None:
        with self._catalog.writing() as connection:
            mark_failed(connection, self._site.name, problems)
        first = next(iter(problems.values()))
        others = f" ({len(problems) - 1:,} others likewise)" if len(problems) > 1 else ""
        self._tell(Trouble(f"Not uploaded to {self._site.name}: {first}{others}"))

    def _hold(self) -> bool:
        """Whether nobody else uploads to this site."""
        try:
            self._lease.renew()
        except Busy:
            self._held = False
            return False
        self._held = True
        return True

    def _end(self) -> None:
        """Nothing is under way any more, for every face to see."""
        if self._meter.finish():
            self._meter.write(self._catalog, now_please=True)
        if self._held:
            self._held = False
            self._lease.give_back()


def _name(group: Sequence[Place]) -> str:
    """What is under way, for a line: the largest document and how many others."""
    largest = max(group, key=lambda place: place.size_bytes).name
    return largest if len(group) == 1 else f"{largest} and {len(group) - 1:,} more"


def _fills_group(waiting: Mapping[int, Place]) -> bool:
    return len(waiting) >= GROUP_FILES or sum(one.size_bytes for one in waiting.values()) >= GROUP_BYTES


def _group(waiting: Sequence[Place]) -> list[Place]:
    """The first ones, one at least."""
    group: list[Place] = []
    size_bytes = 0
    for place in waiting[:GROUP_FILES]:
        size_bytes += place.size_bytes
        if group and size_bytes > GROUP_BYTES:
            break
        group.append(place)
    return group
