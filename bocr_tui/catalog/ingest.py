"""A journal's bytes become rows, exactly once: the rows and the cursor move in one transaction.

The unique index on (journal, generation, offset) backs what the cursor promises. Lines are believed only
when their checksum is right; a line that does not read well stops the cursor of its file, because network
filesystems show late or zero-filled tails; once the job has ended, `reconcile` reads the whole file again
and counts what stays unreadable. A file that shrank or changed its header is quarantined, never rewound.

The statements are plain SQL because this is the hottest path into the catalog.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pydantic_core import from_json
from sqlalchemy import Connection

from bocr_tui.catalog.attempts import AttemptWriter
from bocr_tui.catalog.database import Catalog, now
from bocr_tui.catalog.timeline import note
from bocr_worker.protocol.errors import ProtocolError
from bocr_worker.protocol.events import HEARTBEAT, PAGE, STAGE, read_header, read_page_event
from bocr_worker.protocol.fields import is_number
from bocr_worker.protocol.lines import after_zeros, decode_line

MAX_WHOLE = 1 << 62
"""No count or time is larger, and SQLite holds it."""

_SHORT = "is shorter than its job's report says: quarantined"

FLUSH_EVENTS = 2000
"""Events that are collected before they are written: fewer statements than pages, and few live objects."""


@dataclass(frozen=True)
class JournalPiece:
    """Bytes of one journal from `offset` on. `size` is the file's length when it was read, `head` the
    CRC-32 of its first line."""

    job_id: int
    token: str
    name: str
    offset: int
    size: int
    head: int
    data: bytes

    @property
    def journal(self) -> str:
        return f"{self.token}/{self.name}"


@dataclass
class IngestStep:
    """What one piece brought. `problem` says why the cursor stands still, if it does."""

    started: int = 0
    ok: int = 0
    failed: int = 0
    attempts: int = 0
    unreadable_lines: int = 0
    foreign: int = 0
    problem: str = ""
    heartbeat: dict[str, Any] | None = None
    offset: int = 0
    events: int = 0


@dataclass
class _Cursor:
    generation: str = ""
    head: int = 0
    offset: int = 0
    seq: int = 0
    state: str = "reading"
    problem: str = ""


class Ingest:
    """Keeps nothing between calls that the catalog does not hold, but caches each chain's page ids."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._writers: dict[int, AttemptWriter] = {}

    def forget(self, job_id: int) -> None:
        """Drop what is cached for a job that has ended."""
        self._writers.pop(job_id, None)

    def take(self, piece: JournalPiece) -> IngestStep:
        """Make rows of what is new in `piece`. A piece that does not begin at the cursor is ignored: its
        bytes were taken already, or come again."""
        with self._catalog.writing() as connection:
            cursor = _load(connection, piece)
            if cursor.state in ("quarantined", "complete"):
                return IngestStep(problem=cursor.problem, offset=cursor.offset)
            swapped = _swapped(cursor, piece)
            if swapped:
                _store(connection, piece, cursor, "quarantined", swapped)
                note(connection, "journal", f"{piece.journal}: {swapped}", job_id=piece.job_id)
                return IngestStep(problem=swapped, offset=cursor.offset)
            if piece.offset != cursor.offset:
                return IngestStep(offset=cursor.offset)
            return self._advance(connection, piece, cursor)

    def _advance(self, connection: Connection, piece: JournalPiece, cursor: _Cursor) -> IngestStep:
        step = IngestStep()
        writer = self._writer(connection, piece.job_id)
        writer.begin(connection, piece.journal)
        problem = ""
        for offset, line in _whole_lines(piece):
            problem = self._one_line(writer, cursor, piece, offset, line, step)
            if problem:
                break
            cursor.offset = offset + len(line) + 1
            if writer.waiting >= FLUSH_EVENTS:
                self._flush(connection, writer, piece, step)
        self._flush(connection, writer, piece, step)
        if cursor.offset != piece.offset or problem != cursor.problem:
            _store(connection, piece, cursor, "waiting" if problem else "reading", problem)
        step.problem, step.offset = problem, cursor.offset
        return step

    def reconcile(self, piece: JournalPiece, *, more: bool = False) -> IngestStep:
        """The job has ended and `piece` is its journal from byte 0 or from the cursor on: take every line
        that reads well and was not taken yet, count those that do not, and close the cursor. With `more`
        another piece follows, from where the last whole line of this one ends."""
        with self._catalog.writing() as connection:
            cursor = _load(connection, piece)
            step = IngestStep()
            if cursor.state in ("quarantined", "complete"):
                return IngestStep(problem=cursor.problem, offset=cursor.offset)
            if _swapped(cursor, piece):
                step.problem = _swapped(cursor, piece)
                _store(connection, piece, cursor, "quarantined", step.problem)
                return step
            writer = self._writer(connection, piece.job_id)
            writer.begin(connection, piece.journal)
            known = writer.known_offsets(connection, piece.journal)
            taken_to = cursor.offset
            placed = _whole_lines(piece)
            for at, placed_line in placed:
                line = after_zeros(placed_line)
                offset = at + len(placed_line) - len(line)
                fresh = offset >= taken_to and offset not in known
                if not fresh and cursor.generation:
                    continue
                problem = self._one_line(writer, cursor, piece, offset, line, step)
                step.unreadable_lines += bool(problem) or offset != at
                if problem and at == 0:
                    _store(connection, piece, cursor, "quarantined", problem)
                    return IngestStep(problem=problem, unreadable_lines=len(placed))
            self._flush(connection, writer, piece, step)
            cursor.offset = piece.offset + piece.data.rfind(b"\n") + 1 if more else piece.size
            if step.unreadable_lines:
                step.problem = f"{step.unreadable_lines} lines cannot be read"
                note(connection, "journal", f"{piece.journal}: {step.problem}", job_id=piece.job_id)
            _store(connection, piece, cursor, "waiting" if more else "complete", step.problem)
            step.offset = cursor.offset
            return step

    def distrust(self, job_id: int, token: str, names: Sequence[str]) -> None:
        """Of these journals less came than their job's report says. What came stays; no more is taken, and no
        worker that follows believes them."""
        for name in names:
            piece = JournalPiece(job_id, token, name, 0, 0, 0, b"")
            with self._catalog.writing() as connection:
                _store(connection, piece, _load(connection, piece), "quarantined", _SHORT)
                note(connection, "journal", f"{piece.journal}: {_SHORT}", job_id=job_id)

    def _writer(self, connection: Connection, job_id: int) -> AttemptWriter:
        if job_id not in self._writers:
            self._writers[job_id] = AttemptWriter(connection, job_id)
        return self._writers[job_id]

    def _one_line(
        self,
        writer: AttemptWriter,
        cursor: _Cursor,
        piece: JournalPiece,
        offset: int,
        line: bytes,
        step: IngestStep,
    ) -> str:
        """Returns the problem of a line that cannot be taken, else an empty text."""
        where = piece.journal
        try:
            record = decode_line(line, where, from_json)
            if offset == 0:
                header = read_header(record, where)
                if piece.name != f"journal-{header.generation}.jsonl":
                    return f"{where} is a copy of journal-{header.generation}.jsonl"
                if header.token != piece.token:
                    return f"{where} is the journal of {header.token}"
                cursor.generation, cursor.head = header.generation, zlib.crc32(line + b"\n")
                return ""
            kind = record.get("kind")
            if kind == PAGE:
                writer.add(read_page_event(record, where), cursor.generation, offset)
            elif kind in (HEARTBEAT, STAGE):
                step.heartbeat = {**(step.heartbeat or {}), **_plain(record)}
        except ProtocolError as error:
            return f"{error} (at byte {offset})"
        step.events += 1
        seq = record.get("seq")
        cursor.seq = seq if type(seq) is int and 0 <= seq <= MAX_WHOLE else cursor.seq
        return ""

    def _flush(
        self, connection: Connection, writer: AttemptWriter, piece: JournalPiece, step: IngestStep
    ) -> None:
        counts = writer.flush(connection)
        step.started += counts.started
        step.ok += counts.ok
        step.failed += counts.failed
        step.attempts += counts.attempts
        step.foreign += counts.foreign
        if step.heartbeat is not None:
            writer.heartbeat(connection, step.heartbeat)
        if counts.foreign:
            text = f"{piece.journal}: {counts.foreign} events about pages that this job does not hold"
            note(connection, "journal", text, job_id=piece.job_id)


def _plain(record: dict[str, Any]) -> dict[str, Any]:
    """What of a heartbeat is kept: a few small values, and small mappings of them (a server's counts)."""
    kept: dict[str, Any] = {}
    for name, value in list(record.items())[:40]:
        if _is_small(value):
            kept[str(name)[:40]] = value
        elif isinstance(value, dict):
            inner = list(value.items())[:20]
            kept[str(name)[:40]] = {str(key)[:40]: entry for key, entry in inner if _is_small(entry)}
    return kept


def _is_small(value: object) -> bool:
    if isinstance(value, str):
        return len(value) < 500
    return isinstance(value, bool) or (is_number(value) and abs(value) <= MAX_WHOLE)


def _whole_lines(piece: JournalPiece) -> list[tuple[int, bytes]]:
    """Lines with their offsets, without LF; what follows the last LF is not yet a line."""
    lines = piece.data.split(b"\n")
    lines.pop()
    placed = []
    offset = piece.offset
    for line in lines:
        placed.append((offset, line))
        offset += len(line) + 1
    return placed


def _swapped(cursor: _Cursor, piece: JournalPiece) -> str:
    if not cursor.generation:
        return ""
    if piece.size < cursor.offset:
        return f"is {piece.size} bytes long where {cursor.offset} were read: quarantined"
    if piece.head != cursor.head:
        return "has another header than the one that was read: quarantined"
    return ""


def _load(connection: Connection, piece: JournalPiece) -> _Cursor:
    row = connection.exec_driver_sql(
        'SELECT generation, head, "offset", seq, state, problem FROM journal_cursor WHERE journal = ?',
        (piece.journal,),
    ).first()
    if row is not None:
        return _Cursor(*row)
    return _Cursor()


def _store(connection: Connection, piece: JournalPiece, cursor: _Cursor, state: str, problem: str) -> None:
    connection.exec_driver_sql(
        "INSERT INTO journal_cursor"
        ' (journal, job_id, generation, head, "offset", seq, state, problem, changed_at)'
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (journal) DO UPDATE SET generation = excluded.generation, head = excluded.head,"
        ' "offset" = excluded."offset", seq = excluded.seq, state = excluded.state,'
        " problem = excluded.problem, changed_at = excluded.changed_at",
        (
            piece.journal,
            piece.job_id,
            cursor.generation,
            cursor.head,
            cursor.offset,
            cursor.seq,
            state,
            problem[:500],
            now(),
        ),
    )
