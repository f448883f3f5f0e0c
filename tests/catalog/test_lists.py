"""The lists: right rows in the right order, by an index, from any process, with nothing heavy loaded."""

from __future__ import annotations

import itertools
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import insert, select, update

from bocr_tui.catalog import core
from bocr_tui.catalog.list_fetch import EVENTS_OF_BATCH, EVENTS_OF_JOB
from bocr_tui.catalog.list_query import (
    BatchFilter,
    DocumentFilter,
    JobFilter,
    PageFilter,
    Query,
    batch_queries,
    document_queries,
    job_queries,
    page_queries,
)
from bocr_tui.catalog.lists import Reader, open_reader
from bocr_tui.config.errors import CatalogError
from tests.ui.campaign import Campaign, build


@pytest.fixture(scope="module")
def campaign(tmp_path_factory: pytest.TempPathFactory) -> Campaign:
    return build(tmp_path_factory.mktemp("lists"), documents=14)


@pytest.fixture
def reader(campaign: Campaign) -> Iterator[Reader]:
    reader = open_reader(campaign.workspace.catalog_path)
    yield reader
    reader.close()


def test_pages_come_as_they_were_imported(campaign: Campaign, reader: Reader) -> None:
    assert list(reader.pages.ids(PageFilter(), "place")) == [page["id"] for page in campaign.pages]


@pytest.mark.parametrize("order", ["place", "document", "failure", "confidence"])
@pytest.mark.parametrize(
    "wanted",
    [
        PageFilter(),
        PageFilter(states=("failed", "gave_up")),
        PageFilter(failures=("coverage", "repetition")),
        PageFilter(states=("failed", "gave_up"), failures=("coverage",)),
        PageFilter(batch_id=2),
        PageFilter(document_id=3, states=("ok", "failed")),
        PageFilter(engine="tesseract"),
        PageFilter(text="PROCÉDURE"),
        PageFilter(job_id=4),
    ],
    ids=str,
)
def test_every_order_holds_the_same_pages_each_once(
    campaign: Campaign, reader: Reader, wanted: PageFilter, order: str
) -> None:
    expected = [page["id"] for page in campaign.pages if _meets(page, wanted)]
    found = list(reader.pages.ids(wanted, order))  # type: ignore[arg-type]
    assert expected
    assert sorted(found) == expected
    if order == "place":
        assert found == expected


def _meets(page: dict[str, object], wanted: PageFilter) -> bool:
    return all(
        (
            not wanted.states or page["state"] in wanted.states,
            not wanted.failures or page["failure"] in wanted.failures,
            wanted.document_id is None or page["document_id"] == wanted.document_id,
            wanted.batch_id is None or page["batch_id"] == wanted.batch_id,
            wanted.engine is None or page["engine"] == wanted.engine,
            not wanted.text or page["document_id"] in (2, 9),
            wanted.job_id is None or (page["batch_id"] == 2 and page["attempts"] == 2),
        )
    )


def test_the_least_confident_page_comes_first_and_the_unknown_last(reader: Reader) -> None:
    rows = reader.pages.rows(reader.pages.ids(PageFilter(), "confidence"))
    known = [row.confidence for row in rows if row.confidence is not None]
    assert known == sorted(known)
    assert all(row.confidence is None for row in rows[len(known) :])
    assert len(rows) > len(known)


def test_pages_by_class_leave_those_without_one_for_the_end(reader: Reader) -> None:
    rows = reader.pages.rows(reader.pages.ids(PageFilter(), "failure"))
    classes = [row.failure for row in rows]
    known = [each for each in classes if each is not None]
    assert known == sorted(known)
    assert classes == known + [None] * (len(classes) - len(known))


def test_the_first_job_of_a_chain_has_its_pages_before_it_tried_any(
    campaign: Campaign, reader: Reader
) -> None:
    ids = reader.pages.ids(PageFilter(job_id=3), "place")
    assert list(ids) == [page["id"] for page in campaign.pages if page["batch_id"] == 2]


def test_rows_keep_the_order_they_are_asked_in_and_leave_out_what_is_no_more(reader: Reader) -> None:
    rows = reader.pages.rows([9, 3, 999_999, 7])
    assert [row.id for row in rows] == [9, 3, 7]
    assert rows[0].document == "BO_2418-bis_1959-03-05.pdf"


def test_a_limit_gives_the_first_rows_only(reader: Reader) -> None:
    every = reader.pages.ids(PageFilter(), "confidence")
    for limit in (0, 5, 260, 1000):
        assert reader.pages.ids(PageFilter(), "confidence", limit=limit) == every[:limit]


def test_a_name_is_found_whatever_its_case_and_unicode_form(reader: Reader) -> None:
    for text in ("procédure PÉNALE", "proce\u0301dure", "الإحصاء", "官報"):
        assert len(reader.documents.ids(DocumentFilter(text=text), "name")) == 2


def test_a_percent_sign_is_only_a_percent_sign(reader: Reader) -> None:
    for text in ("%", "_", "' OR 1=1 --"):
        rows = reader.documents.rows(reader.documents.ids(DocumentFilter(text=text), "name"))
        assert all(text in row.name for row in rows)


def test_a_batch_and_a_document_count_their_pages_by_state(campaign: Campaign, reader: Reader) -> None:
    batch = reader.batches.rows([2])[0]
    document = reader.documents.rows([1])[0]
    assert batch.tally.total == 40
    assert batch.tally.ok == sum(page["state"] == "ok" for page in campaign.pages if page["batch_id"] == 2)
    assert document.tally.of("running", "queued", "planned") == 3
    assert document.tally.failed == 3
    assert document.tally.settled == 15


def test_a_batch_tells_the_pace_of_its_running_jobs_and_what_is_tried_again(
    campaign: Campaign, reader: Reader
) -> None:
    live = int(campaign.pages[-1]["batch_id"])
    settled, running = reader.batches.rows([1, live])
    held = [page for page in campaign.pages if page["batch_id"] == live]
    assert (settled.pages_per_s, settled.in_retry) == (None, 0)
    assert running.pages_per_s == 1.4
    assert running.in_retry == sum(page["state"] in ("failed", "gave_up") for page in held)


def test_jobs_come_newest_first_with_the_batches_they_work_on(reader: Reader) -> None:
    ids = reader.jobs.ids(JobFilter(), "newest")
    assert list(ids) == sorted(ids, reverse=True)
    row = reader.jobs.rows([3])[0]
    assert (row.token, row.batches, row.heartbeat) == ("b0002s1", ("b00002",), {"pages_per_s": 1.4})
    assert list(reader.jobs.ids(JobFilter(batch_id=2), "oldest")) == [3, 4]


def test_attempts_tell_evidence_and_where_the_result_lies(campaign: Campaign, reader: Reader) -> None:
    attempts = reader.attempts(campaign.ids("failed")[0])
    assert [each.number for each in attempts] == [1, 2]
    assert attempts[0].evidence["covered"] == 0.41
    assert attempts[0].token == "b0001s1"
    assert attempts[1].result_length


def test_counts_are_by_state_and_by_class(campaign: Campaign, reader: Reader) -> None:
    counts = reader.counts()
    assert counts.pages.total == len(campaign.pages)
    assert counts.pages.of("running") == len(campaign.ids("running"))
    assert sum(counts.failures.values()) == counts.pages.failed


def test_the_version_changes_when_somebody_else_commits(tmp_path: Path) -> None:
    campaign = build(tmp_path, documents=1, attempts=False)
    reader = open_reader(campaign.workspace.catalog_path)
    first = reader.data_version()
    reader.pages.ids(PageFilter(), "place")
    assert reader.data_version() == first
    with campaign.catalog.writing() as connection:
        connection.execute(update(core.page).where(core.page.c.id == 1).values(state="failed"))
    assert reader.data_version() != first
    assert reader.pages.rows([1])[0].state == "failed"


def test_a_reader_cannot_write(reader: Reader) -> None:
    with pytest.raises(CatalogError, match="readonly"), reader.snapshot() as connection:
        connection.execute("DELETE FROM page")


@pytest.mark.parametrize("content", [None, b"", b"not a database at all" * 100])
def test_what_is_no_catalog_is_refused_with_a_next_step(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "catalog.db"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(CatalogError) as caught:
        open_reader(path)
    assert caught.value.next_step


def test_another_programs_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "catalog.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE page (id INTEGER)")
    with pytest.raises(CatalogError, match="no catalog of bocr"):
        open_reader(path)


_STATES = [(), ("failed",), ("failed", "gave_up")]
_PAGES = [
    page_queries(wanted, order)
    for order in ("place", "failure", "confidence")
    for wanted in (
        *(PageFilter(states=states) for states in _STATES),
        *(PageFilter(states=states, batch_id=2) for states in _STATES),
        *(PageFilter(states=states, document_id=2) for states in _STATES),
    )
    # Within one batch or document a class or confidence order sorts a few hundred rows.
    if order == "place" or (wanted.batch_id is None and wanted.document_id is None)
]
_LISTS = [
    *_PAGES,
    page_queries(PageFilter(failures=("coverage",)), "place"),
    page_queries(PageFilter(states=("failed", "gave_up"), failures=("coverage", "runaway")), "place"),
    page_queries(PageFilter(engine="tesseract"), "place"),
    page_queries(PageFilter(), "document"),
    document_queries(DocumentFilter(), "added"),
    *(document_queries(DocumentFilter(states), order) for states in _STATES for order in ("name", "state")),
    *(
        batch_queries(BatchFilter(states), order)
        for states in _STATES
        for order in ("oldest", "newest", "state")
    ),
    *(job_queries(JobFilter(states), order) for states in _STATES for order in ("newest", "oldest", "state")),
]


@pytest.mark.parametrize(
    "query", list(itertools.chain.from_iterable(_LISTS)), ids=lambda query: query.sql[:150]
)
def test_no_list_sorts_what_an_index_holds_in_order(reader: Reader, query: Query) -> None:
    with reader.snapshot() as connection:
        plan = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {query.sql}", query.parameters)]
    assert not [step for step in plan if "TEMP B-TREE" in step], plan
    # What has no value is most pages: they are walked through in the order of their index, unsorted.
    if " WHERE " in query.sql and "IS NOT NULL" not in query.sql and "IS NULL" not in query.sql:
        assert not [step for step in plan if step.startswith("SCAN")], plan


def test_the_lists_load_no_heavy_library() -> None:
    program = (
        "import sys; import bocr_tui.catalog.lists; "
        "print([name for name in ('sqlmodel', 'sqlalchemy', 'pydantic', 'bocr_worker', 'textual', 'numpy') "
        "if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_jobs_events_are_its_own_and_its_batches_and_a_batchs_those_of_its_jobs(tmp_path: Path) -> None:
    campaign = build(tmp_path)
    (batch,), jobs = _first_chain(campaign)
    with campaign.catalog.writing() as connection:
        for at, text, of in (
            (1.0, "planned", {"batch_id": batch}),
            (2.0, "first stage", {"job_id": jobs[0]}),
            (3.0, "second stage", {"job_id": jobs[1]}),
            (4.0, "another batch", {"batch_id": batch + 1}),
            (5.0, "the whole workspace", {}),
        ):
            connection.execute(insert(core.event).values(at=at + 2e9, kind="job", text=text, **of))
    reader = open_reader(campaign.workspace.catalog_path)
    try:
        of_job = [event.text for event in reader.events_of_job(jobs[1], 2)]
        assert of_job == ["second stage", "planned"]
        of_batch = [event.text for event in reader.events_of_batch(batch, 3)]
        assert of_batch == ["second stage", "first stage", "planned"]
        assert reader.events(1)[0].text == "the whole workspace"
        for sql in (EVENTS_OF_JOB, EVENTS_OF_BATCH):
            with reader.snapshot() as connection:
                plan = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {sql}", (1, 9))]
            assert not [step for step in plan if step.startswith("SCAN")], plan
    finally:
        reader.close()


def _first_chain(campaign: Campaign) -> tuple[list[int], list[int]]:
    """The batches and jobs of the first chain."""
    with campaign.catalog.reading() as connection:
        rows = connection.execute(
            select(core.job_batch.c.batch_id, core.job.c.id)
            .join(core.job, core.job.c.id == core.job_batch.c.job_id)
            .where(core.job_batch.c.batch_id == 1)
            .order_by(core.job.c.id)
        ).all()
    return sorted({row[0] for row in rows}), [row[1] for row in rows]
