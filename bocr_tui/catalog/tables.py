"""The catalog's tables. Migrations create them; `tests/catalog` proves that both agree.

Lists read one table each: what a list shows is kept on its row (denormalised) in the same transaction that
changes what it stands for.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import JSON, Boolean, Column, ForeignKey, Index, Integer, LargeBinary, UniqueConstraint, text
from sqlmodel import Field, SQLModel


def _parent(table: str, *, nullable: bool = False, index: bool = False) -> Any:
    return Field(
        sa_column=Column(
            Integer, ForeignKey(f"{table}.id", ondelete="RESTRICT"), nullable=nullable, index=index
        ),
        default=None,
    )


def _where_known(name: str, known: str, *columns: str) -> Index:
    """An index of the rows that have a value in `known`: a page just imported has none, and need not pay
    for an entry."""
    return Index(name, *columns, sqlite_where=text(f"{known} IS NOT NULL"))


class Document(SQLModel, table=True):
    """One file's content. `name` is its first source's file name, made safe for display."""

    __table_args__ = (Index("ix_document_state_name", "state", "name"), Index("ix_document_name", "name"))

    id: int | None = Field(default=None, primary_key=True)
    sha256: str = Field(unique=True, max_length=64)
    kind: str
    extension: str
    name: str
    size_bytes: int
    state: str = "new"
    reason: str = ""
    page_count: int = 0
    language: str | None = None
    language_source: str | None = None
    """person, rule, name or detected: the first two are binding."""
    added_at: float


class Source(SQLModel, table=True):
    """A path under which a document was found. `path` is the file system's own bytes.

    `size_bytes` and `mtime_ns` let a re-import skip what has not changed. A path that could not be read at
    all has no document: `problem` says why.
    """

    __table_args__ = (Index("ix_source_document", "document_id"), Index("ix_source_root", "import_root"))

    id: int | None = Field(default=None, primary_key=True)
    document_id: int | None = _parent("document", nullable=True)
    path: bytes = Field(sa_column=Column(LargeBinary, nullable=False, unique=True))
    import_root: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    name: str
    site: str = ""
    """Empty: this machine. Otherwise the site where it lies; `path` then is `site:<name>:<path there>`."""
    size_bytes: int
    mtime_ns: int
    state: str = "present"
    """present or missing."""
    seen_at: float


class Batch(SQLModel, table=True):
    """Pages planned together."""

    __table_args__ = (Index("ix_batch_state", "state", "id"),)

    id: int | None = Field(default=None, primary_key=True)
    name: str = Field(unique=True)
    state: str = "planned"
    pages: int
    documents: int
    estimated_s: float | None = None
    created_at: float


class Page(SQLModel, table=True):
    """The unit of work and of truth. `failure` is the class (design: `class`), None while all is well."""

    __table_args__ = (
        UniqueConstraint("document_id", "number", name="uq_page_document_number"),
        Index("ix_page_state", "state", "id"),
        _where_known("ix_page_state_failure", "failure", "state", "failure", "id"),
        Index("ix_page_state_confidence", "state", "confidence", "id"),
        _where_known("ix_page_failure_document", "failure", "failure", "document_id", "number"),
        _where_known("ix_page_engine", "engine", "engine", "state", "id"),
        _where_known("ix_page_batch", "batch_id", "batch_id", "state", "id"),
        Index("ix_page_document_state", "document_id", "state", "number"),
    )

    id: int | None = Field(default=None, primary_key=True)
    document_id: int = _parent("document")
    number: int
    width_pt: float | None = None
    height_pt: float | None = None
    state: str = "new"
    failure: str | None = None
    engine: str | None = None
    confidence: float | None = None
    score: float | None = None
    attempts: int = 0
    batch_id: int | None = _parent("batch", nullable=True)
    accepted_attempt_id: int | None = Field(default=None)
    """The attempt whose text is the page's; kept without a foreign key because attempt points here."""
    by_person: bool = Field(
        default=False, sa_column=Column(Boolean, nullable=False, server_default=text("0"))
    )
    """A person chose that text: what is read later is kept as attempts, and the text stays."""
    changed_at: float = 0.0


class Chain(SQLModel, table=True):
    """The stages' jobs submitted together for some pages. `pipeline` is the stages' settings as they were
    at submission, so that a later change of configuration cannot alter a chain that lives."""

    __table_args__ = (Index("ix_chain_state", "state", "id"),)

    id: int | None = Field(default=None, primary_key=True)
    kind: str = "batch"
    """batch, or recovery (pages resubmitted, perhaps of many batches)."""
    site: str
    state: str = "live"
    pipeline: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))
    created_at: float
    ended_at: float | None = None


class Job(SQLModel, table=True):
    """One scheduler job: one stage of a chain, one try."""

    __table_args__ = (
        UniqueConstraint("chain_id", "stage", "try_number", name="uq_job_chain_stage_try"),
        Index("ix_job_state", "state", "id"),
        Index("ix_job_chain", "chain_id", "stage", "try_number"),
    )

    id: int | None = Field(default=None, primary_key=True)
    chain_id: int = _parent("chain")
    stage: int
    try_number: int = 1
    round: int = 1
    """Jobs of one chain and round were submitted together, each waiting for the one before."""
    engine: str
    site: str
    token: str = Field(unique=True, max_length=15)
    scheduler_id: str | None = None
    asks: int = 0
    """Times its submission was asked after in vain since it became ambiguous."""
    exit_status: int | None = None
    """What the scheduler said at the end."""
    state: str = "planned"
    cause: str | None = None
    reason: str = ""
    """A sentence: the scheduler's comment, the exit report's cause, PBS's words of a refusal."""
    manifest_sha256: str | None = None
    pages: int = 0
    ok: int = 0
    failed: int = 0
    created_at: float
    submitted_at: float | None = None
    freed_at: float | None = None
    """When a job that was submitted held was released."""
    started_at: float | None = None
    ended_at: float | None = None
    heartbeat_at: float | None = None
    heartbeat: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))


class JobBatch(SQLModel, table=True):
    """Which batches a job works on."""

    __tablename__ = "job_batch"

    job_id: int = Field(foreign_key="job.id", primary_key=True)
    batch_id: int = Field(foreign_key="batch.id", primary_key=True, index=True)


class Reservation(SQLModel, table=True):
    """A page held by one chain. While `released_at` is NULL no other chain can hold it: the index says so."""

    __table_args__ = (
        Index(
            "uq_reservation_live_page",
            "page_id",
            unique=True,
            sqlite_where=text("released_at IS NULL"),
        ),
        Index("ix_reservation_chain", "chain_id", "page_id"),
    )

    id: int | None = Field(default=None, primary_key=True)
    page_id: int = _parent("page")
    chain_id: int = _parent("chain")
    created_at: float
    released_at: float | None = None


class Attempt(SQLModel, table=True):
    """What happened to a page in a try. One row for each `ok` or `failed` event of a journal; the unique
    index makes a second row for the same event impossible. A text that a person wrote is one too, of no job,
    with the engine `person`, and never the `last`: nothing that is measured counts it."""

    __table_args__ = (
        UniqueConstraint("journal", "generation", "offset", name="uq_attempt_journal_offset"),
        Index("ix_attempt_page", "page_id", "id"),
        Index("ix_attempt_job", "job_id", "id"),
        Index("ix_attempt_failure", "failure", "id"),
        Index("ix_attempt_at", "at", "last", "outcome", "completion_tokens"),
    )

    id: int | None = Field(default=None, primary_key=True)
    page_id: int = _parent("page")
    job_id: int | None = _parent("job", nullable=True)
    """None: a person's."""
    number: int
    outcome: str
    failure: str | None = None
    evidence: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    last: bool = True
    variation: str = "plain"
    language: str | None = None
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    seconds: float | None = None
    confidence_mean: float | None = None
    confidence_min: float | None = None
    score: float | None = None
    at: float
    journal: str
    """`<token>/<file name>`."""
    generation: str
    offset: int
    result_file: str | None = None
    """`<token>/<file name>` below the workspace's results folder."""
    result_offset: int | None = None
    result_length: int | None = None
    result_sha256: str | None = None
    engine: str
    engine_version: str = ""
    weights: str = ""
    prompt_hash: str = ""
    settings_hash: str = ""
    render_hash: str = ""


class JournalCursor(SQLModel, table=True):
    """How far a journal has become rows; moved in the transaction that wrote those rows."""

    __tablename__ = "journal_cursor"

    journal: str = Field(primary_key=True)
    job_id: int = Field(foreign_key="job.id", index=True)
    generation: str = ""
    head: int = 0
    """CRC-32 of the header line: another one under this name is another file."""
    offset: int = 0
    seq: int = 0
    state: str = "reading"
    """reading, waiting (a line that does not read well yet), quarantined, complete."""
    problem: str = ""
    changed_at: float


class ResultCursor(SQLModel, table=True):
    """How much of a results file lies, verified, in the workspace."""

    __tablename__ = "result_cursor"

    file: str = Field(primary_key=True)
    job_id: int = Field(foreign_key="job.id", index=True)
    bytes: int = 0
    complete: bool = False


class SiteDocument(SQLModel, table=True):
    """A document's file on a site: `documents/<aa>/<sha256>.<ext>` below its root, or where it always lay."""

    __tablename__ = "site_document"
    __table_args__ = (Index("ix_site_document_state", "site", "state"),)

    site: str = Field(primary_key=True)
    document_id: int = Field(foreign_key="document.id", primary_key=True)
    state: str = "waiting"
    """waiting (to be uploaded), present (uploaded and verified), in_place, freed, failed."""
    path: str = ""
    """In place: the absolute path there."""
    problem: str = ""
    """Why it cannot be uploaded: a sentence."""
    changed_at: float = 0.0


class SiteStatus(SQLModel, table=True):
    """How a site stands, as its driver last wrote it: what any face shows, and how old it is."""

    __tablename__ = "site_status"

    site: str = Field(primary_key=True)
    link: str = "closed"
    """closed, connecting, connected, waiting or paused (sites/transport/base.Link)."""
    reason: str = ""
    """Why it waits or is paused: a sentence and what to do."""
    link_at: float = 0.0
    """Since when `link` is what it is."""
    next_try_at: float | None = None
    polled_at: float | None = None
    """When journals were last read."""
    looked_at: float | None = None
    """When the scheduler last answered soundly."""
    look_problem: str = ""
    """Why its latest answer was none."""
    uploading: str = ""
    """The document under way, empty when none is."""
    upload_done_bytes: int = 0
    upload_total_bytes: int = 0
    upload_bytes_s: float = 0.0
    facts: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    """What the scheduler says of itself: version, queues."""


class EngineRate(SQLModel, table=True):
    """What pages cost, measured: sums over attempts, kept by the ingest."""

    __tablename__ = "engine_rate"

    engine: str = Field(primary_key=True)
    pages: int = 0
    seconds: float = 0.0


class LanguageVote(SQLModel, table=True):
    """Letters by script over a document's accepted pages: what detection decides from."""

    __tablename__ = "language_vote"

    document_id: int = Field(foreign_key="document.id", primary_key=True)
    language: str = Field(primary_key=True)
    pages: int = 0


class Request(SQLModel, table=True):
    """An action asked for by any face; the driver that holds the lease executes it, once."""

    __table_args__ = (Index("ix_request_state", "state", "id"),)

    id: int | None = Field(default=None, primary_key=True)
    kind: str
    payload: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    state: str = "asked"
    """asked, done, refused."""
    answer: str = ""
    asked_at: float
    answered_at: float | None = None


class Event(SQLModel, table=True):
    """The timeline: what happened, in words, for people."""

    __table_args__ = (
        Index("ix_event_at", "at"),
        _where_known("ix_event_job", "job_id", "job_id"),
        _where_known("ix_event_batch", "batch_id", "batch_id"),
    )

    id: int | None = Field(default=None, primary_key=True)
    at: float
    kind: str
    text: str
    document_id: int | None = None
    batch_id: int | None = None
    job_id: int | None = None


class Setting(SQLModel, table=True):
    """Small facts of the catalog itself: the driver's lease, the panel's last screen."""

    key: str = Field(primary_key=True)
    value: str
