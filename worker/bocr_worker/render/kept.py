"""The last opened document stays open, so that page after page of one document costs no reopening."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import Generic, TypeVar

Opened = TypeVar("Opened")


class Kept(Generic[Opened]):
    """One open document at a time, opened anew when another is wanted or the file has changed."""

    def __init__(self, opener: Callable[[str], Opened], closer: Callable[[Opened], None]) -> None:
        self._opener = opener
        self._closer = closer
        self._key: tuple[str, int, int, int] | None = None
        self._opened: Opened | None = None

    def get(self, path: str) -> Opened:
        """The open document. Raises what the opener raises, and OSError for a missing file."""
        stat = Path(path).stat()
        key = (path, stat.st_ino, stat.st_size, stat.st_mtime_ns)
        if self._opened is None or self._key != key:
            self.forget()
            self._opened = self._opener(path)
            self._key = key
        return self._opened

    def forget(self) -> None:
        """Close what is open."""
        opened, self._opened, self._key = self._opened, None, None
        if opened is not None:
            # A damaged document may object to being closed; it is gone either way.
            with contextlib.suppress(Exception):
                self._closer(opened)
