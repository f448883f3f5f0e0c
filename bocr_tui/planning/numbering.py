"""Batches' numbers: each is given once, also after a batch is gone."""

from __future__ import annotations

from sqlalchemy import Connection

_KEY = "batch_numbers_to"
"""Of the setting that keeps the highest number once batches were taken apart; until then rows say it."""


def batch_name(number: int) -> str:
    """b0001 to b9999, c10000 to c99999, d100000…: the letter grows with the digits, so that names sort."""
    digits = max(4, len(str(number)))
    return f"{chr(ord('b') + digits - 4)}{number:0{digits}d}"


def next_number(connection: Connection) -> int:
    """One more than the highest number in a batch's name, the highest id, and what `keep_numbers` kept."""
    highest = 0
    for (name,) in connection.exec_driver_sql("SELECT name FROM batch ORDER BY name DESC LIMIT 1"):
        highest = int(name[1:]) if name[1:].isdigit() else 0
    (last_id,) = connection.exec_driver_sql("SELECT coalesce(max(id), 0) FROM batch").one()
    kept = connection.exec_driver_sql("SELECT value FROM setting WHERE key = ?", (_KEY,)).scalar()
    return max(highest, int(last_id), int(kept or 0)) + 1


def keep_numbers(connection: Connection) -> None:
    """Remember the highest number, before batches are deleted in the same transaction."""
    connection.exec_driver_sql(
        "INSERT INTO setting (key, value) VALUES (?, ?)"
        " ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        (_KEY, str(next_number(connection) - 1)),
    )
