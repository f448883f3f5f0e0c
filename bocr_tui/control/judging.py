"""How a job ended, decided from what is known: pure functions.

By precedence: the exit report that the job itself left, then the scheduler's final word, then our own
cancel, then lost. What the scheduler knows of the cause (time, memory, node) refines a report that only says
that it was stopped.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from bocr_tui.catalog.words import JobCause, JobState
from bocr_tui.sites.scheduler.base import JobView
from bocr_worker.protocol.errors import ProtocolError
from bocr_worker.protocol.exit_report import ExitReport, load_exit_report

CANCEL, REQUEUE = "cancel", "requeue"

_OF_THE_SITE = frozenset({JobCause.WALLTIME, JobCause.MEMORY, JobCause.NODE, JobCause.DELETED})
"""Causes that explain why a worker was stopped."""

_WORDS = {
    JobCause.WALLTIME: "its time was up",
    JobCause.MEMORY: "it took more memory than it asked for",
    JobCause.NODE: "its node was lost",
    JobCause.DELETED: "it was deleted, not by bocr",
    JobCause.NEVER_RAN: "the scheduler removed it before it ran",
    JobCause.ERROR: "it ended without a report",
}


@dataclass(frozen=True)
class Ending:
    """How a job ended, by the best source there is. `exit_status` is the scheduler's."""

    state: JobState
    cause: JobCause | None
    reason: str
    exit_status: int | None = None


def report_of(token: str, exit_json: bytes | None) -> ExitReport | None:
    """The exit report, if there is one that reads well and is this job's."""
    if exit_json is None:
        return None
    try:
        report = load_exit_report(exit_json)
    except ProtocolError:
        return None
    return report if report.token in (token, "") else None


def short_journals(report: ExitReport | None, journal_bytes: Mapping[str, int]) -> tuple[str, ...]:
    """The journals of which a report speaks of more than was seen: a network filesystem may show a new file
    before it shows how far an old one has grown."""
    ends = () if report is None else report.journals
    return tuple(end.file for end in ends if journal_bytes.get(end.file, 0) < end.bytes)


def without_journals(ending: Ending) -> Ending:
    """The ending of a job that was done, when a part of its journals never came: their pages are open."""
    if ending.cause != JobCause.OK:
        return ending
    return Ending(JobState.FINISHED, JobCause.PARTIAL, "a part of its journals is gone", ending.exit_status)


def without_folder(ending: Ending, why: str) -> Ending:
    """The ending of a job whose folder could not be read: `why` goes with it, since the lack of a report
    says nothing then."""
    if ending.cause in (JobCause.OK, None) and ending.state != JobState.LOST:
        return ending
    return replace(ending, reason=f"{ending.reason}; {why}".lstrip("; "))


def ending_of(token: str, exit_json: bytes | None, view: JobView | None, asked: str | None) -> Ending:
    """`asked` is what a person asked for this job: cancel, requeue or None. Only for a job that is known to
    have ended, or is taken for lost."""
    report = report_of(token, exit_json)
    status = view.exit_status if view is not None else None
    if report is not None and report.outcome == JobCause.OK:
        return Ending(JobState.FINISHED, JobCause.OK, report.cause, status)
    if asked == CANCEL:
        return Ending(JobState.CANCELLED, None, "cancelled", status)
    if asked == REQUEUE:
        return Ending(JobState.FINISHED, JobCause.PARTIAL, "requeued", status)
    cause = _site_cause(view)
    if report is not None:
        if cause in _OF_THE_SITE and report.outcome != JobCause.DUPLICATE:
            return Ending(JobState.FINISHED, cause, _sentence(cause, view), status)
        return Ending(JobState.FINISHED, JobCause(report.outcome), report.cause, status)
    if view is not None and view.state == "unknown":
        return Ending(JobState.LOST, None, f"{_who_knows(view)} knows it no more, and it left no report")
    cause = cause or JobCause.ERROR
    if cause == JobCause.OK:  # the scheduler's success without the worker's word is none
        return Ending(JobState.FINISHED, JobCause.ERROR, "it ended without a report", status)
    return Ending(JobState.FINISHED, cause, _sentence(cause, view), status)


def _site_cause(view: JobView | None) -> JobCause | None:
    return JobCause(view.cause) if view is not None and view.state == "ended" and view.cause else None


def _who_knows(view: JobView) -> str:
    if not view.moved_to:
        return "the scheduler"
    return f"it was moved to the PBS server {view.moved_to}, which"


def _sentence(cause: JobCause, view: JobView | None) -> str:
    said = _WORDS.get(cause, str(cause))
    words = view.words if view is not None else ""
    return said if words in ("", said) else f"{said} ({words})"
