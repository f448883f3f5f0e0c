"""Files that kill, hang or fill the process that reads them cost themselves, and nobody else."""

from __future__ import annotations

import hashlib
import os
from dataclasses import replace
from pathlib import Path

import pytest

from bocr_tui.catalog.words import DocumentState
from bocr_tui.config.errors import BocrError
from bocr_tui.intake.discovery import Found, Trouble
from bocr_tui.intake.findings import Finding
from bocr_tui.intake.probing import Prober, sentence
from bocr_worker.children import ChildSpec
from tests.intake.files import Place, make_place, pdf_bytes, put

HOSTILE = ChildSpec(
    task="tests.intake.hostile:probe", setup="bocr_worker.probe.task:set_up", memory_bytes=1 << 30
)


def found(path: Path) -> Found:
    info = path.stat()
    return Found(os.fsencode(path), os.fsencode(path.parent), info.st_size, info.st_mtime_ns)


async def read(folder: Path, contents: dict[str, bytes]) -> dict[str, Finding | Trouble]:
    group = [found(put(folder, name, content)) for name, content in contents.items()]
    async with Prober(HOSTILE, deadline_s=2.0) as prober:
        entries = await prober.read(group)
    return dict(zip(contents, entries, strict=True))


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"die", r"Opening it crashed the reader: the process died (exit status 9)."),
        (b"hang", r"Opening it took longer than 2 s."),
        (b"eat", r"Opening it takes more than 1,024 MB of memory."),
        (b"raise", r"It cannot be opened (RuntimeError)."),
    ],
)
async def test_a_file_that_its_reader_does_not_survive_is_damaged_and_its_neighbours_are_not(
    tmp_path: Path, content: bytes, reason: str
) -> None:
    entries = await read(
        tmp_path, {"a.pdf": pdf_bytes(300), "bad.pdf": content, "b.pdf": pdf_bytes(400, 400)}
    )
    first, bad, last = (entries[name] for name in ("a.pdf", "bad.pdf", "b.pdf"))
    assert isinstance(first, Finding)
    assert isinstance(last, Finding)
    assert (first.state, first.pages, last.state, last.pages) == ("ready", 1, "ready", 2)
    assert isinstance(bad, Finding)
    assert (bad.state, bad.reason) == (DocumentState.DAMAGED, reason)
    assert bad.sha256 == hashlib.sha256(content).hexdigest()
    assert (bad.size_bytes, bad.kind, bad.extension) == (len(content), "pdf", "pdf")


async def test_the_rest_of_an_import_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bocr_tui.intake.importer.Prober", lambda: Prober(HOSTILE, 2.0))
    place: Place = make_place(tmp_path)
    for number in range(20):
        put(place.archive, f"{number:02}.pdf", pdf_bytes(300 + number))
    put(place.archive, "10a.pdf", b"die")
    put(place.archive, "10b.pdf", b"hang")
    report = await place.imported()
    assert (report.found, report.added, report.unreadable, report.pages) == (22, 22, 2, 20)
    again = await place.imported()
    assert (again.known, again.unreadable) == (22, 2)


async def test_a_file_that_goes_away_while_it_is_read_is_no_document(tmp_path: Path) -> None:
    entry = found(put(tmp_path, "a.pdf", pdf_bytes(300)))
    (tmp_path / "a.pdf").unlink()
    async with Prober() as prober:
        (trouble,) = await prober.read([entry])
    assert isinstance(trouble, Trouble)
    assert trouble.gone


async def test_an_installation_that_cannot_read_says_so_instead_of_blaming_the_files(tmp_path: Path) -> None:
    spec = replace(HOSTILE, setup="tests.intake.hostile:refuse")
    async with Prober(spec) as prober:
        with pytest.raises(BocrError, match="does not start") as refused:
            await prober.read([found(put(tmp_path, "a.pdf", pdf_bytes(300)))])
    assert refused.value.next_step


async def test_a_child_that_dies_while_it_starts_is_started_again(tmp_path: Path) -> None:
    spec = replace(HOSTILE, setup="tests.intake.hostile:stumble", setup_argument=str(tmp_path / "marker"))
    async with Prober(spec) as prober:
        (finding,) = await prober.read([found(put(tmp_path, "a.pdf", pdf_bytes(300)))])
    assert isinstance(finding, Finding)
    assert finding.readable


async def test_a_broken_installation_ends_the_import_with_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = replace(HOSTILE, setup="tests.intake.hostile:refuse")
    monkeypatch.setattr("bocr_tui.intake.importer.Prober", lambda: Prober(spec))
    place = make_place(tmp_path)
    put(place.archive, "a.pdf", pdf_bytes(300))
    with pytest.raises(BocrError, match="does not start"):
        await place.imported(processes=2)
    assert place.rows("SELECT count(*) FROM document") == [(0,)]


@pytest.mark.parametrize(
    ("predicate", "said"),
    [
        ("", ""),
        ("has no pages", "This file has no pages."),
        ("1 of 2 pages cannot be loaded", "1 of 2 pages cannot be loaded."),
    ],
)
def test_predicates_become_sentences(predicate: str, said: str) -> None:
    assert sentence(predicate) == said
