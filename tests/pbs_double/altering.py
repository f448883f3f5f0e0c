"""What qalter and qmove change."""

from __future__ import annotations

import time

from tests.pbs_double import resources, usage
from tests.pbs_double.errors import (
    FINISHED,
    NO_PERMISSION,
    READ_ONLY,
    RUNNING,
    Refused,
    unauthorized,
    wrong_state,
)
from tests.pbs_double.jobs import Job
from tests.pbs_double.options import Parsed
from tests.pbs_double.qsub_options import NAME, illegal, moment
from tests.pbs_double.site import Site
from tests.pbs_double.submitting import allowed_queue, ask_resources, target

LETTERS = "a:A:c:e:h:j:k:l:m:M:N:o:p:P:r:R:S:u:W:"
_TIMES_WHILE_RUNNING = ("walltime", "cput")


def check(parsed: Parsed) -> None:
    """What qalter finds out by itself. Raises Ended."""
    for letter, value in parsed.values:
        if letter == "N" and not NAME.fullmatch(value):
            raise illegal("N", usage.QALTER, "qalter")
        if letter in "oe" and (not value or not value.isascii()):
            raise illegal(letter, usage.QALTER, "qalter")
        if letter == "a" and moment(value) is None:
            raise illegal("a", usage.QALTER, "qalter")
        if letter == "l" and not all("=" in word for word in value.split(",")):
            raise illegal("l", usage.QALTER, "qalter")


def _own(site: Site, seq: int, user: str) -> Job:
    job = site.find(seq)
    if not job.live:
        raise Refused(FINISHED, "Job has finished")
    if job.user != user:
        raise unauthorized()
    return job


def alter(site: Site, seq: int, user: str, parsed: Parsed) -> None:
    """Raises Refused."""
    job = _own(site, seq, user)
    for letter, value in parsed.values:
        if letter == "l":
            _resources(site, job, dict(word.split("=", 1) for word in value.split(",")))
        elif letter == "W":
            _attribute(site, job, value)
        elif letter == "N":
            job.name = value
        elif letter in "oe":
            setattr(job, "output_path" if letter == "o" else "error_path", target(job, value, letter))
        elif letter == "A":
            job.account = value
        elif letter == "a":
            job.execution_time = moment(value) or 0.0
    if job.state in "QW":
        site.evaluate(job)
    site.touch(job)


def _attribute(site: Site, job: Job, text: str) -> None:
    name, _, value = text.partition("=")
    if name in ("comment", "Exit_status", "job_state"):
        raise Refused(READ_ONLY, f"Cannot set attribute, read only or insufficient permission  {name}")
    if name == "umask":
        job.umask = value


def _resources(site: Site, job: Job, asked: dict[str, str]) -> None:
    for name, value in asked.items():
        resources.check(name, value, site.settings)
    if job.state in "RSE":
        for name, value in asked.items():
            if name not in _TIMES_WHILE_RUNNING:
                raise Refused(RUNNING, f"Cannot modify attribute while job running  Resource_List.{name}")
            if (resources.seconds_of(value) or 0) > job.walltime_s:
                raise Refused(NO_PERMISSION, "Unauthorized Request ")
            job.resources[name] = resources.duration(resources.seconds_of(value) or 0)
            job.walltime_s = resources.seconds_of(value) or 0
        site.shorten(job)
        return
    kept = {k: str(v) for k, v in job.resources.items() if k in resources.TIMES}
    if "select" not in asked and str(job.resources.get("place")) != "pack":
        kept["select"] = str(job.resources["select"])
    queue = site.settings.queue(job.queue)
    if queue is not None:
        ask_resources(job, kept | asked, site.settings, queue)


def move(site: Site, seq: int, user: str, name: str) -> None:
    """Raises Refused."""
    job = _own(site, seq, user)
    if job.state in "RSE":
        raise wrong_state()
    queue = allowed_queue(site.settings, name, user)
    job.queue = queue.name
    job.qtime = time.time()
    site.evaluate(job)
    site.touch(job)
