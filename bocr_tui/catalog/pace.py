"""How fast pages were read in the last hours, from the attempts' times: answered by one index alone."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from bocr_tui.catalog.lists import Reader

_BUCKETS = """
WITH RECURSIVE bucket(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM bucket WHERE i + 1 < ?)
SELECT (
  SELECT json_array(total(last OR outcome = 'ok'), total(outcome = 'ok'), total(completion_tokens))
  FROM attempt WHERE at >= ? + bucket.i * ? AND at < ? + (bucket.i + 1) * ?
) FROM bucket
"""
"""One range of ix_attempt_at a bucket, each read once; grouping by a computed bucket would sort them all."""

MOST_BUCKETS = 2000


@dataclass(frozen=True)
class Pace:
    """Counts by bucket of `step_s` seconds from `begin` on (seconds since the epoch).

    `pages` are pages that got a verdict, `ok` those of them that were read, `tokens` completion tokens of
    every attempt.
    """

    begin: float
    step_s: float
    pages: tuple[int, ...] = ()
    ok: tuple[int, ...] = ()
    tokens: tuple[int, ...] = ()

    @property
    def pages_per_min(self) -> tuple[float, ...]:
        return tuple(count * 60 / self.step_s for count in self.pages)

    @property
    def tokens_per_s(self) -> tuple[float, ...]:
        return tuple(count / self.step_s for count in self.tokens)


def pace_of(reader: Reader, now: float, window_s: float, buckets: int) -> Pace:
    """Of the `window_s` seconds before `now`, in so many buckets. Raises CatalogError."""
    buckets = max(1, min(buckets, MOST_BUCKETS))
    step_s = window_s / buckets
    begin = now - window_s
    with reader.snapshot() as connection:
        rows = connection.execute(_BUCKETS, (buckets, begin, step_s, begin, step_s)).fetchall()
    found = [json.loads(row[0]) for row in rows]
    pages, ok, tokens = (tuple(int(each[place]) for each in found) for place in range(3))
    return Pace(begin, step_s, pages, ok, tokens)


@dataclass(frozen=True)
class JobsLately:
    """Jobs of the last hours: how many ended, by cause (`ok` among them), and how many tries were second or
    later ones."""

    ended: Mapping[str, int] = field(default_factory=dict)
    restarts: int = 0


def jobs_lately(reader: Reader, since: float) -> JobsLately:
    """Raises CatalogError."""
    with reader.snapshot() as connection:
        ended = connection.execute(
            "SELECT CASE WHEN state = 'finished' THEN coalesce(cause, 'unknown') ELSE state END, count(*)"
            " FROM job WHERE ended_at >= ? GROUP BY 1 ORDER BY 2 DESC, 1",
            (since,),
        ).fetchall()
        restarts = connection.execute(
            "SELECT count(*) FROM job WHERE created_at >= ? AND try_number > 1", (since,)
        ).fetchone()[0]
    return JobsLately({str(cause): int(count) for cause, count in ended}, int(restarts))


def pages_since(reader: Reader, at: float) -> int:
    """Pages that got a verdict since then. Raises CatalogError."""
    with reader.snapshot() as connection:
        row = connection.execute("SELECT total(last OR outcome = 'ok') FROM attempt WHERE at >= ?", (at,))
        return int(row.fetchone()[0])


def last_page_at(reader: Reader) -> float | None:
    """When a page last got a verdict, of whatever kind; None where none ever did. Raises CatalogError."""
    with reader.snapshot() as connection:
        found = connection.execute("SELECT max(at) FROM attempt").fetchone()[0]
    return None if found is None else float(found)


def planned_seconds(reader: Reader) -> tuple[int, float]:
    """Batches that nobody has sent, and the seconds of jobs they are estimated at. Raises CatalogError."""
    with reader.snapshot() as connection:
        row = connection.execute(
            "SELECT count(*), total(estimated_s) FROM batch WHERE state = 'planned'"
        ).fetchone()
    return int(row[0]), float(row[1])
