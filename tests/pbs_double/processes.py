"""Processes of a session, from /proc."""

from __future__ import annotations

import contextlib
import os
import shutil
from pathlib import Path


def _session(pid: str) -> tuple[int, str]:
    """A process's session and state; (0, "") when it is gone."""
    try:
        text = Path("/proc", pid, "stat").read_bytes()
    except OSError:
        return 0, ""
    state, _, _, session = text[text.rindex(b")") + 2 :].split()[:4]
    return int(session), state.decode()


def of_session(session: int) -> list[int]:
    """Living processes; zombies do not count."""
    found = []
    for entry in os.listdir("/proc"):  # noqa: PTH208 - called often, and names are all it needs
        if entry.isdigit():
            its, state = _session(entry)
            if its == session and state not in ("Z", "X"):
                found.append(int(entry))
    return found


def signal_session(session: int, number: int) -> None:
    for pid in of_session(session):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, number)


def with_environment(words: bytes) -> list[int]:
    """Processes that were started with these words in their environment, whatever session they are in."""
    found = []
    for entry in os.listdir("/proc"):  # noqa: PTH208
        if entry.isdigit():
            with contextlib.suppress(OSError):
                if words in Path("/proc", entry, "environ").read_bytes():
                    found.append(int(entry))
    return found


def alive(pid: int) -> bool:
    return bool(pid) and _session(str(pid))[1] not in ("", "Z", "X")


def remove_tree(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
