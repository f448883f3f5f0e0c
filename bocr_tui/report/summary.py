"""How far the work is: documents and pages by state, failures by class, what a later attempt recovered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, func, select

from bocr_tui.catalog import core
from bocr_tui.catalog.database import Catalog
from bocr_tui.catalog.scope import Scope
from bocr_tui.catalog.words import READABLE, DocumentState, PageState
from bocr_tui.report.waiting import waiting_in


@dataclass(frozen=True)
class Summary:
    """Counts at one moment. `pages` leaves out ignored pages, so at the end of a run it is
    ok + failed + gave_up; before, `waiting` and `live` pages are missing from that sum.

    `unreadable` counts documents that have no page to read. `failures` counts the failed and given up pages
    by class, `recovered` the ok pages that had failed before, by the class they first failed with;
    `later_stage` is how many of the ok pages a stage after the first one read.
    """

    documents: int = 0
    documents_by_state: dict[str, int] = field(default_factory=dict)
    unreadable: int = 0
    pages_by_state: dict[str, int] = field(default_factory=dict)
    failures: dict[str, int] = field(default_factory=dict)
    recovered: dict[str, int] = field(default_factory=dict)
    later_stage: int = 0

    def _pages(self, *states: PageState) -> int:
        return sum(self.pages_by_state.get(state, 0) for state in states)

    @property
    def pages(self) -> int:
        return sum(self.pages_by_state.values()) - self.ignored

    @property
    def ok(self) -> int:
        return self._pages(PageState.OK)

    @property
    def failed(self) -> int:
        return self._pages(PageState.FAILED)

    @property
    def gave_up(self) -> int:
        return self._pages(PageState.GAVE_UP)

    @property
    def ignored(self) -> int:
        return self._pages(PageState.IGNORED)

    @property
    def waiting(self) -> int:
        """Pages in no live chain that nobody has read yet."""
        return self._pages(PageState.NEW, PageState.PLANNED)

    @property
    def live(self) -> int:
        return self._pages(PageState.QUEUED, PageState.RUNNING)

    @property
    def settled(self) -> int:
        return self.ok + self.failed + self.gave_up

    def with_lost_files(self, count: int) -> Summary:
        """The same with files that were named and could not even be opened: documents that nobody can
        read."""
        states = {**self.documents_by_state, "unopened": count} if count else self.documents_by_state
        return replace(
            self,
            documents=self.documents + count,
            unreadable=self.unreadable + count,
            documents_by_state=states,
        )

    @property
    def well(self) -> bool:
        """Nothing failed, gave up or could not be read."""
        return not (self.failed or self.gave_up or self.unreadable)


def summarise(
    catalog: Catalog,
    document_ids: Sequence[int] | None = None,
    page_ids: Sequence[int] | None = None,
) -> Summary:
    """Count, in one snapshot. What the ids mean: see Scope."""
    scope = Scope(document_ids, page_ids)
    with catalog.reading() as connection:
        documents = _by(connection, core.document.c.state, scope.document_condition())
        condition = scope.page_condition()
        troubled = core.page.c.state.in_((str(PageState.FAILED), str(PageState.GAVE_UP)))
        return Summary(
            documents=sum(documents.values()),
            documents_by_state=documents,
            unreadable=_unreadable(documents),
            pages_by_state=_by(connection, core.page.c.state, condition),
            failures=_by(connection, core.page.c.failure, and_(condition, troubled)),
            recovered=_recovered(connection, condition),
            later_stage=_later_stage(connection, condition),
        )


@dataclass(frozen=True)
class Standing:
    """How the pages of a scope stand while they are read. `retrying` are the failed ones that a live chain
    still holds: a later stage takes them."""

    by_state: dict[str, int]
    retrying: int = 0

    @property
    def total(self) -> int:
        return sum(self.by_state.values()) - self.by_state.get(PageState.IGNORED, 0)

    @property
    def done(self) -> int:
        ended = (PageState.OK, PageState.GAVE_UP, PageState.FAILED)
        return sum(self.by_state.get(state, 0) for state in ended) - self.retrying


def standing_of_sent(catalog: Catalog) -> Standing:
    """Of every page but those that nothing will read until a person says so: new ones, and planned ones that
    nobody has submitted."""
    waiting, now = waiting_in(catalog), standing(catalog, Scope())
    planned = now.by_state.get(PageState.PLANNED, 0) - waiting.unsubmitted
    states = {state: count for state, count in now.by_state.items() if state != PageState.NEW}
    return replace(now, by_state={**states, str(PageState.PLANNED): max(0, planned)})


def standing(catalog: Catalog, scope: Scope) -> Standing:
    """What a progress bar asks for again and again; indexes answer it."""
    held = select(core.reservation.c.page_id).where(core.reservation.c.released_at.is_(None))
    failed = and_(core.page.c.state == str(PageState.FAILED), core.page.c.id.in_(held))
    with catalog.reading() as connection:
        states = _by(connection, core.page.c.state, scope.page_condition())
        if not states.get(PageState.FAILED):
            return Standing(states)
        retrying = connection.execute(select(func.count()).where(failed, scope.page_condition())).scalar()
        return Standing(states, retrying or 0)


def _by(connection: Connection, column: Any, condition: ColumnElement[bool]) -> dict[str, int]:
    statement = select(column, func.count()).where(condition).group_by(column).order_by(column)
    return {name or "unknown": count for name, count in connection.execute(statement)}


def _unreadable(documents: dict[str, int]) -> int:
    waiting = {*map(str, READABLE), str(DocumentState.NEW)}
    return sum(count for state, count in documents.items() if state not in waiting)


def _recovered(connection: Connection, condition: ColumnElement[bool]) -> dict[str, int]:
    """Failed attempts are the few, so the search starts from them."""
    first_failure = (
        select(func.min(core.attempt.c.id).label("id"))
        .where(core.attempt.c.failure.is_not(None), core.attempt.c.outcome == "failed")
        .group_by(core.attempt.c.page_id)
        .subquery()
    )
    statement = (
        select(core.attempt.c.failure, func.count())
        .select_from(first_failure)
        .join(core.attempt, core.attempt.c.id == first_failure.c.id)
        .join(core.page, core.page.c.id == core.attempt.c.page_id)
        .where(core.page.c.state == str(PageState.OK), condition)
        .group_by(core.attempt.c.failure)
        .order_by(core.attempt.c.failure)
    )
    return {row[0]: row[1] for row in connection.execute(statement)}


def _later_stage(connection: Connection, condition: ColumnElement[bool]) -> int:
    """From the attempts of the later stages' jobs, which again are the few."""
    first_stage = select(func.min(core.job.c.stage)).scalar_subquery()
    statement = (
        select(func.count())
        .select_from(core.job)
        .join(core.attempt, core.attempt.c.job_id == core.job.c.id)
        .join(core.page, core.page.c.accepted_attempt_id == core.attempt.c.id)
        .where(core.job.c.stage > first_stage, core.page.c.state == str(PageState.OK), condition)
        .where(core.page.c.id == core.attempt.c.page_id)
    )
    return connection.execute(statement).scalar() or 0
