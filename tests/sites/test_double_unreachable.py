"""What commands say when the server is down, frozen, or not where the configuration says."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest

from tests.pbs_double.replay import HPC_WORK, difference, recorded, stage
from tests.pbs_double.settings import BUILDS

CONFIGURATIONS = {
    "noserver.conf": "PBS_EXEC=/opt/pbs\nPBS_HOME=/var/spool/pbs\n",
    "unres.conf": "PBS_SERVER=nosuchhost\nPBS_EXEC=/opt/pbs\nPBS_HOME=/var/spool/pbs\n",
    "unreach.conf": "PBS_SERVER=203.0.113.9\nPBS_EXEC=/opt/pbs\nPBS_HOME=/var/spool/pbs\n",
}


def names(build: str, pattern: str) -> list[str]:
    return [name for name in recorded(build) if re.match(pattern, name)]


@pytest.mark.parametrize("build", BUILDS)
@pytest.mark.parametrize("killed", [False, True], ids=["switched off", "killed"])
def test_a_server_that_is_down_refuses_as_recorded(tmp_path: Path, build: str, killed: bool) -> None:
    with stage(tmp_path, build) as found:
        (found.place(HPC_WORK) / "o.sh").write_text("#!/bin/bash\nsleep 1\n")
        if killed:
            found.pbs.kill_server()
        else:
            found.pbs.faults(server="down")
        for name in names(build, "server_down_"):
            assert not difference(*found.play(name)), name


def test_a_frozen_server_never_answers(tmp_path: Path) -> None:
    """Recorded with the newest build only."""
    with stage(tmp_path, "master") as found:
        (found.place(HPC_WORK) / "o.sh").write_text("#!/bin/bash\nsleep 1\n")
        found.pbs.faults(server="hung")
        for name in names("master", "server_hung_"):
            assert not difference(*found.play(name)), name


def test_a_wrong_configuration_is_told_as_recorded(tmp_path: Path) -> None:
    """Recorded with the newest build only."""
    with stage(tmp_path, "master") as found:
        (found.place(HPC_WORK) / "o.sh").write_text("#!/bin/bash\nsleep 1\n")
        for file, text in CONFIGURATIONS.items():
            (found.place("/home/hpc") / file).write_text(text)
        for name in names("master", "server_name_|server_not_pbs|pbs_conf_missing"):
            assert not difference(*found.play(name)), name


def test_what_a_command_finds_wrong_by_itself_comes_first(tmp_path: Path) -> None:
    with stage(tmp_path, "release") as found:
        found.pbs.faults(server="down")
        for name in (
            "qsub_err_unknown_option",
            "qsub_name_space",
            "qsub_err_script_missing",
            "qdel_malformed",
        ):
            assert not difference(*found.play(name)), name


def test_a_spoiled_json_document_does_not_parse_and_text_is_unharmed(tmp_path: Path) -> None:
    with stage(tmp_path, "master") as found:
        found.pbs.faults(json_invalid=True)
        with pytest.raises(json.JSONDecodeError):
            json.loads(found.pbs.run("qstat", "-f", "-F", "json").stdout)
        found.command(["qsub", "-h", "-N", "x"], stdin="true\n")
        assert b"Job_Name = x" in found.pbs.run("qstat", "-f").stdout


def test_refusals_on_order_count_down(tmp_path: Path) -> None:
    with stage(tmp_path, "release") as found:
        found.pbs.faults(refuse=2, refuse_code=15186, refuse_words="Server busy")
        seen = [found.command(["qsub", "-h"], stdin="true\n").status for _ in range(3)]
        assert seen == [15186 % 256, 15186 % 256, 0]


def test_a_slow_server_has_done_what_a_caller_no_longer_waits_for(tmp_path: Path) -> None:
    with stage(tmp_path, "release") as found:
        found.pbs.faults(slow_s=5.0)
        qsub = str(found.pbs.pbs_exec / "bin" / "qsub")
        words = ["timeout", "0.5", qsub, "-h", "-N", "late"]
        done = subprocess.run(words, input=b"true\n", capture_output=True, cwd=tmp_path, check=False)
        assert (done.returncode, done.stdout) == (124, b"")
        found.pbs.faults(slow_s=0.0)
        assert found.pbs.run("qselect", "-N", "late").stdout == b"1.login1\n"
