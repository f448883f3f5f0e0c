"""Freeing what is no longer needed on a site: run folders, uploaded documents, pre-drawn pages.

Everything that may go was first found in the catalog and proved dispensable (cleaning_runs,
cleaning_documents); the site's helper checks again what it is asked to delete. A hundred things go in one
round trip.
"""

from __future__ import annotations

import asyncio
import threading
from asyncio import to_thread
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from bocr_tui.actions.cleaning_documents import documents_on, mark_freed, mark_present, splits_on
from bocr_tui.actions.cleaning_runs import ended_runs, note_removed, tokens_on, unfetched, why_keep
from bocr_tui.actions.cleaning_things import Thing
from bocr_tui.catalog.database import Catalog
from bocr_tui.config.model import Config
from bocr_tui.sites.asking import ask_nobody
from bocr_tui.sites.documents import have_documents
from bocr_tui.sites.site import open_site
from bocr_tui.sites.transport.base import Transport

if TYPE_CHECKING:
    from bocr_tui.actions.action import Options
    from bocr_tui.config.workspace import Workspace

AT_ONCE = 100
"""Things in one round trip: a run folder of a big batch holds thousands of files."""

TIMEOUT_S = 600.0
"""For a hundred folders on a network file system under load."""


@dataclass(frozen=True)
class Cleaned:
    """What may go, or was deleted; what stays (`keep` says why); and the bytes that became free."""

    gone: tuple[Thing, ...]
    kept: tuple[Thing, ...]
    freed_bytes: int = 0


def clean(workspace: Workspace, catalog: Catalog, sites: Sequence[str], options: Options) -> Cleaned:
    """Look what may go on these sites and, with `options.act`, delete it. `options.everything`: also
    documents with pages that are not settled, as long as no job needs them now. Raises SiteError."""
    return asyncio.run(_clean(workspace, catalog, sites, options))


def sites_to_clean(catalog: Catalog, config: Config) -> list[str]:
    """The configured sites where something of ours may lie."""
    with catalog.reading() as connection:
        rows = connection.exec_driver_sql("SELECT site FROM job UNION SELECT site FROM site_document").all()
    return sorted(str(site) for (site,) in rows if site in config.sites)


async def _clean(workspace: Workspace, catalog: Catalog, sites: Sequence[str], options: Options) -> Cleaned:
    gone: list[Thing] = []
    kept: list[Thing] = []
    freed_bytes = 0
    for name in sites:
        transport = open_site(workspace, name, options.asker or ask_nobody).transport
        try:
            found = await _Look(workspace, catalog, name, transport, options).find()
            kept += [thing for thing in found if thing.keep is not None]
            ready = [thing for thing in found if thing.keep is None]
            if options.act:
                done = await _free(catalog, name, transport, ready, options.stop)
                ready, freed_bytes = list(done.gone), freed_bytes + done.freed_bytes
                kept += done.kept
            gone += ready
        finally:
            await transport.close()
    return Cleaned(tuple(gone), tuple(kept), freed_bytes)


class _Look:
    """What lies on one site and may go, or why it stays."""

    def __init__(
        self, workspace: Workspace, catalog: Catalog, site: str, transport: Transport, options: Options
    ) -> None:
        self._workspace = workspace
        self._catalog = catalog
        self._site = site
        self._transport = transport
        self._options = options
        self._shared: frozenset[str] | None = None

    async def find(self) -> list[Thing]:
        runs = await self._measured(await to_thread(ended_runs, self._catalog, self._site))
        lacking: dict[str, str] = {}
        for part in _parts(runs):
            lacking |= await unfetched(self._transport, self._catalog, part)
        found = await to_thread(
            self._judged,
            runs,
            lambda run: lacking.get(run.label) or why_keep(self._workspace, self._catalog, run),
        )
        documents = await to_thread(
            documents_on, self._workspace, self._catalog, self._site, self._options.everything
        )
        there = await have_documents(self._transport, {one.name: one.size_bytes for one in documents})
        purged = [one for one in documents if one.name not in there]
        await to_thread(mark_freed, self._catalog, self._site, purged)
        found += await self._unless_shared([one for one in documents if one.name in there])
        splits = await self._transport.call("list_splits")
        if splits:
            known = await to_thread(splits_on, self._catalog, self._site, frozenset(splits))
            found += await self._unless_shared(await self._measured(known))
        return found

    async def _unless_shared(self, things: Sequence[Thing]) -> list[Thing]:
        """Documents lie below a root once, whichever workspaces brought them."""
        if not things:
            return []
        if self._shared is None:
            tokens = await to_thread(tokens_on, self._catalog, self._site)
            found = await self._transport.call("needed_elsewhere", tokens, timeout_s=TIMEOUT_S)
            self._shared = frozenset(str(sha256) for sha256 in found)
        return [
            replace(thing, keep=thing.keep or "a job of another workspace or site needs it")
            if Path(thing.name).stem in self._shared
            else thing
            for thing in things
        ]

    async def _measured(self, things: Sequence[Thing]) -> list[Thing]:
        """Those that are there, with their sizes."""
        measured = []
        for part in _parts(things):
            sizes = await self._transport.call(
                "measure_things", [thing.name for thing in part], timeout_s=TIMEOUT_S
            )
            measured += [replace(one, size_bytes=sizes[one.name]) for one in part if one.name in sizes]
        return measured

    def _judged(self, things: Sequence[Thing], judge: Callable[[Thing], str | None]) -> list[Thing]:
        judged = []
        for place, thing in enumerate(things, 1):
            if self._options.stop is not None and self._options.stop.is_set():
                break
            judged.append(replace(thing, keep=judge(thing)))
            if self._options.progress is not None:
                self._options.progress(place, len(things), thing.label)
        return judged


async def _free(
    catalog: Catalog, site: str, transport: Transport, things: Sequence[Thing], stop: threading.Event | None
) -> Cleaned:
    done = Cleaned((), ())
    for part in _parts(things):
        if stop is not None and stop.is_set():
            break
        freed = await _free_part(catalog, site, transport, part)
        done = Cleaned(done.gone + freed.gone, done.kept + freed.kept, done.freed_bytes + freed.freed_bytes)
    return done


async def _free_part(catalog: Catalog, site: str, transport: Transport, part: Sequence[Thing]) -> Cleaned:
    """Documents are marked before they go, so that a job that is ordered meanwhile uploads them again."""
    needed = await to_thread(mark_freed, catalog, site, part)
    wanted = [thing for thing in part if thing.name not in needed]
    answers = await transport.call("remove_things", [thing.name for thing in wanted], timeout_s=TIMEOUT_S)
    gone = []
    kept = [replace(thing, keep="a job needs it now") for thing in part if thing.name in needed]
    freed_bytes = 0
    for thing in wanted:
        freed, words = answers.get(thing.name, (0, "the site does not say what became of it"))
        freed_bytes += int(freed)
        if words:
            kept.append(replace(thing, keep=str(words)))
        else:
            gone.append(thing)
    await to_thread(mark_present, catalog, site, [thing for thing in kept if thing.name not in needed])
    await to_thread(note_removed, catalog, site, gone)
    return Cleaned(tuple(gone), tuple(kept), freed_bytes)


def _parts(things: Sequence[Thing]) -> list[Sequence[Thing]]:
    return [things[start : start + AT_ONCE] for start in range(0, len(things), AT_ONCE)]
