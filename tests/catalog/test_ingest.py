"""A journal becomes rows exactly once, whatever happens to its bytes on the way."""

from __future__ import annotations

import random
import zlib
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.exc import IntegrityError

from bocr_tui.catalog import core
from bocr_tui.catalog.database import Catalog, now, open_catalog
from bocr_tui.catalog.ingest import Ingest, IngestStep, JournalPiece
from bocr_worker.protocol.failures import FailureClass
from bocr_worker.protocol.lines import encode_line
from tests.catalog_builder import JOURNAL, TOKEN, Held, build, failed, header, ok, started


@pytest.fixture
def catalog(tmp_path: Path) -> Catalog:
    return open_catalog(tmp_path / "catalog.db")


def piece(data: bytes, offset: int = 0, *, size: int | None = None, head: int | None = None) -> JournalPiece:
    first = data[: data.find(b"\n") + 1]
    return JournalPiece(
        job_id=1,
        token=TOKEN,
        name=JOURNAL,
        offset=offset,
        size=len(data) if size is None else size,
        head=zlib.crc32(first) if head is None else head,
        data=data[offset:],
    )


def pages(catalog: Catalog) -> dict[int, tuple[str, str | None, int]]:
    with catalog.reading() as connection:
        rows = connection.exec_driver_sql("SELECT id, state, failure, attempts FROM page ORDER BY id")
        return {row[0]: (row[1], row[2], row[3]) for row in rows}


def count(catalog: Catalog, table: str) -> int:
    with catalog.reading() as connection:
        return int(connection.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar_one())


def a_journal(held: Held) -> bytes:
    sha = held.shas[0]
    return b"".join(
        [
            header(),
            started(sha, 1),
            ok(sha, 1),
            started(sha, 2),
            failed(sha, 2, FailureClass.COVERAGE),
            encode_line(
                {"kind": "heartbeat", "seq": 5, "at": 1.0, "done": 2, "total": 10, "pages_per_s": 0.5}
            ),
            encode_line({"kind": "something_new", "seq": 6}),
            started(sha, 3),
        ]
    )


def test_events_move_pages_and_leave_attempts(catalog: Catalog) -> None:
    held = build(catalog)
    step = Ingest(catalog).take(piece(a_journal(held)))
    assert (step.started, step.ok, step.failed, step.attempts) == (3, 1, 1, 2)
    state = pages(catalog)
    assert state[1] == ("ok", None, 1)
    assert state[2] == ("failed", "coverage", 1)
    assert state[3] == ("running", None, 0)
    assert state[4] == ("queued", None, 0)
    with catalog.reading() as connection:
        job = connection.execute(core.job.select()).one()
        assert (job.ok, job.failed, job.heartbeat["done"]) == (1, 1, 2)
        assert connection.execute(core.engine_rate.select()).all() == [("rapidocr", 1, 1.5)]


def test_the_same_bytes_again_change_nothing(catalog: Catalog) -> None:
    data = a_journal(build(catalog))
    Ingest(catalog).take(piece(data))
    before = pages(catalog)
    again = Ingest(catalog).take(piece(data))
    assert again == IngestStep(offset=len(data))
    assert pages(catalog) == before
    assert count(catalog, "attempt") == 2


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 10_000))
def test_any_cutting_of_the_stream_gives_the_same_rows(tmp_path: Path, seed: int) -> None:
    """Pieces torn anywhere, repeated, and delivered by different processes."""
    choice = random.Random(seed)
    path = tmp_path / f"catalog-{seed}.db"
    path.unlink(missing_ok=True)
    catalog = open_catalog(path)
    data = a_journal(build(catalog))
    ingest, offset = Ingest(catalog), 0
    while offset < len(data):
        end = min(len(data), offset + choice.randrange(1, 400))
        cut = JournalPiece(1, TOKEN, JOURNAL, offset, end, zlib.crc32(header()), data[offset:end])
        if choice.random() < 0.2:
            ingest = Ingest(catalog)
        offset = ingest.take(cut).offset
        if choice.random() < 0.2:
            ingest.take(cut)
        if end == len(data) and offset < end and not data[offset:end].endswith(b"\n"):
            break
        if offset < end:
            rest = JournalPiece(1, TOKEN, JOURNAL, offset, len(data), zlib.crc32(header()), data[offset:])
            offset = ingest.take(rest).offset
    assert count(catalog, "attempt") == 2
    assert pages(catalog)[1][0] == "ok"
    assert pages(catalog)[3][0] == "running"
    catalog.close()


def test_a_torn_line_waits_for_its_end(catalog: Catalog) -> None:
    held = build(catalog)
    data = header() + ok(held.shas[0], 1)
    ingest = Ingest(catalog)
    assert ingest.take(piece(data[:-20], head=zlib.crc32(header()))).ok == 0
    offset = len(header())
    assert ingest.take(piece(data, offset, head=zlib.crc32(header()))).ok == 1


def test_a_line_that_reads_badly_stops_the_cursor_until_it_reads_well(catalog: Catalog) -> None:
    held = build(catalog)
    good = ok(held.shas[0], 2)
    start = header() + ok(held.shas[0], 1)
    zeroed = start + b"\0" * (len(good) - 1) + b"\n" + ok(held.shas[0], 3)
    ingest = Ingest(catalog)
    step = ingest.take(piece(zeroed))
    assert step.ok == 1
    assert "checksum" in step.problem
    assert pages(catalog)[3][0] == "queued", "nothing behind the bad line is taken"
    whole = start + good + ok(held.shas[0], 3)
    assert ingest.take(piece(whole, step.offset, head=zlib.crc32(header()))).ok == 2
    assert [state for state, _, _ in pages(catalog).values()][:3] == ["ok"] * 3


def test_the_ended_jobs_journal_is_read_again_and_what_is_lost_is_counted(catalog: Catalog) -> None:
    held = build(catalog)
    bad = b"\0" * 50 + b"\n"
    data = header() + ok(held.shas[0], 1) + bad + ok(held.shas[0], 3)
    ingest = Ingest(catalog)
    ingest.take(piece(data))
    step = ingest.reconcile(piece(data))
    assert step.unreadable_lines == 1
    assert pages(catalog)[1][0] == "ok"
    assert pages(catalog)[2][0] == "queued"
    assert pages(catalog)[3][0] == "ok"
    assert count(catalog, "attempt") == 2
    assert Ingest(catalog).reconcile(piece(data)).ok == 0, "closed books stay closed"


def test_a_line_behind_zeros_that_stayed_is_taken_once_the_job_has_ended(catalog: Catalog) -> None:
    held = build(catalog)
    before = a_journal(held)
    data = before + b"\0" * 4096 + ok(held.shas[0], 3) + ok(held.shas[0], 4)
    ingest = Ingest(catalog)
    step = ingest.take(piece(data))
    assert (step.ok, step.offset) == (1, len(before)), "the zeros may be lines on their way"
    step = ingest.reconcile(piece(data))
    assert (step.ok, step.unreadable_lines) == (2, 1)
    assert [pages(catalog)[number][0] for number in (3, 4)] == ["ok", "ok"]


def test_a_file_that_shrank_is_quarantined_and_never_rewound(catalog: Catalog) -> None:
    held = build(catalog)
    data = a_journal(held)
    Ingest(catalog).take(piece(data))
    short = JournalPiece(1, TOKEN, JOURNAL, len(data), 10, zlib.crc32(header()), b"")
    assert "quarantined" in Ingest(catalog).take(short).problem
    assert Ingest(catalog).take(piece(data + ok(held.shas[0], 5), len(data))).ok == 0


def test_a_file_with_another_header_is_quarantined(catalog: Catalog) -> None:
    held = build(catalog)
    data = a_journal(held)
    Ingest(catalog).take(piece(data))
    other = header(generation="f" * 16) + data[len(header()) :] + ok(held.shas[0], 5)
    step = Ingest(catalog).take(piece(other, len(data)))
    assert "header" in step.problem
    assert count(catalog, "attempt") == 2


def test_another_jobs_journal_is_not_taken_in_this_ones_name(catalog: Catalog) -> None:
    held = build(catalog)
    step = Ingest(catalog).take(piece(header(token="bothertoken") + ok(held.shas[0], 1)))
    assert "bothertoken" in step.problem
    assert count(catalog, "attempt") == 0


def test_events_about_pages_that_the_job_does_not_hold_are_counted_and_dropped(catalog: Catalog) -> None:
    held = build(catalog)
    step = Ingest(catalog).take(piece(header() + ok("f" * 64, 1) + ok(held.shas[0], 99)))
    assert step.foreign == 2
    assert count(catalog, "attempt") == 0
    assert count(catalog, "event") == 1


def test_a_failure_that_is_not_the_last_leaves_the_page_running(catalog: Catalog) -> None:
    held = build(catalog)
    sha = held.shas[0]
    data = header() + started(sha, 1) + failed(sha, 1, last=False)
    ingest = Ingest(catalog)
    ingest.take(piece(data))
    assert pages(catalog)[1] == ("running", None, 1)
    more = data + ok(sha, 1, attempt=2)
    ingest.take(piece(more, len(data), head=zlib.crc32(header())))
    assert pages(catalog)[1] == ("ok", None, 2)


def test_a_late_failure_does_not_undo_a_page_that_is_read(catalog: Catalog) -> None:
    held = build(catalog)
    sha = held.shas[0]
    Ingest(catalog).take(piece(header() + ok(sha, 1) + failed(sha, 1) + started(sha, 1)))
    assert pages(catalog)[1][0] == "ok"
    assert count(catalog, "attempt") == 2


def test_of_two_readings_the_better_one_is_kept(catalog: Catalog) -> None:
    held = build(catalog)
    sha = held.shas[0]
    data = header() + ok(sha, 1, score=0.5)
    ingest = Ingest(catalog)
    ingest.take(piece(data))
    better = data + ok(sha, 1, score=0.8)
    ingest.take(piece(better, len(data), head=zlib.crc32(header())))
    worse = better + ok(sha, 1, score=0.1)
    ingest.take(piece(worse, len(better), head=zlib.crc32(header())))
    with catalog.reading() as connection:
        page = connection.execute(core.page.select().where(core.page.c.id == 1)).one()
        kept = connection.execute(
            core.attempt.select().where(core.attempt.c.id == page.accepted_attempt_id)
        ).one()
    assert (page.score, kept.score) == (0.8, 0.8)
    assert count(catalog, "attempt") == 3


def test_a_chain_that_let_a_page_go_can_bring_a_reading_but_not_a_failure(catalog: Catalog) -> None:
    held = build(catalog)
    with catalog.writing() as connection:
        connection.exec_driver_sql("UPDATE reservation SET released_at = ?", (now(),))
    data = header() + failed(held.shas[0], 1) + ok(held.shas[0], 2) + started(held.shas[0], 3)
    Ingest(catalog).take(piece(data))
    state = pages(catalog)
    assert state[1] == ("queued", None, 1)
    assert state[2][0] == "ok"
    assert state[3][0] == "queued"


def test_an_ignored_page_stays_ignored(catalog: Catalog) -> None:
    held = build(catalog)
    with catalog.writing() as connection:
        connection.exec_driver_sql("UPDATE page SET state = 'ignored' WHERE id IN (1, 2)")
    Ingest(catalog).take(piece(header() + ok(held.shas[0], 1) + failed(held.shas[0], 2)))
    assert [pages(catalog)[n][0] for n in (1, 2)] == ["ignored", "ignored"]


def test_the_database_itself_refuses_a_doubled_event_and_a_second_live_reservation(catalog: Catalog) -> None:
    held = build(catalog)
    Ingest(catalog).take(piece(header() + ok(held.shas[0], 1)))
    with pytest.raises(IntegrityError), catalog.writing() as connection:
        columns = [column.name for column in core.attempt.columns if column.name != "id"]
        names = ", ".join(f'"{name}"' for name in columns)
        connection.exec_driver_sql(f"INSERT INTO attempt ({names}) SELECT {names} FROM attempt")
    with pytest.raises(IntegrityError), catalog.writing() as connection:
        connection.exec_driver_sql("INSERT INTO reservation (page_id, chain_id, created_at) VALUES (1, 1, 0)")
    with catalog.writing() as connection:
        connection.exec_driver_sql("UPDATE reservation SET released_at = 1 WHERE page_id = 1")
        connection.exec_driver_sql("INSERT INTO reservation (page_id, chain_id, created_at) VALUES (1, 1, 0)")


def test_enough_pages_of_one_language_name_the_documents(catalog: Catalog) -> None:
    held = build(catalog)
    sha = held.shas[0]
    Ingest(catalog).take(piece(header() + b"".join(ok(sha, n) for n in range(1, 6))))
    with catalog.reading() as connection:
        first, second = connection.execute(core.document.select().order_by(core.document.c.id)).all()
    assert (first.language, first.language_source) == ("fr", "detected")
    assert second.language is None


def line_of(text: str) -> bytes:
    """A line whose checksum is right, whatever it holds."""
    body = text.encode()
    return b"%08x %s\n" % (zlib.crc32(body), body)


HUGE = "1" + "0" * 400
"""More than a float or SQLite can hold, and sound JSON."""


@pytest.mark.parametrize("field", ["at", "seconds", "score"])
@pytest.mark.parametrize("value", [HUGE, "-" + HUGE, "NaN", "1e999"])
def test_a_number_that_nothing_can_hold_is_an_unreadable_line(
    catalog: Catalog, field: str, value: str
) -> None:
    sha = build(catalog).shas[0]
    event = f'{{"kind": "page", "document": "{sha}", "page": 1, "status": "started", "at": 1.0'
    step = Ingest(catalog).take(piece(header() + line_of(f'{event}, "{field}": {value}}}')))
    assert step.problem, "its cursor waits there"
    assert pages(catalog)[1][0] == "queued"


@pytest.mark.parametrize("value", [HUGE, "NaN", "Infinity", "-1", '"7"'])
def test_a_sequence_number_and_a_heartbeat_that_are_none_are_left_out(catalog: Catalog, value: str) -> None:
    build(catalog)
    beat = f'{{"kind": "heartbeat", "seq": {value}, "done": 2, "total": 9, "server": {{"queue": {value}}}}}'
    step = Ingest(catalog).take(piece(header() + line_of(beat)))
    assert not step.problem
    with catalog.reading() as connection:
        kept = connection.exec_driver_sql("SELECT heartbeat FROM job").scalar_one()
        assert connection.exec_driver_sql("SELECT seq FROM journal_cursor").scalar_one() == 0
    assert "NaN" not in kept and "Infinity" not in kept and HUGE not in kept


def test_what_a_site_says_of_times_and_evidence_stays_usable(catalog: Catalog) -> None:
    sha = build(catalog).shas[0]
    place = (
        '{"file": "results-0123456789abcdef.jsonl", "offset": 0, "length": 5, "sha256": "' + "0" * 64 + '"}'
    )
    journal = header()
    for number, seconds in enumerate(("1e308", "-5", "2.0")):
        journal += line_of(
            f'{{"kind": "page", "document": "{sha}", "page": {number + 1}, "status": "ok", "at": 1.0,'
            f' "seconds": {seconds}, "evidence": {{"share": NaN}}, "result": {place},'
            f' "provenance": {{"engine": "rapidocr"}}}}'
        )
    Ingest(catalog).take(piece(journal))
    with catalog.reading() as connection:
        assert connection.exec_driver_sql("SELECT pages, seconds FROM engine_rate").all() == [(1, 2.0)]
        kept = connection.exec_driver_sql("SELECT evidence FROM attempt").scalars().all()
    assert len(kept) == 3 and not any("NaN" in evidence for evidence in kept)
