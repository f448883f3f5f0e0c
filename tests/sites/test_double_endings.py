"""Jobs that ended in a recorded way end so in the double, and are shown alike."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.pbs_double.replay import HPC_WORK, Stage, difference, recorded, stage
from tests.pbs_double.running import FIRST_UPDATE_S
from tests.pbs_double.settings import BUILDS, Node

SCRIPTS = (
    "finished_exit0", "finished_exit3", "finished_exit143", "finished_exit255",
    "script_killed_by_own_sigkill", "child_segfault", "exec_segfault", "bad_interpreter", "bad_shell_S",
    "output_dir_missing", "walltime_killed", "walltime_killed_trap_exits_0", "walltime_killed_trap_ignores",
)  # fmt: skip
"""Whose script was kept; the arguments are those that qstat shows."""
CARRIAGE = ("crlf_script", "crlf_script_no_directives", "crlf_script_queue_directive")
PLACES = (
    "o_path_colon", "o_path_comma", "o_path_jobid_caret", "o_path_jobid_var", "o_path_relative",
    "o_path_space", "o_path_tilde", "cwd_with_comma", "cwd_with_quote", "cwd_with_space", "cwd_with_unicode",
)  # fmt: skip
"""Submitted by the recording of the same name."""
LONG = 8.0
"""So many seconds of walltime pass in one."""


def names(build: str, kinds: tuple[str, ...]) -> list[tuple[str, str]]:
    return [(build, kind) for kind in kinds if f"qstat_x_f_json_{kind}" in recorded(build)]


def cases(kinds: tuple[str, ...]) -> list[tuple[str, str]]:
    return [case for build in BUILDS for case in names(build, kinds)]


@pytest.fixture(scope="module")
def stages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Stage]]:
    with ExitStack() as opened:
        found = {}
        for build in BUILDS:
            root = tmp_path_factory.mktemp(build)
            found[build] = opened.enter_context(stage(root, build, stageout_s=0.1, kill_delay_s=0.4))
            for folder in ("my dir", "a,b", "sub"):
                (found[build].place(HPC_WORK) / folder).mkdir()
        yield found


def run_there(found: Stage, kind: str) -> None:
    """A job under the recorded id, with the recorded arguments and script."""
    there = found.recordings[f"qstat_x_f_json_{kind}"]
    for file, text in there.files.items():
        (found.place(there.cwd) / file).write_bytes(found.moved(text))
    number = there.argv[-1].partition(".")[0]
    found.pbs.next_id(int(number))
    assert found.command(["qsub", *there.job["Submit_arguments"].split(" ")]).status == 0
    found.pbs.wait(number)


@pytest.mark.parametrize(("build", "kind"), cases(SCRIPTS))
def test_a_script_ends_as_recorded(stages: dict[str, Stage], build: str, kind: str) -> None:
    found = stages[build]
    found.pbs.faults(clock=LONG if "walltime" in kind else 1.0)
    run_there(found, kind)
    assert not difference(*found.play(f"qstat_x_f_json_{kind}"))


@pytest.mark.parametrize("kind", CARRIAGE)
def test_the_release_takes_a_script_with_carriage_returns_and_ends_127(
    stages: dict[str, Stage], kind: str
) -> None:
    found = stages["release"]
    answer, _ = found.submit(f"qsub_{kind}")
    found.pbs.wait(answer.out.decode())
    assert not difference(*found.play(f"qstat_x_f_json_{kind}"))


@pytest.mark.parametrize(("build", "kind"), cases(PLACES))
def test_odd_places_are_kept_as_recorded(stages: dict[str, Stage], build: str, kind: str) -> None:
    found = stages[build]
    there = found.recordings[f"qsub_{kind}"]
    folder = found.place(there.cwd)
    folder.mkdir(exist_ok=True)
    (folder / "c.sh").write_text("#!/bin/bash\n#PBS -N cwd\necho hi\n")
    (folder / "o.sh").write_text("#!/bin/bash\necho hi\n")
    answer, _ = found.submit(f"qsub_{kind}")
    found.pbs.wait(answer.out.decode())
    assert not difference(*found.play(f"qstat_x_f_json_{kind}"))


def test_commands_without_a_script_end_as_recorded(stages: dict[str, Stage]) -> None:
    """Recorded with the newest build only."""
    found = stages["master"]
    commands = {
        "arguments": ["/usr/bin/printf", "[%s]\n", "a b", 'c"d', "e'f", "$HOME", "g*", "ü", "h,i", "<j>&k"],
        "environment": ["/usr/bin/env"],
        "missing_command": ["/no/such/command"],
    }
    for kind, command in commands.items():
        there = found.recordings[f"qstat_x_f_json_command_job_{kind}"]
        found.pbs.next_id(int(there.job_id.partition(".")[0]))
        name = there.job["Job_Name"]
        assert (
            found.command(["qsub", "-N", name, "-l", "walltime=00:10:00", "-j", "oe", "--", *command]).status
            == 0
        )
        found.pbs.wait(there.job_id)
        assert not difference(*found.play(there.name))
        output = (found.place(HPC_WORK) / f"{name}.o{there.job_id.partition('.')[0]}").read_text()
        if kind == "arguments":
            assert output.splitlines() == [f"[{word}]" for word in command[2:]]
        if kind == "environment":
            assert "PATH=/bin:/usr/bin" in output.splitlines()


@pytest.mark.parametrize(("build", "kind"), cases(("memory_killed_jobwide", "memory_killed_select")))
def test_a_job_over_its_memory_ends_as_recorded(stages: dict[str, Stage], build: str, kind: str) -> None:
    found = stages[build]
    there = found.recordings[f"qstat_x_f_json_{kind}"]
    number = there.job_id.partition(".")[0]
    name = there.job["Submit_arguments"].rpartition(" ")[2]
    script = there.files[name].partition("echo start")[0] + "touch up; sleep 60\n"
    (found.place(HPC_WORK) / name).write_text(script)
    found.pbs.next_id(int(number))
    assert found.command(["qsub", *there.job["Submit_arguments"].split(" ")]).status == 0
    found.pbs.wait_until(number, lambda job: job.substate == 42)
    wait_past_first_update()
    found.pbs.kill_for_memory(number)
    found.pbs.wait(number)
    assert not difference(*found.play(there.name))


def wait_past_first_update() -> None:
    """A session is shown only of runs that lasted a moment."""
    time.sleep(FIRST_UPDATE_S)


@pytest.mark.parametrize("build", BUILDS)
def test_a_requeued_job_is_shown_as_recorded(tmp_path: Path, build: str) -> None:
    with stage(tmp_path, build) as found:
        there = found.recordings["qstat_x_f_json_requeued_then_held"]
        number = there.job_id.partition(".")[0]
        found.pbs.next_id(int(number))
        (found.place(HPC_WORK) / "rerun1.sh").write_text(
            "#!/bin/bash\n#PBS -N rerun1 -j oe\n#PBS -l select=1:ncpus=8 -l walltime=00:10:00\nsleep 60\n"
        )
        assert found.command(["qsub", "rerun1.sh"]).status == 0
        found.pbs.wait_until(number, lambda job: job.substate == 42)
        wait_past_first_update()
        found.command(["qhold", number])
        found.pbs.requeue(number)
        found.pbs.wait(number, "H")
        assert not difference(*found.play("qstat_x_f_json_requeued_then_held"))
        found.pbs.faults(start_s=30.0)  # as there: asked while the second run was still being started
        found.command(["qrls", number])
        found.pbs.wait(number, "R")
        assert not difference(*found.play("qstat_f_json_requeued_running_again"))


@pytest.mark.parametrize("build", BUILDS)
def test_a_requeued_job_ends_as_recorded(tmp_path: Path, build: str) -> None:
    with stage(tmp_path, build) as found:
        there = found.recordings["qstat_x_f_json_requeued_finished"]
        number = there.job_id.partition(".")[0]
        found.pbs.next_id(int(number))
        (found.place(HPC_WORK) / "requeue.sh").write_text(
            "#!/bin/bash\n#PBS -N requeue -j oe -l walltime=00:10:00\n"
            "echo visible output; touch up; while [ ! -e go ]; do sleep 0.05; done; exit 5\n"
        )
        assert found.command(["qsub", "requeue.sh"]).status == 0
        wait_for(found.place("/home/hpc") / "up")
        found.pbs.wait_until(number, lambda job: job.substate == 42)
        found.pbs.requeue(number)
        found.pbs.wait_until(number, lambda job: job.run_count == 2 and job.substate == 42)
        wait_past_first_update()
        (found.place("/home/hpc") / "go").touch()
        found.pbs.wait(number)
        assert not difference(*found.play("qstat_x_f_json_requeued_finished"))
        output = (found.place(HPC_WORK) / f"requeue.o{number}").read_text()
        assert output.count("visible output") == 2


def test_a_suspended_job_is_shown_as_recorded(tmp_path: Path) -> None:
    """Recorded with the newest build only."""
    with stage(tmp_path, "master", kill_delay_s=0.2) as found:
        found.pbs.next_id(2188)
        (found.place(HPC_WORK) / "susp.sh").write_text(
            "#!/bin/bash\n#PBS -N susp -l select=1:ncpus=1 -l walltime=00:05:00\nsleep 60\n"
        )
        assert found.command(["qsub", "susp.sh"]).status == 0
        found.pbs.wait_until("2188", lambda job: job.substate == 42)
        wait_past_first_update()
        found.pbs.suspend("2188")
        play(found, "qstat_f_json_suspended")
        play(found, "qdel_suspended")
        found.pbs.wait("2188")
        play(found, "qstat_x_f_json_deleted_suspended")


def test_jobs_of_a_lost_node_are_shown_as_recorded(tmp_path: Path) -> None:
    """Recorded with the newest build only."""
    with stage(tmp_path, "master", node_fail_requeue_s=3600.0) as found:
        found.pbs.next_id(2166)
        (found.place(HPC_WORK) / "nf.sh").write_text(
            "#!/bin/bash\n#PBS -j oe -l walltime=00:20:00\nwhile :; do sleep 0.05; done\n"
        )
        for words in (["-N", "nodefail"], ["-N", "nofail_norerun", "-r", "n"]):
            assert found.command(["qsub", *words, "nf.sh"]).status == 0
        for job in ("2166", "2167"):
            found.pbs.wait_until(job, lambda one: one.substate == 42)
        found.pbs.lose_node()
        play(found, "node_down_qstat_x_f_json_rerunable_state_R")
        found.pbs.give_up_lost()
        found.pbs.wait("2166", "Q")
        play(found, "node_down_qstat_x_f_json_not_rerunable_state_F")
        play(found, "node_down_qdel_running")
        play(found, "node_down_qstat_x_f_json_after_qdel")
        found.pbs.wait_until("2166", lambda one: bool(one.comment))
        play(found, "node_down_qstat_x_f_json_rerunable_state_Q")
        assert found.command(["qsub", "-N", "nd", "nf.sh"]).status == 0
        found.pbs.wait_until("2168", lambda one: bool(one.comment))
        play(found, "node_down_qstat_f_json_new_job")
        found.pbs.node_back()
        found.pbs.wait_until("2166", lambda one: one.substate == 42)
        play(found, "node_back_qstat_x_f_json_job")


def play(found: Stage, name: str) -> None:
    assert not difference(*found.play(name)), name


def test_a_job_that_outlives_its_server_is_shown_as_recorded(tmp_path: Path) -> None:
    """The release then no longer knows the comment."""
    with stage(tmp_path, "release") as found:
        there = found.recordings["qstat_x_f_json_finished_while_server_down"]
        number = there.job_id.partition(".")[0]
        start_survivor(found, number, there.job["Job_Name"])
        found.pbs.wait_until(number, lambda job: job.substate == 42)
        wait_past_first_update()
        found.pbs.kill_server()
        (found.place("/home/hpc") / "go").touch()
        found.pbs.restart()
        found.pbs.wait(number)
        play(found, there.name)


def test_a_job_that_was_just_starting_runs_twice_when_the_releases_server_restarts(tmp_path: Path) -> None:
    with stage(tmp_path, "release", settle_s=60.0) as found:
        there = found.recordings["qstat_x_f_json_finished_while_server_down_substate41"]
        number = there.job_id.partition(".")[0]
        start_survivor(found, number, there.job["Job_Name"])
        assert found.pbs.wait(number, "R").substate == 41
        found.pbs.kill_server()
        (found.place("/home/hpc") / "go").touch()
        found.pbs.change(nodes=[Node("login1", down=True)])
        found.pbs.restart()
        found.pbs.wait_until(number, lambda job: bool(job.comment))
        play(found, there.name)
        found.pbs.node_back()
        found.pbs.wait(number)
        output = (found.place(HPC_WORK) / f"survivor.o{number}").read_text()
        assert output.count("done") == 2


def start_survivor(found: Stage, number: str, name: str) -> None:
    found.pbs.next_id(int(number))
    (found.place(HPC_WORK) / "o.sh").write_text(
        "#!/bin/bash\ntouch up; while [ ! -e go ]; do sleep 0.05; done; echo done; exit 4\n"
    )
    assert found.command(["qsub", "-N", name, "o.sh"]).status == 0
    wait_for(found.place("/home/hpc") / "up")


def wait_for(path: Path) -> None:
    until = time.monotonic() + 10
    while not path.exists():
        assert time.monotonic() < until, path
        time.sleep(0.02)
