"""A person decides what became of a submission that nobody could make out."""

from __future__ import annotations

import re

from bocr_tui.catalog.database import Catalog
from bocr_tui.catalog.timeline import note
from bocr_tui.catalog.words import JobState
from bocr_tui.config.errors import UsageError
from bocr_tui.control.ending import ChainStep, Endings
from bocr_tui.control.jobs import chain_jobs, job_row
from bocr_tui.control.judging import Ending
from bocr_tui.control.requests import check_ambiguous
from bocr_tui.control.submitting import take_accepted

ASK, NEVER_RAN = "ask", "never_ran"

_SCHEDULER_ID = re.compile(r"^[\w.@\[\]-]{1,200}$")


def settle_job(catalog: Catalog, job_id: int, choice: str, scheduler_id: str | None = None) -> ChainStep:
    """Settle a job whose submission is unclear: `ask` the scheduler again from the start; it `never_ran`
    and its pages are submitted anew; or, with `scheduler_id`, it is this job of the scheduler's.

    Should a job that was said never to have run do so after all, its claim and its journal keep its pages
    from counting twice. Raises UsageError.
    """
    if scheduler_id is not None and not _SCHEDULER_ID.match(scheduler_id):
        raise UsageError(f"{scheduler_id[:60]!r} is no job id.", "Copy it from the scheduler's list.")
    if scheduler_id is None and choice == NEVER_RAN:
        with catalog.reading() as connection:
            check_ambiguous(connection, job_id)
        reason = "a person said that it never ran"
        return Endings(catalog, job_tries=1_000_000).end_job(job_id, Ending(JobState.LOST, None, reason))
    if scheduler_id is None and choice != ASK:
        raise UsageError(f"{choice!r} settles nothing.", f"Say {ASK}, {NEVER_RAN} or an id.")
    with catalog.writing() as connection:
        check_ambiguous(connection, job_id)
        job = job_row(connection, job_id)
        if scheduler_id is None:
            connection.exec_driver_sql("UPDATE job SET asks = 0 WHERE id = ?", (job_id,))
            note(connection, "job", f"Job {job.token} is asked after again", job_id=job_id)
        else:
            earlier = [
                other
                for other in chain_jobs(connection, job.chain_id)
                if other.round == job.round and other.stage < job.stage
            ]
            take_accepted(connection, job, scheduler_id, first=not earlier)
    return ChainStep(waits=True)
