"""Files become documents and pages, by content; what cannot be read is told and stops nothing."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from bocr_tui.config.errors import UsageError
from bocr_tui.intake.findings import ImportProgress
from tests.intake.files import Place, image_bytes, make_place, pdf_bytes, put, touch_later


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return make_place(tmp_path)


async def test_a_folder_becomes_documents_and_pages(place: Place) -> None:
    put(place.archive, "a.pdf", pdf_bytes(300, 400, 500))
    put(place.archive, "in/b.tif", image_bytes("TIFF", frames=2))
    put(place.archive, "notes.txt", b"not a manifest when it lies in a folder")
    report = await place.imported()
    assert (report.found, report.added, report.unreadable, report.pages) == (2, 2, 0, 5)
    assert report.problems == ()
    assert place.documents() == {"a.pdf": ("ready", "", 3), "b.tif": ("ready", "", 2)}
    assert place.rows("SELECT number, width_pt, height_pt, state FROM page WHERE document_id = 1") == [
        (1, 300, 800, "new"),
        (2, 400, 800, "new"),
        (3, 500, 800, "new"),
    ]


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF", "BMP", "WEBP"])
async def test_every_image_format_is_a_document_of_one_page(place: Place, kind: str) -> None:
    put(place.archive, f"page.{kind.lower()}", image_bytes(kind))
    report = await place.imported()
    assert (report.added, report.pages) == (1, 1)
    assert place.rows("SELECT kind, state FROM document") == [("image", "ready")]


async def test_the_same_content_under_two_names_is_one_document_with_two_sources(place: Place) -> None:
    content = pdf_bytes(300)
    put(place.archive, "a.pdf", content)
    put(place.archive, "b.pdf", content)
    report = await place.imported()
    assert (report.found, report.added, report.known, report.documents) == (2, 1, 1, 1)
    assert place.rows("SELECT name FROM source WHERE document_id = 1 ORDER BY name") == [
        ("a.pdf",),
        ("b.pdf",),
    ]
    assert place.rows("SELECT count(*) FROM page") == [(1,)]


async def test_two_files_of_one_name_are_two_documents(place: Place) -> None:
    put(place.archive, "1984/bo.pdf", pdf_bytes(300))
    put(place.archive, "1985/bo.pdf", pdf_bytes(400, 400))
    report = await place.imported()
    assert (report.added, report.documents) == (2, 2)
    assert place.rows("SELECT name, page_count FROM document ORDER BY id") == [("bo.pdf", 1), ("bo.pdf", 2)]


async def test_names_that_are_no_text_are_kept_as_bytes_and_shown_safely(place: Place) -> None:
    name = b"caf\xe9\n\x1b[31m.pdf"
    put(place.archive, name, pdf_bytes(300))
    report = await place.imported()
    assert report.added == 1
    assert place.rows("SELECT name FROM document") == [("caf\\xe9\\n\\x1b[31m.pdf",)]
    assert place.rows("SELECT path FROM source") == [(os.fsencode(place.archive) + b"/" + name,)]


async def test_unreadable_files_are_documents_with_a_state_and_a_sentence(place: Place) -> None:
    put(place.archive, "page.pdf", b"<!DOCTYPE html><html><body>404 Not Found</body></html>")
    put(place.archive, "cut.pdf", b"%PDF-1.4\n%%EOF")
    put(place.archive, "nothing.pdf", b"")
    put(place.archive, "good.pdf", pdf_bytes(300))
    report = await place.imported()
    assert place.states() == {
        "page.pdf": "not_a_pdf",
        "cut.pdf": "damaged",
        "nothing.pdf": "empty",
        "good.pdf": "ready",
    }
    assert (report.found, report.added, report.unreadable, report.pages) == (4, 4, 3, 1)
    assert {name for name, _ in report.problems} == {"page.pdf", "cut.pdf", "nothing.pdf"}
    for _, sentence in report.problems:
        assert sentence[0].isupper()
        assert sentence.endswith(".")
        assert "Success" not in sentence


async def test_importing_again_finds_everything_known_without_reading_it(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(30):
        put(place.archive, f"{number}.pdf", pdf_bytes(300 + number))
    put(place.archive, "bad.pdf", b"junk")
    first = await place.imported()
    before = place.rows("SELECT * FROM document ORDER BY id")
    monkeypatch.delattr("bocr_tui.intake.probing.Prober.read")
    again = await place.imported()
    assert (again.found, again.added, again.known, again.changed) == (31, 0, 31, 0)
    assert again.document_ids == first.document_ids
    assert again.problems == first.problems
    assert place.rows("SELECT * FROM document ORDER BY id") == before


async def test_a_changed_file_leads_to_a_new_document_and_the_old_one_is_missing(place: Place) -> None:
    path = put(place.archive, "a.pdf", pdf_bytes(300))
    await place.imported()
    path.write_bytes(pdf_bytes(400, 400))
    touch_later(path)
    report = await place.imported()
    assert (report.found, report.added, report.known, report.changed) == (1, 0, 0, 1)
    assert place.rows("SELECT state, page_count FROM document ORDER BY id") == [("missing", 1), ("ready", 2)]
    assert place.rows("SELECT document_id FROM source") == [(2,)]


async def test_a_file_that_was_only_touched_stays_the_same_document(place: Place) -> None:
    path = put(place.archive, "a.pdf", pdf_bytes(300))
    await place.imported()
    touch_later(path)
    report = await place.imported()
    assert (report.known, report.changed) == (1, 0)
    assert place.rows("SELECT mtime_ns FROM source") == [(path.stat().st_mtime_ns,)]
    assert (await place.imported()).known == 1


async def test_a_mended_file_under_the_same_path_becomes_readable(place: Place) -> None:
    path = put(place.archive, "a.pdf", b"a download that broke")
    assert (await place.imported()).unreadable == 1
    path.write_bytes(pdf_bytes(300))
    touch_later(path)
    report = await place.imported()
    assert (report.changed, report.unreadable, report.pages) == (1, 0, 1)


async def test_a_file_that_is_gone_makes_its_document_missing_until_it_comes_back(place: Place) -> None:
    path = put(place.archive, "a.pdf", pdf_bytes(300, 300))
    put(place.archive, "b.pdf", pdf_bytes(400))
    await place.imported()
    away = path.rename(place.archive.parent / "away.pdf")
    report = await place.imported()
    assert (report.found, report.known, report.missing) == (1, 1, 1)
    assert place.states() == {"a.pdf": "missing", "b.pdf": "ready"}
    away.rename(path)
    report = await place.imported()
    assert (report.known, report.missing) == (2, 0)
    assert place.states() == {"a.pdf": "ready", "b.pdf": "ready"}
    assert place.rows("SELECT count(*) FROM page") == [(3,)]


async def test_a_moved_file_is_the_same_document(place: Place) -> None:
    path = put(place.archive, "a.pdf", pdf_bytes(300))
    await place.imported()
    path.rename(place.archive / "renamed.pdf")
    report = await place.imported()
    assert (report.added, report.known, report.missing) == (0, 1, 1)
    assert place.rows("SELECT state FROM document") == [("ready",)]
    assert place.rows("SELECT name, state FROM source ORDER BY id") == [
        ("a.pdf", "missing"),
        ("renamed.pdf", "present"),
    ]


async def test_files_outside_the_imported_folder_are_not_looked_for(place: Place) -> None:
    put(place.archive, "one/a.pdf", pdf_bytes(300))
    gone = put(place.archive, "two/b.pdf", pdf_bytes(400))
    sibling = put(place.archive, "one0/c.pdf", pdf_bytes(500))
    await place.imported()
    gone.unlink()
    sibling.unlink()
    assert (await place.imported(place.archive / "one")).missing == 0
    assert (await place.imported(place.archive / "two")).missing == 1
    assert (await place.imported()).missing == 1


async def test_files_that_were_named_and_that_a_folder_search_passes_over_are_not_gone(place: Place) -> None:
    hidden = put(place.archive, ".hidden.pdf", pdf_bytes(300))
    put(place.archive, "a.pdf", pdf_bytes(400))
    await place.imported(hidden)
    assert (await place.imported()).missing == 0
    assert set(place.states().values()) == {"ready"}


async def test_a_folder_that_is_gone_makes_all_of_it_missing(place: Place) -> None:
    put(place.archive, "in/a.pdf", pdf_bytes(300))
    await place.imported()
    (place.archive / "in").rename(place.archive.parent / "elsewhere")
    report = await place.imported(place.archive / "in")
    assert report.missing == 1
    assert place.states() == {"a.pdf": "missing"}


async def test_a_path_that_never_existed_is_a_slip_of_the_hand(place: Place) -> None:
    put(place.archive, "a.pdf", pdf_bytes(300))
    with pytest.raises(UsageError, match="does not exist"):
        await place.imported(place.archive, place.archive / "nowhere")
    assert place.rows("SELECT count(*) FROM document") == [(0,)]


async def test_a_manifest_imports_what_it_names(place: Place) -> None:
    put(place.archive, "a.pdf", pdf_bytes(300))
    put(place.archive, "b.pdf", pdf_bytes(400))
    manifest = put(place.archive, "list.txt", b"# wanted\nb.pdf\ngone.pdf\n")
    report = await place.imported(manifest)
    assert (report.found, report.added, report.unreadable) == (2, 1, 1)
    assert report.problems == (("gone.pdf", "This file does not exist."),)
    assert list(place.states()) == ["b.pdf"]


async def test_every_document_named_is_in_the_report_known_or_new(place: Place) -> None:
    put(place.archive, "a.pdf", pdf_bytes(300))
    await place.imported()
    put(place.archive, "b.pdf", pdf_bytes(400, 400))
    report = await place.imported()
    assert report.document_ids == (1, 2)
    assert report.pages == 3


async def test_a_file_named_twice_is_one_source(place: Place) -> None:
    path = put(place.archive, "a.pdf", pdf_bytes(300))
    report = await place.imported(path, path, place.archive)
    assert (report.found, report.added, report.known) == (3, 1, 2)
    assert place.rows("SELECT count(*) FROM source") == [(1,)]


async def test_progress_grows_to_everything_found(place: Place) -> None:
    for number in range(40):
        put(place.archive, f"{number:02}.pdf", pdf_bytes(300 + number))
    seen: list[ImportProgress] = []
    report = await place.imported(on_progress=seen.append)
    assert [progress.done for progress in seen] == sorted(progress.done for progress in seen)
    last = seen[-1]
    assert (last.found, last.done, last.pages, last.looking) == (40, 40, 40, False)
    assert last.bytes == sum(path.stat().st_size for path in place.archive.iterdir())
    assert report.found == 40


@pytest.fixture
def many(place: Place, monkeypatch: pytest.MonkeyPatch) -> int:
    """So many small files, written twenty at a time, that an import can be caught in the middle."""
    monkeypatch.setattr("bocr_tui.intake.importer._WRITE_FILES", 20)
    count = 1200
    for number in range(count):
        put(place.archive, f"{number:04}.pdf", pdf_bytes(300 + number, 300))
    return count


async def test_a_stopped_import_leaves_a_valid_catalog_and_the_next_one_goes_on(
    place: Place, many: int
) -> None:
    stop = asyncio.Event()

    def stop_soon(progress: ImportProgress) -> None:
        if progress.done:
            stop.set()

    first = await place.imported(on_progress=stop_soon, stop=stop)
    assert first.stopped
    assert first.missing == 0
    (documents,) = place.rows("SELECT count(*), sum(page_count) FROM document")
    assert place.rows("SELECT count(*) FROM page") == [(documents[1],)]
    assert documents[0] == first.added < many
    second = await place.imported()
    assert not second.stopped
    assert (second.known, second.added) == (first.added, many - first.added)
    assert place.rows("SELECT count(*), sum(page_count) FROM document") == [(many, 2 * many)]


async def test_a_cancelled_import_leaves_a_valid_catalog(place: Place, many: int) -> None:
    written = asyncio.Event()
    task = asyncio.create_task(
        place.imported(on_progress=lambda progress: written.set() if progress.done else None)
    )
    await written.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert place.rows("PRAGMA integrity_check") == [("ok",)]
    (counted,) = place.rows("SELECT count(*), (SELECT count(*) FROM page) FROM document")
    assert 0 < counted[0] < many
    assert counted[1] == 2 * counted[0]


async def test_the_timeline_tells_of_an_import_that_changed_something(place: Place) -> None:
    put(place.archive, "a.pdf", pdf_bytes(300))
    put(place.archive, "b.pdf", b"junk")
    await place.imported()
    await place.imported()
    assert place.rows("SELECT text FROM event") == [
        ("Import: 2 files added, 1 without a page to read.",),
    ]
