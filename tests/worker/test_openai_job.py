"""Whole jobs through model servers: every fault ends in its class, and no page is lost or read twice."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bocr_worker.protocol.failures import FailureClass
from bocr_worker.protocol.heartbeat import read_heartbeat
from bocr_worker.protocol.manifest import Variation
from tests.papers import make_pdf
from tests.worker.runs import (
    exit_report,
    make_run,
    order_of,
    page_events,
    records,
    result_of,
    verdicts,
    wait_for,
)
from tests.worker.stand_in import Settings, StandIn
from tests.worker.vision_worker import start_vision_worker, vision_manifest

pytest.importorskip("aiohttp")
linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks into /proc")


def servers_of(run: Path) -> list[int]:
    """Guards and servers whose log lies in this run folder."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                told = (entry / "cmdline").read_bytes() + (entry / "environ").read_bytes()
            except OSError:
                continue
            if str(run / "server.log").encode() in told or str(run).encode() + b"\0" in told:
                found.append(int(entry.name))
    return [pid for pid in found if pid != os.getpid()]


FAULTS = {
    "429": None,
    "500": None,
    "503": None,
    "reset": None,
    "reset_body": None,
    "malformed": None,
    "hang": FailureClass.TIMEOUT,
    "400": FailureClass.TRANSPORT,
    "truncated": FailureClass.TRUNCATED,
    "loop": FailureClass.REPETITION,
    "empty": FailureClass.EMPTY,
    "markup": FailureClass.INVALID_MARKUP,
    "doubt": None,
}
"""Each happens once; None: the page is read all the same."""


async def test_every_fault_ends_in_its_class_and_every_other_page_is_read(tmp_path: Path) -> None:
    papers = [make_pdf(tmp_path / f"{name}.pdf", 8, first=10 * number) for number, name in enumerate("abc")]
    async with StandIn(Settings(markup="deepseek", tokens="400")) as server:
        for fault in FAULTS:
            server.faults.add(fault, times=1)
        orders = [order_of(paper, 8) for paper in papers]
        manifest = vision_manifest(*orders, url=server.url, prompt="grounded", deadline_s=1.0)
        run = make_run(tmp_path, manifest)
        worker = start_vision_worker(run)
        assert await asyncio.to_thread(worker.wait, 60) == 0
    found = verdicts(run)
    assert len(found) == 24
    assert all(len(events) == 1 for events in found.values())
    classes = Counter(events[0].failure for events in found.values())
    expected = Counter(failure for failure in FAULTS.values() if failure is not None)
    assert {failure: count for failure, count in classes.items() if failure} == dict(expected)
    report = exit_report(run)
    assert (report.outcome, report.ok, report.failed, report.left) == ("ok", 24 - 6, 6, 0)
    for events in found.values():
        if events[0].failure is None:
            result = result_of(run, events[0])
            assert result.recognition.text and result.recognition.confidence.mean
            assert events[0].provenance is not None
            assert events[0].provenance.prompt_hash in str(result.recognition.extra["prompt"])
            assert len(events[0].provenance.prompt_hash) == 16
        else:
            assert events[0].evidence


@linux
def test_a_job_ends_with_its_server_when_it_is_told_to(tmp_path: Path) -> None:
    paper = make_pdf(tmp_path / "a.pdf", 40)
    flags = ["--service", "0.2", "--children", "2"]
    run = make_run(tmp_path, vision_manifest(order_of(paper, 40), server_flags=flags))
    worker = start_vision_worker(run)
    wait_for(lambda: any(event.status == "ok" for event in page_events(run)))
    assert servers_of(run)
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(10) == 4, "no scheduler waits for longer"
    report = exit_report(run)
    assert report.outcome == "partial"
    assert 0 < report.left < 40
    assert not servers_of(run)


def test_a_server_that_does_not_start_is_the_jobs_cause(tmp_path: Path) -> None:
    paper = make_pdf(tmp_path / "a.pdf", 1)
    run = make_run(tmp_path, vision_manifest(order_of(paper, 1), server_flags=["--start-crash"]))
    assert start_vision_worker(run).wait(30) == 1
    report = exit_report(run)
    assert report.outcome == "error"
    assert "No available memory for the cache blocks" in report.cause
    assert report.left == 1


@pytest.mark.parametrize(
    ("options", "rung", "words"),
    [
        ({}, {"prompt": "grouned"}, "rung 'odd': prompt 'grouned' is unknown. Did you mean 'grounded'"),
        (
            {},
            {"tempertaure": 1},
            "rung 'odd': the option 'tempertaure' is unknown. Did you mean 'temperature'",
        ),
        ({"temperature": 99}, {}, "temperature should be a number from 0 to 2"),
    ],
)
def test_a_rung_that_cannot_be_meant_is_told_before_a_server_is_started(
    tmp_path: Path, options: dict[str, Any], rung: dict[str, Any], words: str
) -> None:
    paper = make_pdf(tmp_path / "a.pdf", 1)
    manifest = vision_manifest(order_of(paper, 1), **options)
    ladder = {FailureClass.REPETITION: (Variation(), Variation("odd", options=rung))}
    run = make_run(tmp_path, replace(manifest, ladder=ladder))
    assert start_vision_worker(run).wait(30) == 1
    assert words in exit_report(run).cause
    assert exit_report(run).left == 1 and not list(run.glob("server*.log"))


@linux
def test_a_job_tells_what_starting_and_a_lost_server_cost_it(tmp_path: Path) -> None:
    paper = make_pdf(tmp_path / "a.pdf", 24)
    run = make_run(tmp_path, vision_manifest(order_of(paper, 24), server_flags=["--service", "0.1"]))
    worker = start_vision_worker(run)
    wait_for(lambda: any(event.status == "ok" for event in page_events(run)))
    os.kill(next(pid for pid in servers_of(run) if b"serve" in _command(pid)), signal.SIGKILL)
    assert worker.wait(60) == 0
    told = exit_report(run).extra
    assert told["restarts"] == 1
    assert 0 < told["lost_s"] < 30
    assert 0 < told["start_s"] < told["first_page_s"]
    assert told["engine_idle_s"] >= told["start_s"]
    assert "restart_lost_s" not in told, "the worker itself was not started again"
    phases = [record["phase"] for record in records(run, "stage")]
    assert phases == ["loading", "feeding", "first_page", "ended"]
    assert records(run, "stage")[-1]["lost_s"] == told["lost_s"]
    beats = [beat.server for beat in map(read_heartbeat, records(run, "heartbeat")) if beat.server]
    last = read_heartbeat(records(run, "heartbeat")[-1])
    assert (last.done, last.first_page_s, last.pages_per_s) == (24, told["first_page_s"], None)
    assert last.engine_idle_s == pytest.approx(told["engine_idle_s"], abs=1.0)
    assert last.server["lost_s"] == told["lost_s"]
    assert any(beat.get("servers_up") == 1 and beat["in_flight_limit"] >= 4 for beat in beats)


def _command(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""
