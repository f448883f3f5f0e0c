"""Which jobs are meant by what was typed: tokens, ids of the scheduler, or every one under way."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from bocr_tui.catalog.list_query import JobFilter
from bocr_tui.catalog.words import JOB_ENDED, JobState
from bocr_tui.config.errors import UsageError

if TYPE_CHECKING:
    from bocr_tui.actions.action import Selection
    from bocr_tui.catalog.list_rows import JobRow
    from bocr_tui.catalog.lists import Reader

LIVING = tuple(str(state) for state in JobState if state not in JOB_ENDED)


def living_jobs(reader: Reader) -> list[JobRow]:
    """Jobs that have not ended, the oldest first."""
    return reader.jobs.rows(reader.jobs.ids(JobFilter(states=LIVING), "oldest"))


def jobs_named(reader: Reader, said: Sequence[str]) -> list[JobRow]:
    """In the order in which they were said. Raises UsageError for one that there is not."""
    return [job_named(reader, each) for each in said]


def job_named(reader: Reader, said: str) -> JobRow:
    """By token, by a token's beginning that only one has, or by the scheduler's id; of several jobs that
    had that id, the newest. Raises UsageError."""
    with reader.snapshot() as connection:
        named = "SELECT id FROM job WHERE token = ? OR scheduler_id = ? ORDER BY id DESC LIMIT 1"
        found = [row[0] for row in connection.execute(named, (said, said))]
        if not found and said:
            begins = "SELECT id FROM job WHERE substr(token, 1, ?) = ? ORDER BY id LIMIT 2"
            found = [row[0] for row in connection.execute(begins, (len(said), said))]
    if len(found) != 1:
        cause = f"Several jobs begin with {said!r}." if found else f"There is no job {said!r}."
        raise UsageError(cause, "`bocr status` shows those under way.")
    return reader.jobs.rows(found)[0]


def selected(rows: Sequence[JobRow]) -> Selection:
    """These jobs as an action is told of them."""
    from bocr_tui.actions.action import Selection

    return Selection(jobs=tuple(row.id for row in rows), job_states=frozenset(row.state for row in rows))
