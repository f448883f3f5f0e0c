"""What the lists hand out: one row a thing, ready to be drawn or written as JSON.

They are named tuples, which are made faster than data classes: thousands of rows, and the classes themselves
before the first frame.

Times are seconds since the epoch, confidences and scores 0..1; None is unknown, which is not zero.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from bocr_tui.catalog.words import PageState

SETTLED_STATES = (PageState.OK, PageState.GAVE_UP, PageState.IGNORED)
"""States in which nothing more happens to a page by itself."""


class Tally(NamedTuple):
    """How many pages of something are in each state."""

    by_state: Mapping[str, int] = MappingProxyType({})

    def of(self, *states: str) -> int:
        return sum(self.by_state.get(state, 0) for state in states)

    @property
    def total(self) -> int:
        return sum(self.by_state.values())

    @property
    def ok(self) -> int:
        return self.of(PageState.OK)

    @property
    def failed(self) -> int:
        """Failed or given up: what a person would look at."""
        return self.of(PageState.FAILED, PageState.GAVE_UP)

    @property
    def settled(self) -> int:
        return self.of(*SETTLED_STATES)


class PageRow(NamedTuple):
    """One page. `document` is its document's name, `document_sha256` its content's hash. `held`: a live
    chain has reserved it, so that a failed page will be tried again by itself. `by_person`: a person chose
    its text."""

    id: int
    document_id: int
    document: str
    document_sha256: str
    number: int
    state: str
    failure: str | None
    engine: str | None
    confidence: float | None
    score: float | None
    attempts: int
    batch_id: int | None
    accepted_attempt_id: int | None
    by_person: bool
    width_pt: float | None
    height_pt: float | None
    changed_at: float
    held: bool = False


class DocumentRow(NamedTuple):
    """One document and how its pages stand. `page_count` is what intake found."""

    id: int
    sha256: str
    kind: str
    extension: str
    name: str
    size_bytes: int
    state: str
    reason: str
    page_count: int
    language: str | None
    language_source: str | None
    added_at: float
    tally: Tally = Tally()


class BatchRow(NamedTuple):
    """One batch and how its pages stand. `in_retry` failed pages are held by a chain that tries them again;
    `pages_per_s` is the pace of the jobs that run for it now, None where none says one."""

    id: int
    name: str
    state: str
    pages: int
    documents: int
    estimated_s: float | None
    created_at: float
    tally: Tally = Tally()
    in_retry: int = 0
    pages_per_s: float | None = None


class JobRow(NamedTuple):
    """One job. `batches` are the names of the first few it works on, `batch_count` how many there are."""

    id: int
    chain_id: int
    stage: int
    try_number: int
    engine: str
    site: str
    token: str
    scheduler_id: str | None
    state: str
    cause: str | None
    reason: str
    pages: int
    ok: int
    failed: int
    created_at: float
    submitted_at: float | None
    started_at: float | None
    ended_at: float | None
    heartbeat_at: float | None
    heartbeat: Mapping[str, Any]
    chain_kind: str = "batch"
    batches: tuple[str, ...] = ()
    batch_count: int = 0


class AttemptRow(NamedTuple):
    """What happened to a page in one try. The result's place is None where nothing was written; `job_id` is
    None and `token` empty where a person wrote the text."""

    id: int
    page_id: int
    job_id: int | None
    token: str
    number: int
    outcome: str
    failure: str | None
    evidence: Mapping[str, Any]
    last: bool
    variation: str
    language: str | None
    prompt_tokens: int | None
    completion_tokens: int | None
    seconds: float | None
    confidence_mean: float | None
    confidence_min: float | None
    score: float | None
    at: float
    engine: str
    engine_version: str
    weights: str
    prompt_hash: str
    settings_hash: str
    render_hash: str
    result_file: str | None
    result_offset: int | None
    result_length: int | None
    result_sha256: str | None


class SourceRow(NamedTuple):
    """A path under which a document was found; `path` is the file system's own bytes, and
    `site:<name>:<path there>` where it lies on a `site`."""

    path: bytes
    name: str
    state: str
    site: str = ""


class EventRow(NamedTuple):
    """One line of the timeline."""

    id: int
    at: float
    kind: str
    text: str
    job_id: int | None


class Counts(NamedTuple):
    """How many of everything are in each state; `failures` counts failed and given-up pages by class."""

    pages: Tally = Tally()
    documents: Tally = Tally()
    batches: Tally = Tally()
    jobs: Tally = Tally()
    failures: Mapping[str, int] = MappingProxyType({})
