"""qsub."""

from __future__ import annotations

from tests.pbs_double import qsub_options
from tests.pbs_double.answers import Answer, Call
from tests.pbs_double.errors import Refused
from tests.pbs_double.site import Site

KILLED = 9


def run(site: Site, call: Call) -> Answer:
    """Raises Ended."""
    asked = qsub_options.read(call.argv, call.cwd, call.stdin, site.settings.build)
    faults = site.settings.faults
    try:
        if faults.refuse > 0:
            faults.refuse -= 1
            site.keep_settings()
            raise Refused(faults.refuse_code, faults.refuse_words)
        job = site.submit(asked, call.user, call.environment, call.cwd)
    except Refused as refused:
        return Answer(refused.status, err=f"qsub: {refused.words}\n".encode())
    if faults.lose_ids > 0:
        faults.lose_ids -= 1
        site.keep_settings()
        if faults.lost_id == "die":
            return Answer(die=KILLED)
        return Answer(0, b"" if faults.lost_id == "empty" else f"{job.id}"[:1].encode() + b"\xff\x00")
    return Answer(0, f"{job.id}\n".encode())
