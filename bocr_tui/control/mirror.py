"""Results come home: each results file of a run is copied, piece by piece, below the workspace."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from bocr_tui.catalog.database import Catalog
from bocr_tui.catalog.transitions import chunked
from bocr_tui.config.errors import SiteError
from bocr_tui.sites.transport.base import FileNews


class Mirror:
    """The results folder of a workspace. The catalog knows how much of each file is safely here."""

    def __init__(self, catalog: Catalog, results: Path) -> None:
        self._catalog = catalog
        self._results = results

    def offsets(self, job_id: int) -> dict[str, int]:
        """By file name: how much is here. A copy that somebody cut or removed is fetched again from where
        it ends."""
        return self.offsets_of([job_id]).get(job_id, {})

    def offsets_of(self, job_ids: Sequence[int]) -> dict[int, dict[str, int]]:
        """The same for many jobs."""
        found: dict[int, dict[str, int]] = {}
        with self._catalog.reading() as connection:
            for part in chunked(job_ids):
                marks = ", ".join("?" * len(part))
                rows = connection.exec_driver_sql(
                    f"SELECT job_id, file, bytes FROM result_cursor WHERE job_id IN ({marks})",  # noqa: S608
                    tuple(part),
                ).all()
                for job_id, file, count in rows:
                    here = min(int(count), self._size(str(file)))
                    found.setdefault(int(job_id), {})[str(file).rsplit("/", 1)[-1]] = here
        return found

    def _size(self, file: str) -> int:
        try:
            return (self._results / file).stat().st_size
        except OSError:
            return 0

    def take(self, job_id: int, token: str, news: FileNews) -> int:
        """Write a piece, sync it, then count it. Returns how much is here now. A piece that does not begin
        where ours ends is left for the next time.

        What lies beyond the counted length is an earlier write that was never counted: it is overwritten.
        """
        known = self.offsets(job_id).get(news.name, 0)
        if news.offset != known or not news.data:
            return known
        try:
            self._write(self._results / token / news.name, known, news.data)
        except OSError as error:
            raise SiteError(
                f"{self._results / token} cannot be written: {error.strerror or error}.",
                "Free space or mend the permissions; the driver goes on by itself.",
            ) from error
        length = known + len(news.data)
        with self._catalog.writing() as connection:
            connection.exec_driver_sql(
                "INSERT INTO result_cursor (file, job_id, bytes, complete) VALUES (?, ?, ?, 0)"
                " ON CONFLICT (file) DO UPDATE SET bytes = excluded.bytes",
                (f"{token}/{news.name}", job_id, length),
            )
        return length

    def _write(self, path: Path, offset: int, data: bytes) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        try:
            os.ftruncate(handle, offset)
            os.lseek(handle, offset, os.SEEK_SET)
            view = memoryview(data)
            while view:
                view = view[os.write(handle, view) :]
            os.fsync(handle)
        finally:
            os.close(handle)

    def complete(self, job_id: int) -> None:
        """The job has ended and all of its results are here: cleaning may free the site's copy."""
        with self._catalog.writing() as connection:
            connection.exec_driver_sql("UPDATE result_cursor SET complete = 1 WHERE job_id = ?", (job_id,))
