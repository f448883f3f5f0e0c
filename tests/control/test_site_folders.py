"""Run folders that are purged, below another root, or not to be read while their jobs live."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace

import pytest

from bocr_tui.control.events import Trouble
from bocr_tui.sites.helper import runs
from bocr_tui.sites.scheduler.base import JobView
from tests.control.puppet import Stage

ENDED = JobView("ended", "ok", exit_status=0)


def _told(stage: Stage) -> list[str]:
    return [event.text for event in stage.told if isinstance(event, Trouble)]


async def test_run_folders_that_are_gone_are_told_once_while_their_jobs_live(stage: Stage) -> None:
    await stage.ticks(2)
    stage.see(JobView("running"), JobView("held"))
    shutil.move(stage.root / "runs", stage.root / "elsewhere")
    await stage.ticks(4)
    (told,) = _told(stage)
    assert "gone" in told and "1 more" in told
    assert stage.states() == ["running", "held"]


async def test_a_job_whose_folder_is_gone_does_not_end_for_want_of_a_report_alone(stage: Stage) -> None:
    await stage.ticks(2)
    shutil.move(stage.root / "runs", stage.root / "elsewhere")
    stage.again(patience=replace(stage.site.patience, ended_s=60.0))
    stage.driver._gone_since[1] = 0.0
    stage.see(ENDED)
    await stage.ticks(4)
    assert stage.states()[0] == "submitted", "the disk may come back"
    shutil.move(stage.root / "elsewhere", stage.root / "runs")
    stage.report(stage.tokens()[0], "ok")
    await stage.ticks(3)
    assert stage.campaign.rows("SELECT state, cause FROM job WHERE id = 1") == [("finished", "ok")]


async def test_an_end_without_a_folder_says_so(stage: Stage) -> None:
    await stage.ticks(2)
    shutil.move(stage.root / "runs", stage.root / "elsewhere")
    stage.see(ENDED)
    await stage.ticks(3)
    ((state, reason),) = stage.campaign.rows("SELECT state, reason FROM job WHERE id = 1")
    assert state == "finished" and "run folder is gone" in str(reason)


async def test_a_folder_that_cannot_be_read_is_no_job_without_a_report(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    await stage.ticks(2)
    stage.again(patience=replace(stage.site.patience, ended_s=60.0))
    stage.driver._gone_since[1] = 0.0
    stage.see(ENDED)

    def fails(path: str) -> list[str]:
        if "runs" not in path:
            return lists(path)
        raise PermissionError(13, "Permission denied")

    lists = os.listdir
    stage.report(stage.tokens()[0], "ok")
    with monkeypatch.context() as patched:
        patched.setattr(runs.os, "listdir", fails)
        await stage.ticks(3)
    assert stage.states()[0] == "submitted"
    assert "Permission denied" in _told(stage)[0]
    await stage.ticks(2)
    assert stage.states()[0] == "finished"
