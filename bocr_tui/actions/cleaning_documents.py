"""Which uploaded documents and pre-drawn pages on a site are no longer needed.

An uploaded document may go when every page of it is ok, given up on or ignored, the accepted texts lie
verified in the workspace, no job needs it, and its file is still here. Pre-drawn pages may go when no job
needs them: they can be drawn again. What lies in place is never touched.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection

from bocr_tui.actions.cleaning_things import Kind, Thing
from bocr_tui.actions.words import counted
from bocr_tui.catalog.database import Catalog
from bocr_tui.catalog.results import ResultLocator, ResultUnreadable, read_result
from bocr_tui.control.upload_rows import mark_documents
from bocr_tui.sites.documents import document_name, local_part, split_name

if TYPE_CHECKING:
    from bocr_tui.config.workspace import Workspace

_NEEDED = """
SELECT DISTINCT p.document_id FROM reservation r JOIN page p ON p.id = r.page_id
JOIN chain c ON c.id = r.chain_id WHERE r.released_at IS NULL AND c.site = ?
"""
_UPLOADED = """
SELECT d.id, d.sha256, d.extension, d.name, d.page_count, d.size_bytes
FROM site_document s JOIN document d ON d.id = s.document_id
WHERE s.site = ? AND s.state = 'present' ORDER BY d.id
"""
_UNSETTLED = "SELECT count(*) FROM page WHERE document_id = ? AND state NOT IN ('ok', 'gave_up', 'ignored')"
_TEXTS = """
SELECT a.result_file, a.result_offset, a.result_length, a.result_sha256
FROM page p JOIN attempt a ON a.id = p.accepted_attempt_id
WHERE p.document_id = ? AND p.state = 'ok' AND a.result_file IS NOT NULL
"""
_SOURCES = "SELECT site, path, size_bytes FROM source WHERE document_id = ? AND state = 'present'"
_KNOWN_SPLITS = "SELECT id, sha256, name, page_count FROM document WHERE sha256 = ?"


def documents_on(workspace: Workspace, catalog: Catalog, site: str, unsettled_too: bool) -> list[Thing]:
    """The documents uploaded to a site, each with the reason why it must stay. `unsettled_too`: pages that
    are still to be read, but by no job now, are no reason."""
    with catalog.reading() as connection:
        needed = _needed(connection, site)
        rows = connection.exec_driver_sql(_UPLOADED, (site,)).all()
    things = []
    for document_id, sha256, extension, name, pages, size_bytes in rows:
        path = document_name(sha256, extension)
        thing = Thing(Kind.DOCUMENT, site, path, name, pages, size_bytes, document_id=document_id)
        keep = "a job needs it now" if document_id in needed else None
        with catalog.reading() as connection:
            keep = keep or _why_keep(workspace, connection, thing, unsettled_too)
        things.append(_kept(thing, keep))
    return things


def splits_on(catalog: Catalog, site: str, names: Collection[str]) -> list[Thing]:
    """Those of these folders of drawn pages whose document the catalog knows."""
    things = []
    with catalog.reading() as connection:
        needed = _needed(connection, site)
        for name in sorted(names):
            row = connection.exec_driver_sql(_KNOWN_SPLITS, (name.rpartition("/")[2],)).first()
            if row is None or split_name(row[1]) != name:
                continue
            thing = Thing(Kind.SPLIT, site, name, row[2], row[3], document_id=row[0])
            things.append(_kept(thing, "a job needs it now" if row[0] in needed else None))
    return things


def mark_freed(catalog: Catalog, site: str, things: Sequence[Thing]) -> set[str]:
    """Say that these are not there any more, before they go. Returns the names of those that a job ordered
    meanwhile needs: they stay as they are."""
    ours = [thing for thing in things if thing.document_id is not None]
    if not ours:
        return set()
    with catalog.writing() as connection:
        needed = _needed(connection, site)
        free = [thing for thing in ours if thing.document_id not in needed]
        mark_documents(connection, site, "freed", _uploaded_ids(free))
    return {thing.name for thing in ours if thing.document_id in needed}


def mark_present(catalog: Catalog, site: str, things: Sequence[Thing]) -> None:
    """Those that the site would not delete."""
    ids = _uploaded_ids(things)
    if ids:
        with catalog.writing() as connection:
            mark_documents(connection, site, "present", ids)


def _uploaded_ids(things: Sequence[Thing]) -> list[int]:
    return [
        thing.document_id for thing in things if thing.kind is Kind.DOCUMENT and thing.document_id is not None
    ]


def _needed(connection: Connection, site: str) -> set[int]:
    """Documents that living chains on this site hold pages of."""
    return {int(document_id) for (document_id,) in connection.exec_driver_sql(_NEEDED, (site,))}


def _kept(thing: Thing, keep: str | None) -> Thing:
    return Thing(**{**thing.__dict__, "keep": keep})


def _why_keep(workspace: Workspace, connection: Connection, thing: Thing, unsettled_too: bool) -> str | None:
    unsettled = connection.exec_driver_sql(_UNSETTLED, (thing.document_id,)).scalar_one()
    if unsettled and not unsettled_too:
        return f"{counted(unsettled, 'page')} of it {'is' if unsettled == 1 else 'are'} not settled"
    sources = connection.exec_driver_sql(_SOURCES, (thing.document_id,)).all()
    ending = b"/" + thing.name.encode()
    if any(site == thing.site and local_part(path).endswith(ending) for site, path, _ in sources):
        return "it was imported in place from there"
    if not any(not site and _is_here(path, size) for site, path, size in sources):
        return "its file here is gone: that may be the only copy"
    try:
        for row in connection.exec_driver_sql(_TEXTS, (thing.document_id,)):
            read_result(workspace.results, ResultLocator(*row))
    except ResultUnreadable as error:
        return f"a text of it does not verify in the workspace: {error.cause}"
    return None


def _is_here(path: bytes, size_bytes: int) -> bool:
    try:
        file = Path(os.fsdecode(path))
        return file.is_file() and file.stat().st_size == size_bytes
    except OSError:
        return False
