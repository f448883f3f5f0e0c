"""Logs come home while somebody looks at them, and at the job's end: its own, and all when it went wrong.

`logs/<token>/<name>` in the workspace holds what was fetched: from some offset of the site's file on, since
a log is read from near its end. `<name>.from` holds that offset.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from bocr_tui.config.errors import SiteError
from bocr_tui.sites.transport.base import FileNews

LOGS = "logs"
JOB_LOG, PBS_LOG = "job.log", "pbs.log"

LOG_NAMES = (JOB_LOG, "server.log", PBS_LOG)
"""What the job printed, what its model server did, and what PBS itself printed around it."""

TAIL_BYTES = 16384

MOST_BYTES = 32 * 1024 * 1024
"""Of one log: more than anybody reads; then it begins anew near the end."""


class LogMirror:
    """The logs folder of a workspace."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def offsets(self, token: str) -> dict[str, int]:
        """By log: up to where the site's file is here. A log that is not here is asked from its end."""
        found = {}
        for name in LOG_NAMES:
            path = self._folder / token / name
            with suppress(OSError, ValueError):
                size = path.stat().st_size
                if size < MOST_BYTES:
                    found[name] = int(_start(path).read_text()) + size
        return found

    def tail(self, token: str, name: str) -> str:
        """The end of what is here of a log; empty where nothing is."""
        try:
            with (self._folder / token / name).open("rb") as stream:
                stream.seek(max(0, stream.seek(0, 2) - TAIL_BYTES))
                return stream.read().decode("utf-8", "replace")
        except OSError:
            return ""

    def take(self, token: str, news: FileNews) -> None:
        """Append what is new. Raises SiteError when it cannot be written here."""
        path = self._folder / token / news.name
        try:
            expected = self.offsets(token).get(news.name)
            if expected != news.offset:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(b"")
                _start(path).write_text(str(news.offset))
            if news.data or expected != news.offset:
                with path.open("ab") as stream:
                    stream.write(news.data)
        except OSError as error:
            raise SiteError(
                f"{path} cannot be written: {error.strerror or error}.", "Free space or mend the permissions."
            ) from error


def _start(path: Path) -> Path:
    return path.with_name(path.name + ".from")
