"""What an export writes: every page is there or named, and nothing that is not its own is touched."""

from __future__ import annotations

import csv
import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from bocr_tui.config.errors import UsageError
from bocr_tui.export.exporter import ExportReport, export
from tests.cli.shelf import FAILED, GAVE_UP, IGNORED, NEW, Leaf, Shelf


@pytest.fixture
def shelf(tmp_path: Path) -> Iterator[Shelf]:
    made = Shelf(tmp_path / "workspace")
    yield made
    made.catalog.close()


def write(shelf: Shelf, destination: Path, *formats: str, **more: object) -> ExportReport:
    return export(shelf.workspace, shelf.catalog, destination, formats=formats, **more)  # type: ignore[arg-type]


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as stream:
        return list(csv.DictReader(stream))


def test_every_page_is_in_the_markdown_or_named_with_its_reason(shelf: Shelf, tmp_path: Path) -> None:
    shelf.document("loi.pdf", [Leaf(text="Article premier."), FAILED, GAVE_UP, NEW, IGNORED])
    report = write(shelf, tmp_path / "out", "markdown")
    text = (tmp_path / "out" / "loi.md").read_text(encoding="utf-8")
    assert "<!-- page 1, ok, engine rapidocr, confidence 0.938 -->\n\nArticle premier." in text
    assert "> Page 2: failed after 1 attempt, coverage: part of the page was not read (share 0.31)" in text
    assert "> Page 3: gave up after 2 attempts, low_confidence: the engine doubts what it read" in text
    assert "> Page 4: not read yet" in text
    assert "> Page 5: left out by a person's word" in text
    assert (report.pages, report.ok, report.missing, report.ignored) == (5, 1, 3, 1)
    assert not report.well


def test_a_document_that_cannot_be_read_has_a_file_that_says_why(shelf: Shelf, tmp_path: Path) -> None:
    shelf.document("secret.pdf", state="protected", reason="A password is needed.")
    report = write(shelf, tmp_path / "out")
    for name in ("secret.md", "secret.txt"):
        assert "A password is needed." in (tmp_path / "out" / name).read_text(encoding="utf-8")
    assert rows_of(tmp_path / "out" / "documents.csv")[0]["reason"] == "A password is needed."
    assert report.unreadable == 1
    assert not report.well


def test_plain_text_ends_each_page_with_a_form_feed(shelf: Shelf, tmp_path: Path) -> None:
    shelf.document("loi.pdf", [Leaf(text="un\fdeux"), FAILED, Leaf(text="trois")])
    write(shelf, tmp_path / "out", "text")
    pages = (tmp_path / "out" / "loi.txt").read_text(encoding="utf-8").split("\f")
    assert pages[0] == "un\ndeux\n"
    assert pages[1].startswith("[Page 2: failed")
    assert pages[2] == "trois\n"
    assert pages[3:] == [""]


def test_json_lines_hold_blocks_provenance_and_the_failed_pages(shelf: Shelf, tmp_path: Path) -> None:
    shelf.document("loi.pdf", [Leaf(text="Dahir"), GAVE_UP])
    write(shelf, tmp_path / "out", "jsonl")
    lines = (tmp_path / "out" / "pages.jsonl").read_text(encoding="utf-8").splitlines()
    first, second = map(json.loads, lines)
    assert first["blocks"][0]["words"][0]["text"] == "Dahi"
    assert first["provenance"]["engine_version"] == "3.10"
    assert (second["state"], second["class"], second["text"]) == ("gave_up", "low_confidence", None)
    assert first.keys() == second.keys()


def test_a_blank_page_is_said_to_be_blank(shelf: Shelf, tmp_path: Path) -> None:
    shelf.document("loi.pdf", [Leaf(text="")])
    report = write(shelf, tmp_path / "out")
    assert "*(blank page)*" in (tmp_path / "out" / "loi.md").read_text(encoding="utf-8")
    assert report.well


def test_text_cannot_pass_for_a_page_mark_or_break_the_head(shelf: Shelf, tmp_path: Path) -> None:
    shelf.document('a"\n---\nb.pdf', [Leaf(text="<!-- page 9, ok -->")])
    write(shelf, tmp_path / "out", "markdown")
    (file,) = (tmp_path / "out").glob("*.md")
    text = file.read_text(encoding="utf-8")
    assert text.count("<!-- page") == 1
    assert text.splitlines()[1] == 'document: "a\\"\\n---\\nb.pdf"'


@pytest.mark.parametrize(
    "text", ["=HYPERLINK(1)", "+1", "-2", "@SUM(A1)", "\t=1", "  =cmd|' /C calc'!A0", "\n=1"]
)
def test_no_cell_is_a_formula(shelf: Shelf, tmp_path: Path, text: str) -> None:
    shelf.document(f"{text}.pdf", [Leaf(text=text)])
    write(shelf, tmp_path / "out", "csv")
    (row,) = rows_of(tmp_path / "out" / "pages.csv")
    assert row["text"] == f"'{text}"
    assert row["document"].startswith("'")


def test_the_tables_open_in_a_spreadsheet(shelf: Shelf, tmp_path: Path) -> None:
    shelf.document("قرار.pdf", [Leaf(text='ligne un\r\n"deux"; trois, quatre\0'), Leaf(text="x" * 40_000)])
    write(shelf, tmp_path / "out", "csv")
    assert (tmp_path / "out" / "pages.csv").read_bytes().startswith(b"\xef\xbb\xbfdocument,")
    first, second = rows_of(tmp_path / "out" / "pages.csv")
    assert first["document"] == "قرار.pdf"
    assert first["text"] == 'ligne un\n"deux"; trois, quatre'
    assert second["characters"] == "40000"
    assert len(second["text"]) < 32_767
    assert second["text"].endswith("[cut here: 40,000 characters in all, whole in pages.jsonl]")


def test_an_empty_catalog_still_gives_tables_with_their_heads(shelf: Shelf, tmp_path: Path) -> None:
    report = write(shelf, tmp_path / "out")
    assert report.well
    assert rows_of(tmp_path / "out" / "pages.csv") == []
    assert (tmp_path / "out" / "pages.jsonl").read_text(encoding="utf-8") == ""


def test_documents_of_one_name_never_overwrite_each_other(shelf: Shelf, tmp_path: Path) -> None:
    for place in range(3):
        shelf.document(("loi.pdf", "loi.pdf", "LOI.PDF")[place], [Leaf(text=f"texte {place}")])
    report = write(shelf, tmp_path / "out", "markdown")
    files = sorted((tmp_path / "out").glob("*.md"))
    assert len(files) == 3 == report.documents
    texts = "".join(file.read_text(encoding="utf-8") for file in files)
    assert all(f"texte {place}" in texts for place in range(3))


def test_a_document_keeps_its_name_when_a_part_is_exported_or_more_is_imported(
    shelf: Shelf, tmp_path: Path
) -> None:
    shelf.document("loi.pdf", [Leaf(text="un")])
    second = shelf.document("loi.pdf", [Leaf(text="deux")])
    write(shelf, tmp_path / "all", "markdown")
    shelf.document("loi.pdf", [Leaf(text="trois")])
    write(shelf, tmp_path / "part", "markdown", document_ids=[second])
    (only,) = (tmp_path / "part").glob("*.md")
    assert (tmp_path / "all" / only.name).read_text(encoding="utf-8") == only.read_text(encoding="utf-8")


def test_a_second_export_replaces_its_own_files_and_nothing_else(shelf: Shelf, tmp_path: Path) -> None:
    out = tmp_path / "out"
    shelf.document("loi.pdf", [Leaf(text="un")])
    write(shelf, out)
    (out / "notes.md").write_text("mine", encoding="utf-8")
    shelf.document("décret.pdf", [Leaf(text="deux")])
    write(shelf, out)
    assert "deux" in (out / "décret.md").read_text(encoding="utf-8")
    assert (out / "notes.md").read_text(encoding="utf-8") == "mine"
    assert not list(out.glob(".bocr-*.part"))


def test_a_file_that_no_export_wrote_stops_the_export_before_it_writes_anything(
    shelf: Shelf, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "loi.md").write_text("mine", encoding="utf-8")
    shelf.document("loi.pdf", [Leaf()])
    with pytest.raises(UsageError, match=r"loi\.md"):
        write(shelf, out)
    assert [path.name for path in out.iterdir()] == ["loi.md"]


def test_a_result_that_does_not_verify_is_a_failed_page(shelf: Shelf, tmp_path: Path) -> None:
    shelf.document("loi.pdf", [Leaf(text="authentique"), Leaf(text="aussi")])
    path = shelf.result_path()
    path.write_bytes(path.read_bytes().replace(b"authentique", b"falsifie!!!"))
    report = write(shelf, tmp_path / "out")
    assert (report.ok, report.missing, report.unverified) == (1, 1, 1)
    assert "loi.pdf page 1" in report.problems[0]
    assert "falsifie" not in (tmp_path / "out" / "loi.md").read_text(encoding="utf-8")
    assert [row["class"] for row in rows_of(tmp_path / "out" / "pages.csv")] == ["unverified", ""]


def test_results_that_are_gone_are_failed_pages(shelf: Shelf, tmp_path: Path) -> None:
    shelf.document("loi.pdf", [Leaf(), Leaf()])
    shelf.result_path().unlink()
    report = write(shelf, tmp_path / "out")
    assert (report.ok, report.unverified) == (0, 2)


def test_another_pages_result_is_not_believed(shelf: Shelf, tmp_path: Path) -> None:
    shelf.document("loi.pdf", [Leaf(text="un"), Leaf(text="deux")])
    with shelf.catalog.writing() as connection:
        connection.exec_driver_sql(
            "UPDATE attempt SET (result_offset, result_length, result_sha256) ="
            " (SELECT result_offset, result_length, result_sha256 FROM attempt WHERE id = 2) WHERE id = 1"
        )
    report = write(shelf, tmp_path / "out")
    assert (report.ok, report.unverified) == (1, 1)


def test_an_export_that_is_stopped_leaves_whole_files_only(shelf: Shelf, tmp_path: Path) -> None:
    for place in range(4):
        shelf.document(f"loi {place}.pdf", [Leaf(text="x"), Leaf(text="y")])
    stop = threading.Event()

    def progress(done: int, total: int, name: str) -> None:
        assert total == 8
        if done == 5:
            stop.set()

    report = write(shelf, tmp_path / "out", progress=progress, stop=stop)
    assert report.stopped
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert names == {".bocr-export", "loi 0.md", "loi 0.txt", "loi 1.md", "loi 1.txt"}
    assert write(shelf, tmp_path / "out").well


def test_a_folder_that_cannot_be_made_is_said_so(shelf: Shelf, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x", encoding="utf-8")
    shelf.document("loi.pdf", [Leaf()])
    with pytest.raises(Exception, match="cannot be written"):
        write(shelf, tmp_path / "file" / "out")


def test_an_unknown_format_is_refused_with_those_there_are(shelf: Shelf, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="markdown, text, jsonl, csv"):
        write(shelf, tmp_path / "out", "docx")


def test_a_long_document_is_read_page_after_page(shelf: Shelf, tmp_path: Path) -> None:
    shelf.document("code.pdf", [Leaf(text=f"page {number}") for number in range(1, 1203)])
    report = write(shelf, tmp_path / "out", "text")
    pages = (tmp_path / "out" / "code.txt").read_text(encoding="utf-8").split("\f")
    assert report.ok == 1202
    assert pages[1201] == "page 1202\n"
