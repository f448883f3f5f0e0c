"""Where output lies while a job runs, and how such jobs are shown: as recorded."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.pbs_double.replay import HPC_WORK, Stage, difference, stage
from tests.pbs_double.settings import BUILDS

KINDS = {
    "k_oe": "/home/hpc/k_oe.o{n}",
    "k_oed": f"{HPC_WORK}/k_oed.o{{n}}",
    "k_oed_o": f"{HPC_WORK}/logs/direct.log",
    "k_oed_odir": f"{HPC_WORK}/logs/{{n}}.login1.OU",
}
"""-k by kind, and the file that its output is in while it runs."""
SCRIPT = """#!/bin/bash
#PBS -l select=1:ncpus=1
#PBS -l walltime=00:10:00
#PBS -N {name}
echo out; while :; do sleep 0.05; done
"""


def submit(found: Stage, kind: str) -> str:
    there = found.recordings[f"qstat_f_json_running_{kind}"]
    (found.place(HPC_WORK) / f"{kind}.sh").write_text(SCRIPT.format(name=kind))
    number = there.job_id.partition(".")[0]
    found.pbs.next_id(int(number))
    assert found.command(["qsub", *there.job["Submit_arguments"].split(" ")]).status == 0
    return number


@pytest.mark.parametrize("build", BUILDS)
@pytest.mark.parametrize("kind", KINDS)
def test_kept_output_is_written_where_it_was_recorded(tmp_path: Path, build: str, kind: str) -> None:
    with stage(tmp_path, build) as found:
        number = submit(found, kind)
        found.pbs.wait_until(number, lambda job: job.substate == 42)
        assert not difference(*found.play(f"qstat_f_json_running_{kind}"))
        place = found.place(KINDS[kind].format(n=number))
        until = time.monotonic() + 10
        while not (place.exists() and place.read_text() == "out\n"):
            assert time.monotonic() < until, place
            time.sleep(0.02)


@pytest.mark.parametrize("build", BUILDS)
def test_a_missing_folder_holds_a_job_that_writes_directly(tmp_path: Path, build: str) -> None:
    with stage(tmp_path, build) as found:
        number = submit(found, "k_oed_missing")
        found.pbs.wait(number, "H")
        names = ("qstat_f_json_running_k_oed_missing", "qstat_f_json_held_direct_write_dir_missing")
        for name in [name for name in names if name in found.recordings]:
            assert not difference(*found.play(name)), name


@pytest.mark.parametrize("build", BUILDS)
def test_without_k_the_output_waits_in_the_spool(tmp_path: Path, build: str) -> None:
    with stage(tmp_path, build) as found:
        found.command(["qsub", "-N", "plain"], stdin="echo out; while [ ! -e go ]; do sleep 0.05; done\n")
        spooled = found.pbs.folder / "spool" / "1.login1.OU"
        final = found.place(HPC_WORK) / "plain.o1"
        found.pbs.wait_until("1", lambda job: spooled.exists() and spooled.read_text() == "out\n")
        assert not final.exists()
        (found.place("/home/hpc") / "go").touch()
        found.pbs.wait("1")
        assert final.read_text() == "out\n"
        assert not spooled.exists()
