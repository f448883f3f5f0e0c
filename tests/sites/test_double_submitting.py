"""The double answers submissions, and shows what was submitted, as the recorded servers did."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.pbs_double import text
from tests.pbs_double.replay import Stage, difference, recorded, stage
from tests.pbs_double.settings import BUILDS

SITUATIONS = {
    "qsub_err_max_queued_per_user",
    "qsub_ngpus_undefined_on_server",
    "qsub_ngpus_undefined_on_server_old_style",
}
ARRAYS = re.compile(r"qsub_array_?(W|o_path|percent|step)?.*")
"""Arrays that are taken: the double has none."""
REFUSED_ARRAYS = {
    "qsub_array_list", "qsub_array_one_element", "qsub_array_reversed", "qsub_array_single_number",
    "qsub_array_over_max_size",
}  # fmt: skip
MISSING_ON_PURPOSE = "nosuchfile.sh"


def submissions(build: str) -> list[str]:
    names = [name for name in recorded(build) if name.startswith("qsub_") and name not in SITUATIONS]
    return [name for name in names if name in REFUSED_ARRAYS or not ARRAYS.fullmatch(name)]


def shown_specials(build: str) -> list[str]:
    """qstat's answers about jobs with odd names, variables and accounts."""
    found = re.compile(r"qstat_f_(json|text)_special_(.*)")
    # All that qsub had in its environment cannot be had again.
    return [name for name in recorded(build) if found.fullmatch(name) and not name.endswith("V_whole_env")]


def cases(names: Callable[[str], list[str]]) -> list[tuple[str, str]]:
    return [(build, name) for build in BUILDS for name in names(build)]


@pytest.fixture(scope="module")
def stages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Stage]]:
    """Servers whose scheduler is stopped: nothing that is submitted runs."""
    with ExitStack() as opened:
        yield {
            build: opened.enter_context(stage(tmp_path_factory.mktemp(build), build, scheduling=False))
            for build in BUILDS
        }


def provide_script(found: Stage, name: str) -> None:
    """Some scripts were not kept with their recording; their content does not matter."""
    there = found.recordings[name]
    script = found.place(there.cwd) / there.argv[-1]
    if there.argv[-1].endswith(".sh") and there.argv[-1] not in (*there.files, MISSING_ON_PURPOSE):
        script.parent.mkdir(parents=True, exist_ok=True)
        script.write_text("#!/bin/bash\nsleep 1\n")


@pytest.mark.parametrize(("build", "name"), cases(submissions))
def test_a_submission_is_answered_as_recorded(stages: dict[str, Stage], build: str, name: str) -> None:
    provide_script(stages[build], name)
    assert not difference(*stages[build].submit(name))


@pytest.mark.parametrize(("build", "name"), cases(shown_specials))
def test_odd_values_are_shown_as_recorded(stages: dict[str, Stage], build: str, name: str) -> None:
    found = stages[build]
    submitted = re.sub(r"qstat_f_(json|text)_", "qsub_", name)
    assert found.submit(submitted)[0].status == 0
    assert not difference(*found.play(name))


@pytest.mark.parametrize("build", BUILDS)
def test_one_job_a_user_where_the_queue_says_so(tmp_path: Path, build: str) -> None:
    with stage(tmp_path, build, scheduling=False) as found:
        assert found.submit("qsub_err_max_queued_per_user")[0].status == 0
        assert not difference(*found.submit("qsub_err_max_queued_per_user"))


@pytest.mark.parametrize("build", BUILDS)
def test_a_server_without_gpus_refuses_to_count_them(tmp_path: Path, build: str) -> None:
    with stage(tmp_path, build, scheduling=False, resources=[]) as found:
        for name in sorted(SITUATIONS - {"qsub_err_max_queued_per_user"}):
            if name in found.recordings:
                assert not difference(*found.submit(name))


@pytest.mark.parametrize("build", BUILDS)
def test_folding_recorded_values_again_gives_the_same_lines(build: str) -> None:
    folded = 0
    for one in recorded(build).values():
        if not one.name.startswith("qstat_f_text"):
            continue
        for item in re.split(rb"\n    (?=[A-Za-z_][\w.\-]* = )", one.out)[1:]:
            name, _, value = item.split(b"\n\n")[0].partition(b" = ")
            again = text.folded(value.replace(b"\n\t", b""), len(name) + 7)
            assert again == value
            folded += b"\n\t" in value
    assert folded > 20


def test_what_a_job_sees_of_its_variables_is_mangled_as_recorded(tmp_path: Path) -> None:
    recorded_views = {
        'V=say "hi"': "say hi",
        'V=say \\"hi\\"': "say \\\\hi\\\\", 'V="a,b",W=2': "a,b", "V='a,b',W=2": "a,b",
        "V=a\\,b,W=2": "a,b", "V=C:\\dir\\new": "C:\\\\dir\\\\new", "V=line1\nline2": "line1\nline2",
        "V=a=b=c": "a=b=c", "V=,W=": "", "V=a b  c": "a b  c", "V": 'x,\\y\\\nz\\\\ü',
    }  # fmt: skip
    with stage(tmp_path, "release") as found:
        for given, seen in recorded_views.items():
            words = ["qsub", "-N", "sees", "-j", "oe", "-v", given]
            answer = found.command(words, stdin='printf %s "$V"\n', env={"V": 'x,"y"\nz\\ü'})
            job = found.pbs.wait(answer.out.decode().strip())
            assert (found.place("/home/hpc/work") / f"sees.o{job.seq}").read_text() == seen, given
