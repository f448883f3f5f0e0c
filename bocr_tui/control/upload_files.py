"""The files to upload, looked at here before they are sent: an upload never sends other content in a
document's name, and says in words why a document cannot be sent."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bocr_tui.control.places import LocalFile, Place
from bocr_tui.intake.names import display_name
from bocr_tui.sites.transport.base import Upload


@dataclass(frozen=True)
class Examined:
    """Documents whose files are what they were, and those that have none, with the reason."""

    uploads: dict[int, Upload]
    problems: dict[int, str]


def examine(places: Sequence[Place], *, read: bool = False) -> Examined:
    """Choose a file for each document. A file whose time of change is not the one known is read, with
    `read` every file. Blocks."""
    uploads, problems = {}, {}
    for place in places:
        words = place.problem or "No file with this content is left."
        for file in place.files:
            problem = _problem(file, place, read)
            if problem is None:
                uploads[place.document_id] = Upload(
                    Path(file.path), place.path, place.sha256, place.size_bytes
                )
                break
            words = problem
        else:
            problems[place.document_id] = words
    return Examined(uploads, problems)


def _problem(file: LocalFile, place: Place, read: bool) -> str | None:
    """Why this file is not the document, a sentence; None when it is."""
    name = display_name(os.fsencode(Path(file.path).name))
    try:
        info = Path(file.path).stat()
        if not stat.S_ISREG(info.st_mode):
            return f"{name} is no regular file any more: import it again."
        same = info.st_size == place.size_bytes
        if same and (read or info.st_mtime_ns != file.mtime_ns):
            same = _sha256(file.path) == place.sha256
    except FileNotFoundError:
        return f"{name} is gone: import it again."
    except OSError as error:
        return f"{name} cannot be read: {error.strerror or error}."
    return None if same else f"{name} has changed since it was imported: import it again."


def _sha256(path: str) -> str:
    with Path(path).open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
