"""What SQLite says when it cannot go on, as a cause and a next step."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path

from bocr_tui.config.errors import CatalogError

NO_SPACE_BYTES = 1_000_000
"""Less than this is no space left: opening a catalog alone takes some tens of kilobytes beside it."""

_PRIMARY = 0xFF
"""SQLite's codes hold the kind in their lowest byte, details above it."""

_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
_SHUT = (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM, sqlite3.SQLITE_AUTH)


def trouble_of(path: Path, error: sqlite3.Error) -> CatalogError:
    """Only a file that is itself wrong is called damaged: a full disk looks much like it to SQLite, and who
    puts a backup in the place of a sound catalog loses work."""
    code = getattr(error, "sqlite_errorcode", 0) & _PRIMARY
    if code in _DAMAGED:
        return damaged(path, str(error))
    if code == sqlite3.SQLITE_FULL or (code == sqlite3.SQLITE_IOERR and _is_full(path.parent)):
        return CatalogError(
            f"There is no space left on the disk of {path}.",
            "Free some, then do the same again: what the catalog holds is safe.",
        )
    if code in _SHUT:
        return CatalogError(
            f"{path} cannot be opened or written: {error}.",
            "Check the permissions of the workspace's folder.",
        )
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return CatalogError(f"Another process has been writing to {path} for long.", "Try again in a moment.")
    if code == sqlite3.SQLITE_IOERR:
        return CatalogError(
            f"{path} cannot be read or written: {error}.",
            "The disk or a quota may be full, or the disk fails: `bocr doctor` looks. Nothing was changed.",
        )
    return CatalogError(f"{path} cannot be used: {error}.", "Run `bocr doctor`; nothing was changed.")


def next_step_of(error: sqlite3.Error) -> str:
    """For an error in the middle of a statement, where the file's name is not at hand."""
    code = getattr(error, "sqlite_errorcode", 0) & _PRIMARY
    if code == sqlite3.SQLITE_FULL:
        return "Free some space on the workspace's disk, then do the same again."
    if code in _SHUT:
        return "Nothing was changed. Check the permissions of the workspace's folder."
    return "Run `bocr doctor`."


def damaged(path: Path, problem: str) -> CatalogError:
    return CatalogError(
        f"{path} is damaged and cannot be read ({problem}). It has not been touched.",
        "Put a backup in its place, or move it away and import again: the results folder and the sites' "
        "journals are still there.",
    )


def _is_full(folder: Path) -> bool:
    try:
        return shutil.disk_usage(folder).free < NO_SPACE_BYTES
    except OSError:
        return False
