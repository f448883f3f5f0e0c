"""What lies in a run folder is a site's to write: nothing of it may cost the panel more than that run."""

from __future__ import annotations

import asyncio
import errno
import json
import os
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from bocr_tui.catalog.database import Catalog, open_catalog
from bocr_tui.catalog.results import ResultLocator, ResultUnreadable, read_result
from bocr_tui.control import following
from bocr_tui.control.events import Heartbeat
from bocr_tui.control.following import FollowedRun, Follower
from bocr_tui.control.jobs import JobRow, job_row
from bocr_tui.control.judging import report_of
from bocr_tui.sites.helper.runs import MOST_FILES, poll_runs
from bocr_tui.sites.transport.base import RunAsk
from bocr_tui.sites.transport.local import LocalTransport
from bocr_tui.sites.transport.ssh.news import read_news
from bocr_worker.protocol.lines import encode_line
from tests.catalog_builder import GENERATION, JOURNAL, TOKEN, build, header, ok

RESULTS = f"results-{GENERATION}.jsonl"


class Room:
    """A run folder on a site of this machine, and who follows it."""

    def __init__(self, folder: Path) -> None:
        self.catalog: Catalog = open_catalog(folder / "catalog.db")
        held = build(self.catalog)
        self.sha = held.shas[0]
        self.results = folder / "results"
        self.run = folder / "site" / "runs" / TOKEN
        self.run.mkdir(parents=True)
        with self.catalog.reading() as connection:
            self.job: JobRow = replace(job_row(connection, held.job_id), pages=10)
        self.told: list[Any] = []
        site: Any = SimpleNamespace(transport=LocalTransport(folder / "site"))
        self.follower = Follower(self.catalog, site, self.results, self.told.append)

    def follow(self) -> FollowedRun:
        return asyncio.run(self.follower.follow([self.job]))[0]

    def close(self) -> int:
        return asyncio.run(self.follower.close_books(self.follow()))

    def read(self) -> int:
        with self.catalog.reading() as connection:
            return int(connection.exec_driver_sql("SELECT count(*) FROM attempt").scalar_one())


@pytest.fixture
def room(tmp_path: Path) -> Room:
    return Room(tmp_path)


@pytest.mark.parametrize("length", [1 << 62, 1 << 40, 100])
def test_a_length_that_is_not_there_takes_no_memory(tmp_path: Path, length: int) -> None:
    (tmp_path / "btoken").mkdir()
    (tmp_path / "btoken" / "results-a.jsonl").write_bytes(b"short\n")
    with pytest.raises(ResultUnreadable):
        read_result(tmp_path, ResultLocator("btoken/results-a.jsonl", 0, length, "0" * 64))


def test_a_report_with_a_number_that_nothing_can_hold_is_none() -> None:
    report = {"version": 1, "token": "btoken", "outcome": "ok", "seconds": 10**400}
    assert report_of("btoken", json.dumps(report).encode()) is None


@pytest.mark.parametrize("rate", ["fast", {"a": 1}, [], None, 10**400])
def test_a_heartbeat_whose_rate_is_none_is_still_a_heartbeat(room: Room, rate: object) -> None:
    beat = encode_line({"kind": "heartbeat", "seq": 1, "done": 2, "total": 9, "pages_per_s": rate})
    (room.run / JOURNAL).write_bytes(header() + beat)
    room.follow()
    assert room.told == [Heartbeat(room.job.id, 2, 9, 0.0)]


def test_more_files_than_any_worker_writes_are_left_alone(room: Room) -> None:
    for number in range(MOST_FILES + 50):
        (room.run / f"journal-{number:016x}.jsonl").touch()
    (room.run / RESULTS).write_bytes(b"x\n")
    run = room.follow()
    assert len(run.journals) == MOST_FILES
    assert (room.results / TOKEN / RESULTS).exists(), "each kind has its own bound"


def test_a_journal_that_was_read_is_not_hidden_by_files_with_smaller_names(room: Room) -> None:
    (room.run / JOURNAL).write_bytes(header())
    room.follow()
    for number in range(MOST_FILES + 50):
        (room.run / f"journal-{number:016x}.jsonl").touch()
    with (room.run / JOURNAL).open("ab") as stream:
        stream.write(ok(room.sha, 1))
    room.follow()
    assert room.read() == 1


def test_a_results_file_without_end_does_not_fill_this_disk(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "LEAST_RESULTS_BYTES", 8 * 1024 * 1024)
    monkeypatch.setattr(following, "PAGE_RESULTS_BYTES", 0)
    (room.run / RESULTS).touch()
    os.truncate(room.run / RESULTS, 1 << 40)
    for _ in range(10):
        run = room.follow()
        if not run.behind:
            break
    assert not run.behind and not room.follow().behind
    assert (room.results / TOKEN / RESULTS).stat().st_size == 8 * 1024 * 1024
    assert len(room.told) == 1, "and it is said once"


def test_a_journal_that_is_mostly_a_hole_is_closed_and_costs_no_memory(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "REREAD_BYTES", 40 * 1024 * 1024)
    (room.run / JOURNAL).write_bytes(header() + ok(room.sha, 1))
    os.truncate(room.run / JOURNAL, 1 << 40)
    room.follow()
    assert not room.follow().behind, "a tail without a line's end is waited for"
    assert room.close() >= 1
    assert room.read() == 1
    assert room.close() == 0, "closed for good"


def test_without_a_header_nothing_of_a_long_file_is_believed(room: Room) -> None:
    (room.run / JOURNAL).touch()
    os.truncate(room.run / JOURNAL, 20 * 1024 * 1024)
    with (room.run / JOURNAL).open("ab") as stream:
        stream.write(b"\n" + ok(room.sha, 1))
    assert room.close() >= 1
    assert room.read() == 0


def test_after_a_bad_line_the_whole_of_a_long_journal_is_read(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "MAX_LINE_BYTES", 500)
    lines = [ok(room.sha, page, attempt=attempt) for page in range(1, 6) for attempt in range(1, 9)]
    (room.run / JOURNAL).write_bytes(header() + lines[0] + b"\0" * 30 + b"\n" + b"".join(lines[1:]))
    (room.run / RESULTS).write_bytes(b"x\n")
    assert room.close() == 1, "one line is no line"
    assert room.read() == len(lines), "and all others were taken, each once"


def test_links_pipes_and_folders_in_the_place_of_files_are_nothing(room: Room, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("not for the panel\n")
    (room.run / RESULTS).symlink_to(tmp_path / "secret")
    os.mkfifo(room.run / JOURNAL)
    (room.run / "exit.json").mkdir()
    run = room.follow()
    assert (run.journals, run.exit) == ((), None)
    assert not (room.results / TOKEN).exists()


@pytest.mark.parametrize(
    "name", ["journal-{} (copy).jsonl", "results-é.jsonl", "journal-" + "x" * 200 + ".jsonl"]
)
def test_a_file_that_somebody_put_there_costs_no_run_its_news(room: Room, name: str) -> None:
    """Read through what an SSH site's answer is read through: one name that no worker writes makes that
    answer nonsense, and so the answers about all the other runs."""
    (room.run / JOURNAL).write_bytes(header() + ok(room.sha, 1))
    (room.run / name).write_bytes(b"mine\n")
    ask = RunAsk(TOKEN)
    plain = [{"token": TOKEN, "offsets": {}, "max_bytes": ask.max_bytes, "logs": []}]
    (news,) = read_news(poll_runs(str(room.run.parent.parent), plain), [ask])
    assert [file.name for file in news.files] == [JOURNAL]


def test_a_run_that_cannot_be_listed_costs_the_others_nothing(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    (room.run / JOURNAL).write_bytes(header() + ok(room.sha, 1))
    broken = room.run.parent / "bbroken1"
    broken.mkdir()
    listdir = os.listdir

    def fails(path: str) -> list[str]:
        if path == str(broken):
            raise OSError(errno.EIO, "Input/output error")
        return listdir(path)

    monkeypatch.setattr(os, "listdir", fails)
    asks = [{"token": token, "offsets": {}, "max_bytes": 9999, "logs": []} for token in ("bbroken1", TOKEN)]
    first, second = poll_runs(str(room.run.parent.parent), asks)
    assert (first["exists"], first["exit"], first["files"]) == (True, None, [])
    assert [file["name"] for file in second["files"]] == [JOURNAL]
