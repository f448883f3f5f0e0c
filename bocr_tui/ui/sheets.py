"""How the four lists look: their columns, and a row's cells."""

from __future__ import annotations

from bocr_tui.catalog.list_rows import BatchRow, DocumentRow, JobRow, PageRow, Tally
from bocr_tui.catalog.words import PageState
from bocr_tui.ui import wording
from bocr_tui.ui.widgets.columns import Cell, Column, bar, text_cell

BAR_CELLS = 16


def tally_bar(tally: Tally, total: int, width: int = BAR_CELLS) -> Cell:
    """Read, failed, given up and under way, as shares of `total`."""
    shares = (
        (tally.ok + tally.of(PageState.IGNORED), "ok"),
        (tally.of(PageState.GAVE_UP), "gave-up"),
        (tally.of(PageState.FAILED), "failed"),
        (tally.of(PageState.RUNNING), "busy"),
    )
    return bar(width, shares, total)


def _number(number: int, tone: str = "plain") -> Cell:
    """A count; nought is quiet, so that the others are seen."""
    return text_cell(wording.count(number), tone if number else "muted")


class PageSheet:
    """Pages, one a line."""

    columns = (
        Column("Document", least=14, middle=True, sort="document"),
        Column("Page", width=5, align="right", sort="place", own_order=True),
        Column("State", width=10, sort="state"),
        Column("Class", width=14, sort="failure"),
        Column("Engine", width=12, from_width=84),
        Column("Conf", width=5, align="right", sort="confidence"),
        Column("Tries", width=5, align="right", from_width=64),
        Column("Changed", width=8, align="right", from_width=110),
    )

    def cells(self, row: PageRow) -> tuple[Cell, ...]:
        state, tone = wording.page_state(row.state, row.held)
        return (
            text_cell(row.document),
            text_cell(str(row.number)),
            text_cell(state, tone),
            text_cell(wording.plain(row.failure or ""), tone),
            text_cell(row.engine or "", "muted"),
            text_cell(wording.percent(row.confidence), wording.confidence_tone(row.confidence)),
            _number(row.attempts),
            text_cell(wording.clock(row.changed_at)[-8:] if row.changed_at else "", "muted"),
        )


class BatchSheet:
    """Batches with how far they are."""

    columns = (
        Column("Batch", least=8, sort="name"),
        Column("State", width=11, sort="state"),
        Column("Progress", width=BAR_CELLS),
        Column("Settled", width=11, align="right", sort="pages"),
        Column("Failed", width=6, align="right"),
        Column("Retry", width=5, align="right", from_width=76),
        Column("Ends in", width=9, align="right", sort="estimate"),
        Column("Pages/min", width=9, align="right", from_width=96),
        Column("Documents", width=9, align="right", from_width=108, sort="documents"),
    )

    def cells(self, row: BatchRow) -> tuple[Cell, ...]:
        state, tone = wording.batch_state(row.state)
        return (
            text_cell(row.name),
            text_cell(state, tone),
            tally_bar(row.tally, row.pages),
            text_cell(f"{wording.count(row.tally.settled)}/{wording.count(row.pages)}"),
            _number(row.tally.failed, "failed"),
            _number(row.in_retry, "waiting"),
            ends_in(row),
            text_cell("" if row.pages_per_s is None else f"{row.pages_per_s * 60:,.0f}", "busy"),
            text_cell(wording.count(row.documents), "muted"),
        )


def ends_in(row: BatchRow) -> Cell:
    """When a batch that runs will be settled, by its jobs' pace of now; of one that waits its estimate."""
    left = row.pages - row.tally.settled
    if not left:
        return text_cell("", "muted")
    if row.pages_per_s:
        return text_cell(wording.duration(round(left / row.pages_per_s)), "busy")
    if row.tally.settled or row.estimated_s is None:
        return text_cell(wording.UNKNOWN, "muted")
    return text_cell(wording.about(row.estimated_s), "muted")


class JobSheet:
    """Jobs, live and past."""

    columns = (
        Column("Job", width=15, from_width=70),
        Column("Batch", least=8),
        Column("Stage", width=14, sort="engine"),
        Column("State", width=12, sort="state"),
        Column("Progress", width=BAR_CELLS, from_width=104),
        Column("Read", width=8, align="right", sort="pages"),
        Column("Failed", width=6, align="right", sort="failed"),
        Column("Time", width=9, align="right", from_width=88),
        Column("Why", least=20, weight=3, from_width=140, words=True),
    )

    def cells(self, row: JobRow) -> tuple[Cell, ...]:
        state, tone = wording.job_state(row.state, row.cause)
        stage = str(row.stage + 1) if row.try_number == 1 else f"{row.stage + 1}·{row.try_number}"
        rest = max(0, row.pages - row.ok - row.failed)
        return (
            text_cell(row.token, "muted"),
            text_cell(batch_names(row)),
            text_cell(f"{stage} {row.engine}"),
            text_cell(state, tone),
            bar(BAR_CELLS, ((row.ok, "ok"), (row.failed, "failed")), row.ok + row.failed + rest),
            text_cell(f"{wording.count(row.ok)}/{wording.count(row.pages)}"),
            _number(row.failed, "failed"),
            text_cell(wording.duration(job_seconds(row)), "muted"),
            text_cell(row.reason, tone if tone in ("failed", "warning") else "muted"),
        )


def batch_names(row: JobRow) -> str:
    """What a job works on: a batch, several, or pages that were sent again."""
    if not row.batch_count:
        return "resent" if row.chain_kind != "batch" else wording.UNKNOWN
    more = row.batch_count - 1
    return row.batches[0] if not more else f"{row.batches[0]} +{more}"


def job_seconds(row: JobRow) -> float | None:
    """How long a job ran; of a running one, up to its last sign of life."""
    if row.started_at is None:
        return None
    ended = row.ended_at or row.heartbeat_at
    return None if ended is None else max(0.0, ended - row.started_at)


class DocumentSheet:
    """Documents with how their pages stand; one that cannot be read says why in the place of the bar."""

    columns = (
        Column("Document", least=14, weight=2, middle=True, sort="name"),
        Column("State", width=11, sort="state"),
        Column("Pages", width=6, align="right", sort="pages"),
        Column("Progress", width=BAR_CELLS),
        Column("Failed", width=6, align="right"),
        Column("Language", width=9, from_width=84, sort="language"),
        Column("Reason", least=12, weight=2, from_width=104, words=True),
    )

    def cells(self, row: DocumentRow) -> tuple[Cell, ...]:
        state, tone = wording.document_state(row.state)
        progress = (
            tally_bar(row.tally, row.tally.total) if row.tally.total else text_cell(row.reason, "muted")
        )
        return (
            text_cell(row.name),
            text_cell(state, tone),
            _number(row.page_count),
            progress,
            _number(row.tally.failed, "failed"),
            text_cell(row.language or wording.UNKNOWN, "muted"),
            text_cell(row.reason, "muted"),
        )
