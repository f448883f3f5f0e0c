"""What a stage believes of the run folders beside its own, and which pages it takes then."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from bocr_worker.history import read_history
from bocr_worker.journal import JournalWriter, read_records
from bocr_worker.protocol.errors import ProtocolError
from bocr_worker.protocol.events import FAILED, OK, STARTED, PageEvent, ResultPlace
from bocr_worker.protocol.failures import FailureClass
from bocr_worker.protocol.lines import MAX_LINE_BYTES, encode_line
from bocr_worker.protocol.manifest import DocumentOrder, Manifest, PageOrder, dump_manifest, load_manifest
from bocr_worker.work import pages_to_do, skipped_pages
from tests.papers import make_pdf
from tests.worker.runs import TOKEN, exit_report, make_run, noop_manifest, order_of, page_events, run_worker

SHA = "a" * 64
SECOND = "bsecond123"
READ, FAILS, HALF, UNSEEN, BEGUN = 1, 2, 3, 4, 5


def document(*pages: PageOrder) -> DocumentOrder:
    return DocumentOrder(SHA, "a.pdf", "pdf", "a.pdf", 1, pages)


def second_stage(*pages: PageOrder, only_failed: bool = True) -> Manifest:
    order = document(*(pages or [PageOrder(number) for number in (READ, FAILS, HALF, UNSEEN, BEGUN)]))
    return replace(noop_manifest(order), token=SECOND, stage=1, earlier=(TOKEN,), only_failed=only_failed)


def event(page: int, status: str, **fields: object) -> PageEvent:
    given: dict[str, object] = {"failure": FailureClass.EMPTY} if status == FAILED else {}
    if status == OK:
        given["result"] = ResultPlace("results-1.jsonl", 0, 1, "b" * 64)
    return PageEvent(SHA, page, status, 1, 1.0, **{**given, **fields})  # type: ignore[arg-type]


def first_stage(root: Path) -> Path:
    """A run that was killed: one page read, one failed, one failed for the first time, one begun."""
    run = root / "runs" / TOKEN
    run.mkdir(parents=True)
    journal = JournalWriter(run, TOKEN)
    journal.page(event(READ, OK))
    journal.page(event(FAILS, FAILED))
    journal.page(event(HALF, FAILED, last=False))
    journal.page(event(BEGUN, STARTED))
    journal.close()
    return journal.path


def taken(root: Path, manifest: Manifest) -> list[int]:
    run = root / "runs" / manifest.token
    run.mkdir(exist_ok=True)
    history = read_history(manifest, run).pages
    pages = [page.number for page in pages_to_do(manifest, history)]
    assert len(pages) + skipped_pages(manifest, history) == manifest.page_count
    return pages


def test_a_chained_stage_takes_what_failed_and_leaves_what_nobody_got_to(tmp_path: Path) -> None:
    first_stage(tmp_path)
    assert taken(tmp_path, second_stage()) == [FAILS]
    assert taken(tmp_path, second_stage(only_failed=False)) == [FAILS, HALF, UNSEEN, BEGUN]


def test_a_chained_stage_takes_pages_whose_failure_its_manifest_knows(tmp_path: Path) -> None:
    first_stage(tmp_path)
    failed = PageOrder(UNSEEN, FailureClass.CHARSET)
    assert taken(tmp_path, second_stage(PageOrder(BEGUN), failed)) == [UNSEEN]
    assert taken(tmp_path, second_stage(PageOrder(READ, FailureClass.CHARSET))) == []


def test_only_failed_survives_the_manifest_and_must_be_true_or_false() -> None:
    data = dump_manifest(second_stage())
    assert load_manifest(data).only_failed
    assert not load_manifest(dump_manifest(noop_manifest())).only_failed
    assert not load_manifest(data.replace(b' "only_failed": true,\n', b"")).only_failed
    with pytest.raises(ProtocolError, match="only_failed"):
        load_manifest(data.replace(b'"only_failed": true', b'"only_failed": "yes"'))


def test_a_chained_stage_reads_the_failed_pages_of_a_killed_one_and_counts_the_rest_as_skipped(
    tmp_path: Path,
) -> None:
    paper = order_of(make_pdf(tmp_path / "a.pdf", 4), 4)
    run = make_run(tmp_path, replace(noop_manifest(paper), token=SECOND, earlier=(TOKEN,), only_failed=True))
    journal = JournalWriter(_folder(tmp_path), TOKEN)
    journal.page(replace(event(2, FAILED), document=paper.sha256))
    journal.close()
    assert run_worker(run) == 0
    report = exit_report(run)
    assert (report.outcome, report.ok, report.failed, report.skipped, report.left) == ("ok", 1, 0, 3, 0)
    assert {found.page for found in page_events(run)} == {2}


def test_a_chained_stage_loads_no_model_where_nothing_failed(tmp_path: Path) -> None:
    paper = order_of(make_pdf(tmp_path / "a.pdf", 2), 2)
    manifest = replace(noop_manifest(paper), token=SECOND, earlier=(TOKEN,), only_failed=True)
    run = make_run(tmp_path, replace(manifest, engine=replace(manifest.engine, name="no-such-engine")))
    assert run_worker(run) == 0
    assert (exit_report(run).outcome, exit_report(run).skipped) == ("ok", 2)


# -- neighbours that are not what they should be ---------------------------------------------------------


def _folder(root: Path, token: str = TOKEN) -> Path:
    folder = root / "runs" / token
    folder.mkdir(parents=True)
    return folder


def strange(root: Path) -> list[str]:
    (root / "runs" / SECOND).mkdir(parents=True, exist_ok=True)
    return read_history(second_stage(), root / "runs" / SECOND).strange


def test_a_missing_neighbour_is_named_and_nothing_is_taken(tmp_path: Path) -> None:
    assert strange(tmp_path) == [TOKEN]
    assert taken(tmp_path, second_stage()) == []


def test_a_neighbour_that_is_a_link_is_not_followed(tmp_path: Path) -> None:
    first_stage(tmp_path / "elsewhere")
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / TOKEN).symlink_to(tmp_path / "elsewhere" / "runs" / TOKEN)
    assert strange(tmp_path) == [TOKEN]
    assert taken(tmp_path, second_stage()) == []


def test_journals_that_are_links_pipes_or_folders_are_not_read(tmp_path: Path) -> None:
    journal = first_stage(tmp_path)
    journal.rename(tmp_path / journal.name)
    journal.symlink_to(tmp_path / journal.name)
    os.mkfifo(journal.with_name("journal-0123456789abcdef.jsonl"))
    journal.with_name("journal-fedcba9876543210.jsonl").mkdir()
    assert len(strange(tmp_path)) == 3
    assert taken(tmp_path, second_stage()) == []


def test_a_copy_of_a_journal_is_not_believed(tmp_path: Path) -> None:
    journal = first_stage(tmp_path)
    shutil.move(journal, journal.with_name("journal-0123456789abcdef.jsonl"))
    assert strange(tmp_path) == [f"{TOKEN}/journal-0123456789abcdef.jsonl"]
    assert taken(tmp_path, second_stage()) == []


def test_what_has_no_journals_name_is_not_read(tmp_path: Path) -> None:
    journal = first_stage(tmp_path)
    journal.rename(journal.with_name("journal-old.jsonl"))
    assert strange(tmp_path) == []
    assert taken(tmp_path, second_stage()) == []


@pytest.mark.parametrize("length", range(0, 400, 7))
def test_a_journal_cut_anywhere_is_believed_up_to_its_last_whole_line(tmp_path: Path, length: int) -> None:
    journal = first_stage(tmp_path)
    whole = journal.read_bytes()
    journal.write_bytes(whole[:length] + bytes(50))
    lines = whole[:length].count(b"\n")
    assert len(list(read_records(journal))) == lines
    assert taken(tmp_path, second_stage()) == ([FAILS] if lines >= 3 else [])


def test_a_bad_line_in_the_middle_hides_itself_alone(tmp_path: Path) -> None:
    journal = first_stage(tmp_path)
    lines = journal.read_bytes().split(b"\n")
    lines[1] = bytes(len(lines[1]))
    journal.write_bytes(b"\n".join(lines))
    assert taken(tmp_path, second_stage(only_failed=False)) == [READ, FAILS, HALF, UNSEEN, BEGUN]


def test_a_line_without_an_end_is_not_kept_in_memory(tmp_path: Path) -> None:
    journal = first_stage(tmp_path)
    with journal.open("r+b") as stream:
        stream.seek(0, os.SEEK_END)
        stream.seek(9 * MAX_LINE_BYTES, os.SEEK_CUR)
        stream.write(b"\n" + encode_line(event(UNSEEN, FAILED).record()))
    import tracemalloc

    tracemalloc.start()
    assert taken(tmp_path, second_stage()) == [FAILS, UNSEEN]
    assert tracemalloc.get_traced_memory()[1] < 4 * MAX_LINE_BYTES
    tracemalloc.stop()


def test_pages_of_other_documents_are_not_remembered(tmp_path: Path) -> None:
    run = _folder(tmp_path)
    journal = JournalWriter(run, TOKEN)
    for page in range(1, 200):
        journal.page(event(page, FAILED))
    journal.close()
    mine = _folder(tmp_path, SECOND)
    assert set(read_history(second_stage(PageOrder(7)), mine).pages) == {(SHA, 7)}


def test_reading_ends_early_when_the_job_is_to_end(tmp_path: Path) -> None:
    first_stage(tmp_path)
    run = _folder(tmp_path, SECOND)
    assert read_history(second_stage(), run, stopped=lambda: True).pages == {}
