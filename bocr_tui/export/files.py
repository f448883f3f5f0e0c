"""Writing below the destination: whole files or none, and never over a file that is not an export's own."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Self

from bocr_tui.config.errors import BocrError, UsageError

RECORD_NAME = ".bocr-export"
"""The list of files that exports wrote here, one a line; only these are ever replaced."""

_LISTED = 5
"""Files named in a refusal; more would scroll the sentence away."""


class WholeFile:
    """A text file that appears under its name when the block ends well, and not at all otherwise."""

    def __init__(self, path: Path, encoding: str = "utf-8") -> None:
        self._path = path
        self._part = path.parent / f".bocr-{secrets.token_hex(8)}.part"
        self._encoding = encoding

    def __enter__(self) -> Self:
        self._stream = self._part.open("x", encoding=self._encoding, errors="backslashreplace", newline="")
        return self

    def write(self, text: str) -> None:
        """Lone surrogates, which UTF-8 cannot hold, are written as `\\udc80`."""
        self._stream.write(text)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._stream.close()
            if kind is None:
                self._part.replace(self._path)
        finally:
            self._part.unlink(missing_ok=True)


def prepare_destination(destination: Path, names: Iterable[str]) -> None:
    """Make the folder and claim `names` in it.

    Raises UsageError when one of them is there already and no export wrote it: nothing has been changed
    then. The record is written before the files, so that an export that was cut off can be repeated.
    """
    try:
        destination.mkdir(parents=True, exist_ok=True)
        record = destination / RECORD_NAME
        own = set(record.read_text("utf-8", "replace").splitlines()) if record.is_file() else set()
        there = set(os.listdir(destination))  # noqa: PTH208 - names only, of a folder with a million files
        wanted = set(names)
        strangers = sorted((wanted & there) - own)
        if strangers:
            raise UsageError(_foreign(destination, strangers), "Name an empty folder, or move these away.")
        with WholeFile(record) as stream:
            stream.write("".join(f"{name}\n" for name in sorted(own & there | wanted)))
    except OSError as error:
        raise BocrError(
            f"{destination} cannot be written to: {error.strerror or error}.", "Name another folder."
        ) from None


def _foreign(destination: Path, strangers: list[str]) -> str:
    shown = ", ".join(strangers[:_LISTED])
    more = f" and {len(strangers) - _LISTED} more" if len(strangers) > _LISTED else ""
    return f"{destination} holds files that no export wrote: {shown}{more}."
