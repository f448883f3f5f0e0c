"""What becomes of verdicts, and of the job, when the disk fails or a filesystem does not answer."""

from __future__ import annotations

import asyncio
import errno
import threading
from pathlib import Path

import pytest

from bocr_worker.claim import Claim
from bocr_worker.journal import JournalWriter
from bocr_worker.protocol.events import FAILED, PageEvent
from bocr_worker.protocol.failures import FailureClass
from bocr_worker.recorder import WAITING_PAGES, Outcome, Recorder
from bocr_worker.stage import Counts, Job, Stage
from bocr_worker.stopping import StopSign
from tests.papers import make_pdf
from tests.worker.runs import TOKEN, make_run, noop_manifest, order_of


class StallingFence:
    """Says after a while that the disk has failed."""

    def __init__(self) -> None:
        self.asked = threading.Event()
        self.fails = threading.Event()

    def is_fresh(self) -> bool:
        return False

    def confirm(self) -> None:
        self.asked.set()
        self.fails.wait(30)
        raise OSError(errno.EIO, "Input/output error")


def outcome(number: int) -> Outcome:
    event = PageEvent(
        document="a" * 64,
        page=number,
        status=FAILED,
        attempt=1,
        at=1.0,
        variation="plain",
        failure=FailureClass.RENDER,
        evidence={"cause": "x"},
        last=True,
    )
    return Outcome(event, None)


async def test_a_disk_that_fails_while_the_line_is_full_ends_the_recorder(tmp_path: Path) -> None:
    fence = StallingFence()
    recorder = Recorder(tmp_path, JournalWriter(tmp_path, TOKEN), fence)
    running = asyncio.create_task(recorder.run())
    await recorder.put(outcome(1))
    assert await asyncio.to_thread(fence.asked.wait, 30)
    for number in range(WAITING_PAGES):
        await recorder.put(outcome(number + 2))
    finishing = asyncio.create_task(recorder.finish(running))
    await asyncio.sleep(0)
    fence.fails.set()
    with pytest.raises(OSError, match="Input/output"):
        await asyncio.wait_for(finishing, 30)


class UntilStopped:
    """A stage that has nothing to do but to be stopped."""

    def __init__(self, sign: StopSign) -> None:
        self._sign = sign

    async def run(self) -> None:
        await self._sign.wait()

    def counts(self) -> Counts:
        return Counts()

    def close(self) -> None:
        pass


async def test_a_stop_file_is_seen_after_a_filesystem_that_did_not_answer_for_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    manifest = noop_manifest(order_of(make_pdf(tmp_path / "a.pdf", 1), 1))
    run = make_run(tmp_path, manifest)
    looks: list[Path] = []

    def exists(path: Path) -> bool:
        looks.append(path)
        if len(looks) == 1:
            raise OSError(errno.ESTALE, "Stale file handle")
        return True

    sign = StopSign()
    claim = Claim.take(run, "test.1", 5.0, lambda: False)
    job = Job(run, manifest, claim, 1, JournalWriter(run, TOKEN), sign)
    monkeypatch.setattr(Path, "exists", exists)
    report = await asyncio.wait_for(Stage(job, UntilStopped(sign)).run(), 30)
    assert (report.outcome, report.cause) == ("partial", "asked to stop")
