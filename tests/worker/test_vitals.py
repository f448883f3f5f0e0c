"""What heartbeats say of a job's machine, and that nothing waits for it."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from bocr_worker import vitals
from bocr_worker.protocol.heartbeat import Heartbeat, read_heartbeat
from bocr_worker.vitals import Vitals, gpu_facts, processes_below
from tests.papers import make_pdf
from tests.worker.runs import FAST, exit_report, make_run, noop_manifest, order_of, records, start_worker

TWO_GPUS = "0, GPU-aa11, 40, 1000, 80000\n1, GPU-bb22, 100, 3000, 80000\n"


@pytest.mark.parametrize(
    ("printed", "visible", "expected"),
    [
        (TWO_GPUS, None, (2, 70.0, 4194.3, 167772.2)),
        (TWO_GPUS, "1", (1, 100.0, 3145.7, 83886.1)),
        (TWO_GPUS, "GPU-aa", (1, 40.0, 1048.6, 83886.1)),
        (TWO_GPUS, "MIG-1234", (2, 70.0, 4194.3, 167772.2)),
        (TWO_GPUS, "", (None, None, None, None)),
        ("0, GPU-aa11, [N/A], 1000, 80000\n", None, (1, None, 1048.6, 83886.1)),
        ("0, GPU-aa11, [Not Supported], [N/A], [N/A]\n", None, (1, None, None, None)),
        ("", None, (None, None, None, None)),
        ("No devices were found\n", None, (None, None, None, None)),
        ("0, GPU-aa11, nan, -1, 1e300\n", None, (1, None, None, None)),
    ],
)
def test_what_nvidia_smi_prints_becomes_numbers_or_nothing(
    printed: str, visible: str | None, expected: tuple[float | None, ...]
) -> None:
    beat = read_heartbeat(gpu_facts(printed, visible))
    seen = (beat.gpus, beat.gpu_percent, beat.gpu_memory_used_mb, beat.gpu_memory_total_mb)
    assert seen == expected


def fake_smi(folder: Path, body: str) -> Path:
    folder.mkdir(exist_ok=True)
    script = folder / "nvidia-smi"
    script.write_text(f"#!/bin/sh\n{body}\n")
    script.chmod(0o755)
    return folder


async def looked(smi: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, float | int]:
    monkeypatch.setenv("PATH", f"{smi}:{os.environ['PATH']}")
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    return await Vitals()._look_at_gpus()


async def test_nvidia_smi_is_asked_for_what_it_is_read_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    smi = fake_smi(tmp_path / "bin", f'echo "$@" > {tmp_path}/asked; printf "{TWO_GPUS}"')
    assert (await looked(smi, monkeypatch))["gpu_percent"] == 70.0
    asked = (tmp_path / "asked").read_text().split()
    assert asked == list(vitals._QUERY)
    assert all("=" in argument for argument in asked)


@pytest.mark.parametrize("body", ["exit 9", "exec sleep 600", "printf '\\377\\376, 1, 2\\n'", ":"])
async def test_a_driver_that_fails_or_hangs_leaves_its_fields_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, body: str
) -> None:
    monkeypatch.setattr(vitals, "_ANSWER_WITHIN_S", 0.3)
    begun = time.monotonic()
    assert await looked(fake_smi(tmp_path / "bin", body), monkeypatch) == {}
    assert time.monotonic() - begun < 5


async def test_a_driver_that_hangs_is_not_asked_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vitals, "_ANSWER_WITHIN_S", 0.2)
    smi = fake_smi(tmp_path / "bin", f"echo asked >> {tmp_path}/count; exec sleep 600")
    monkeypatch.setenv("PATH", f"{smi}:{os.environ['PATH']}")
    looking = Vitals()
    for _ in range(6):
        assert await looking._look_at_gpus() == {}
    assert (tmp_path / "count").read_text().count("asked") == 3


def test_a_jobs_processes_are_those_below_it() -> None:
    code = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'input()'])"
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE) as child:
        while len(tree := processes_below(child.pid)) < 2:
            time.sleep(0.01)
        assert {process.parent for process in tree if process.pid != child.pid} == {child.pid}
        assert all(process.memory_bytes > 0 for process in tree)
        assert child.pid in {process.pid for process in processes_below(os.getpid())}
        child.communicate(b"\n")


def test_without_proc_nothing_is_known(tmp_path: Path) -> None:
    assert processes_below(os.getpid(), tmp_path) == []


async def test_a_busy_core_is_seen() -> None:
    looking = Vitals()
    looking._look_at_tree()
    began_s, cpu_s = time.monotonic(), time.process_time()
    while time.process_time() - cpu_s < 0.4:
        pass
    await asyncio.sleep(0)
    share = 0.4 / (time.monotonic() - began_s)  # of a core, on a machine that others use, too
    assert share / 2 < looking._look_at_tree()["job_cores"] < 3


def test_a_running_job_tells_its_tokens_and_its_machine(tmp_path: Path) -> None:
    paper = make_pdf(tmp_path / "a.pdf", 10)
    manifest = noop_manifest(order_of(paper, 10), runtime="local", sleep_s=0.15, tokens=100)
    run = make_run(tmp_path, replace(manifest, limits=FAST))
    smi = fake_smi(tmp_path / "bin", f'printf "{TWO_GPUS}"')
    worker = start_worker(run, PATH=f"{smi}:{os.environ['PATH']}", CUDA_VISIBLE_DEVICES="0")
    assert worker.wait(60) == 0
    beats = [read_heartbeat(record) for record in records(run, "heartbeat")]
    last = beats[-1]
    assert last.done is not None
    assert 0 < last.done <= exit_report(run).ok == last.total
    assert (last.prompt_tokens, last.completion_tokens) == (200 * last.done, 100 * last.done)
    assert any(beat.completion_tokens_per_s for beat in beats)
    assert (last.gpus, last.gpu_percent) == (1, 40.0)
    assert last.job_processes is not None
    assert last.job_processes >= 1
    assert last.job_memory_mb is not None
    assert last.job_memory_mb > 5


def test_a_job_without_gpus_and_tokens_says_nothing_of_them(tmp_path: Path) -> None:
    paper = make_pdf(tmp_path / "a.pdf", 2)
    run = make_run(tmp_path, noop_manifest(order_of(paper, 2), runtime="local", sleep_s=0.3))
    bare = tmp_path / "bin"
    bare.mkdir()
    assert start_worker(run, PATH=str(bare)).wait(60) == 0
    for record in records(run, "heartbeat"):
        assert not [name for name in record if name.startswith("gpu") or "tokens" in name]


def test_every_field_that_is_written_is_documented(tmp_path: Path) -> None:
    paper = make_pdf(tmp_path / "a.pdf", 2)
    run = make_run(tmp_path, noop_manifest(order_of(paper, 2), runtime="local", sleep_s=0.3, tokens=5))
    assert start_worker(run).wait(60) == 0
    written = {name for record in records(run, "heartbeat") for name in record} - {"kind", "seq"}
    assert written
    assert written <= set(Heartbeat.__dataclass_fields__)
