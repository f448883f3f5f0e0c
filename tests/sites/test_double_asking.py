"""The double is asked what the recorded servers were asked while seven jobs lay there, and says the same."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.pbs_double.replay import Stage, difference, recorded, stage
from tests.pbs_double.scene import set_scene
from tests.pbs_double.settings import BUILDS, Node

ASKED = re.compile(
    r"qstat_f_json_(running|queued.*|held_user|held_dependency|ids_.*|id_.*|empty_id|malformed_id|two_ids"
    r"|queue_name_operand|several_jobs|waiting|unknown_id|with_u)|qstat_f_(w_)?text_running"
    r"|qstat_f_dsv_(delim_)?running|qstat_(default|a|s|u|q|Q|B)_table|qstat_(Q|B)_f_json.*|qstat_unknown_id_table"
    r"|qstat_x_f_json_(unknown_id|finished_and_running)|qstat_json_without_f|qstat_version"
    r"|qselect_(N|N_none|s_R|u|u_none|x|x_N)|pbsnodes_.*"
)


def asked(build: str) -> list[str]:
    return [name for name in recorded(build) if ASKED.fullmatch(name)]


@pytest.fixture(scope="module")
def stages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Stage]]:
    with ExitStack() as opened:
        found = {}
        for build in BUILDS:
            found[build] = opened.enter_context(stage(tmp_path_factory.mktemp(build), build))
            set_scene(found[build])
        yield found


@pytest.mark.parametrize(("build", "name"), [(build, name) for build in BUILDS for name in asked(build)])
def test_a_question_is_answered_as_recorded(stages: dict[str, Stage], build: str, name: str) -> None:
    assert not difference(*stages[build].play(name))


@pytest.mark.parametrize("build", BUILDS)
def test_with_no_jobs_there_is_nothing_to_show(tmp_path: Path, build: str) -> None:
    with stage(tmp_path, build) as found:
        for name in ("qstat_f_json_no_jobs", "qstat_no_jobs", "qselect_none"):
            assert not difference(*found.play(name))


@pytest.mark.parametrize("build", BUILDS)
def test_dates_are_those_of_the_callers_zone(tmp_path: Path, build: str) -> None:
    with stage(tmp_path, build) as found:
        there = [
            found.recordings[f"qstat_f_json_tz_{zone}"] for zone in ("UTC", "Asia_Tokyo", "America_New_York")
        ]
        hours = []
        found.pbs.next_id(int(there[0].job_id.partition(".")[0]))
        found.command(["qsub", "-N", "tz", "-h"], stdin="true\n")
        for one in there:
            answer = found.pbs.run("qstat", *one.argv[1:], env=one.env).stdout
            hours.append(_hour(answer) - _hour(one.out))
        assert len({hour % 24 for hour in hours}) == 1, "the zones lie as far apart as they did there"


def _hour(out: bytes) -> int:
    found = re.search(rb"\"ctime\":\t?\"... ... .. (\d\d):", out)
    assert found
    return int(found.group(1))


def test_a_strangers_job_spoils_the_releases_json_and_is_readable(tmp_path: Path) -> None:
    for build in BUILDS:
        with stage(tmp_path / build, build) as found:
            there = found.recordings["qstat_f_json_all_with_foreign_unicode_job"]
            first = int(there.out.split(b'"Jobs"')[1].split(b'"')[1].partition(b".")[0])
            found.pbs.next_id(first)
            script = "#!/bin/bash\n#PBS -h\nsleep 1\n"
            for user in ("hpc", "other"):
                found.place(f"/home/{user}/work/tiny.sh").write_text(script)
            found.command(["qsub", "-N", "mine", "tiny.sh"])
            theirs = ["qsub", "-N", "theirs", "-v", "CITY=Zürich", "tiny.sh"]
            found.command(theirs, cwd=found.place("/home/other/work"), user="other")
            for name in ("qstat_f_json_all_with_foreign_unicode_job", "qstat_f_text_foreign_job"):
                assert not difference(*found.play(name))


def test_several_ids_in_json_show_only_the_first_in_the_newest_build(tmp_path: Path) -> None:
    with stage(tmp_path, "master") as found:
        ids = found.recordings["qstat_f_json_three_ids"].argv[-3:]
        for one in ids:
            found.pbs.next_id(int(one.partition(".")[0]))
            found.place("/home/hpc/work/h.sh").write_text("#!/bin/bash\n#PBS -h\nsleep 1\n")
            assert found.command(["qsub", "h.sh"]).status == 0
        assert not difference(*found.play("qstat_f_json_three_ids"))


@pytest.mark.parametrize("build", BUILDS)
def test_in_text_all_known_ids_are_shown(tmp_path: Path, build: str) -> None:
    with stage(tmp_path, build) as found:
        names = ("qstat_f_text_ids_one_unknown", "qstat_f_dsv_ids_one_unknown")
        for name in [name for name in names if name in found.recordings]:
            found.pbs.next_id(1115)
            for number in (898, 899, 900):
                options = ["-N", f"tiny{number}", "tiny.sh"]
                lines = "#PBS -h\n#PBS -l select=1:ncpus=1:ngpus=1\n#PBS -l walltime=00:05:00\n"
                found.place("/home/hpc/work/tiny.sh").write_text(f"#!/bin/bash\n{lines}sleep 1\n")
                assert found.command(["qsub", *options]).status == 0
            assert not difference(*found.play(name))


def test_a_node_that_is_down_says_so(tmp_path: Path) -> None:
    """Recorded with the newest build only."""
    with stage(tmp_path, "master", nodes=[Node("login1")]) as found:
        found.pbs.next_id(2166)
        for words in (["-N", "nodefail"], ["-N", "nofail_norerun", "-r", "n"]):
            found.command(["qsub", "-j", "oe", *words], stdin="sleep 60\n")
        for job in ("2166", "2167"):
            found.pbs.wait_until(job, lambda one: one.substate == 42)
        found.pbs.lose_node()
        for name in ("node_down_pbsnodes_json", "node_down_pbsnodes_text"):
            assert not difference(*found.play(name))
