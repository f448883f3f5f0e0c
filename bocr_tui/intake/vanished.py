"""Known files that are gone: their sources become `missing`, and documents without any other with them."""

from __future__ import annotations

import os
from collections.abc import Sequence

from bocr_tui.catalog.database import Catalog
from bocr_tui.intake.writing import mark_orphans

_CHUNK = 500


def knows(catalog: Catalog, path: bytes) -> bool:
    """Whether the catalog has a source at this path or below it."""
    low, high = _below(path)
    with catalog.reading() as connection:
        row = connection.exec_driver_sql(
            "SELECT 1 FROM source WHERE path = ? OR (path >= ? AND path < ?) LIMIT 1", (path, low, high)
        ).first()
    return row is not None


def mark_vanished(catalog: Catalog, paths: Sequence[bytes], before: float) -> int:
    """Look for the sources of this machine at or below `paths` that were last seen `before` this time, and
    mark those that are really gone: a file that was passed over (hidden, or in a folder that could not be
    listed) is not.

    Returns how many sources became missing.
    """
    count = 0
    for path in paths:
        low, high = _below(path)
        last = b""
        while True:
            with catalog.reading() as connection:
                rows = connection.exec_driver_sql(
                    "SELECT id, path, document_id FROM source WHERE (path = ? OR (path >= ? AND path < ?))"
                    " AND path > ? AND seen_at < ? AND state = 'present' AND site = ''"
                    " ORDER BY path LIMIT ?",
                    (path, low, high, last, before, _CHUNK),
                ).all()
            if not rows:
                break
            last = rows[-1][1]
            gone = [(source_id, document_id) for source_id, there, document_id in rows if _is_gone(there)]
            count += _mark(catalog, gone)
    return count


def unseen_on_site(catalog: Catalog, path: bytes, before: float, after: bytes, most: int) -> list[bytes]:
    """Sources on a site at or below `path` (`site:<name>:…`, as all paths here) that were last seen `before`
    this time: the first ones behind `after`."""
    low, high = _below(path)
    with catalog.reading() as connection:
        rows = connection.exec_driver_sql(
            "SELECT path FROM source WHERE (path = ? OR (path >= ? AND path < ?)) AND path > ?"
            " AND seen_at < ? AND state = 'present' ORDER BY path LIMIT ?",
            (path, low, high, after, before, most),
        )
        return [found for (found,) in rows]


def mark_gone(catalog: Catalog, paths: Sequence[bytes]) -> int:
    """These sources are gone, whoever found that out. Returns how many there were."""
    marks = ", ".join("?" * len(paths))
    with catalog.reading() as connection:
        rows = connection.exec_driver_sql(
            f"SELECT id, document_id FROM source WHERE path IN ({marks}) AND state = 'present'",  # noqa: S608
            tuple(paths),
        ).all()
    return _mark(catalog, [(source_id, document_id) for source_id, document_id in rows])


def _mark(catalog: Catalog, gone: Sequence[tuple[int, int | None]]) -> int:
    if gone:
        with catalog.writing() as connection:
            connection.exec_driver_sql(
                "UPDATE source SET state = 'missing' WHERE id = ?", [(source_id,) for source_id, _ in gone]
            )
            mark_orphans(connection, {document_id for _, document_id in gone if document_id is not None})
    return len(gone)


def _is_gone(path: bytes) -> bool:
    try:
        os.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        return False
    return False


def _below(folder: bytes) -> tuple[bytes, bytes]:
    """The range of paths inside a folder: from `folder/` up to, not including, `folder0`."""
    low = folder.rstrip(b"/") + b"/"
    return low, low[:-1] + b"0"
