"""A quota that a file system notices late: when what was written is synced."""

from __future__ import annotations

import errno
import hashlib
import io
import os
from pathlib import Path

import pytest

from bocr_tui.sites.helper import uploads

DATA = [b"one", b"two"]
ENTRIES = [
    (f"documents/{digest[:2]}/{digest}.pdf", len(data), digest)
    for data in DATA
    for digest in (hashlib.sha256(data).hexdigest(),)
]


def _send(root: Path) -> list[str]:
    return uploads.receive_files(str(root), io.BufferedReader(io.BytesIO(b"".join(DATA))), ENTRIES)  # type: ignore[arg-type]


def test_what_could_not_be_synced_takes_no_room_and_comes_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(handle: int) -> None:
        raise OSError(errno.EDQUOT, "Disk quota exceeded")

    with monkeypatch.context() as patched, pytest.raises(OSError, match="quota"):
        patched.setattr(os, "fsync", full)
        _send(tmp_path)
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]
    assert _send(tmp_path) == []
    assert uploads.upload_state(str(tmp_path), [(name, size) for name, size, _ in ENTRIES]) == [3, 3]
