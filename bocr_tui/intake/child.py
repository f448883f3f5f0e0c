"""What runs in a reading child beside the probe: its preparation, and hashing alone for files that a child
did not survive looking at."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass


@dataclass(frozen=True)
class Hashed:
    """A file's content, unseen."""

    sha256: str
    size_bytes: int
    mtime_ns: int


def prepare(_: object) -> None:
    """Load pdfium, before the memory limit is set. What images need is loaded when the first one comes, so
    that an import of PDFs starts sooner. Raises ImportError."""
    import pypdfium2  # noqa: F401

    from bocr_worker.probe import pages  # noqa: F401


def hash_file(path: str) -> Hashed:
    """Raises OSError."""
    with open(path, "rb") as file:
        info = os.fstat(file.fileno())
        return Hashed(hashlib.file_digest(file, "sha256").hexdigest(), info.st_size, info.st_mtime_ns)
