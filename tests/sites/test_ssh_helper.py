"""The helper as it runs on a login node: under old Pythons, with one question and one answer."""

from __future__ import annotations

import ast
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from bocr_tui.sites.helper.calls import FUNCTIONS, PLACES, STREAMS
from bocr_tui.sites.helper.frames import BROKEN, CUT, build_frame
from bocr_tui.sites.transport.ssh.frames import AnswerReader
from bocr_tui.sites.transport.ssh.installing import helper_files

NONCE = b"0123456789abcdef0123456789abcdef"


def _version(python: str) -> tuple[int, ...]:
    code = "import sys; print(*sys.version_info[:2])"
    done = subprocess.run([python, "-c", code], capture_output=True, text=True)
    return tuple(int(part) for part in done.stdout.split()) if done.returncode == 0 else ()


def _oldest_python() -> str:
    """The oldest Python from 3.6 on that lies about."""
    found = {shutil.which(f"python3.{minor}") for minor in range(6, 12)}
    found |= {str(path) for path in Path.home().glob(".pyenv/versions/3.*/bin/python")}
    usable = {python: _version(python) for python in found if python}
    old = {python: version for python, version in usable.items() if version >= (3, 6)}
    return min(old, key=lambda python: old[python], default=sys.executable)


@pytest.fixture
def helper(tmp_path: Path) -> Path:
    for name, data in helper_files().items():
        path = tmp_path / "helper" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return tmp_path / "helper" / "__main__.py"


def _question(root: Path, function: str, *arguments: object, timeout_s: float = 20) -> bytes:
    asked = {"call": function, "root": str(root), "arguments": arguments, "timeout_s": timeout_s}
    return build_frame(NONCE, asked)


def _run(helper: Path, sent: bytes, python: str = sys.executable) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([python, "-I", "-S", str(helper)], input=sent, capture_output=True, timeout=60)


def _answer(helper: Path, sent: bytes, python: str = sys.executable) -> Any:
    done = _run(helper, sent, python)
    reader = AnswerReader(NONCE)
    reader.feed(done.stdout)
    assert reader.payload is not None, done
    return reader.value()


def test_every_function_is_where_it_is_said_to_be() -> None:
    assert all(FUNCTIONS[name].__name__ == name for name in PLACES)
    assert set(STREAMS) <= set(PLACES)


def test_all_of_it_reads_as_python_3_6() -> None:
    for name, data in helper_files().items():
        ast.parse(data, name, feature_version=(3, 6))


def test_it_answers_under_the_oldest_python_there_is(helper: Path, tmp_path: Path) -> None:
    root = tmp_path / "sité"
    python = _oldest_python()
    files = {"runs/bold1aaa": {"journal-0000000000000000.jsonl": b"head\n\xff\x00line\n", "é/x": b""}}
    assert _answer(helper, _question(root, "stage_folders", files), python) == {"ok": None}
    ask = {"token": "bold1aaa", "offsets": {}, "max_bytes": 100, "logs": []}
    (news,) = _answer(helper, _question(root, "poll_runs", [ask], 1000), python)["ok"]
    assert news["files"][0]["data"] == b"head\n\xff\x00line\n"
    assert (root / "runs" / "bold1aaa" / "é" / "x").exists()


def test_a_question_that_did_not_come_whole_is_not_carried_out(helper: Path, tmp_path: Path) -> None:
    sent = _question(tmp_path, "stage_folders", {"runs/bcut1aaa": {"a": b"1"}})
    for size in (0, 10, len(sent) // 2, len(sent) - 1):
        assert _run(helper, sent[:size]).returncode == CUT
    assert not (tmp_path / "runs").exists()


def test_refusals_and_errors_have_their_own_kinds(helper: Path, tmp_path: Path) -> None:
    refused = _answer(helper, _question(tmp_path, "stage_folders", {"../x": {}}))
    assert "is no name below a folder" in refused["refused"][0]
    missing = _answer(helper, _question(tmp_path, "remove_run", "bnone1aaa"))
    assert "no manifest" in missing["os_error"]
    assert "TypeError" in _answer(helper, _question(tmp_path, "poll_runs", 1, 2, 3, 4))["error"]
    assert "no function" in _answer(helper, _question(tmp_path, "system", "id"))["refused"][0]


def _with_function(helper: Path, body: str) -> None:
    """Give it another function, `extra`."""
    calls = helper.parent / "bocr_helper" / "calls.py"
    calls.write_text(f"{calls.read_text()}\ndef extra(root):\n    {body}\nFUNCTIONS['extra'] = extra\n")


def test_what_functions_and_their_children_print_is_no_part_of_the_answer(
    helper: Path, tmp_path: Path
) -> None:
    _with_function(helper, "import os; print('loud'); os.system('echo louder'); return 7")
    done = _run(helper, _question(tmp_path, "extra"))
    assert done.stdout.startswith(b"bocr-frame ")
    assert b"louder" in done.stderr


def test_a_function_that_takes_too_long_is_ended(helper: Path, tmp_path: Path) -> None:
    _with_function(
        helper, "import time\n    try:\n        time.sleep(60)\n    except Exception:\n        pass"
    )
    answer = _answer(helper, _question(tmp_path, "extra", timeout_s=0.3))
    assert "longer than" in answer["timeout"]


def test_a_function_is_finished_when_the_connection_hangs_up(helper: Path, tmp_path: Path) -> None:
    body = "import os, signal, time; os.kill(os.getpid(), signal.SIGHUP); open(root + '/done', 'w').close()"
    _with_function(helper, body)
    before = signal.getsignal(signal.SIGHUP)
    assert _answer(helper, _question(tmp_path, "extra")) == {"ok": None}
    assert (tmp_path / "done").exists()
    assert signal.getsignal(signal.SIGHUP) == before, "only the helper ignores it"


def test_a_helper_that_lost_a_file_says_so_by_its_exit_code(helper: Path, tmp_path: Path) -> None:
    for name in ("runs.py", "refusal.py", "__main__.py"):
        (helper.parent / "bocr_helper" / name).unlink()
        done = _run(helper, _question(tmp_path, "poll_runs", []))
        assert done.returncode == BROKEN
        assert b"does not load" in done.stderr
