"""Leases: of many faces on one catalog one drives, and one uploads to a site."""

from __future__ import annotations

import json
import os
import secrets
import socket

from sqlalchemy import Connection

from bocr_tui.catalog.database import Catalog, now
from bocr_tui.config.errors import Busy
from bocr_tui.sites.helper.become import process_birth

LEASE_S = 60.0
"""A driver that has not renewed for this long, on another machine, is taken for gone."""

RENEW_S = 10.0
DRIVER_KEY = "driver"


class DriverLease:
    """Taken before anything is driven, renewed while driving, given back at the end.

    `key` names what is leased and `does` says in words what its holder does.
    """

    def __init__(self, catalog: Catalog, key: str = DRIVER_KEY, does: str = "drives this workspace") -> None:
        self._catalog = catalog
        self._key = key
        self._does = does
        self._nonce = secrets.token_hex(8)
        self._renewed_at = 0.0

    def take(self) -> None:
        """Raises Busy, naming who drives. A driver that died on this machine is succeeded at once."""
        with self._catalog.writing() as connection:
            holder = _holder(connection, self._key)
            if holder is not None and holder["nonce"] != self._nonce and _lives(holder):
                raise Busy(
                    f"Process {holder['pid']} on {holder['host']} {self._does}.",
                    "What you order is done by it; `bocr status` shows how far it is.",
                )
            self._write(connection)

    def renew(self) -> None:
        """Raises Busy when another driver took over (this one was away for too long)."""
        if 0 <= now() - self._renewed_at < RENEW_S:  # a clock may be set back
            return
        self.take()

    def give_back(self) -> None:
        self._renewed_at = 0.0
        with self._catalog.writing() as connection:
            holder = _holder(connection, self._key)
            if holder is not None and holder["nonce"] == self._nonce:
                connection.exec_driver_sql("DELETE FROM setting WHERE key = ?", (self._key,))

    def _write(self, connection: Connection) -> None:
        self._renewed_at = now()
        value = {
            "nonce": self._nonce,
            "pid": os.getpid(),
            "born": process_birth(os.getpid()),
            "host": socket.gethostname(),
            "at": self._renewed_at,
        }
        connection.exec_driver_sql(
            "INSERT INTO setting (key, value) VALUES (?, ?)"
            " ON CONFLICT (key) DO UPDATE SET value = excluded.value",
            (self._key, json.dumps(value)),
        )


def _holder(connection: Connection, key: str) -> dict[str, object] | None:
    row = connection.exec_driver_sql("SELECT value FROM setting WHERE key = ?", (key,)).first()
    return None if row is None else _record(row[0])


def _record(value: str) -> dict[str, object] | None:
    try:
        holder = json.loads(value)
    except ValueError:
        return None
    return holder if isinstance(holder, dict) and {"nonce", "pid", "host", "at"} <= set(holder) else None


def _lives(holder: dict[str, object]) -> bool:
    if holder["host"] == socket.gethostname():
        return process_birth(int(str(holder["pid"]))) == holder.get("born")
    return now() - float(str(holder["at"])) < LEASE_S


def driver_lives(connection: Connection) -> bool:
    """Whether some process drives this catalog now."""
    holder = _holder(connection, DRIVER_KEY)
    return holder is not None and _lives(holder)


def who_drives(value: str | None) -> str:
    """A sentence on the process that drives now, empty when none does; `value` is what `DRIVER_KEY` holds."""
    holder = None if value is None else _record(value)
    if holder is None or not _lives(holder):
        return ""
    return f"Process {holder['pid']} on {holder['host']} drives this workspace."
