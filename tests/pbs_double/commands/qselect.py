"""qselect."""

from __future__ import annotations

from tests.pbs_double.answers import Answer, Call
from tests.pbs_double.errors import Ended
from tests.pbs_double.jobs import Job
from tests.pbs_double.options import BadOption, Parsed, parse
from tests.pbs_double.site import Site

LETTERS = "a:A:c:h:HJl:N:p:P:q:r:s:t:Tu:x"


def run(site: Site, call: Call) -> Answer:
    """Raises Ended."""
    try:
        parsed = parse(call.argv, LETTERS)
    except BadOption as bad:
        raise Ended(2, bad.words("qselect")) from bad
    finished = bool(parsed.flags & {"x", "H"})
    if finished and not site.settings.faults.history:
        return Answer(0, err=b"qselect: PBS is not configured to maintain job history\n")
    found = [job for job in site.jobs.values() if (finished or job.live) and _wanted(job, parsed)]
    return Answer(0, "".join(f"{job.id}\n" for job in sorted(found, key=lambda one: one.seq)).encode())


def _wanted(job: Job, parsed: Parsed) -> bool:
    for letter, value in parsed.values:
        if letter == "N" and job.name != value:
            return False
        if letter == "u" and job.user not in [one.partition("@")[0] for one in value.split(",")]:
            return False
        if letter == "s" and job.state not in value:
            return False
        if letter == "q" and job.queue != value.partition("@")[0]:
            return False
        if letter == "A" and job.account != value:
            return False
        if letter == "P" and job.project != value:
            return False
        if letter == "h" and set(job.holds or "n") != set(value):
            return False
    return True
