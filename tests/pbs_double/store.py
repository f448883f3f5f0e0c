"""The server's memory: one SQLite file that outlives it."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from tests.pbs_double.jobs import Job, load_job


class Store:
    """Written before a command is answered: a job whose id was printed is never lost by a kill."""

    def __init__(self, path: Path) -> None:
        self._base = sqlite3.connect(path, isolation_level=None)
        self._base.execute("pragma journal_mode=wal")
        self._base.execute("pragma synchronous=off")  # a killed process loses nothing by it
        self._base.execute("create table if not exists job (seq integer primary key, words text not null)")
        self._base.execute("create table if not exists mark (name text primary key, value integer not null)")

    def jobs(self) -> dict[int, Job]:
        return {
            seq: load_job(words)
            for seq, words in self._base.execute("select seq, words from job order by seq")
        }

    def save(self, job: Job) -> None:
        self._base.execute("insert or replace into job values (?, ?)", (job.seq, job.dump()))

    def forget(self, seq: int) -> None:
        self._base.execute("delete from job where seq = ?", (seq,))

    def next_id(self, first: int) -> int:
        found = self._base.execute("select value from mark where name = 'next'").fetchone()
        return max(int(found[0]), first) if found else first

    def take_id(self, seq: int) -> None:
        self._base.execute("insert or replace into mark values ('next', ?)", (seq + 1,))

    def close(self) -> None:
        self._base.close()
