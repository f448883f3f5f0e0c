"""Jobs that wait for others do in the double what they did on the recorded servers."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest

from tests.pbs_double.replay import HPC_WORK, Stage, difference, stage
from tests.pbs_double.settings import BUILDS

BEFORE = (
    "depend_afterok_parent_ok", "depend_afterok_parent_bad", "depend_afternotok_parent_ok",
    "depend_afternotok_parent_bad", "depend_afterany_parent_ok", "depend_afterany_parent_bad",
    "depend_after_parent_ok", "depend_after_parent_bad", "depend_afterok_parent_two",
    "depend_afterok_parent_chain",
)  # fmt: skip
"""Submitted while the parents lived, by the id of the job that qstat shows."""
LATER = (
    "afterok_on_finished_ok", "afternotok_on_finished_ok", "afterany_on_finished_ok",
    "afterok_on_finished_bad", "afternotok_on_finished_bad", "afterany_on_finished_bad",
)  # fmt: skip


def number_of(found: Stage, name: str) -> int:
    return int(found.recordings[name].job_id.partition(".")[0])


def parents(found: Stage) -> tuple[int, int]:
    """The one that ends well and the one that ends with 3; both wait for a file."""
    bad = number_of(found, "qstat_x_f_json_parent_exit3")
    for number, name, status in ((bad - 1, "par_ok", 0), (bad, "par_bad", 3)):
        found.pbs.next_id(number)
        wait = f"while [ ! -e work/go.{name} ]; do sleep 0.05; done"
        script = f"#!/bin/bash\n#PBS -N {name} -l walltime=00:02:00\n{wait}\nexit {status}\n"
        (found.place(HPC_WORK) / f"{name}.sh").write_text(script)
        assert found.command(["qsub", f"{name}.sh"]).status == 0
        found.pbs.wait_until(str(number), lambda job: job.substate == 42)
    return bad - 1, bad


def submit_as_shown(found: Stage, name: str) -> int:
    there = found.recordings[name]
    number = number_of(found, name)
    words = there.job["Submit_arguments"].split(" ")
    script = f"#!/bin/bash\n#PBS -l walltime=00:02:00\n#PBS -N {there.job['Job_Name']}\necho ran\n"
    (found.place(HPC_WORK) / words[-1]).write_text(script)
    found.pbs.next_id(number)
    assert found.command(["qsub", *words]).status == 0
    return number


@pytest.mark.parametrize("build", BUILDS)
def test_dependents_run_or_vanish_as_recorded(tmp_path: Path, build: str) -> None:
    with stage(tmp_path, build) as found:
        good, bad = parents(found)
        names = [f"qstat_x_f_json_{kind}" for kind in BEFORE]
        children = [
            submit_as_shown(found, name) for name in sorted(names, key=lambda one: number_of(found, one))
        ]
        for name, number in (("par_ok", good), ("par_bad", bad)):
            (found.place(HPC_WORK) / f"go.{name}").touch()
            found.pbs.wait(str(number))
        for number in children:
            found.pbs.wait(str(number))
        for name in names:
            assert not difference(*found.play(name)), name
        check_parent(found, bad)
        for kind in LATER:
            assert not difference(*found.submit(f"qsub_depend_{kind}")), kind
            found.pbs.wait(str(number_of(found, f"qsub_depend_{kind}")))
            shown = f"qstat_x_f_json_depend_{kind}"
            if shown in found.recordings:
                assert not difference(*found.play(shown)), kind


def check_parent(found: Stage, bad: int) -> None:
    """Its own list of dependents; the session depends on how long it ran."""
    here, there = found.play("qstat_x_f_json_parent_exit3")
    pattern = re.compile(rb'"depend":\t?"[^"]*"')
    mine, recorded = pattern.findall(here.out), pattern.findall(there.out)
    assert mine == recorded
    assert found.pbs.job(str(bad)).exit_status == 3


@pytest.mark.parametrize("build", BUILDS)
def test_a_dependency_on_an_unknown_id_is_taken_and_the_job_removed(tmp_path: Path, build: str) -> None:
    with stage(tmp_path, build) as found:
        assert not difference(*found.submit("qsub_depend_unknown_id"))
        for name in (
            "qstat_x_f_json_depend_unknown_id",
            "qstat_f_json_depend_unknown_id_no_x",
            "qstat_depend_unknown_id_default",
        ):
            if name in found.recordings:
                assert not difference(*found.play(name)), name


def test_without_history_finished_jobs_are_unknown_and_their_dependents_vanish(tmp_path: Path) -> None:
    """Recorded with the release only; its ids began at 0."""
    with stage(tmp_path, "release", first_id=0) as found:
        found.pbs.faults(history=False)
        assert found.command(["qsub", "-N", "first"], stdin="exit 3\n").out == b"0.login1\n"
        wait_unknown(found, 0)
        found.pbs.next_id(2)
        names = (
            "history_off_qstat_x", "history_off_qstat_x_f_json", "history_off_qselect_x",
            "history_off_qstat_x_f_json_finished", "history_off_qstat_f_json_finished",
            "history_off_qdel_finished", "history_off_qsub_depend_on_finished",
            "history_off_qstat_f_json_depend_on_finished", "history_off_qstat_f_json_dependent_of_failed",
        )  # fmt: skip
        for name in names:
            assert not difference(*found.play(name)), name


def wait_unknown(found: Stage, number: int) -> None:
    until = time.monotonic() + 10
    while any(job.seq == number for job in found.pbs.jobs()):
        assert time.monotonic() < until, f"{number} is still known"
        time.sleep(0.02)


def test_deleting_a_held_parent_takes_its_dependents_along(tmp_path: Path) -> None:
    """By the server's source: out of state H everything that waits goes too, out of Q afterany is freed."""
    with stage(tmp_path, "release") as found:
        held = found.command(["qsub", "-h"], stdin="true\n").out.decode().strip()
        child = found.command(["qsub", "-W", f"depend=afterany:{held}"], stdin="true\n").out.decode().strip()
        found.command(["qdel", held])
        job = found.pbs.job(child)
        assert (job.state, job.substate, job.exit_status) == ("F", 92, None)
        queued = found.command(["qsub", "-l", "select=1:ncpus=99"], stdin="true\n").out.decode().strip()
        child = (
            found.command(["qsub", "-W", f"depend=afterany:{queued}"], stdin="true\n").out.decode().strip()
        )
        found.command(["qdel", queued])
        assert found.pbs.wait(child).exit_status == 0
