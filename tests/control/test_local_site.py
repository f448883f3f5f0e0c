"""The site on this machine: staged whole, started once, found again, stopped for good."""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path

import pytest

from bocr_tui.config.errors import SiteError
from bocr_tui.config.model import SiteConfig
from bocr_tui.sites.deploy import deploy_worker, worker_files
from bocr_tui.sites.helper import calls, direct, runs
from bocr_tui.sites.scheduler.base import Accepted, ScriptOrder, SubmitOrder, Unclear
from bocr_tui.sites.scheduler.direct import DirectScheduler
from bocr_tui.sites.transport.base import RunAsk, TransportLost
from bocr_tui.sites.transport.local import LocalTransport

TOKEN = "btestlocal1"
ORDER = SubmitOrder(TOKEN)
SLEEPER = b"#!/bin/sh\necho started >> starts\nsleep 60\n"


@pytest.fixture
def transport(tmp_path: Path) -> LocalTransport:
    return LocalTransport(tmp_path / "site")


async def test_a_folder_appears_whole_or_not_at_all(transport: LocalTransport, tmp_path: Path) -> None:
    files = {"a": b"1", "deep/b": b"2"}
    await transport.stage({"runs/x": files})
    await transport.stage({"runs/x": files})
    assert (transport.root / "runs" / "x" / "deep" / "b").read_bytes() == b"2"
    assert not list((transport.root / "runs").glob(".*"))
    with pytest.raises(SiteError, match="another a"):
        await transport.stage({"runs/x": {"a": b"other"}})
    assert (transport.root / "runs" / "x" / "a").stat().st_mode & 0o777 == 0o600


async def test_the_worker_is_deployed_once_and_runs_from_its_folder(transport: LocalTransport) -> None:
    folder = await deploy_worker(transport)
    assert await deploy_worker(transport) == folder
    assert (transport.root / folder / "__main__.py").is_file()
    assert "bocr_worker/protocol/lines.py" in worker_files()


async def test_a_run_is_started_once_however_often_it_is_asked_for(transport: LocalTransport) -> None:
    await transport.stage({f"runs/{TOKEN}": {"job.sh": SLEEPER}})
    scheduler = DirectScheduler(transport)
    together = await asyncio.gather(*(scheduler.submit([ORDER]) for _ in range(5)))
    answers = [answer for one in together for answer in one] + await scheduler.submit([ORDER])
    ids = {answer.scheduler_id for answer in answers if isinstance(answer, Accepted)}
    assert len(ids) == 1
    (job,) = ids
    run = transport.root / "runs" / TOKEN
    await _until((run / "starts").exists)
    assert (run / "starts").read_text().count("started") == 1
    assert (await scheduler.look({TOKEN: job})).views[TOKEN].state == "running"
    await scheduler.stop(TOKEN, job, force=True)
    await _until(lambda: not direct.look_direct("", [job])[job])
    assert (run / "stop").exists()
    assert (await scheduler.look({TOKEN: job})).views[TOKEN].state == "ended"


async def test_a_job_on_another_node_behind_the_same_name_is_neither_ended_nor_killed(
    transport: LocalTransport,
) -> None:
    await transport.stage({f"runs/{TOKEN}": {"job.sh": SLEEPER}})
    scheduler = DirectScheduler(transport)
    (answer,) = await scheduler.submit([ORDER])
    assert isinstance(answer, Accepted)
    mine = answer.scheduler_id
    other = f"{mine.rpartition('@')[0]}@node-2"
    assert (await scheduler.look({TOKEN: other})).views[TOKEN].state == "unknown"
    await scheduler.stop(TOKEN, other, force=True)
    assert (await scheduler.look({TOKEN: mine})).views[TOKEN].state == "running"
    await scheduler.stop(TOKEN, mine, force=True)


async def test_a_job_is_no_child_of_ours_and_has_its_own_session(transport: LocalTransport) -> None:
    await transport.stage({f"runs/{TOKEN}": {"job.sh": SLEEPER}})
    (answer,) = await DirectScheduler(transport).submit([ORDER])
    assert isinstance(answer, Accepted)
    pid = int(answer.scheduler_id.split(".")[1])
    assert os.getsid(pid) != os.getsid(0)
    await DirectScheduler(transport).stop(TOKEN, answer.scheduler_id, force=True)


async def test_a_start_that_takes_too_long_is_unclear_and_not_refused(
    transport: LocalTransport, monkeypatch: pytest.MonkeyPatch
) -> None:
    def too_slow(root: str, token: str) -> str:
        raise TimeoutError

    monkeypatch.setitem(calls.FUNCTIONS, "start_direct", too_slow)
    with pytest.raises(TransportLost):
        await transport.call("start_direct", TOKEN)
    (answer,) = await DirectScheduler(transport).submit([ORDER])
    assert isinstance(answer, Unclear)


async def test_polling_tells_new_bytes_of_many_runs_and_follows_no_link(transport: LocalTransport) -> None:
    files = {
        "journal-0000000000000000.jsonl": b"head\nline\n",
        "results-0000000000000000.jsonl": b"r",
        "exit.json": b"{}",
    }
    await transport.stage({"runs/brun1aaa": files})
    (transport.root / "runs" / "brun1aaa" / "journal-0000000000000001.jsonl").symlink_to("/etc/passwd")
    first, gone = await transport.poll(
        [RunAsk("brun1aaa", {"journal-0000000000000000.jsonl": 5}), RunAsk("bnone1aaa")]
    )
    assert [(file.name, file.offset, file.data) for file in first.files] == [
        ("journal-0000000000000000.jsonl", 5, b"line\n"),
        ("results-0000000000000000.jsonl", 0, b"r"),
    ]
    assert first.exit == b"{}"
    assert not gone.exists


def test_only_a_run_whose_manifest_names_it_is_removed(tmp_path: Path) -> None:
    ours, theirs = tmp_path / "runs" / "bours123", tmp_path / "runs" / "btheirs1"
    for run, token in ((ours, "bours123"), (theirs, "bsomebody")):
        run.mkdir(parents=True)
        (run / "manifest.json").write_text(f'{{"token": "{token}"}}')
    (ours / "link").symlink_to(tmp_path)
    assert runs.remove_run(str(tmp_path), "bours123") > 0
    assert not ours.exists()
    with pytest.raises(PermissionError):
        runs.remove_run(str(tmp_path), "btheirs1")
    assert theirs.exists()


async def test_the_job_script_leaves_a_report_when_the_worker_could_not(transport: LocalTransport) -> None:
    config = SiteConfig(python="/bin/false")
    scheduler = DirectScheduler(transport)
    script = scheduler.script(ScriptOrder(TOKEN, "noop", "workers/none", config))
    await transport.stage({f"runs/{TOKEN}": {"job.sh": script}})
    await scheduler.submit([ORDER])
    report = transport.root / "runs" / TOKEN / "exit.json"
    await _until(report.exists)
    assert '"source": "script"' in report.read_text()
    assert '"outcome": "error"' in report.read_text()


async def _until(ready, timeout_s: float = 20.0) -> None:  # type: ignore[no-untyped-def]
    deadline = time.monotonic() + timeout_s
    while not ready():
        assert time.monotonic() < deadline, "it did not happen in time"
        await asyncio.sleep(0.02)
