"""Of several readings of a page the better one is kept by its score, whichever engine made it; all stay."""

from __future__ import annotations

import zlib
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert

from bocr_tui.catalog import core
from bocr_tui.catalog.database import Catalog, now, open_catalog
from bocr_tui.catalog.ingest import Ingest, JournalPiece
from bocr_worker.protocol.events import OK, PageEvent, Provenance, ResultPlace
from bocr_worker.protocol.lines import encode_line
from bocr_worker.protocol.recognition import Confidence
from tests.catalog_builder import TOKEN, Held, build, header

CHANDRA, DEEPSEEK = (1, TOKEN, "0123456789abcdef", "chandra"), (2, "bsecond12345", "f" * 16, "deepseek-ocr")


@pytest.fixture
def catalog(tmp_path: Path) -> Catalog:
    return open_catalog(tmp_path / "catalog.db")


@pytest.fixture
def held(catalog: Catalog) -> Held:
    """One chain: a job of Chandra's, and one of DeepSeek-OCR's after it."""
    built = build(catalog, engine="chandra")
    with catalog.writing() as connection:
        connection.execute(
            insert(core.job).values(
                chain_id=1, stage=1, try_number=1, engine="deepseek-ocr", site="local", token=DEEPSEEK[1],
                state="running", reason="", pages=1, ok=0, failed=0, created_at=now(), heartbeat={},
            )
        )  # fmt: skip
    return built


def read(sha: str, made_by: tuple[int, str, str, str], *scores: float) -> JournalPiece:
    """The journal of a job that read page 1 once for each score."""
    job_id, token, generation, engine = made_by
    events = [
        PageEvent(
            document=sha, page=1, status=OK, attempt=attempt, at=2.0, score=score, seconds=1.0,
            confidence=Confidence(score, score / 2),
            provenance=Provenance(engine, "1", prompt_hash="abcdef0123456789"),
            result=ResultPlace(f"results-{generation}.jsonl", 10 * attempt, 10, "0" * 64),
        )
        for attempt, score in enumerate(scores, 1)
    ]  # fmt: skip
    head = header(token, generation)
    data = head + b"".join(encode_line(event.record()) for event in events)
    name = f"journal-{generation}.jsonl"
    return JournalPiece(job_id, token, name, 0, len(data), zlib.crc32(head), data)


def kept(catalog: Catalog) -> Any:
    with catalog.reading() as connection:
        return connection.exec_driver_sql(
            "SELECT p.state, p.engine, p.score, a.engine AS made_by, a.score AS of_attempt, "
            " a.confidence_mean, a.confidence_min, a.prompt_hash,"
            " (SELECT count(*) FROM attempt WHERE page_id = p.id) AS attempts"
            " FROM page p JOIN attempt a ON a.id = p.accepted_attempt_id WHERE p.id = 1"
        ).one()


@pytest.mark.parametrize("again", ["queued", "running", "failed"])
@pytest.mark.parametrize(("score", "made_by"), [(0.6, "chandra"), (0.8, "chandra"), (0.9, "deepseek-ocr")])
def test_a_page_that_is_read_again_keeps_its_text_unless_the_new_one_is_better(
    catalog: Catalog, held: Held, again: str, score: float, made_by: str
) -> None:
    """It is no longer ok while it waits to be read again."""
    ingest = Ingest(catalog)
    ingest.take(read(held.shas[0], CHANDRA, 0.8))
    with catalog.writing() as connection:
        connection.exec_driver_sql("UPDATE page SET state = ? WHERE id = 1", (again,))
    ingest.take(read(held.shas[0], DEEPSEEK, score))
    page = kept(catalog)
    assert (page.state, page.engine, page.made_by) == ("ok", made_by, made_by)
    assert page.score == page.of_attempt == max(0.8, score)
    assert page.attempts == 2


@pytest.mark.parametrize(
    ("pieces", "engine", "score"),
    [
        ([(CHANDRA, 0.8), (DEEPSEEK, 0.6)], "chandra", 0.8),
        ([(DEEPSEEK, 0.6), (CHANDRA, 0.8)], "chandra", 0.8),
        ([(CHANDRA, 0.6), (DEEPSEEK, 0.8)], "deepseek-ocr", 0.8),
        ([(CHANDRA, 0.7, 0.9, 0.6), (DEEPSEEK, 0.8)], "chandra", 0.9),
    ],
)
def test_the_better_reading_is_kept_in_whichever_order_they_come(
    catalog: Catalog, held: Held, pieces: list[Any], engine: str, score: float
) -> None:
    ingest = Ingest(catalog)
    for made_by, *scores in pieces:
        ingest.take(read(held.shas[0], made_by, *scores))
    page = kept(catalog)
    assert (page.state, page.engine, page.made_by) == ("ok", engine, engine)
    assert (page.score, page.of_attempt) == (score, score)
    assert page.attempts == sum(len(each) - 1 for each in pieces), "all stay to be compared"
    assert (page.confidence_mean, page.confidence_min) == (score, score / 2)
    assert page.prompt_hash == "abcdef0123456789"
