"""A person's word on a page: it is kept, it says so, and no machine overturns it."""

from __future__ import annotations

import json
import zlib
from pathlib import Path

import pytest

from bocr_tui.catalog.ingest import Ingest, JournalPiece
from bocr_tui.catalog.lists import open_reader
from bocr_tui.config.errors import CatalogError, UsageError
from bocr_tui.control.orders import ignore_pages
from bocr_tui.control.reviewing import accept, text_to_edit, write_text
from bocr_worker.protocol.failures import FailureClass
from tests.catalog_builder import GENERATION, JOURNAL, TOKEN, Held, build, failed, header, ok, started
from tests.cli.shelf import FAILED, GAVE_UP, IGNORED, NEW, Leaf, Shelf

LINES = "ROYAUME DU MAROC\nBULLETIN OFFICIEL"


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path / "w")


def rows(shelf: Shelf) -> list[tuple[object, ...]]:
    with shelf.catalog.reading() as connection:
        return [
            tuple(row)
            for row in connection.exec_driver_sql(
                "SELECT id, state, failure, engine, by_person, attempts FROM page ORDER BY id"
            )
        ]


def failed_with_text(shelf: Shelf) -> int:
    """A failed page whose attempt left a text: the id."""
    shelf.document("loi.pdf", [Leaf("ok", LINES)])
    with shelf.catalog.writing() as connection:
        connection.exec_driver_sql(
            "UPDATE page SET state = 'failed', failure = 'low_confidence', accepted_attempt_id = NULL"
        )
        connection.exec_driver_sql("UPDATE attempt SET outcome = 'failed', failure = 'low_confidence'")
    return 1


def test_the_text_of_a_failed_attempt_becomes_the_page_s(shelf: Shelf) -> None:
    page = failed_with_text(shelf)
    done = accept(shelf.catalog, shelf.workspace.results, [page])
    assert done.pages == 1 and not done.refused
    assert rows(shelf) == [(1, "ok", None, "rapidocr", 1, 1)]
    reader = open_reader(shelf.workspace.catalog_path)
    (event,) = [each for each in reader.events(5) if each.kind == "page"]
    assert event.text == "A person accepted what rapidocr read on page 1 of loi.pdf"
    reader.close()


def test_nothing_that_left_no_text_or_does_not_verify_is_accepted(shelf: Shelf) -> None:
    shelf.document("loi.pdf", [GAVE_UP, Leaf("ok", LINES)])
    with pytest.raises(UsageError, match="No attempt left a text"):
        accept(shelf.catalog, shelf.workspace.results, [1])
    with pytest.raises(UsageError, match="Attempt 1 left no text"):
        accept(shelf.catalog, shelf.workspace.results, [1], 1)
    with pytest.raises(UsageError, match="no attempt 9"):
        accept(shelf.catalog, shelf.workspace.results, [1], 9)
    for file in shelf.workspace.results.rglob("*.jsonl"):
        file.write_bytes(file.read_bytes().replace(b"ROYAUME", b"REPUBLI"))
    with pytest.raises(CatalogError, match="do not hash"):
        accept(shelf.catalog, shelf.workspace.results, [2])
    assert [row[4] for row in rows(shelf)] == [0, 0]
    done = accept(shelf.catalog, shelf.workspace.results, [1, 2])
    assert done.pages == 0 and [page for page, _ in done.refused] == [1, 2]


@pytest.mark.parametrize(
    "leaf", [Leaf("ok", LINES), FAILED, GAVE_UP, IGNORED, NEW], ids=lambda leaf: leaf.state
)
def test_a_text_that_a_person_wrote_is_one_attempt_more_and_says_whose_it_is(
    shelf: Shelf, leaf: Leaf
) -> None:
    shelf.document("loi.pdf", [leaf])
    reader = open_reader(shelf.workspace.catalog_path)
    before = reader.attempts(1)
    write_text(shelf.catalog, shelf.workspace.results, 1, "Dahir n° 1\nالمادة الأولى\n")
    after = reader.attempts(1)
    assert after[: len(before)] == before
    (made,) = after[len(before) :]
    assert (made.engine, made.outcome, made.job_id, made.token, made.last) == (
        "person",
        "ok",
        None,
        "",
        False,
    )
    assert made.variation == ("edited" if leaf.text else "typed")
    assert rows(shelf)[0][1:5] == ("ok", None, "person", 1)
    assert reader.pages.rows([1])[0].accepted_attempt_id == made.id
    assert text_to_edit(shelf.catalog, shelf.workspace.results, 1) == ("Dahir n° 1\nالمادة الأولى", ".txt")
    reader.close()


def test_a_mended_line_keeps_its_box_and_loses_its_confidence(shelf: Shelf) -> None:
    from bocr_tui.control.written_text import recognition_of
    from bocr_worker.protocol.recognition import Block, Recognition

    blocks = tuple(
        Block(line, (0.1, y, 0.9, y + 0.1), "line", 0.5) for line, y in (("Dahlr", 0.1), ("Article", 0.3))
    )
    before = Recognition("Dahlr\nArticle", "Dahlr\nArticle", blocks)
    mended = recognition_of("Dahir\n\nArticle\n", before)
    assert [(block.text, block.box[1], block.confidence) for block in mended.blocks] == [
        ("Dahir", 0.1, None),
        ("Article", 0.3, 0.5),
    ]
    assert recognition_of("Dahir Article", before).blocks == ()
    paragraphs = Recognition("Dahlr\nArticle", "Dahlr\n\nArticle", blocks)
    assert [block.text for block in recognition_of("Dahir\n\nArticle", paragraphs).blocks] == [
        "Dahir",
        "Article",
    ]
    assert recognition_of("Autre\n\nChose", paragraphs).blocks == ()
    structured = Recognition("Titre\nDahlr", "# Titre\n\nDahlr", blocks)
    made = recognition_of("# Titre\n\n**Dahir**", structured)
    assert (made.text, made.markdown, made.blocks) == ("Titre\n\nDahir", "# Titre\n\n**Dahir**", ())


def test_it_is_exported_as_the_page_s_text_with_its_provenance(shelf: Shelf, tmp_path: Path) -> None:
    from bocr_tui.export.exporter import export

    shelf.document("loi.pdf", [FAILED])
    write_text(shelf.catalog, shelf.workspace.results, 1, "Écrit à la main.")
    export(shelf.workspace, shelf.catalog, tmp_path / "out")
    (line,) = (tmp_path / "out" / "pages.jsonl").read_text().splitlines()
    record = json.loads(line)
    assert record["text"] == "Écrit à la main." and record["engine"] == "person"
    assert record["provenance"]["accepted_by"] == "person"
    assert record["provenance"]["variation"] == "typed"


@pytest.mark.parametrize("how", ["written", "ignored"])
def test_a_person_s_word_on_the_last_failed_page_settles_its_batch(shelf: Shelf, how: str) -> None:
    shelf.document("loi.pdf", [Leaf("ok", LINES), FAILED])
    with shelf.catalog.writing() as connection:
        connection.exec_driver_sql(
            "INSERT INTO batch (id, name, state, pages, documents, created_at)"
            " VALUES (1, 'b0001', 'attention', 2, 1, 0)"
        )
        connection.exec_driver_sql("UPDATE page SET batch_id = 1")
    if how == "written":
        write_text(shelf.catalog, shelf.workspace.results, 2, "Lu.")
    else:
        ignore_pages(shelf.catalog, [2])
    with shelf.catalog.reading() as connection:
        assert connection.exec_driver_sql("SELECT state FROM batch").scalar() == "done"


def _piece(data: bytes) -> JournalPiece:
    first = data[: data.find(b"\n") + 1]
    return JournalPiece(1, TOKEN, JOURNAL, 0, len(data), zlib.crc32(first), data)


def test_what_machines_say_later_is_kept_and_changes_nothing(tmp_path: Path) -> None:
    from bocr_tui.catalog.database import open_catalog

    catalog = open_catalog(tmp_path / "catalog.db")
    held: Held = build(catalog, documents=1, pages=4)
    results = tmp_path / "results"
    sha = held.shas[0]
    written = [write_text(catalog, results, page, f"Page {page}.") for page in held.page_ids[:3]]
    later = b"".join(
        [
            header(TOKEN, GENERATION),
            started(sha, 1),
            ok(sha, 1, score=1.0),
            started(sha, 2),
            failed(sha, 2, FailureClass.COVERAGE),
            started(sha, 3),
            started(sha, 4),
            ok(sha, 4),
        ]
    )
    ingest = Ingest(catalog)
    for _ in range(2):  # the same bytes twice count once
        ingest.take(_piece(later))
    with catalog.reading() as connection:
        pages = connection.exec_driver_sql(
            "SELECT state, failure, engine, accepted_attempt_id, attempts FROM page ORDER BY id"
        ).all()
        machines = connection.exec_driver_sql("SELECT count(*) FROM attempt WHERE job_id = 1").scalar()
    assert [tuple(row) for row in pages[:3]] == [
        ("ok", None, "person", written[0], 2),
        ("ok", None, "person", written[1], 2),
        ("ok", None, "person", written[2], 1),
    ]
    assert pages[3][0] == "ok" and pages[3][2] == "rapidocr"
    assert machines == 3
