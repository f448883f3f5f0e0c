"""What a site without a scheduler answers is checked, and what it cannot do is no refusal for good."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from bocr_tui.config.errors import SiteError
from bocr_tui.sites.helper import become
from bocr_tui.sites.scheduler.base import Accepted, Later, SubmitOrder, Unclear
from bocr_tui.sites.scheduler.direct import DirectScheduler
from bocr_tui.sites.transport.base import NeedsPerson
from bocr_tui.sites.transport.local import LocalTransport

JOB = "direct.12.3456@node"


class _Saying(LocalTransport):
    """A site that answers every question so."""

    def __init__(self, answer: Any) -> None:
        super().__init__(Path("/nowhere"))
        self._answer = answer

    async def call(self, function: str, *arguments: object, timeout_s: float = 60.0) -> Any:
        if isinstance(self._answer, Exception):
            raise self._answer
        return self._answer


@pytest.mark.parametrize("answer", [None, [], {}, {JOB: "yes"}, {"another": True}, {JOB: []}, 7])
async def test_an_answer_about_jobs_that_makes_no_sense_says_nothing(answer: Any) -> None:
    look = await DirectScheduler(_Saying(answer)).look({"bone": JOB})
    assert not look.views and look.problem


@pytest.mark.parametrize("answer", [None, "", {"id": 1}, "12.server", f"{JOB}\x1b[2J", "direct.1.x\n@node"])
async def test_an_id_that_is_none_is_no_acceptance(answer: Any) -> None:
    (said,) = await DirectScheduler(_Saying(answer)).submit([SubmitOrder("bone")])
    assert isinstance(said, Unclear)


async def test_a_disk_that_is_full_refuses_no_job_for_good() -> None:
    """Asked again, the site answers with the job that it may have started after all."""
    full = SiteError("start_direct on far failed: No space left on device.", "Mend that there.")
    assert await DirectScheduler(_Saying(full)).submit([SubmitOrder("bone")]) == [
        Later("start_direct on far failed: No space left on device. Mend that there.")
    ]
    assert await DirectScheduler(_Saying(JOB)).submit([SubmitOrder("bone")]) == [Accepted(JOB)]


async def test_a_connection_that_needs_a_person_refuses_no_job() -> None:
    with pytest.raises(NeedsPerson):
        await DirectScheduler(_Saying(NeedsPerson("A code is asked for."))).submit([SubmitOrder("bone")])


def test_a_job_starts_once_on_a_filesystem_without_links(tmp_path: Path) -> None:
    (tmp_path / "job.sh").write_text("echo started >>starts; cp jobid seen\n")
    program = (
        "import os, runpy, sys\n"
        "def link(*_): raise PermissionError(1, 'Operation not permitted')\n"
        "os.link = link\n"
        "sys.argv[:] = sys.argv[1:]\n"
        "runpy.run_path(sys.argv[0], run_name='__main__')\n"
    )
    log = tmp_path / "job.log"
    command = [sys.executable, "-c", program, become.__file__, str(tmp_path)]
    for done in ((tmp_path / "seen").exists, lambda: "could not be started" in log.read_text()):
        subprocess.run(command, check=True, timeout=60)
        deadline = time.monotonic() + 20
        while not done():
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.01)
    assert (tmp_path / "seen").read_text().startswith("direct.")
    assert (tmp_path / "starts").read_text() == "started\n"
    assert not list(tmp_path.glob("*.part"))
