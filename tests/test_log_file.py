"""Logs by line: of any shape, growing, begun anew, searched; and the lines of one site among many."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bocr_tui.report import filtered_lines, log_file
from bocr_tui.report.filtered_lines import FilteredLines
from bocr_tui.report.log_file import LINE_BYTES, LogFile, log_text

PIECES = st.lists(st.binary(max_size=12) | st.sampled_from([b"\n", b"\n\n", b"ab\n"]), max_size=12)


def lines_of(data: bytes) -> list[bytes]:
    lines = data.split(b"\n")
    return lines if lines[-1] else lines[:-1]


@given(PIECES, st.integers(1, 9))
def test_a_growing_log_has_the_lines_that_it_has(
    tmp_path_factory: pytest.TempPathFactory, pieces: list[bytes], block: int
) -> None:
    path = tmp_path_factory.mktemp("log") / "job.log"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(log_file, "BLOCK_BYTES", block)
        log, written = LogFile(path), b""
        assert not log.look().there
        for piece in pieces:
            written += piece
            path.write_bytes(written)
            seen = log.look()
            wanted = lines_of(written)
            assert (seen.lines, seen.whole_lines) == (len(wanted), written.count(b"\n"))
            assert log.lines(0, len(wanted) + 1) == wanted
            for first in range(len(wanted)):
                assert log.lines(first, 2) == wanted[first : first + 2]


@given(PIECES, st.binary(min_size=1, max_size=3), st.integers(1, 9), st.integers(0, 8))
def test_what_is_looked_for_is_found_both_ways(
    tmp_path_factory: pytest.TempPathFactory, pieces: list[bytes], wanted: bytes, block: int, start: int
) -> None:
    path = tmp_path_factory.mktemp("log") / "job.log"
    data = b"".join(pieces)
    path.write_bytes(data)
    text = wanted.replace(b"\n", b"a").decode("utf-8", "surrogateescape")
    needle = text.encode("utf-8", "surrogateescape").lower()
    holding = [number for number, line in enumerate(lines_of(data)) if needle in line.lower()]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(log_file, "BLOCK_BYTES", block)
        patch.setattr(log_file, "_SEARCH_BYTES", 4)
        log = LogFile(path)
        log.look()
        assert log.find(text, start) == next((n for n in holding if n >= start), None)
        assert log.find(text, start, backwards=True) == next((n for n in holding[::-1] if n <= start), None)


def test_a_log_that_begins_anew_is_another_generation(tmp_path: Path) -> None:
    path, mark = tmp_path / "job.log", tmp_path / "job.log.from"
    log = LogFile(path, mark)
    path.write_bytes(b"one\ntwo\n")
    mark.write_text("0")
    first = log.look()
    path.write_bytes(b"six\nten\nand more\n")
    mark.write_text("40960")
    again = log.look()
    assert again.generation != first.generation
    assert log.lines(0, 5) == [b"six", b"ten", b"and more"]
    path.write_bytes(b"x\n")
    shorter = log.look()
    assert (shorter.lines, shorter.generation != again.generation) == (1, True)
    path.unlink()
    assert not log.look().there
    assert log.lines(0, 1) == []


def test_long_lines_are_cut_and_those_overwritten_in_place_end_as_a_terminal_shows_them(
    tmp_path: Path,
) -> None:
    path = tmp_path / "job.log"
    path.write_bytes(b"a" * (LINE_BYTES * 20) + b"\n" + b"\r 10%" * (LINE_BYTES * 4) + b"\r100%\r\nlast")
    log = LogFile(path)
    log.look()
    long, progress, last = log.lines(0, 9)
    assert long == b"a" * LINE_BYTES
    assert len(progress) <= LINE_BYTES
    assert (log_text(progress), log_text(last)) == ("100%", "last")


def test_colours_go_and_everything_else_stays_to_be_made_safe() -> None:
    assert log_text(b"\x1b[36m(pid=1)\x1b[0;0m INFO\tok\xff") == "(pid=1) INFO    ok\ufffd"
    assert log_text(b"\x1b[2J\x1b]0;owned\x07") == "\x1b[2J\x1b]0;owned\x07"


@pytest.mark.parametrize("line", [b"x" * 99 + b"\n", b"\n", b"x" * 32_000_000], ids=["lines", "empty", "one"])
def test_a_log_of_32_megabytes_is_known_and_searched_at_once(tmp_path: Path, line: bytes) -> None:
    path = tmp_path / "job.log"
    path.write_bytes(line * (32_000_000 // len(line)))
    log = LogFile(path)
    began = time.process_time()
    seen = log.look()
    assert seen.lines == 32_000_000 // len(line)
    assert len(log.lines(max(0, seen.lines - 60), 60)) == min(60, seen.lines)
    assert log.find("nowhere to be found", 0) is None
    assert time.process_time() - began < 2.0  # 0.1 on the machine this was written on


def is_wanted(line: bytes) -> bool:
    return line.startswith(b"a")


def test_only_the_lines_that_are_wanted_are_kept_and_the_oldest_give_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(filtered_lines, "MOST_LINES", 10)
    path = tmp_path / "commands.jsonl"
    lines = FilteredLines(path, is_wanted)
    assert not lines.look().there
    path.write_bytes(b"a1\nb1\na2\na3 is not who")
    assert lines.look().lines == 2
    with path.open("ab") as stream:
        stream.write(b"le\n")
    assert lines.look().lines == 3
    assert lines.lines(0, 9) == [b"a1", b"a2", b"a3 is not whole"]
    assert (lines.find("A2", 0), lines.find("a2", 0, backwards=True), lines.find("b1", 0)) == (1, None, None)
    generation = lines.look().generation
    with path.open("ab") as stream:
        stream.write(b"".join(b"a%d\n" % number for number in range(4, 13)))
    seen = lines.look()
    assert (seen.lines, seen.generation != generation) == (5, True)
    assert lines.lines(4, 1) == [b"a12"]


def test_of_a_long_file_the_end_is_read_and_a_line_that_was_cut_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(filtered_lines, "FIRST_BYTES", 10)
    path = tmp_path / "commands.jsonl"
    path.write_bytes(b"a" * 50 + b"\nab\nac\n")
    lines = FilteredLines(path, is_wanted)
    assert (lines.look().lines, lines.lines(0, 9)) == (2, [b"ab", b"ac"])
    path.unlink()
    path.write_bytes(b"ax\n")
    lines.look()
    assert lines.lines(0, 9) == [b"ax"]
