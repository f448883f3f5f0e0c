"""A lock on a run folder: one holder at a time, and none after its death."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from bocr_tui.sites.helper import run_lock
from bocr_tui.sites.helper.refusal import Refused
from bocr_tui.sites.helper.run_files import age_s, read_record, write_first, write_whole
from bocr_tui.sites.helper.run_lock import is_alive, process_record, take_lock


def dead_process() -> dict[str, object]:
    """What a process of this machine that has ended would have left."""
    process = subprocess.Popen([sys.executable, "-IS", "-c", "input()"], stdin=subprocess.PIPE)
    record = process_record(process.pid)
    process.communicate()
    return record


def held_by(run: Path, number: int, record: dict[str, object]) -> Path:
    place = run / "lock" / str(number)
    place.mkdir(parents=True)
    (place / "holder.json").write_text(json.dumps(record))
    return place


def test_one_holder_at_a_time(tmp_path: Path) -> None:
    inside, most, done = [0], [0], []

    def work() -> None:
        for _ in range(5):
            lock = take_lock(str(tmp_path), 20.0)
            assert lock is not None
            inside[0] += 1
            most[0] = max(most[0], inside[0])
            time.sleep(0.001)
            inside[0] -= 1
            lock.release()
        done.append(1)

    workers = [threading.Thread(target=work) for _ in range(8)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert (most, len(done)) == ([1], 8)
    assert len(list((tmp_path / "lock").iterdir())) == 40, "each holding has a number of its own"


def test_a_living_holder_is_waited_for_and_not_succeeded(tmp_path: Path) -> None:
    first = take_lock(str(tmp_path), 1.0)
    assert first is not None
    assert take_lock(str(tmp_path), 0.1) is None
    assert first.still_held()


def test_a_dead_holder_is_succeeded_by_one(tmp_path: Path) -> None:
    held_by(tmp_path, 7, dead_process())
    locks = [take_lock(str(tmp_path), 0.1) for _ in range(3)]
    assert [lock is not None for lock in locks] == [True, False, False]
    assert (tmp_path / "lock" / "8").is_dir()


def test_a_holder_on_another_machine_is_believed_for_a_while(tmp_path: Path) -> None:
    place = held_by(tmp_path, 1, {**process_record(1), "host": "login2"})
    assert take_lock(str(tmp_path), 0.05) is None
    long_ago = time.time() - run_lock.LONGEST_HELD_S - 5
    os.utime(place / "holder.json", (long_ago, long_ago))
    assert take_lock(str(tmp_path), 0.05) is not None


def test_a_machine_that_was_started_anew_is_another_machine(tmp_path: Path) -> None:
    """Two machines may have one name, and process numbers begin anew."""
    assert is_alive({**process_record(os.getpid()), "boot": "other"}) is None
    assert is_alive(process_record(os.getpid())) is True
    assert is_alive(dead_process()) is False
    assert is_alive({}) is None


def test_a_holder_that_was_succeeded_knows_it(tmp_path: Path) -> None:
    first = take_lock(str(tmp_path), 1.0)
    assert first is not None
    holder = tmp_path / "lock" / "1" / "holder.json"
    holder.write_text(json.dumps(dead_process()))
    second = take_lock(str(tmp_path), 1.0)
    assert second is not None and second.still_held()
    assert not first.still_held()
    first.release()
    assert take_lock(str(tmp_path), 0.05) is None, "the first one's release is not the second's"


def test_a_holder_that_does_not_read_well_is_believed_for_a_while(tmp_path: Path) -> None:
    place = held_by(tmp_path, 1, {})
    (place / "holder.json").write_bytes(b"\xff{")
    assert take_lock(str(tmp_path), 0.05) is None


def test_a_run_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="no run folder"):
        take_lock(str(tmp_path / "none"), 0.1)


def test_a_file_is_written_whole_or_first(tmp_path: Path) -> None:
    path = str(tmp_path / "a")
    assert write_first(path, b"1") and not write_first(path, b"2")
    assert Path(path).read_bytes() == b"1"
    write_whole(path, b"3")
    assert Path(path).read_bytes() == b"3"
    assert [one.name for one in tmp_path.iterdir()] == ["a"]


def test_age_is_told_by_the_file_system_s_clock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a"
    path.touch()
    monkeypatch.setattr(time, "time", lambda: 0.0)
    os.utime(path, ns=(0, path.stat().st_mtime_ns - 90_000_000_000))
    assert 89 < age_s(str(path)) < 95
    assert age_s(str(tmp_path / "none")) == 0.0


@pytest.mark.parametrize("data", [b"", b"[]", b"{", b"\xff", b"3"])
def test_a_record_that_is_none_is_empty(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "a").write_bytes(data)
    assert read_record(str(tmp_path / "a")) == {}
