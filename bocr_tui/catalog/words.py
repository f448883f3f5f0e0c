"""The states, by the names of docs/architecture.md, and which may follow which."""

from __future__ import annotations

from enum import StrEnum


class DocumentState(StrEnum):
    NEW = "new"
    READY = "ready"
    PARTIAL = "partial"
    PROTECTED = "protected"
    DAMAGED = "damaged"
    EMPTY = "empty"
    MISSING = "missing"
    NOT_A_PDF = "not_a_pdf"


READABLE = frozenset({DocumentState.READY, DocumentState.PARTIAL})
"""Documents that have pages to read."""


class PageState(StrEnum):
    NEW = "new"
    PLANNED = "planned"
    QUEUED = "queued"
    RUNNING = "running"
    OK = "ok"
    FAILED = "failed"
    GAVE_UP = "gave_up"
    IGNORED = "ignored"


class BatchState(StrEnum):
    PLANNED = "planned"
    SUBMITTED = "submitted"
    DONE = "done"
    ATTENTION = "attention"


class ChainState(StrEnum):
    LIVE = "live"
    DONE = "done"
    STOPPED = "stopped"


class JobState(StrEnum):
    PLANNED = "planned"
    STAGED = "staged"
    SUBMITTING = "submitting"
    AMBIGUOUS = "ambiguous"
    REJECTED = "rejected"
    SUBMITTED = "submitted"
    HELD = "held"
    QUEUED = "queued"
    RUNNING = "running"
    FINISHED = "finished"
    LOST = "lost"
    CANCELLED = "cancelled"


class JobCause(StrEnum):
    """Why a finished job finished."""

    OK = "ok"
    PARTIAL = "partial"
    WALLTIME = "walltime"
    MEMORY = "memory"
    NODE = "node"
    DELETED = "deleted"
    """By somebody else than us."""
    NEVER_RAN = "never_ran"
    """The scheduler removed it before it started: a dependency that could not be met."""
    ERROR = "error"
    DUPLICATE = "duplicate"


JOB_ENDED = frozenset({JobState.FINISHED, JobState.LOST, JobState.CANCELLED, JobState.REJECTED})

_D, _P, _B, _J = DocumentState, PageState, BatchState, JobState

DOCUMENT_MOVES: dict[DocumentState, frozenset[DocumentState]] = {
    **{state: frozenset(DocumentState) - {state, _D.NEW} for state in DocumentState},
}
"""Intake may find anything at any time: a file that was missing comes back, a ready one is damaged."""

PAGE_MOVES: dict[PageState, frozenset[PageState]] = {
    _P.NEW: frozenset({_P.PLANNED, _P.QUEUED, _P.OK, _P.FAILED, _P.IGNORED}),
    _P.PLANNED: frozenset({_P.NEW, _P.QUEUED, _P.OK, _P.FAILED, _P.IGNORED}),
    _P.QUEUED: frozenset({_P.RUNNING, _P.OK, _P.FAILED, _P.PLANNED, _P.GAVE_UP, _P.IGNORED}),
    _P.RUNNING: frozenset({_P.QUEUED, _P.OK, _P.FAILED, _P.GAVE_UP, _P.IGNORED}),
    _P.FAILED: frozenset({_P.QUEUED, _P.RUNNING, _P.OK, _P.GAVE_UP, _P.IGNORED, _P.PLANNED}),
    _P.GAVE_UP: frozenset({_P.FAILED, _P.OK, _P.IGNORED}),
    _P.OK: frozenset({_P.QUEUED, _P.FAILED, _P.IGNORED}),
    _P.IGNORED: frozenset({_P.NEW, _P.PLANNED, _P.FAILED, _P.OK}),
}

BATCH_MOVES: dict[BatchState, frozenset[BatchState]] = {
    _B.PLANNED: frozenset({_B.SUBMITTED}),
    _B.SUBMITTED: frozenset({_B.DONE, _B.ATTENTION, _B.PLANNED}),
    _B.DONE: frozenset({_B.SUBMITTED, _B.ATTENTION}),
    _B.ATTENTION: frozenset({_B.SUBMITTED, _B.DONE}),
}

JOB_MOVES: dict[JobState, frozenset[JobState]] = {
    _J.PLANNED: frozenset({_J.STAGED, _J.CANCELLED, _J.FINISHED}),
    _J.STAGED: frozenset({_J.SUBMITTING, _J.CANCELLED, _J.FINISHED}),
    _J.SUBMITTING: frozenset({_J.SUBMITTED, _J.AMBIGUOUS, _J.REJECTED, _J.STAGED}),
    _J.AMBIGUOUS: frozenset({_J.SUBMITTED, _J.REJECTED, _J.LOST, _J.CANCELLED}),
    _J.REJECTED: frozenset(),
    _J.SUBMITTED: frozenset({_J.HELD, _J.QUEUED, _J.RUNNING, _J.FINISHED, _J.LOST, _J.CANCELLED}),
    _J.HELD: frozenset({_J.QUEUED, _J.RUNNING, _J.FINISHED, _J.LOST, _J.CANCELLED}),
    _J.QUEUED: frozenset({_J.HELD, _J.RUNNING, _J.FINISHED, _J.LOST, _J.CANCELLED}),
    _J.RUNNING: frozenset({_J.QUEUED, _J.HELD, _J.FINISHED, _J.LOST, _J.CANCELLED}),
    _J.FINISHED: frozenset(),
    _J.LOST: frozenset({_J.FINISHED}),
    _J.CANCELLED: frozenset(),
}
"""SUBMITTING goes back to STAGED when the scheduler says that it has not taken the job and later would.
LOST may still become FINISHED: an exit report that turns up late is believed."""
