"""Page images of documents that lie on a site: asked for by any face, drawn by whoever drives.

A face that cannot reach a document here leaves a request; the driver, which has the connection, has the page
drawn on the site and puts it into the workspace's cache, where the face finds it. A person looks at one page
at a time, so the newest request goes first.
"""

from __future__ import annotations

import json
from asyncio import to_thread
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from sqlalchemy import Connection, insert

from bocr_tui.catalog import core
from bocr_tui.catalog.database import Catalog, now
from bocr_tui.config.errors import BocrError, SiteError
from bocr_tui.config.model import Config
from bocr_tui.config.workspace import Workspace
from bocr_tui.control.requests import is_paused
from bocr_tui.sites.documents import document_name, local_part
from bocr_tui.sites.page_images import FarPage, PageCache, page_image
from bocr_tui.sites.site import Site

KIND = "page_image"

FRESH_S = 120.0
"""A request older than this is nobody's any more."""


@dataclass(frozen=True)
class Whereabouts:
    """A page of a document on a site."""

    site: str
    page: FarPage


def find_far_page(
    connection: Connection, config: Config, document_id: int, number: int, dpi: int
) -> Whereabouts | None:
    """Where this page can be drawn from: a site where the document lies in place, or one it was uploaded
    to. None: nowhere."""
    document = connection.exec_driver_sql(
        "SELECT sha256, extension, size_bytes FROM document WHERE id = ?", (document_id,)
    ).first()
    if document is None:
        return None
    sha256, extension, size_bytes = document
    rows = connection.exec_driver_sql(
        "SELECT site, path, mtime_ns FROM source WHERE document_id = ? AND site <> '' AND state = 'present'"
        " UNION ALL SELECT site, NULL, 0 FROM site_document WHERE document_id = ? AND state = 'present'",
        (document_id, document_id),
    )
    for site, path, mtime_ns in rows:
        if site in config.sites:
            place = document_name(sha256, extension).encode() if path is None else local_part(path)
            return Whereabouts(site, FarPage(sha256, place, number, dpi, size_bytes, mtime_ns))
    return None


def ask_for_page(catalog: Catalog, document_id: int, number: int, dpi: int) -> int:
    """Leave a request; returns its id."""
    payload = {"document": document_id, "page": number, "dpi": dpi}
    with catalog.writing() as connection:
        made = connection.execute(
            insert(core.request).values(kind=KIND, payload=payload, state="asked", answer="", asked_at=now())
        )
    return int(made.lastrowid)


def answer_to(catalog: Catalog, request_id: int) -> tuple[str, str]:
    """asked, done or refused; and the words of a refusal."""
    with catalog.reading() as connection:
        row = connection.exec_driver_sql(
            "SELECT state, answer FROM request WHERE id = ?", (request_id,)
        ).first()
    return (str(row[0]), str(row[1])) if row is not None else ("refused", "the request is gone")


def withdraw(catalog: Catalog, request_id: int) -> None:
    """Nobody looks at that page any more."""
    _answer(catalog, request_id, "refused", "withdrawn")


def _answer(catalog: Catalog, request_id: int, state: str, words: str) -> None:
    with catalog.writing() as connection:
        connection.exec_driver_sql(
            "UPDATE request SET state = ?, answer = ?, answered_at = ? WHERE id = ? AND state = 'asked'",
            (state, words[:1000], now(), request_id),
        )


class PageErrands:
    """The driver's side: `site_named` gives the connection that it shares with everything else."""

    def __init__(
        self, workspace: Workspace, catalog: Catalog, site_named: Callable[[str], Awaitable[Site]]
    ) -> None:
        self._workspace = workspace
        self._catalog = catalog
        self._site_named = site_named
        self._cache = PageCache(workspace.root)

    async def step(self) -> bool:
        """Carry out the newest request. Returns whether there was one. Never raises for what a site does
        wrong: that is the answer."""
        found = await to_thread(self._newest)
        if found is None:
            return False
        request_id, whereabouts = found
        if whereabouts is None:
            await to_thread(_answer, self._catalog, request_id, "refused", "The document lies on no site.")
            return True
        state, words = "done", ""
        try:
            if await to_thread(self._is_paused, whereabouts.site):
                raise SiteError(f"{whereabouts.site} is paused.", "Resume it first.")
            site = await self._site_named(whereabouts.site)
            await page_image(site, self._workspace.config, whereabouts.page, self._cache, lambda text: None)
        except BocrError as error:
            state, words = "refused", f"{error.cause} {error.next_step}".strip()
        await to_thread(_answer, self._catalog, request_id, state, words)
        return True

    def _is_paused(self, site: str) -> bool:
        with self._catalog.reading() as connection:
            return is_paused(connection, site)

    def _newest(self) -> tuple[int, Whereabouts | None] | None:
        with self._catalog.reading() as connection:
            row = connection.exec_driver_sql(
                "SELECT id, payload FROM request WHERE state = 'asked' AND kind = ? AND asked_at > ?"
                " ORDER BY id DESC LIMIT 1",
                (KIND, now() - FRESH_S),
            ).first()
            if row is None:
                return None
            asked = json.loads(row[1])
            config = self._workspace.config
            wanted = (asked["document"], asked["page"], asked["dpi"])
            return int(row[0]), find_far_page(connection, config, *wanted)
