"""Documents are imported where they lie: nothing is downloaded, nothing read twice, nothing believed."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import signal
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from bocr_tui.catalog.database import Catalog, open_catalog
from bocr_tui.config.errors import SiteError
from bocr_tui.config.workspace import Workspace, make_workspace
from bocr_tui.intake.findings import ImportReport
from bocr_tui.intake.importer import import_paths
from bocr_tui.intake.remote import import_from_site
from bocr_tui.sites.helper import calls
from bocr_tui.sites.helper import scan as helper
from bocr_tui.sites.scheduler.base import Rejected, Submission, SubmitOrder, Unclear
from bocr_tui.sites.scheduler.direct import DirectScheduler
from bocr_tui.sites.site import Site, open_site
from bocr_tui.sites.transport.base import NeverSent, TransportLost
from bocr_tui.sites.transport.local import LocalTransport
from bocr_worker.protocol.scan import ScanEnd, ScanHeader, ScannedFile, encode_scan
from tests.papers import make_pdf

ARABIC = "ق" * 95 + ".pdf"
"""194 bytes, as archives have them."""


class Counting(LocalTransport):
    """Remembers what was asked, and may lose a link."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.calls: list[str] = []
        self.lose: dict[str, list[Exception]] = {}

    async def call(self, function: str, *arguments: object, timeout_s: float = 60.0) -> object:
        self.calls.append(function)
        for error in self.lose.get(function, [])[:1]:
            self.lose[function].pop(0)
            raise error
        return await super().call(function, *arguments, timeout_s=timeout_s)


class Far:
    def __init__(self, folder: Path) -> None:
        made = make_workspace(folder / "workspace")
        made.config_path.write_text('[sites.local]\n[sites.far]\nroot = "far"\npoll_s = 0.05\n')
        self.workspace = Workspace(made.root)
        self.catalog: Catalog = open_catalog(self.workspace.catalog_path)
        self.archive = folder / "archive"
        self.archive.mkdir()
        self.root = self.workspace.root / "far"
        self.transport = Counting(self.root)
        self.site: Site = replace(open_site(self.workspace, "far"), transport=self.transport)

    async def take(self, path: Path | None = None, stop: asyncio.Event | None = None) -> ImportReport:
        asked = os.fsencode(path or self.archive)
        return await import_from_site(self.workspace, self.catalog, self.site, asked, stop=stop)

    def rows(self, statement: str) -> list[tuple[object, ...]]:
        with self.catalog.reading() as connection:
            return [tuple(row) for row in connection.exec_driver_sql(statement)]

    def scans(self) -> list[Path]:
        return sorted((self.root / "scans").glob("*")) if (self.root / "scans").exists() else []


@pytest.fixture
def far(tmp_path: Path) -> Iterator[Far]:
    made = Far(tmp_path)
    yield made
    for scan in made.scans():
        record = helper.read_record(str(scan / helper.PROCESS))
        if record and record.get("born") != helper.DEAD and helper.is_alive(record):
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(record["pid"]), signal.SIGKILL)
    made.catalog.close()


async def test_documents_are_counted_where_they_lie(far: Far) -> None:
    (far.archive / "deep").mkdir()
    paper = make_pdf(far.archive / "deep" / "a.pdf", 3)
    make_pdf(far.archive / "b.pdf", 1, first=9)
    (far.archive / "broken.pdf").write_bytes(b"%PDF-1.4 nothing")
    report = await far.take()
    assert (report.found, report.added, report.pages, report.unreadable) == (3, 3, 4, 1)
    assert not report.stopped
    path = b"site:far:" + os.fsencode(paper)
    info = paper.stat()
    (row,) = far.rows("SELECT path, name, site, size_bytes, mtime_ns, state FROM source WHERE name = 'a.pdf'")
    assert row == (path, "a.pdf", "far", info.st_size, info.st_mtime_ns, "present")
    assert far.rows("SELECT DISTINCT state FROM site_document") == [("in_place",)]
    assert len(far.rows("SELECT 1 FROM page WHERE width_pt > 0")) == 4
    assert far.scans() == [] and far.rows("SELECT key FROM setting") == []
    assert not (far.root / "documents").exists()


async def test_a_second_import_reads_nothing_again_and_sees_what_changed(far: Far) -> None:
    kept, gone = make_pdf(far.archive / "kept.pdf", 2), make_pdf(far.archive / "gone.pdf", 2, first=5)
    await far.take()
    gone.unlink()
    make_pdf(far.archive / "new.pdf", 1, first=8)
    report = await far.take()
    assert (report.found, report.known, report.added, report.missing) == (2, 1, 1, 1)
    assert far.rows("SELECT name, state FROM source ORDER BY name") == [
        ("gone.pdf", "missing"),
        ("kept.pdf", "present"),
        ("new.pdf", "present"),
    ]
    assert far.rows("SELECT state FROM document WHERE name = 'gone.pdf'") == [("missing",)]
    assert len(far.rows("SELECT 1 FROM site_document")) == 2
    make_pdf(kept, 3, first=20)
    report = await far.take()
    assert (report.changed, report.known) == (1, 1)


async def test_one_content_here_and_there_is_one_document(far: Far, tmp_path: Path) -> None:
    here = make_pdf(tmp_path / "here.pdf", 2)
    shutil.copy(here, far.archive / "there.pdf")
    await import_paths(far.workspace, far.catalog, [here], processes=1)
    report = await far.take()
    assert (report.known, report.added) == (1, 0)
    assert far.rows("SELECT name, site FROM source ORDER BY id") == [("here.pdf", ""), ("there.pdf", "far")]
    assert len(far.rows("SELECT 1 FROM document")) == 1
    here.unlink()
    await import_paths(far.workspace, far.catalog, [here], processes=1)
    assert far.rows("SELECT state FROM source ORDER BY id") == [("missing",), ("present",)]
    assert far.rows("SELECT state FROM document") == [("ready",)]


async def test_hostile_names_come_back_byte_for_byte(far: Far, tmp_path: Path) -> None:
    names = [
        b"new\nline.pdf",
        b"quote'\"$(touch pwned)`x`.pdf",
        b"-rf.pdf",
        b"latin\xe9.pdf",
        "\u202efdp.exe.pdf".encode(),
        ARABIC.encode(),
        b"tab\t\x1b[2J.pdf",
    ]
    folder = os.fsencode(far.archive) + b"/$(id)'\n\xff"
    Path(os.fsdecode(folder)).mkdir()
    source = make_pdf(tmp_path / "plain.pdf", 1)
    for number, name in enumerate(names):
        data = source.read_bytes() + b"%% %d" % number
        Path(os.fsdecode(folder + b"/" + name)).write_bytes(data)
    report = await import_from_site(far.workspace, far.catalog, far.site, folder)
    assert (report.found, report.added) == (len(names), len(names))
    found = {path for (path,) in far.rows("SELECT path FROM source")}
    assert found == {b"site:far:" + folder + b"/" + name for name in names}
    shown = [str(name) for (name,) in far.rows("SELECT name FROM source")]
    assert all(name.isprintable() or "ق" in name for name in shown)
    assert not list(tmp_path.rglob("pwned"))


async def test_a_single_file_and_a_link_to_it_are_taken_under_their_own_names(far: Far) -> None:
    paper = make_pdf(far.archive / "a.pdf", 1)
    link = far.archive / "link.pdf"
    link.symlink_to(paper)
    assert (await far.take(paper)).added == 1
    report = await far.take(far.archive)
    assert report.found == 2
    assert len(far.rows("SELECT 1 FROM document")) == 1
    assert [name for (name,) in far.rows("SELECT name FROM source ORDER BY name")] == ["a.pdf", "link.pdf"]


async def test_a_path_that_is_not_there_is_refused_in_words(far: Far) -> None:
    with pytest.raises(SiteError, match="No such file"):
        await far.take(far.archive / "none")
    with pytest.raises(SiteError, match="no absolute path"):
        await import_from_site(far.workspace, far.catalog, far.site, b"relative")


async def test_stopping_leaves_the_scan_running_and_the_next_call_goes_on(far: Far) -> None:
    for number in range(5):
        make_pdf(far.archive / f"{number}.pdf", 1, first=number * 10 + 1)
    stop = asyncio.Event()
    stop.set()
    report = await far.take(stop=stop)
    assert report.stopped
    (scan,) = far.scans()
    report = await far.take()
    assert not report.stopped and report.found == 5
    assert far.transport.calls.count("start_scan") <= 2
    assert scan not in far.scans()


async def test_a_scan_that_is_killed_is_started_again_where_it_was(far: Far) -> None:
    for number in range(3):
        make_pdf(far.archive / f"{number}.pdf", 1, first=number * 10 + 1)
    killed: list[int] = []
    start = helper.start_scan

    def start_and_kill_once(root: str, token: str, login: bool) -> bool:
        started = start(root, token, login)
        if not killed:
            record = helper.read_record(f"{root}/scans/{token}/{helper.PROCESS}")
            killed.append(int(record["pid"]))
            os.killpg(os.getpgid(killed[0]), signal.SIGKILL)
        return started

    calls.FUNCTIONS["start_scan"] = start_and_kill_once
    try:
        report = await far.take()
    finally:
        calls.FUNCTIONS["start_scan"] = start
    assert killed and report.added == 3
    assert far.transport.calls.count("start_scan") == 2


async def test_a_scan_that_never_gets_anywhere_is_given_up_with_its_words(
    far: Far, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_pdf(far.archive / "a.pdf", 1)
    monkeypatch.setattr("bocr_tui.sites.scanning.python_command", lambda *_: "/nonexistent/python")
    with pytest.raises(SiteError, match=r"ends before it is done.*/nonexistent/python"):
        await far.take()


async def test_a_job_may_look_instead_of_the_login_node(far: Far, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(3):
        make_pdf(far.archive / f"{number}.pdf", 2, first=number * 10 + 1)
    told: list[str] = []
    site = replace(far.site, scheduler=DirectScheduler(far.transport), look_s=0.1)
    path = os.fsencode(far.archive)
    report = await import_from_site(far.workspace, far.catalog, site, path, tell=told.append, as_job=True)
    assert (report.added, report.pages) == (3, 6)
    assert "start_scan" not in far.transport.calls
    assert any("is to look at the documents" in words for words in told)
    assert not list((far.root / "runs").iterdir()) and far.scans() == []
    assert far.rows("SELECT key FROM setting") == []


async def test_a_job_that_is_refused_is_told_in_the_schedulers_words(far: Far) -> None:
    class Refusing(DirectScheduler):
        async def submit(self, orders: Sequence[SubmitOrder]) -> list[Submission]:
            return [Rejected("there is no queue gpu_9d")]

    make_pdf(far.archive / "a.pdf", 1)
    site = replace(far.site, scheduler=Refusing(far.transport))
    with pytest.raises(SiteError, match="no queue gpu_9d"):
        await import_from_site(far.workspace, far.catalog, site, os.fsencode(far.archive), as_job=True)
    assert (await far.take()).added == 1


async def test_a_job_of_which_nobody_knows_whether_it_was_taken_is_asked_for_again(
    far: Far, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bocr_tui.intake.remote_starting.SUBMIT_PAUSES_S", (0.01,))
    asked: list[SubmitOrder] = []

    class Doubtful(DirectScheduler):
        async def submit(self, orders: Sequence[SubmitOrder]) -> list[Submission]:
            asked.extend(orders)
            answers = await super().submit(orders)
            return [Unclear("the link was cut")] if len(asked) < 4 else answers

    make_pdf(far.archive / "a.pdf", 1)
    site = replace(far.site, scheduler=Doubtful(far.transport), look_s=0.1)
    path = os.fsencode(far.archive)
    with pytest.raises(SiteError, match="has not taken the job"):
        await import_from_site(far.workspace, far.catalog, site, path, as_job=True)
    assert (await import_from_site(far.workspace, far.catalog, site, path)).added == 1
    assert len({order.token for order in asked}) == 1
    assert [order.again for order in asked] == [False, True, True, True]


async def test_a_cut_link_costs_a_pause_and_nothing_else(far: Far, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bocr_tui.intake.remote.RETRY_S", (0.01, 0.01))
    make_pdf(far.archive / "a.pdf", 2)
    far.transport.lose["follow_scan"] = [TransportLost("cut"), NeverSent("cut")]
    report = await far.take()
    assert (report.added, report.pages) == (1, 2)
    far.transport.lose["follow_scan"] = [TransportLost("The link was cut.")] * 9
    with pytest.raises(TransportLost):
        await far.take()
    far.transport.lose.clear()
    assert (await far.take()).known == 1


async def test_a_site_that_lies_is_not_believed(far: Far, monkeypatch: pytest.MonkeyPatch) -> None:
    """Paths elsewhere, unknown states, lines that are none: what reads well is taken, nothing else."""
    make_pdf(far.archive / "a.pdf", 1)
    top = os.fsencode(far.archive)
    sha = "a" * 64

    def file(path: bytes, **columns: object) -> bytes:
        values = {"sha256": sha, "document_kind": "pdf", "extension": "pdf", "state": "ready", **columns}
        return encode_scan(ScannedFile(path, 5, 7, **values))  # type: ignore[arg-type]

    answer = b"".join(
        [
            encode_scan(ScanHeader(top, "1", "node", 0.0)),
            file(top + b"/../../etc/passwd"),
            file(b"/etc/passwd"),
            file(top + b"/strange.pdf", state="executable"),
            b"00000000 not json\n",
            b"garbage\n",
            file(top + b"/good.pdf", extension="p/../f", reason="\x1b[31mis red"),
            encode_scan(ScanEnd("ok", "", 3, 0, 0, 0.1)),
        ]
    )

    def lie(root: str, token: str, offset: int, most: int) -> dict[str, object]:
        data = answer[offset : offset + most]
        return {"exists": True, "alive": False, "size": len(answer), "data": data, "log": b""}

    monkeypatch.setitem(calls.FUNCTIONS, "follow_scan", lie)
    monkeypatch.setitem(calls.FUNCTIONS, "start_scan", lambda *_: False)
    with pytest.raises(SiteError, match="ends before it is done"):
        await far.take()  # unreadable lines ask for another start, which this site never gives
    assert far.rows("SELECT path FROM source") == [(b"site:far:" + top + b"/good.pdf",)]
    assert far.rows("SELECT extension FROM document") == [("",)]


async def test_a_line_without_end_is_refused(far: Far, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bocr_tui.intake.remote.MAX_LINE_BYTES", 5_000_000)
    monkeypatch.setattr("bocr_tui.intake.remote_lines.MAX_LINE_BYTES", 5_000_000)

    def endless(root: str, token: str, offset: int, most: int) -> dict[str, object]:
        return {"exists": True, "alive": True, "size": 1 << 30, "data": b"x" * most, "log": b""}

    monkeypatch.setitem(calls.FUNCTIONS, "follow_scan", endless)
    with pytest.raises(SiteError, match="a line that does not end"):
        await far.take()


async def test_a_rule_names_the_language_of_a_folder_on_a_site(far: Far) -> None:
    config = far.workspace.config_path
    rule = f'[[language_rules]]\nroot = "site:far:{far.archive}/ar"\nlanguage = "ar"\n'
    config.write_text(config.read_text() + rule)
    far.workspace = Workspace(far.workspace.root)
    (far.archive / "ar").mkdir()
    make_pdf(far.archive / "ar" / "a.pdf", 1)
    make_pdf(far.archive / "b.pdf", 1, first=5)
    await far.take()
    rows = far.rows("SELECT name, language, language_source FROM document ORDER BY name")
    assert rows == [("a.pdf", "ar", "rule"), ("b.pdf", None, None)]


def test_a_scan_that_ended_before_anybody_looked_is_dead(tmp_path: Path) -> None:
    folder = tmp_path / "scans" / "sshort"
    folder.mkdir(parents=True)
    (folder / "order.json").write_text('{"token": "sshort"}')
    (folder / helper.PROCESS).write_text(
        json.dumps({**helper.process_record(2**22 + 1), "born": helper.DEAD})
    )
    assert helper.follow_scan(str(tmp_path), "sshort", 0, 10)["alive"] is False
    (folder / helper.PROCESS).write_text(json.dumps(helper.process_record(2**22 + 1)))
    assert helper.follow_scan(str(tmp_path), "sshort", 0, 10)["alive"] is False


def test_a_folder_that_is_no_scan_of_ours_is_neither_started_nor_deleted(tmp_path: Path) -> None:
    folder = tmp_path / "scans" / "sstranger"
    folder.mkdir(parents=True)
    (folder / "order.json").write_text('{"token": "sother"}')
    (folder / "scan.sh").write_text("touch started")
    for act in (lambda: helper.start_scan(str(tmp_path), "sstranger", False),):
        with pytest.raises(helper.Refused):
            act()
    with pytest.raises(helper.Refused):
        helper.remove_scan(str(tmp_path), "sstranger")
    assert folder.exists()
    (tmp_path / "scans" / "slinked").symlink_to(folder)
    (folder / "order.json").write_text('{"token": "slinked"}')
    with pytest.raises(helper.Refused):
        helper.remove_scan(str(tmp_path), "slinked")
    assert helper.remove_scan(str(tmp_path), "../runs") == 0
