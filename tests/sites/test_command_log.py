"""The log of commands: appended whole, rotated, read from its end."""

from __future__ import annotations

import multiprocessing
from pathlib import Path

from bocr_tui.sites.command_log import CommandLog, SentCommand, describe_call, older, read_line


def _command(number: int, **more: object) -> SentCommand:
    return SentCommand("far", f"poll_runs [{number}]", 0, 0.5, 10, 20, at=1000.0 + number, **more)  # type: ignore[arg-type]


def test_the_newest_commands_are_read_and_nothing_else_of_a_long_log(tmp_path: Path) -> None:
    log = CommandLog(tmp_path / "commands.jsonl")
    for number in range(2000):
        log.write(_command(number, problem="é\x1b\n" * 10))
    assert [command.at for command in log.newest(3)] == [2997.0, 2998.0, 2999.0]
    assert log.newest(3)[-1] == _command(1999, problem="é\x1b\n" * 10)
    assert len(log.newest(10_000)) == 2000
    assert log.newest(0) == []
    assert (tmp_path / "commands.jsonl").stat().st_mode & 0o077 == 0


def test_lines_that_are_none_are_left_out(tmp_path: Path) -> None:
    log = CommandLog(tmp_path / "commands.jsonl")
    log.write(_command(1))
    with log.path.open("ab") as stream:
        stream.write(b'garbage\n{"at": 1}\n\xff\xfe\n[]\n{"at":1,"site":"far","command')
    assert [command.at for command in log.newest(5)] == [1001.0]
    assert read_line(b"[" * 100_000) is None


def test_a_full_log_is_put_aside_and_still_read(tmp_path: Path) -> None:
    log = CommandLog(tmp_path / "commands.jsonl", cap_bytes=2000)
    for number in range(30):
        log.write(_command(number))
    assert log.path.stat().st_size <= 2000
    assert older(log.path).exists()
    newest = [command.at for command in log.newest(15)]
    assert newest == [1015.0 + number for number in range(15)]


def _write_many(path: Path, first: int) -> None:
    log = CommandLog(path, cap_bytes=40_000)
    for number in range(first, first + 200):
        log.write(_command(number))


def test_several_processes_write_one_log_and_lose_nothing(tmp_path: Path) -> None:
    path = tmp_path / "commands.jsonl"
    context = multiprocessing.get_context("fork")
    writers = [context.Process(target=_write_many, args=(path, first)) for first in (0, 1000)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    kept = [command.at for command in CommandLog(path).newest(10_000)]
    # Two files of 40 kB hold less than was written; what they hold is whole and the newest.
    assert len(kept) == len(set(kept)) > 250
    assert {1199.0, 2199.0} <= set(kept)


def test_a_log_that_cannot_be_written_disturbs_nobody(tmp_path: Path) -> None:
    log = CommandLog(tmp_path / "missing" / "commands.jsonl")
    log.write(_command(1))
    assert log.newest(5) == []


def test_a_call_is_described_by_the_sizes_of_what_it_carries() -> None:
    described = describe_call("stage_folders", ({"runs/x": {}}, [1, 2], b"secret", "a b\x1b", "y" * 100, 7))
    assert described == f'stage_folders {{1}} [2] <6 bytes> "a b\\u001b" {"y" * 39}… 7'
