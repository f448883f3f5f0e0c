"""A quota that is used up in the middle of a submission: no job twice, none lost, no person asked."""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from bocr_tui.sites.helper import pbs_commands, pbs_submit, run_files, run_lock
from bocr_tui.sites.helper.pbs_commands import Pbs
from tests.sites.pbs_fakes import TOKEN, SubmitSite


@pytest.fixture
def site(tmp_path: Path) -> SubmitSite:
    return SubmitSite(tmp_path)


def _full(*_: object, **__: object) -> Any:
    raise OSError(errno.EDQUOT, "Disk quota exceeded")


def _submit(site: SubmitSite, **order: object) -> dict[str, Any]:
    pbs = Pbs(str(site.pbs.bin), "23.06.06")
    return pbs_submit.Submitter(str(site.root), pbs).submit({"token": TOKEN, **order})


@contextmanager
def _full_from(monkeypatch: pytest.MonkeyPatch, step: int) -> Iterator[Callable[[], int]]:
    """The disk is full from the n-th small file on that is written, made or appended to."""
    done = 0

    def limited(real: Callable[..., Any]) -> Callable[..., Any]:
        def write(*arguments: Any, **more: Any) -> Any:
            nonlocal done
            done += 1
            return _full() if done > step else real(*arguments, **more)

        return write

    with monkeypatch.context() as patched:
        patched.setattr(run_files, "_write_aside", limited(run_files._write_aside))
        patched.setattr(run_lock, "_try_take", limited(run_lock._try_take))
        patched.setattr(run_lock, "open", limited(open), raising=False)
        patched.setattr(pbs_submit, "open", limited(open), raising=False)
        yield lambda: done


@pytest.mark.parametrize("step", range(8))
def test_full_at_any_step_the_job_is_submitted_once_and_known(
    site: SubmitSite, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    with _full_from(monkeypatch, step) as steps:
        first = _submit(site)
    assert steps() > step or first["answer"] == "accepted"
    if first["answer"] == "later":
        assert "quota" in first["words"] and not site.pbs.jobs(), "it is certain that nothing was submitted"
    again = first["answer"] == "unclear"
    assert _submit(site, again=again)["id"] == "1.server"
    assert list(site.pbs.jobs()) == [1]


def test_full_before_anything_was_asked_of_pbs_it_is_certain_that_nothing_was_taken(
    site: SubmitSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    for step in (0, 1):
        with _full_from(monkeypatch, step):
            assert _submit(site)["answer"] == "later"
    assert not site.pbs.calls("qsub")


def test_an_answer_of_pbs_counts_though_nothing_can_be_written_any_more(
    site: SubmitSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    with _full_from(monkeypatch, 3):
        answer = _submit(site)
    assert (answer["answer"], answer["id"]) == ("accepted", "1.server")


def test_what_was_asked_before_stays_in_doubt(site: SubmitSite, monkeypatch: pytest.MonkeyPatch) -> None:
    (site.run / "intent").write_text("{}")
    with _full_from(monkeypatch, 0):
        assert _submit(site)["answer"] == "unclear"
        assert _submit(site, again=True)["answer"] == "unclear"


def test_where_the_way_to_pbs_cannot_be_remembered_it_is_used_all_the_same(
    site: SubmitSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pbs_commands, "_configured", lambda: None)
    monkeypatch.setattr(pbs_commands, "_on_path", lambda: None)
    monkeypatch.setattr(pbs_commands, "write_whole", _full)
    shell = f"\n{pbs_commands._MARK}{site.pbs.bin}/qstat\n".encode()
    real = pbs_commands.run_command

    def run(argv: list[str], *arguments: Any, **more: Any) -> Any:
        if argv[0] == "bash":
            return pbs_commands.Ended(0, shell, b"")
        return real(argv, *arguments, **more)

    monkeypatch.setattr(pbs_commands, "run_command", run)
    assert pbs_commands.find_pbs(str(site.root)).folder == str(site.pbs.bin)
