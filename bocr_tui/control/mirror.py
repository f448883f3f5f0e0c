"""Results come home: each results file of a run is copied, piece by piece, below the workspace."""

from __future__ import annotations

import os
import re
from pathlib import Path

from bocr_tui.catalog.database import Catalog
from bocr_tui.config.errors import BocrError
from bocr_tui.sites.transport.base import FileNews

_NAME = re.compile(r"^results-[0-9a-f]{16}\.jsonl$")


class Mirror:
    """The results folder of a workspace. The catalog knows how much of each file is safely here."""

    def __init__(self, catalog: Catalog, results: Path) -> None:
        self._catalog = catalog
        self._results = results

    def offsets(self, job_id: int) -> dict[str, int]:
        """By file name: how much is here."""
        with self._catalog.reading() as connection:
            rows = connection.exec_driver_sql(
                "SELECT file, bytes FROM result_cursor WHERE job_id = ?", (job_id,)
            )
            return {str(file).rsplit("/", 1)[-1]: int(count) for file, count in rows}

    def take(self, job_id: int, token: str, news: FileNews) -> int:
        """Write a piece, sync it, then count it. Returns how much is here now. A piece that does not begin
        where ours ends is left for the next time.

        What lies beyond the counted length is an earlier write that was never counted: it is overwritten.
        """
        if not _NAME.match(news.name):
            raise BocrError(f"runs/{token} holds {news.name[:60]!r}, which is no results file of ours.")
        known = self.offsets(job_id).get(news.name, 0)
        if news.offset != known or not news.data:
            return known
        folder = self._results / token
        folder.mkdir(parents=True, exist_ok=True)
        handle = os.open(folder / news.name, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        try:
            os.ftruncate(handle, known)
            os.lseek(handle, known, os.SEEK_SET)
            view = memoryview(news.data)
            while view:
                view = view[os.write(handle, view) :]
            os.fsync(handle)
        finally:
            os.close(handle)
        length = known + len(news.data)
        with self._catalog.writing() as connection:
            connection.exec_driver_sql(
                "INSERT INTO result_cursor (file, job_id, bytes, complete) VALUES (?, ?, ?, 0)"
                " ON CONFLICT (file) DO UPDATE SET bytes = excluded.bytes",
                (f"{token}/{news.name}", job_id, length),
            )
        return length

    def complete(self, job_id: int) -> None:
        """The job has ended and all of its results are here: cleaning may free the site's copy."""
        with self._catalog.writing() as connection:
            connection.exec_driver_sql("UPDATE result_cursor SET complete = 1 WHERE job_id = ?", (job_id,))
