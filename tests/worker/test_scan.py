"""Documents are listed where they lie: all of them, once, whatever they are and whatever ends the scan."""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from bocr_worker.probe.report import ProbeOrder
from bocr_worker.probe.task import probe_document
from bocr_worker.protocol.errors import ProtocolError
from bocr_worker.protocol.scan import (
    KnownFile,
    ScanEnd,
    ScanHeader,
    ScannedFile,
    ScanProgress,
    ScanRecord,
    ScanTrouble,
    decode_scan,
    encode_scan,
)
from bocr_worker.scan import run, walk
from bocr_worker.scan.answer import Answer
from bocr_worker.scan.looking import Looker, listed
from bocr_worker.scan.walk import Found, files
from tests.papers import make_pdf, page_image
from tests.worker.runs import WORKER, wait_for

SHA = "c" * 64


def scan(path: Path | bytes, out: Path, *more: str) -> int:
    return start(path, out, *more).wait(60)


def start(path: Path | bytes, out: Path, *more: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "bocr_worker", "--scan", path, out, *more]
    return subprocess.Popen(command, env={**os.environ, "PYTHONPATH": str(WORKER)}, start_new_session=True)


def answered(out: Path) -> list[ScanRecord]:
    """Every line that reads well."""
    records = []
    for line in out.read_bytes().split(b"\n")[:-1]:
        with contextlib.suppress(ProtocolError):
            records.append(decode_scan(line))
    return [record for record in records if record is not None]


def about(out: Path) -> dict[bytes, ScanRecord]:
    """The last word on each path."""
    kinds = (KnownFile, ScannedFile, ScanTrouble)
    return {record.path: record for record in answered(out) if isinstance(record, kinds)}


def end(out: Path) -> ScanEnd:
    last = answered(out)[-1]
    assert isinstance(last, ScanEnd)
    return last


def strange_tree(root: Path) -> Path:
    """Everything that a folder may hold."""
    make_pdf(root / "plain.pdf", 2)
    (root / "deep" / "deeper").mkdir(parents=True)
    make_pdf(root / "deep" / "deeper" / "UPPER.PDF", 1)
    page_image(3).save(root / "deep" / "scan.tiff")
    (root / "notes.txt").write_text("no document")
    (root / ".hidden.pdf").write_bytes(b"%PDF-")
    (root / ".git").mkdir()
    make_pdf(root / ".git" / "inside.pdf", 1)
    (root / "empty.pdf").touch()
    (root / "page.html.pdf").write_text("<html>not found</html>")
    (root / "link.pdf").symlink_to("plain.pdf")
    (root / "dangling.pdf").symlink_to("gone.pdf")
    (root / "loop").symlink_to(root)
    (root / "also-deep").symlink_to("deep")
    os.mkfifo(root / "pipe.pdf")
    (root / "folder.pdf").mkdir()
    make_pdf(root / "folder.pdf" / "in.pdf", 1)
    for name in (b"latin-\xe9.pdf", b"new\nline.pdf", b"'; rm -rf $HOME #.pdf", b"-dash.pdf"):
        os.link(root / "plain.pdf", os.fsencode(root) + b"/" + name)
    os.link(root / "plain.pdf", root / ("نص" * 45 + ".pdf"))
    return root


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    (tmp_path / "tree").mkdir()
    return strange_tree(tmp_path / "tree")


@pytest.mark.skipif(sys.version_info < (3, 11), reason="the panel needs Python 3.11")
def test_a_folder_holds_what_the_panels_intake_finds_in_it(tree: Path, tmp_path: Path) -> None:
    from bocr_tui.config.workspace import make_workspace
    from bocr_tui.intake import discovery

    workspace = make_workspace(tmp_path / "workspace")
    expected = [
        (entry.path, entry.sentence, entry.gone)
        if isinstance(entry, discovery.Trouble)
        else (entry.path, entry.size_bytes, entry.mtime_ns)
        for entry in discovery.Walk(workspace).files([discovery.resolve(tree)])
    ]
    found = [
        (entry.path, entry.sentence, entry.gone)
        if isinstance(entry, ScanTrouble)
        else (entry.path, entry.size_bytes, entry.mtime_ns)
        for entry in files(os.fsencode(tree))
    ]
    assert found == expected
    assert len(found) > 12
    assert walk.CANDIDATES == discovery.CANDIDATES


def test_every_file_is_listed_with_what_the_probe_says_of_it(tree: Path, tmp_path: Path) -> None:
    out = tmp_path / "scan.jsonl"
    assert scan(tree, out) == 0
    found = [entry for entry in files(os.fsencode(tree)) if isinstance(entry, Found)]
    said = about(out)
    for entry in found:
        report = probe_document(ProbeOrder(os.fsdecode(entry.path)))
        assert said[entry.path] == listed(entry, report)
    assert (end(out).outcome, end(out).files, end(out).troubles) == ("ok", len(found), 2)
    assert end(out).read_bytes == sum(entry.size_bytes for entry in found)
    header = answered(out)[0]
    assert isinstance(header, ScanHeader)
    assert header.path == os.fsencode(tree)


def test_a_file_that_is_named_is_looked_at_whatever_its_extension(tmp_path: Path) -> None:
    odd = make_pdf(tmp_path / "a.pdf", 1).rename(tmp_path / "a.bin")
    out = tmp_path / "scan.jsonl"
    assert scan(odd, out) == 0
    (record,) = about(out).values()
    assert isinstance(record, ScannedFile)
    assert (record.state, record.page_count) == ("ready", 1)


def test_a_path_that_is_not_there_is_a_trouble(tmp_path: Path) -> None:
    out = tmp_path / "scan.jsonl"
    assert scan(tmp_path / "gone", out) == 0
    (record,) = about(out).values()
    assert isinstance(record, ScanTrouble)
    assert record.gone


def test_a_scan_that_is_done_says_nothing_twice(tree: Path, tmp_path: Path) -> None:
    out = tmp_path / "scan.jsonl"
    scan(tree, out)
    lines = len(answered(out))
    assert scan(tree, out) == 0
    assert len(answered(out)) == lines + 2, "a header and an end"
    assert end(out).read_bytes == 0


def test_a_file_that_changed_is_listed_again(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    paper = make_pdf(tmp_path / "in" / "a.pdf", 1)
    out = tmp_path / "scan.jsonl"
    scan(tmp_path / "in", out)
    make_pdf(paper, 3)
    scan(tmp_path / "in", out)
    (record,) = about(out).values()
    assert isinstance(record, ScannedFile)
    assert record.page_count == 3
    assert end(out).files == 1


def test_known_files_are_listed_and_not_read(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    papers = [make_pdf(tmp_path / "in" / f"{name}.pdf", 1) for name in "ab"]
    known, changed = (KnownFile(os.fsencode(p), p.stat().st_size, p.stat().st_mtime_ns, SHA) for p in papers)
    lines = [encode_scan(known), b"nonsense\n", encode_scan(replace(changed, mtime_ns=5))]
    (tmp_path / "known.jsonl").write_bytes(b"".join(lines))
    out = tmp_path / "scan.jsonl"
    assert scan(tmp_path / "in", out, "--known", str(tmp_path / "known.jsonl")) == 0
    said = about(out)
    assert said[known.path] == known
    assert isinstance(said[changed.path], ScannedFile)
    assert end(out).files == 2


@pytest.mark.parametrize("tail", [b"", b"0badc0de {", b"\0" * 700, b"12345678 {}\n", b"\0\0\0\n"])
def test_a_scan_goes_on_where_it_was_killed(tree: Path, tmp_path: Path, tail: bytes) -> None:
    whole, out = tmp_path / "whole.jsonl", tmp_path / "scan.jsonl"
    scan(tree, whole)
    lines = whole.read_bytes().split(b"\n")
    out.write_bytes(b"\n".join(lines[:6]) + b"\n" + tail)
    assert scan(tree, out) == 0
    assert about(out) == about(whole)
    paths = [record.path for record in answered(out) if isinstance(record, ScannedFile)]
    assert len(paths) == len(set(paths)), "a file was looked at twice"


@pytest.mark.parametrize("how", ["sigterm", "stop file"])
def test_a_scan_that_is_asked_to_stop_says_so_and_goes_on_later(tmp_path: Path, how: str) -> None:
    folder, out = tmp_path / "in", tmp_path / "scan.jsonl"
    folder.mkdir()
    make_pdf(folder / "a.pdf", 1)
    with (folder / "b.pdf").open("wb") as stream:
        stream.truncate(60 * 1024**3)
    worker = start(folder, out)
    wait_for(lambda: out.exists() and answered(out))
    begun = time.monotonic()
    if how == "sigterm":
        os.killpg(worker.pid, signal.SIGTERM)
    else:
        (tmp_path / "stop").touch()
    assert worker.wait(30) == 4
    assert time.monotonic() - begun < 6
    assert end(out).outcome == "partial"
    (tmp_path / "stop").unlink(missing_ok=True)
    (folder / "b.pdf").unlink()
    assert scan(folder, out) == 0
    assert set(about(out)) == {os.fsencode(folder / "a.pdf")}


def test_a_hangup_that_was_to_be_ignored_is(tmp_path: Path) -> None:
    """A scan outlives the connection that started it."""
    folder, out = tmp_path / "in", tmp_path / "scan.jsonl"
    folder.mkdir()
    with (folder / "b.pdf").open("wb") as stream:
        stream.truncate(60 * 1024**3)
    shell = f"trap '' HUP; exec {sys.executable} -m bocr_worker --scan {folder} {out}"
    worker = subprocess.Popen(["sh", "-c", shell], env={**os.environ, "PYTHONPATH": str(WORKER)})
    wait_for(lambda: out.exists() and answered(out))
    worker.send_signal(signal.SIGHUP)
    time.sleep(0.5)
    assert worker.poll() is None
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(30) == 4


def test_the_answer_of_another_scan_is_left_alone(tmp_path: Path) -> None:
    out = tmp_path / "scan.jsonl"
    for text in (encode_scan(ScanHeader(b"/elsewhere", "1", "h", 1.0)), b"somebody's notes\n"):
        out.write_bytes(text)
        assert scan(tmp_path, out) == 1
        assert out.read_bytes() == text


def test_an_answer_that_is_a_link_is_not_written_to(tmp_path: Path) -> None:
    (tmp_path / "scan.jsonl").symlink_to(tmp_path / "target")
    assert scan(tmp_path, tmp_path / "scan.jsonl") == 1
    assert not (tmp_path / "target").exists()


def test_two_scans_do_not_answer_into_one_file(tmp_path: Path) -> None:
    out = tmp_path / "scan.jsonl"
    with out.open("w") as stream:
        fcntl.lockf(stream, fcntl.LOCK_EX)
        assert scan(tmp_path, out) == 1


def test_what_bocr_keeps_on_the_site_is_no_find(tmp_path: Path) -> None:
    root = tmp_path / "root"
    for name in ("documents/aa", "split/bb", "runs/cc", "scans/token1", "mine"):
        (root / name).mkdir(parents=True)
        make_pdf(root / name / "a.pdf", 1)
    out = root / "scans" / "token1" / "scan.jsonl"
    assert scan(root, out) == 0
    assert set(about(out)) == {os.fsencode(root / "mine" / "a.pdf")}
    above = root / "scans" / "token2" / "scan.jsonl"
    above.parent.mkdir()
    make_pdf(tmp_path / "beside.pdf", 1)
    assert scan(tmp_path, above) == 0
    assert set(about(above)) == {os.fsencode(tmp_path / "beside.pdf")}


async def test_a_file_that_kills_what_opens_it_is_listed_as_damaged(tmp_path: Path) -> None:
    names = ("a", "kills", "b", "eats", "hangs", "c")
    papers = [make_pdf(tmp_path / f"{name}.pdf", 1) for name in names]
    group = [Found(os.fsencode(p), p.stat().st_size, p.stat().st_mtime_ns) for p in papers]
    looker = Looker(1.0, "tests.worker.scan_tasks:deadly")
    try:
        records = dict(zip(names, await looker.look(group), strict=True))
    finally:
        await looker.close()
    assert all(isinstance(record, ScannedFile) for record in records.values())
    states = {name: (record.state, record.reason) for name, record in records.items()}  # type: ignore[union-attr]
    assert {states[name][0] for name in "abc"} == {"ready"}
    assert "crashes" in states["kills"][1]
    assert "memory" in states["eats"][1]
    assert "takes longer than 1 s" in states["hangs"][1]
    assert records["kills"].sha256 == probe_document(ProbeOrder(str(papers[1]))).sha256  # type: ignore[union-attr]


async def test_progress_is_told_while_a_large_file_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "_PROGRESS_S", 0.05)
    monkeypatch.setattr(run, "_POLL_S", 0.02)
    (tmp_path / "in").mkdir()
    with (tmp_path / "in" / "b.pdf").open("wb") as stream:
        stream.truncate(400 * 1024**2)
    out = tmp_path / "scan.jsonl"
    answer = Answer(out, os.fsencode(tmp_path / "in"))
    scanning = run.Scan(os.fsencode(tmp_path / "in"), out, answer, {}, 1)
    assert await scanning.run() == 0
    answer.close()
    told = [record for record in answered(out) if isinstance(record, ScanProgress)]
    assert len(told) >= 2
    assert told[0].files == 1


def test_an_environment_that_cannot_read_documents_says_so(tmp_path: Path) -> None:
    make_pdf(tmp_path / "a.pdf", 1)
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "pypdfium2.py").write_text("import no_such_library")
    out = tmp_path / "scan.jsonl"
    environment = {**os.environ, "PYTHONPATH": f"{tmp_path / 'lib'}:{WORKER}"}
    command = [sys.executable, "-m", "bocr_worker", "--scan", tmp_path, out]
    assert subprocess.run(command, check=False, timeout=60, env=environment).returncode == 1
    assert end(out).outcome == "error"
    assert "No module named 'no_such_library'" in end(out).cause
