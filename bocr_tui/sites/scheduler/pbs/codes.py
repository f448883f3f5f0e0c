"""What PBS's exit statuses mean to a person: why nothing was learnt, or what to mend.

Which statuses are refusals is decided where PBS is (`helper/pbs_codes.py`).
"""

from __future__ import annotations

_SUBMIT_STEPS = {
    1: "See job.sh in the run folder; the site's directives may be wrong.",
    2: "See job.sh in the run folder; the site's directives may be wrong.",
    6: "Remove nodes= from the site's directives: select says it all.",
    32: "A rule of the site refused it: mend what it names in the site's [pbs] table.",
    127: "Mend what it names in the site's [pbs] table.",
    159: "You may not use this queue: choose another, or ask the administrators.",
    166: "Mend the value it names in the site's [pbs] table.",
    170: "Mend queue in the site's [pbs] table; `bocr doctor` lists the queues.",
    173: "The queue takes no jobs: choose another, or wait until it is opened.",
    187: "Mend select in the site's [pbs] table: this PBS has no such resource.",
    188: "Ask for less (walltime, select) in the site's [pbs] table, or choose another queue.",
}


def submit_step(status: object) -> str:
    """What a person can do about a submission that qsub refused with this exit status; empty where nothing
    general is known."""
    return _SUBMIT_STEPS.get(status, "") if isinstance(status, int) else ""


def no_answer(status: int | None, words: str) -> str:
    """Why a qstat that was not sound said nothing, in a sentence."""
    said = f": {words}" if words else ""
    if status is None:
        return "PBS does not answer; its server hangs or is overloaded."
    if status == 0:
        return f"PBS answered with a warning, so its answer is not believed{said}."
    if status == 255:
        return f"PBS's server cannot be reached{said}."
    if status == 159:
        return f"PBS does not let you ask{said}."
    if status < 0:
        return f"qstat was killed by signal {-status}."
    return f"qstat failed with status {status}{said}."
