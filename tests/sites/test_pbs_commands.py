"""How PBS's commands are found on a login node, and run without ever waiting for ever."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from bocr_tui.sites.helper import pbs_commands
from bocr_tui.sites.helper.pbs_commands import find_pbs, run_command
from bocr_tui.sites.helper.refusal import Refused
from tests.sites.pbs_fakes import FakePbs


def test_pbs_is_found_as_its_own_configuration_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pbs = FakePbs(tmp_path / "opt" / "pbs")
    configuration = tmp_path / "pbs.conf"
    configuration.write_text(
        f"PBS_SERVER=login1\n# PBS_EXEC=/old\n PBS_EXEC = '{pbs.folder}'\nPBS_HOME=/var\n"
    )
    monkeypatch.setenv("PBS_CONF_FILE", str(configuration))
    assert find_pbs(str(tmp_path)).folder == str(pbs.bin)
    assert find_pbs(str(tmp_path), str(pbs.bin)).folder == str(pbs.bin), (
        "the folder of the commands itself will do, too"
    )


def test_pbs_is_found_on_the_path_and_else_in_a_login_shell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pbs = FakePbs(tmp_path / "pbs")
    monkeypatch.setenv("PBS_CONF_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("PATH", f"relative:{pbs.bin}:{os.environ['PATH']}")
    assert find_pbs(str(tmp_path)).folder == str(pbs.bin)
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    (home / ".bash_profile").write_text(f"echo 'bocr:qstat:no'; echo noise; PATH=$PATH:{pbs.bin}\n")
    assert find_pbs(str(tmp_path)).folder == str(pbs.bin)
    (home / ".bash_profile").write_text("echo nothing\n")
    assert find_pbs(str(tmp_path)).folder == str(pbs.bin), "a login shell is asked once"
    with pytest.raises(Refused, match="PBS is not found"):
        find_pbs(str(tmp_path / "other"))


def test_a_command_runs_in_utc_and_in_no_language(tmp_path: Path) -> None:
    said = run_command(["/bin/sh", "-c", "echo $TZ $LC_ALL $PWD"], 10.0, cwd=str(tmp_path))
    assert said == (0, f"UTC C {tmp_path}\n".encode(), b"")


def test_a_command_that_does_not_end_is_killed_with_all_it_started(tmp_path: Path) -> None:
    mark = tmp_path / "pid"
    begun = time.monotonic()
    said = run_command(["/bin/sh", "-c", f"sleep 60 & echo $! > {mark}; echo begun; wait"], 0.3)
    assert (said.status, said.stdout) == (None, b"begun\n")
    assert time.monotonic() - begun < 5
    stat = Path(f"/proc/{mark.read_text().strip()}/stat")
    deadline = time.monotonic() + 5
    while stat.exists() and stat.read_text().rpartition(")")[2].split()[0] != "Z":
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_command_that_leaves_something_running_is_not_waited_for() -> None:
    begun = time.monotonic()
    said = run_command(["/bin/sh", "-c", "sleep 30 & echo done"], 20.0)
    assert said[:2] == (0, b"done\n")
    assert time.monotonic() - begun < 5


def test_what_a_command_prints_is_bounded_unless_it_is_taken_piece_by_piece() -> None:
    flood = ["/bin/sh", "-c", "head -c 3000000 /dev/zero; head -c 3000000 /dev/zero >&2; exit 3"]
    said = run_command(flood, 20.0)
    assert said.status == 3
    assert len(said.stdout) == pbs_commands.MOST_OUTPUT_BYTES
    assert len(said.stderr) == pbs_commands.MOST_ERRORS_BYTES
    sizes: list[int] = []
    assert run_command(flood, 20.0, take=lambda piece: sizes.append(len(piece))).stdout == b""
    assert sum(sizes) == 3_000_000


def test_a_command_that_cannot_be_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="cannot be run"):
        run_command([str(tmp_path / "none")], 1.0)
