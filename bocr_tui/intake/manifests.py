"""A manifest: a text file with one path a line."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import BinaryIO

from bocr_tui.config.errors import UsageError
from bocr_tui.intake.names import display_name

EXTENSIONS = frozenset({b".txt", b".lst"})

_LONGEST_LINE_BYTES = 8192
"""Twice the longest path Linux knows."""

_HEAD_BYTES = 4096


class UnreadableLine(str):
    """A line that is no path, as a sentence."""


def is_manifest(path: bytes) -> bool:
    """Whether a file that was named by itself is a list of files. Text files in folders are not."""
    return os.path.splitext(path)[1].lower() in EXTENSIONS and os.path.isfile(path)


def check_manifest(path: bytes) -> None:
    """Raises UsageError when this cannot be a list of paths, before anything is imported."""
    try:
        with open(path, "rb") as file:
            head = file.read(_HEAD_BYTES)
    except OSError as error:
        raise UsageError(
            f"{display_name(path)} cannot be read: {error.strerror}.", "Check its permissions."
        ) from None
    if head.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\0" in head:
        raise UsageError(
            f"{display_name(path)} is no list of paths.", "Give a text file (UTF-8) with one path a line."
        )


def manifest_paths(path: bytes) -> Iterator[bytes | UnreadableLine]:
    """The paths it names; relative ones start from the manifest's folder.

    Empty lines and lines that begin with `#` are left out. Names are bytes: no encoding is assumed.
    """
    folder = os.path.dirname(path)
    with open(path, "rb") as file:
        for number, line in enumerate(_lines(file), 1):
            entry = line.rstrip(b"\r\n")
            if number == 1:
                entry = entry.removeprefix(b"\xef\xbb\xbf")
            if not entry.strip() or entry.startswith(b"#"):
                continue
            if b"\0" in entry or len(line) > _LONGEST_LINE_BYTES:
                yield UnreadableLine(f"Line {number} is no path.")
            else:
                yield os.path.join(folder, entry)


def _lines(file: BinaryIO) -> Iterator[bytes]:
    """Lines, of an overlong one only the beginning: a file without line ends must not fill the memory."""
    while line := file.readline(_LONGEST_LINE_BYTES + 1):
        yield line
        while len(line) > _LONGEST_LINE_BYTES and not line.endswith(b"\n"):
            line = file.readline(_LONGEST_LINE_BYTES + 1)
