"""What any face asks of the driver: rows that whichever process holds the lease carries out, once.

Requests about jobs are cancel, requeue, hold and release; `watch_log` asks for a job's log for a while;
pausing and resuming a site are settings, since they hold until somebody says otherwise.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, insert, select

from bocr_tui.catalog import core
from bocr_tui.catalog.database import Catalog, now
from bocr_tui.catalog.timeline import note
from bocr_tui.catalog.transitions import chunked
from bocr_tui.catalog.words import JOB_ENDED, JobState
from bocr_tui.config.errors import UsageError
from bocr_tui.control.judging import CANCEL, REQUEUE

HOLD, RELEASE, WATCH_LOG, RESUME_SITE = "hold", "release", "watch_log", "resume_site"
JOB_REQUESTS = (CANCEL, REQUEUE, HOLD, RELEASE)

WATCH_S = 30.0
"""How long one request for a log is good for; a face that still shows it asks again."""


@dataclass(frozen=True)
class JobRequest:
    """Something asked of a job and not yet answered."""

    id: int
    kind: str
    job_id: int


def request(catalog: Catalog, kind: str, job_ids: Sequence[int]) -> int:
    """Ask for cancel, requeue, hold or release. Returns for how many jobs that have not ended it is new."""
    if kind not in JOB_REQUESTS:
        raise UsageError(f"{kind} is nothing that can be asked of a job.", f"Ask {', '.join(JOB_REQUESTS)}.")
    with catalog.writing() as connection:
        return ask_jobs(connection, kind, job_ids)


def ask_jobs(connection: Connection, kind: str, job_ids: Iterable[int]) -> int:
    """The same, in the caller's transaction. A cancel takes the chain's later jobs with it: they wait for
    this one's end, however it comes."""
    asked = 0
    wanted = list(dict.fromkeys(job_ids))
    if kind == CANCEL:
        wanted = list(dict.fromkeys([*wanted, *_waiting_for(connection, wanted)]))
    for part in chunked(wanted):
        living = core.job.c.state.not_in([str(state) for state in JOB_ENDED])
        rows = connection.execute(select(core.job.c.id).where(core.job.c.id.in_(part), living)).all()
        pending = {entry.job_id for entry in _pending(connection, kind)}
        for (job_id,) in rows:
            if job_id not in pending:
                _ask(connection, kind, {"job": job_id})
        asked += len(rows)
    return asked


def _waiting_for(connection: Connection, job_ids: Sequence[int]) -> list[int]:
    """Jobs submitted together with these, for after them."""
    job, earlier = core.job, core.job.alias()
    same = (job.c.chain_id == earlier.c.chain_id) & (job.c.round == earlier.c.round)
    later: list[int] = []
    for part in chunked(job_ids):
        statement = select(job.c.id).join(earlier, same & (job.c.stage > earlier.c.stage))
        later += [job_id for (job_id,) in connection.execute(statement.where(earlier.c.id.in_(part)))]
    return later


def _ask(connection: Connection, kind: str, payload: dict[str, object]) -> None:
    connection.execute(
        insert(core.request).values(kind=kind, payload=payload, state="asked", answer="", asked_at=now())
    )


def _pending(connection: Connection, *kinds: str) -> list[JobRequest]:
    marks = ", ".join("?" * len(kinds))
    rows = connection.exec_driver_sql(
        "SELECT id, kind, json_extract(payload, '$.job') FROM request"  # noqa: S608 - marks only
        f" WHERE state = 'asked' AND kind IN ({marks}) ORDER BY id",
        kinds,
    )
    return [JobRequest(int(number), str(kind), int(job)) for number, kind, job in rows if job is not None]


def job_requests(connection: Connection) -> list[JobRequest]:
    """What is asked of jobs and not answered, oldest first."""
    return _pending(connection, *JOB_REQUESTS)


def last_wish(connection: Connection, job_id: int) -> str | None:
    """cancel or requeue, as somebody asked of this job; None when nobody did. Cancel, where both were asked:
    who cancels wants no new job, and the pages can be submitted again."""
    row = connection.exec_driver_sql(
        "SELECT kind FROM request WHERE kind IN (?, ?) AND json_extract(payload, '$.job') = ?"
        " ORDER BY kind = ? DESC LIMIT 1",
        (CANCEL, REQUEUE, job_id, CANCEL),
    ).first()
    return None if row is None else str(row[0])


def answer_requests(
    connection: Connection, request_ids: Iterable[int], answer: str, *, refused: bool = False
) -> None:
    """Say what became of requests."""
    state = "refused" if refused else "done"
    connection.exec_driver_sql(
        "UPDATE request SET state = ?, answered_at = ?, answer = ? WHERE id = ?",
        [(state, now(), answer[:1000], number) for number in request_ids],
    )


def watch_log(catalog: Catalog, job_id: int) -> None:
    """Ask the driver to bring this job's logs home for the next `WATCH_S` seconds."""
    with catalog.writing() as connection:
        row = connection.exec_driver_sql(
            "SELECT id FROM request WHERE kind = ? AND json_extract(payload, '$.job') = ?",
            (WATCH_LOG, job_id),
        ).first()
        if row is None:
            _ask(connection, WATCH_LOG, {"job": job_id})
        else:
            connection.exec_driver_sql("UPDATE request SET asked_at = ? WHERE id = ?", (now(), row[0]))


def watched_logs(connection: Connection) -> set[int]:
    """Jobs whose logs somebody looks at now."""
    rows = connection.exec_driver_sql(
        "SELECT json_extract(payload, '$.job') FROM request WHERE kind = ? AND asked_at > ?",
        (WATCH_LOG, now() - WATCH_S),
    )
    return {int(job) for (job,) in rows}


def pause_site(catalog: Catalog, site: str) -> None:
    """The driver contacts this site no more until it is resumed; jobs there go on."""
    with catalog.writing() as connection:
        connection.exec_driver_sql(
            "INSERT INTO setting (key, value) VALUES (?, ?) ON CONFLICT (key) DO NOTHING",
            (f"paused:{site}", str(now())),
        )
        note(connection, "site", f"Site {site} paused")


def resume_site(catalog: Catalog, site: str) -> None:
    """The driver contacts this site again, at once; a question that waits for a person is asked anew."""
    with catalog.writing() as connection:
        connection.exec_driver_sql("DELETE FROM setting WHERE key = ?", (f"paused:{site}",))
        _ask(connection, RESUME_SITE, {"site": site})
        note(connection, "site", f"Site {site} resumed")


def is_paused(connection: Connection, site: str) -> bool:
    """Whether a person paused this site."""
    row = connection.exec_driver_sql("SELECT 1 FROM setting WHERE key = ?", (f"paused:{site}",)).first()
    return row is not None


def resumes_asked(connection: Connection, site: str) -> list[int]:
    """Requests to try this site again that are not answered."""
    rows = connection.exec_driver_sql(
        "SELECT id FROM request WHERE state = 'asked' AND kind = ? AND json_extract(payload, '$.site') = ?",
        (RESUME_SITE, site),
    )
    return [int(number) for (number,) in rows]


def check_ambiguous(connection: Connection, job_id: int) -> None:
    """Raises UsageError unless this job's submission is unclear."""
    row = connection.exec_driver_sql("SELECT state, token FROM job WHERE id = ?", (job_id,)).first()
    if row is None:
        raise UsageError(f"There is no job {job_id}.")
    if row[0] != JobState.AMBIGUOUS:
        raise UsageError(f"Job {row[1]} is {row[0]}: there is nothing to settle.")
