"""From PBS's attributes of a job to how it stands.

Only state F is an end: an exit status may stand there while a job is queued again or runs a second time.
Substates are OpenPBS's: 91 deleted, 92 finished, 93 failed. Exit statuses below 0 are PBS's own, 256 + n says
that the job's shell died of signal n, 128 + n that something in the script did.
"""

from __future__ import annotations

import re

from bocr_tui.sites.scheduler.base import JobView
from bocr_tui.sites.scheduler.pbs.text import PbsThing, PbsUnreadable

DELETED, FINISHED, FAILED = 91, 92, 93
DEPENDENCY_HOLD = 22

OK, WALLTIME, MEMORY, NODE = "ok", "walltime", "memory", "node"
WAS_DELETED, NEVER_RAN, ERROR = "deleted", "never_ran", "error"
"""The catalog's causes."""

_OWN = {
    -1: (ERROR, "PBS could not start it"),
    -2: (ERROR, "PBS could not start it"),
    -3: (ERROR, "PBS could not start it"),
    -4: (NODE, "its node was started anew"),
    -5: (NODE, "its node was started anew"),
    -6: (NODE, "its node was started anew"),
    -10: (ERROR, "PBS could not start it: the user is not known on the node"),
    -14: (NODE, "one of its nodes was lost"),
    -20: (NODE, "its node was lost"),
    -26: (MEMORY, "it took more virtual memory than it asked for"),
    -27: (MEMORY, "it took more memory than it asked for"),
    -28: (WALLTIME, "it took more processor time than it asked for"),
    -29: (WALLTIME, "its time was up"),
}
"""OpenPBS's job.h names them."""

_RUNNING = {
    "R": "",
    "B": "",
    "E": "ending",
    "S": "suspended by PBS",
    "U": "suspended while somebody uses the machine",
}
_QUEUED = {
    "Q": "",
    "W": "waits for its time",
    "T": "on its way between queues",
}

_MOVED_TO = re.compile(r"[^@]*@([A-Za-z0-9][A-Za-z0-9.-]{0,250}(?::[0-9]{1,5})?)")
"""The queue of a job that was moved: QUEUE@SERVER."""

MAX_WORDS = 300

_IN_LOG = "=>> PBS: "

_NAMED = (
    (WALLTIME, re.compile(r"exceeded resource (walltime|cput)\b|job killed: (walltime|cput)\b")),
    (MEMORY, re.compile(r"exceeded resource \w*mem\b|job killed: \w*mem\b|mem(ory)? limit exceeded", re.I)),
)
"""A comment's end, and what PBS writes into the log of a job that it kills."""


def plain_words(text: str) -> str:
    """One line without control characters, of bounded length."""
    words = " ".join("".join(one if one.isprintable() else " " for one in text[: 4 * MAX_WORDS]).split())
    return words if len(words) <= MAX_WORDS else words[: MAX_WORDS - 1] + "…"


def cause_in_log(text: str) -> tuple[str, str] | None:
    """What PBS wrote into a job's output when it ended the job, as cause and words: the only trace where it
    keeps no history, or says of every end that a signal made it."""
    for line in reversed(text.splitlines()):
        if line.startswith(_IN_LOG):
            words = plain_words(line.removeprefix(_IN_LOG))
            cause = cause_in(words)
            if cause is not None:
                return cause, words
    return None


def cause_in(words: str) -> str | None:
    """What PBS's own words name as the cause."""
    for cause, pattern in _NAMED:
        if pattern.search(words):
            return cause
    return None


def view_of(job: PbsThing, *, final: bool) -> JobView | None:
    """How this job stands; None when what is said of it is not to be believed. `final`: it was asked for by
    its id, so that an end may be believed; the listing of living jobs has none. Raises PbsUnreadable."""
    state = job.sure("job_state")
    if not job.whole or len(state) != 1:
        raise PbsUnreadable(f"PBS's answer about {job.name} is cut.")
    comment = plain_words(job.sure("comment"))
    if state in ("F", "X"):
        return _end_of(job, comment) if final else None
    if state == "H":
        return JobView("held", None, _why_held(job, comment))
    if state in _RUNNING:
        return JobView("running", None, _RUNNING[state])
    if state == "M":
        there = _MOVED_TO.fullmatch(job.sure("queue"))
        server = there.group(1) if there is not None else ""
        return JobView(
            "queued", None, f"moved to {server or 'another server'}, where alone it is known", moved_to=server
        )
    if state in _QUEUED:
        return JobView("queued", None, _QUEUED[state] or comment)
    raise PbsUnreadable(f"PBS says of {job.name} that its state is {state!r}.")


def _why_held(job: PbsThing, comment: str) -> str:
    """A held job keeps no reason but who holds it and what it waits for."""
    holders = job.sure("Hold_Types")
    if "u" in holders:
        return comment or "held by you"
    if "o" in holders:
        return comment or "held by an operator"
    if _number(job, "substate") == DEPENDENCY_HOLD:
        waits = [part for part in job.sure("depend").split(",") if part.startswith("after")]
        parents = [number for part in waits for number in re.findall(r":([0-9]+(?:\[\])?)[.@]", part)]
        return f"waits for job {', '.join(parents)}" if parents else "waits for another job"
    return comment or "held by PBS"


def _end_of(job: PbsThing, comment: str) -> JobView:
    substate, status = _number(job, "substate"), _number(job, "Exit_status")
    if substate is None:
        raise PbsUnreadable(f"PBS does not say how {job.name} ended.")
    cause, words = _cause(substate, status, comment)
    return JobView("ended", cause, words, status)


def _cause(substate: int, status: int | None, comment: str) -> tuple[str, str]:
    """Deleted counts before the exit status: a job that was deleted may still end with 0."""
    if substate == DELETED:
        return WAS_DELETED, comment or "deleted"
    if status is None:
        if substate == FINISHED:
            return NEVER_RAN, "what it waited for cannot happen any more"
        return ERROR, comment or "PBS says that it failed and not how"
    if status in _OWN:
        return _OWN[status]
    named = cause_in(comment)
    if named is not None:
        return named, comment
    if status < 0:
        return ERROR, f"PBS ended it (its own status {status})"
    if status == 0:
        if substate == FAILED:
            return ERROR, comment or "PBS says that it failed"
        return OK, ""
    return ERROR, _status_words(status)


def _status_words(status: int) -> str:
    if status > 256:
        return f"its shell was killed by signal {status - 256}"
    if status > 128 and status != 255 and status != 254:
        return f"exit status {status}, so signal {status - 128} ended something in it"
    if status in (126, 127):
        return f"exit status {status}: something in its script could not be started"
    if status == 254:
        return "exit status 254: its shell or command is not there"
    return f"exit status {status}"


def _number(job: PbsThing, name: str) -> int | None:
    text = job.sure(name)
    if not text:
        return None
    if not re.fullmatch(r"-?[0-9]{1,9}", text):
        raise PbsUnreadable(f"PBS says of {job.name} that its {name} is {text[:40]!r}.")
    return int(text)
