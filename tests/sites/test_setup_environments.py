"""An engine's environment on a site: entered as a job enters it, and asked."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import pytest

from bocr_tui.config.errors import SiteError
from bocr_tui.config.model import EnvironmentConfig, SiteConfig
from bocr_tui.sites import environments
from bocr_tui.sites.environments import probe_environment, python_command
from bocr_tui.sites.helper.become import process_birth
from bocr_tui.sites.helper.bounded import run_bounded
from bocr_tui.sites.transport.local import LocalTransport
from tests.sites.wheelhouse import make_environment, make_wheel


@pytest.fixture
def transport(tmp_path: Path) -> LocalTransport:
    return LocalTransport(tmp_path / "site")


def _site(**environment: object) -> SiteConfig:
    return SiteConfig(environments={"noop": EnvironmentConfig.model_validate(environment)})


async def test_an_environment_is_entered_by_its_lines_whatever_they_print(
    transport: LocalTransport, tmp_path: Path
) -> None:
    home = make_environment(tmp_path / "env", make_wheel(tmp_path / "w", "Some_Package", "1.2"))
    weights = tmp_path / "weights" / "model.safetensors"
    weights.parent.mkdir()
    weights.write_text("version https://git-lfs.github.com/spec/v1\n")
    config = SiteConfig(
        setup=(f"export MODELS={tmp_path}", "echo '{\"version\": [9, 9]}'", "printf '\\377\\033[31m'"),
        environments={
            "noop": EnvironmentConfig(activate=(f"source {home}/bin/activate",), model="$MODELS/weights")
        },
    )
    facts = await probe_environment(transport, config, "noop")
    assert facts.version[:2] == sys.version_info[:2]
    assert Path(facts.executable).parent == home / "bin"
    assert facts.distributions == {"some-package": "1.2"}
    assert facts.failed == ()
    assert facts.model is not None
    assert (facts.model.exists, facts.model.weights, facts.model.pointers) == (True, 1, 1)


async def test_a_line_that_failed_is_named(transport: LocalTransport) -> None:
    config = SiteConfig(setup=("true", "module load nothing-like-it 2>/dev/null"), python=sys.executable)
    facts = await probe_environment(transport, config, "noop")
    assert facts.failed == ("module load nothing-like-it 2>/dev/null",)


@pytest.mark.parametrize("setup", [(), ("set -u",)], ids=["profile", "setup"])
async def test_a_profile_s_own_strictness_is_no_trouble_of_the_environment(
    transport: LocalTransport, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, setup: tuple[str, ...]
) -> None:
    (tmp_path / ".bash_profile").write_text("set -euC\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    config = SiteConfig(setup=(*setup, "false"), python=sys.executable)
    facts = await probe_environment(transport, config, "noop")
    assert facts.failed == ("false",)


async def test_lines_may_form_a_block(transport: LocalTransport) -> None:
    lines = ("if true; then", "  export X=1", "fi", "case x in", "  x) true ;;", "esac")
    facts = await probe_environment(transport, SiteConfig(setup=lines, python=sys.executable), "noop")
    assert facts.version[:2] == sys.version_info[:2]


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({"python": "/no/such/python"}, "has no /no/such/python"),
        ({"activate": ("exit 3",)}, "ended before its Python was asked"),
        ({"activate": ("echo 'no module x' >&2; exit 3",)}, r"\(no module x\)"),
        (
            {"activate": ("source /no/such/activate",), "python": "/no/python"},
            "`source /no/such/activate` failed",
        ),
        ({"python": "true"}, "ended before its Python was asked"),
        ({"python": "false"}, "false there is too old"),
    ],
)
async def test_an_environment_that_cannot_be_asked_is_explained(
    transport: LocalTransport, environment: dict[str, object], said: str
) -> None:
    with pytest.raises(SiteError, match=said):
        await probe_environment(transport, _site(**environment), "noop")


async def test_an_environment_that_hangs_is_given_up_with_all_it_started(
    transport: LocalTransport, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(environments, "PROBE_TIMEOUT_S", 1.0)
    lines = (f"echo $BASHPID > {tmp_path}/pid", "sleep 300 & wait")
    with pytest.raises(SiteError, match="did not answer within 1 s"):
        await probe_environment(transport, _site(activate=lines), "noop")
    _wait_until_gone(int((tmp_path / "pid").read_text()))


async def test_an_answer_that_makes_no_sense_is_refused(
    transport: LocalTransport, monkeypatch: pytest.MonkeyPatch
) -> None:
    from bocr_tui.sites.helper import calls

    for found in ({"version": "3.10"}, {"version": []}, {"version": [3, 10], "distributions": 7}, []):
        answer = {"found": found, "failed": [], "trouble": "", "told": ""}
        monkeypatch.setitem(calls.FUNCTIONS, "probe_environment", lambda root, order, answer=answer: answer)
        with pytest.raises(SiteError, match="makes no sense"):
            await probe_environment(transport, SiteConfig(), "noop")


def test_output_without_end_and_children_left_behind_are_bounded() -> None:
    done = run_bounded(["bash", "-c", "yes | head -c 3000000; echo end"], 20, 1000)
    assert (done["status"], len(done["out"]), done["out"][-4:]) == (0, 1000, b"end\n")
    left = run_bounded(["bash", "-c", "sleep 300 & echo $!"], 20, 1000)
    assert left["status"] == 0
    _wait_until_gone(int(left["out"]))


def _wait_until_gone(pid: int) -> None:
    deadline = time.monotonic() + 10
    while process_birth(pid) not in ("", "dead"):  # a zombie is dead, whoever has to bury it
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_which_python_runs_the_worker() -> None:
    assert python_command(SiteConfig(), "noop") == sys.executable
    assert python_command(SiteConfig(transport="ssh", host="x"), "noop") == "python3"
    assert python_command(SiteConfig(transport="ssh", host="x", python="python3.11"), "noop") == "python3.11"
    assert python_command(_site(activate=("source activate x",)), "noop") == "python"
    assert python_command(_site(activate=("source activate x",), python="p"), "noop") == "p"
