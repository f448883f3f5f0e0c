"""qstat's tables of jobs."""

from __future__ import annotations

import time

from tests.pbs_double.jobs import Job
from tests.pbs_double.resources import duration
from tests.pbs_double.text import encoded

_PLAIN = (
    "Job id            Name             User              Time Use S Queue\n"
    "----------------  ---------------- ----------------  -------- - -----\n"
)
_ALTERNATIVE = (
    "\n{server}: \n"
    "                                                            Req'd  Req'd   Elap\n"
    "Job ID          Username Queue    Jobname    SessID NDS TSK Memory Time  S Time\n"
    "--------------- -------- -------- ---------- ------ --- --- ------ ----- - -----\n"
)


def cut(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 1] + "*"


def plain(jobs: list[Job]) -> bytes:
    if not jobs:
        return b""
    rows = [
        f"{cut(job.id, 17):<17} {cut(job.name, 16):<16} {cut(job.user, 16):<16}  "
        f"{_time_used(job):>8} {job.state} {cut(job.queue, 16):<16}\n"
        for job in jobs
    ]
    return encoded(_PLAIN + "".join(rows))


def _time_used(job: Job) -> str:
    if job.state in "RSE":
        return str(job.used.get("cput", "00:00:00"))
    return str(job.used.get("cput", "0"))


def alternative(jobs: list[Job], server: str, comments: bool) -> bytes:
    if not jobs:
        return b""
    rows = []
    for job in jobs:
        rows.append(_row(job))
        if comments:
            rows.append(f"   {job.comment}\n" if job.comment else "    -- \n")
    return encoded(_ALTERNATIVE.format(server=server) + "".join(rows))


def _row(job: Job) -> str:
    walltime = duration(job.walltime_s)[:5] if job.walltime_s else " -- "
    session = str(job.session) if job.session and job.state in "RSE" else "-- "
    memory = str(job.resources.get("mem", "-- "))
    elapsed = duration(time.time() - job.stime)[:5] if job.state in "RSE" else " -- "
    return (
        f"{cut(job.id, 15):<15} {cut(job.user, 8):<8} {cut(job.queue, 8):<8} {cut(job.name, 10):<10} "
        f"{session:>6} {job.resources['nodect']:>3} {job.resources['ncpus']:>3} {memory:>6} "
        f"{walltime:>5} {job.state} {elapsed:>5}\n"
    )
