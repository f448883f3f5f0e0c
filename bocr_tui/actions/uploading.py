"""Uploading for a person who waits for it: asked for, followed, and taken back where they stop it."""

from __future__ import annotations

import asyncio
import threading
from asyncio import to_thread
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bocr_tui.catalog.database import Catalog, now
from bocr_tui.config.errors import UsageError
from bocr_tui.control.events import ControlEvent, Uploading
from bocr_tui.control.places import Place, places
from bocr_tui.control.upload_rows import ask_uploads, unask_uploads, upload_paused
from bocr_tui.control.uploading import RETRY_S, Uploader
from bocr_tui.sites.asking import ask_nobody
from bocr_tui.sites.site import Site, open_site
from bocr_tui.sites.transport.base import NeedsPerson, TransportLost

if TYPE_CHECKING:
    from bocr_tui.actions.action import Options
    from bocr_tui.config.workspace import Workspace

_LOOK_EVERY_S = 0.5
"""While another process uploads what was asked for here."""

_STOP_LOOK_S = 0.1


@dataclass(frozen=True)
class Uploaded:
    """What became of the documents that were asked for, by id."""

    there: tuple[int, ...] = ()
    left: tuple[int, ...] = ()
    failed: dict[int, str] = field(default_factory=dict)
    size_bytes: int = 0
    """Of those that arrived since they were asked for."""
    paused: bool = False


def upload_now(
    workspace: Workspace, catalog: Catalog, site: str, document_ids: Sequence[int], options: Options
) -> Uploaded:
    """Raises SiteError when the site cannot be reached, UsageError while uploading to it is paused."""
    with catalog.reading() as connection:
        if upload_paused(connection, site):
            raise UsageError(f"Uploading to {site} is paused.", "Resume it first.")
    return asyncio.run(_Request(workspace, catalog, site, document_ids, options).run())


class _Request:
    def __init__(
        self,
        workspace: Workspace,
        catalog: Catalog,
        site: str,
        document_ids: Sequence[int],
        options: Options,
    ) -> None:
        self._catalog = catalog
        self._options = options
        self._wanted = list(document_ids)
        self._since = now()
        self._site: Site = open_site(workspace, site, options.asker or ask_nobody)
        self._uploader = Uploader(catalog, self._site, self._hear)
        self._stop = asyncio.Event()
        self._failures = 0

    async def run(self) -> Uploaded:
        watcher = asyncio.create_task(_bridge(self._options.stop, self._stop))
        name = self._site.name
        before = await to_thread(self._places)
        waiting = [place.document_id for place in before if place.waits]
        asked = await to_thread(ask_uploads, self._catalog, name, waiting)
        try:
            await self._follow()
            return await to_thread(self._report, before)
        finally:
            watcher.cancel()
            await asyncio.shield(to_thread(unask_uploads, self._catalog, name, asked))
            await self._uploader.close()
            await self._site.transport.close()

    async def _follow(self) -> None:
        """Until all are there, or somebody stops or pauses it."""
        while not self._stop.is_set():
            waiting = [place for place in await to_thread(self._places) if place.waits]
            if not waiting or await to_thread(self._paused):
                return
            moved = await self._step()
            if not moved:
                await self._rest(_LOOK_EVERY_S)

    async def _step(self) -> bool:
        try:
            moved = await self._uploader.step(self._stop)
        except NeedsPerson:
            raise
        except TransportLost:
            if self._failures == len(RETRY_S):
                raise
            await self._rest(RETRY_S[self._failures])
            self._failures += 1
            return True
        self._failures = 0
        return moved

    async def _rest(self, seconds: float) -> None:
        try:
            await asyncio.wait_for(self._stop.wait(), seconds)
        except TimeoutError:
            return

    def _hear(self, event: ControlEvent) -> None:
        if isinstance(event, Uploading) and event.name and self._options.progress is not None:
            self._options.progress(event.done_bytes // 1000, event.total_bytes // 1000, event.name)

    def _places(self) -> list[Place]:
        with self._catalog.reading() as connection:
            found = places(connection, self._site.name, self._site.config, self._wanted, self._since)
        return [found[document_id] for document_id in self._wanted if document_id in found]

    def _paused(self) -> bool:
        with self._catalog.reading() as connection:
            return upload_paused(connection, self._site.name)

    def _report(self, before: Sequence[Place]) -> Uploaded:
        waited = {place.document_id for place in before if place.waits}
        after = self._places()
        there = [place for place in after if not place.waits and not place.problem]
        return Uploaded(
            there=tuple(place.document_id for place in there),
            left=tuple(place.document_id for place in after if place.waits),
            failed={place.document_id: place.problem for place in after if place.problem},
            size_bytes=sum(place.size_bytes for place in there if place.document_id in waited),
            paused=self._paused(),
        )


async def _bridge(asked: threading.Event | None, stop: asyncio.Event) -> None:
    """A thread's event cannot wake a loop, so it is looked at."""
    while asked is not None and not asked.is_set():  # noqa: ASYNC110
        await asyncio.sleep(_STOP_LOOK_S)
    if asked is not None:
        stop.set()
