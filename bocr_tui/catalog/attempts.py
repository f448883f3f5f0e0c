"""Page events become attempts, and attempts move pages."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection

from bocr_tui.catalog.database import now
from bocr_tui.catalog.words import PAGE_MOVES, PageState
from bocr_worker.language import decide, vote
from bocr_worker.protocol.events import OK, STARTED, PageEvent

_ATTEMPT_COLUMNS = (
    "id, page_id, job_id, number, outcome, failure, evidence, last, variation, language, prompt_tokens,"
    " completion_tokens, seconds, confidence_mean, confidence_min, score, at, journal, generation,"
    ' "offset", result_file, result_offset, result_length, result_sha256, engine, engine_version, weights,'
    " prompt_hash, settings_hash, render_hash"
)
_INSERT_ATTEMPT = f"INSERT INTO attempt ({_ATTEMPT_COLUMNS}) VALUES ({', '.join('?' * 30)})"  # noqa: S608 - constants


MOST_SECONDS = 86_400.0
"""No page takes longer: a time beyond it is a mistake, and plans are made of these."""


def _allowed(target: PageState) -> str:
    return ", ".join(f"'{state}'" for state, targets in PAGE_MOVES.items() if target in targets)


_MAY_RUN = _allowed(PageState.RUNNING)
_MAY_OK = "'new', 'planned', 'queued', 'running', 'failed', 'gave_up'"
_MAY_FAIL = "'new', 'planned', 'queued', 'running', 'failed'"
"""Narrower than the moves: a person may make an ok or ignored page failed again, a journal may not. Nor may
it touch a page whose text a person chose: its attempts are kept and counted, and that is all."""

_START = (
    "UPDATE page SET state = 'running', engine = ?, changed_at = ? WHERE id = ? AND NOT by_person"  # noqa: S608
    f" AND state IN ({_MAY_RUN})"
)
_ACCEPT = (
    "UPDATE page SET state = 'ok', failure = NULL, engine = ?, confidence = ?, score = ?,"  # noqa: S608
    " accepted_attempt_id = ?, attempts = attempts + ?, changed_at = ?"
    " WHERE id = ? AND NOT by_person"
    f" AND (state IN ({_MAY_OK}) OR (state = 'ok' AND coalesce(score, 0) < coalesce(?, 0)))"
)
_KEEP = (
    "UPDATE page SET state = 'ok', failure = NULL, engine = ?, confidence = ?, score = ?,"  # noqa: S608
    " attempts = attempts + ?, changed_at = ?"
    f" WHERE id = ? AND NOT by_person AND (state IN ({_MAY_OK}) OR state = 'ok')"
)
"""A page whose earlier reading stands against a new one that is no better: its own figures are its again."""

_FAIL = (
    "UPDATE page SET state = 'failed', failure = ?, engine = ?, confidence = ?, score = ?,"  # noqa: S608
    f" attempts = attempts + ?, changed_at = ? WHERE id = ? AND NOT by_person AND state IN ({_MAY_FAIL})"
)
_COUNT = "UPDATE page SET attempts = attempts + ?, changed_at = ? WHERE id = ?"
_PAGES_OF_CHAIN = """
SELECT d.sha256, p.number, p.id, r.released_at IS NULL, p.document_id
FROM reservation r JOIN page p ON p.id = r.page_id JOIN document d ON d.id = p.document_id
WHERE r.chain_id = ?
"""


@dataclass
class Counts:
    """Pages by what the last flush did to them; `foreign` are events about pages not held by the job."""

    started: int = 0
    ok: int = 0
    failed: int = 0
    attempts: int = 0
    foreign: int = 0


_Verdict = tuple[bool, int, str | None, float | None, float | None]
"""Accepted or not, attempt id, class, mean confidence, score: plain values, which cost the garbage
collector nothing while thousands of them wait."""

_Figures = tuple[str, float | None, float | None]
"""Of a reading: its engine, mean confidence, score."""


@dataclass
class _Pending:
    started: list[tuple[str, int]] = field(default_factory=list)
    attempts: list[tuple[Any, ...]] = field(default_factory=list)
    verdicts: dict[int, _Verdict] = field(default_factory=dict)
    tries: Counter[int] = field(default_factory=Counter)
    rates: dict[str, tuple[int, float]] = field(default_factory=dict)
    votes: Counter[tuple[int, str]] = field(default_factory=Counter)
    foreign: int = 0


class AttemptWriter:
    """Of one job: knows which pages its chain holds, and writes a batch of events with few statements."""

    def __init__(self, connection: Connection, job_id: int) -> None:
        self._job_id = job_id
        self._chain_id, self._token, self._engine = connection.exec_driver_sql(
            "SELECT chain_id, token, engine FROM job WHERE id = ?", (job_id,)
        ).one()
        self._pages: dict[tuple[str, int], tuple[int, int]] = {
            (sha256, number): (page_id, document_id)
            for sha256, number, page_id, _, document_id in connection.exec_driver_sql(
                _PAGES_OF_CHAIN, (self._chain_id,)
            )
        }
        self._languages = _candidate_languages(connection, self._chain_id)
        self._journal = ""
        self._next_id = 0
        self._pending = _Pending()

    def begin(self, connection: Connection, journal: str) -> None:
        """A transaction that holds the write lock has begun: ids can be given out."""
        self._journal = journal
        self._pending = _Pending()
        highest = connection.exec_driver_sql("SELECT max(id) FROM attempt").scalar()
        self._next_id = (highest or 0) + 1

    def known_offsets(self, connection: Connection, journal: str) -> set[int]:
        """Offsets of this journal that are rows already."""
        rows = connection.exec_driver_sql('SELECT "offset" FROM attempt WHERE journal = ?', (journal,))
        return {offset for (offset,) in rows}

    @property
    def waiting(self) -> int:
        """Events collected and not written yet."""
        return len(self._pending.attempts) + len(self._pending.started)

    def add(self, event: PageEvent, generation: str, offset: int) -> None:
        """Remember an event until `flush`."""
        pending = self._pending
        place = self._pages.get((event.document, event.page))
        if place is None:
            pending.foreign += 1
            return
        page_id, document_id = place
        if event.status == STARTED:
            pending.started.append((self._engine, page_id))
            return
        attempt_id = self._next_id
        self._next_id += 1
        pending.attempts.append(self._attempt_row(attempt_id, page_id, event, generation, offset))
        pending.tries[page_id] += 1
        if event.status == OK or event.last:
            earlier = pending.verdicts.get(page_id)
            if earlier is None or not earlier[0] or _is_better(event, earlier):
                failure = str(event.failure) if event.failure else None
                pending.verdicts[page_id] = (
                    event.status == OK,
                    attempt_id,
                    failure,
                    event.confidence.mean,
                    event.score,
                )
        self._measure(event, document_id)

    def _measure(self, event: PageEvent, document_id: int) -> None:
        took = event.seconds if event.seconds is not None else -1.0
        if 0 <= took <= MOST_SECONDS and event.result is not None and event.provenance is not None:
            engine = event.provenance.engine
            pages, seconds = self._pending.rates.get(engine, (0, 0.0))
            self._pending.rates[engine] = (pages + 1, seconds + took)
        if event.status == OK and event.scripts:
            language = vote(event.scripts, self._languages)
            if language is not None:
                self._pending.votes[(document_id, language)] += 1

    def _attempt_row(
        self, attempt_id: int, page_id: int, event: PageEvent, generation: str, offset: int
    ) -> tuple[Any, ...]:
        made, result = event.provenance, event.result
        evidence = _evidence(event)
        return (
            attempt_id,
            page_id,
            self._job_id,
            event.attempt,
            event.status,
            str(event.failure) if event.failure else None,
            evidence,
            event.last,
            event.variation,
            event.language,
            event.usage.prompt_tokens,
            event.usage.completion_tokens,
            event.seconds,
            event.confidence.mean,
            event.confidence.minimum,
            event.score,
            event.at,
            self._journal,
            generation,
            offset,
            f"{self._token}/{result.file}" if result else None,
            result.offset if result else None,
            result.length if result else None,
            result.sha256 if result else None,
            made.engine if made else self._engine,
            made.engine_version if made else "",
            made.weights if made else "",
            made.prompt_hash if made else "",
            made.settings_hash if made else "",
            made.render_hash if made else "",
        )

    def flush(self, connection: Connection) -> Counts:
        """Write what `add` collected, in the caller's transaction."""
        pending, stamp = self._pending, now()
        counts = Counts(started=len(pending.started), attempts=len(pending.attempts), foreign=pending.foreign)
        run = connection.exec_driver_sql
        if pending.started:
            held = self._held(connection, [page for _, page in pending.started])
            rows = [(engine, stamp, page) for engine, page in pending.started if page in held]
            if rows:
                run(_START, rows)
        if pending.attempts:
            run(_INSERT_ATTEMPT, pending.attempts)
            self._move_pages(connection, counts, stamp)
        if counts.ok or counts.failed:
            run(
                "UPDATE job SET ok = ok + ?, failed = failed + ? WHERE id = ?",
                (counts.ok, counts.failed, self._job_id),
            )
        self._keep_measures(connection)
        self._pending = _Pending()
        return counts

    def _move_pages(self, connection: Connection, counts: Counts, stamp: float) -> None:
        pending = self._pending
        held = self._held(connection, [page for page, verdict in pending.verdicts.items() if not verdict[0]])
        accepted: list[tuple[Any, ...]] = []
        failed: list[tuple[Any, ...]] = []
        kept: list[tuple[Any, ...]] = []
        counted = dict(pending.tries)
        persons, standing = self._texts_of(connection, list(pending.verdicts))
        for page_id, (well, attempt_id, failure, confidence, score) in pending.verdicts.items():
            tries = pending.tries[page_id]
            if page_id in persons:
                counts.ok, counts.failed = counts.ok + well, counts.failed + (not well)
                continue
            if well:
                counts.ok += 1
                counted.pop(page_id)
                earlier = standing.get(page_id)
                if earlier is not None and (earlier[2] or 0.0) >= (score or 0.0):
                    kept.append((*earlier, tries, stamp, page_id))
                    continue
                accepted.append((self._engine, confidence, score, attempt_id, tries, stamp, page_id, score))
                continue
            counts.failed += 1
            if page_id in held:
                failed.append((failure, self._engine, confidence, score, tries, stamp, page_id))
                counted.pop(page_id)
        if accepted:
            connection.exec_driver_sql(_ACCEPT, accepted)
        if kept:
            connection.exec_driver_sql(_KEEP, kept)
        if failed:
            connection.exec_driver_sql(_FAIL, failed)
        if counted:
            connection.exec_driver_sql(_COUNT, [(tries, stamp, page) for page, tries in counted.items()])

    def _held(self, connection: Connection, page_ids: list[int]) -> set[int]:
        """Those whose reservation by this chain is live: a chain that let a page go may no longer fail it,
        though a good reading that arrives late is still welcome."""
        held: set[int] = set()
        for start in range(0, len(page_ids), 500):
            part = page_ids[start : start + 500]
            rows = connection.exec_driver_sql(
                f"SELECT page_id FROM reservation WHERE chain_id = ? AND released_at IS NULL"  # noqa: S608
                f" AND page_id IN ({', '.join('?' * len(part))})",
                (self._chain_id, *part),
            )
            held.update(page_id for (page_id,) in rows)
        return held

    def _texts_of(self, connection: Connection, page_ids: list[int]) -> tuple[set[int], dict[int, _Figures]]:
        """Those whose text a person chose, and of those that were read before the accepted reading's figures:
        such a page may be queued or running again, and its text still stands."""
        chosen: set[int] = set()
        standing: dict[int, _Figures] = {}
        for start in range(0, len(page_ids), 500):
            part = page_ids[start : start + 500]
            rows = connection.exec_driver_sql(
                "SELECT p.id, p.by_person, a.engine, a.confidence_mean, a.score FROM page p"  # noqa: S608
                " LEFT JOIN attempt a ON a.id = p.accepted_attempt_id"
                " WHERE (p.by_person OR p.accepted_attempt_id IS NOT NULL)"
                f" AND p.id IN ({', '.join('?' * len(part))})",
                tuple(part),
            )
            for page_id, by_person, engine, confidence, score in rows:
                if by_person:
                    chosen.add(page_id)
                elif engine is not None:
                    standing[page_id] = (engine, confidence, score)
        return chosen, standing

    def _keep_measures(self, connection: Connection) -> None:
        run = connection.exec_driver_sql
        for engine, (pages, seconds) in self._pending.rates.items():
            run(
                "INSERT INTO engine_rate (engine, pages, seconds) VALUES (?, ?, ?) ON CONFLICT (engine)"
                " DO UPDATE SET pages = pages + excluded.pages, seconds = seconds + excluded.seconds",
                (engine, pages, seconds),
            )
        for (document_id, language), pages in self._pending.votes.items():
            run(
                "INSERT INTO language_vote (document_id, language, pages) VALUES (?, ?, ?) ON CONFLICT"
                " (document_id, language) DO UPDATE SET pages = pages + excluded.pages",
                (document_id, language, pages),
            )
        for document_id in {document_id for document_id, _ in self._pending.votes}:
            votes = run("SELECT language, pages FROM language_vote WHERE document_id = ?", (document_id,))
            decided = decide(Counter({name: min(pages, 50) for name, pages in votes}).elements())
            if decided is not None:
                run(
                    "UPDATE document SET language = ?, language_source = 'detected' WHERE id = ?"
                    " AND (language IS NULL OR language_source = 'detected')",
                    (decided, document_id),
                )

    def heartbeat(self, connection: Connection, facts: dict[str, Any]) -> None:
        """Keep a job's last heartbeat, for the screens."""
        connection.exec_driver_sql(
            "UPDATE job SET heartbeat = ?, heartbeat_at = ? WHERE id = ?",
            (json.dumps(facts), now(), self._job_id),
        )


def _is_better(event: PageEvent, accepted: _Verdict) -> bool:
    """Of two readings that came together the better one is kept, as if they had come one by one."""
    return event.status == OK and (event.score or 0.0) > (accepted[4] or 0.0)


def _evidence(event: PageEvent) -> str:
    """As JSON that every reader takes: numbers that are none are no part of it."""
    if not event.evidence:
        return "{}"
    try:
        text = json.dumps(event.evidence, ensure_ascii=False, allow_nan=False)
    except ValueError:
        return '{"cut": "the evidence was no sound JSON"}'
    return text if len(text) < 20_000 else '{"cut": "the evidence was too long to keep"}'


def _candidate_languages(connection: Connection, chain_id: int) -> tuple[str, ...]:
    row = connection.exec_driver_sql("SELECT pipeline FROM chain WHERE id = ?", (chain_id,)).first()
    pipeline = json.loads(row[0]) if row is not None else {}
    return tuple(pipeline.get("languages", ()))
