"""Signals reach a job's processes as they did on the recorded servers: who is told, when, and what is kept.

The recorded worker flushes for three seconds; here it is a tenth of that.
"""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest

from tests.pbs_double.replay import HPC_WORK, Stage, difference, recorded, stage
from tests.pbs_double.running import FIRST_UPDATE_S
from tests.pbs_double.settings import BUILDS

QUICK = (
    "job_signals_qdel_child_flushes_3s", "job_signals_qdel_exec_worker_flushes_3s",
    "job_signals_qdel_worker_ignores_term", "job_signals_qdel_script_and_worker_trap",
    "job_signals_command_job_qdel_flushes_3s_exits_0", "job_signals_command_job_qdel_flushes_3s_exits_9",
    "job_signals_command_job_qdel_ignores_term", "job_signals_command_job_walltime_flushes_3s_exits_9",
    "job_signals_qsig_term_worker_traps", "job_signals_qsig_usr1_worker_traps", "job_signals_qsig_usr1_S_sh",
    "job_signals_qsig_usr1_command_job", "job_signals_walltime_worker_flushes_3s",
    "job_signals_walltime_worker_ignores_term",
)  # fmt: skip
CASES = [(build, name) for build in BUILDS for name in QUICK if name in recorded(build)]


def worker(text: str) -> str:
    """The recorded worker in a tenth of its time."""
    return text.replace(">3:", ">0.3:").replace("time.sleep(0.1)", "time.sleep(0.02)")


def start(found: Stage, name: str) -> str:
    there = found.recordings[name]
    folder = found.place(HPC_WORK)
    for file, text in there.files.items():
        (folder / file).write_bytes(found.moved(worker(text)))
    number = there.job_id.partition(".")[0]
    found.pbs.next_id(int(number))
    assert found.command(["qsub", *there.job["Submit_arguments"].split(" ")]).status == 0
    log = folder / f"w_{number}.login1.log"
    until = time.monotonic() + 10
    while not (log.exists() and "start" in log.read_text()):
        assert time.monotonic() < until
        time.sleep(0.02)
    time.sleep(FIRST_UPDATE_S)  # a run that ends sooner does not show its session
    return number


@pytest.mark.parametrize(("build", "name"), CASES)
def test_a_signalled_job_ends_as_recorded(tmp_path: Path, build: str, name: str) -> None:
    clock = 10.0 if "walltime" in name else 1.0
    with stage(tmp_path, build, kill_delay_s=1.0) as found:
        found.pbs.faults(clock=clock)
        number = start(found, name)
        if "qdel" in name:
            assert found.command(["qdel", number]).status == 0
        elif "qsig" in name:
            signal = "SIGUSR1" if "usr1" in name else "SIGTERM"
            assert found.command(["qsig", "-s", signal, number]).status == 0
        found.pbs.wait(number)
        assert not difference(*found.play(name))
        check_flushed(found, name, number)


def check_flushed(found: Stage, name: str, number: str) -> None:
    """Whether the worker had its time: at qdel and walltime it had, after qsig it was killed at once."""
    log = (found.place(HPC_WORK) / f"w_{number}.login1.log").read_text()
    flushed = "flushed" in log
    if re.search("flushes|script_and_worker|command_job_qdel_flushes|usr1_command_job", name):
        assert flushed
    elif "qsig" in name:
        assert not flushed
    else:
        assert log.count("alive") >= 1
