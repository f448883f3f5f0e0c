"""What was done to the recorded jobs is done to the double's, in the same order, with the same answers."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.pbs_double.replay import Stage, difference, stage
from tests.pbs_double.scene import set_scene
from tests.pbs_double.settings import BUILDS

HOLDING = (
    "qhold_queued", "qstat_f_json_held_by_qhold", "qrls_held", "qhold_running",
    "qstat_f_json_running_after_qhold", "*qrls running",
)  # fmt: skip
CHANGING = (
    "qalter_walltime_queued", "qalter_name_queued", "qalter_bad_value", "qalter_unknown", "qalter_v_queued",
    "qalter_name_running", "qalter_walltime_running_lower", "qalter_walltime_running_higher",
    "qalter_select_running", "qalter_output_path_running", "qalter_finished", "qmove_queued",
    "qmove_acl_refused", "qmove_unknown_queue", "qmove_unknown_job", "qmove_running",
    "qstat_f_json_after_qalter_qmove", "qmove_back",
)  # fmt: skip
SIGNALLING = (
    "qsig_queued", "qsig_bad_signal", "qsig_running", "qsig_suspend_as_user", "qsig_unknown",
    "qrerun_as_owner", "qrls_dependency_held", "qrls_submitted_with_h", "qrls_unknown", "qhold_finished",
)  # fmt: skip
DELETING = (
    "qdel_not_owner", "qdel_unknown", "qdel_malformed", "qdel_no_operand", "qdel_several_one_unknown",
    "qdel_queued", "qdel_queued_again", "qstat_x_f_json_deleted_before_start", "qdel_running",
    "*ended running", "qdel_running_again", "qstat_x_f_json_deleted_running",
    "qstat_x_f_json_afterok_parent_deleted",
    "qdel_finished", "qdel_x_finished", "qstat_x_f_json_after_qdel_x",
)  # fmt: skip


def act(found: Stage, first: int, name: str) -> None:
    if name == "*qrls running":  # done there too, as later answers show, but not kept
        found.command(["qrls", str(first)])
    elif name == "*ended running":
        found.pbs.wait(str(first))
    elif name in found.recordings:
        assert not difference(*found.play(name)), name


@pytest.mark.parametrize("build", BUILDS)
def test_actions_are_answered_and_shown_as_recorded(tmp_path: Path, build: str) -> None:
    with stage(tmp_path, build) as found:
        first = set_scene(found)
        for name in (*HOLDING, *CHANGING, *SIGNALLING, *DELETING):
            act(found, first, name)


def test_the_same_id_twice_in_one_qdel_is_one_deletion(tmp_path: Path) -> None:
    """Recorded with the release only."""
    with stage(tmp_path, "release") as found:
        queued, running = (
            found.recordings[f"qdel_same_id_twice_{state}"].argv[1] for state in ("queued", "running")
        )
        found.pbs.next_id(int(queued.partition(".")[0]))
        found.command(["qsub", "-l", "select=1:ncpus=80"], stdin="true\n")
        found.pbs.next_id(int(running.partition(".")[0]))
        found.command(["qsub"], stdin="sleep 60\n")
        found.pbs.wait_until(running, lambda job: job.substate == 42)
        names = ("qdel_same_id_twice_queued", "qdel_same_id_twice_running", "qstat_after_qdel_same_id_twice")
        for name in names:
            assert not difference(*found.play(name)), name


def test_a_job_whose_output_is_being_copied_cannot_be_deleted(tmp_path: Path) -> None:
    """Recorded with the newest build only."""
    with stage(tmp_path, "master", stageout_s=20.0) as found:
        there = found.recordings["qstat_f_json_exiting"]
        found.pbs.next_id(int(there.job_id.partition(".")[0]))
        (found.place("/home/hpc/work") / "ex.sh").write_text(
            "#!/bin/bash\n#PBS -N exiting\n#PBS -j oe\n#PBS -o /no/such/dir/x\nexit 7\n"
        )
        assert found.command(["qsub", "ex.sh"]).status == 0
        found.pbs.wait(there.job_id, "E")
        for name in ("qstat_f_json_exiting", "qdel_exiting"):
            assert not difference(*found.play(name)), name


def test_names_and_comments_may_not_be_altered_freely(tmp_path: Path) -> None:
    """Recorded with the newest build only."""
    with stage(tmp_path, "master") as found:
        found.pbs.next_id(2193)
        assert found.command(["qsub", "-h"], stdin="true\n").status == 0
        for name in ("qalter_comment_as_user", "qalter_name_illegal"):
            assert not difference(*found.play(name)), name


def test_force_is_no_more_for_a_user(tmp_path: Path) -> None:
    """Recorded with the newest build only."""
    with stage(tmp_path, "master") as found:
        found.pbs.next_id(2163)
        assert found.command(["qsub", "-h"], stdin="true\n").status == 0
        assert not difference(*found.play("qdel_W_force_as_user"))
