"""Servers that a job starts: waited for, watched, started again, and gone when they should be."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

import pytest

from bocr_worker.protocol.failures import FailureClass
from bocr_worker.protocol.manifest import EngineOrder
from bocr_worker.protocol.recognition import Recognition
from bocr_worker.runtimes.base import AskFailed, RuntimeBroken
from bocr_worker.runtimes.openai.process import ServerEnded, ServerProcess, free_port
from bocr_worker.runtimes.openai.runtime import OpenAiRuntime
from bocr_worker.vitals import processes_below
from tests.worker.stand_in.child import SCRIPT
from tests.worker.vision_engines import LONG_S, QUICK, SPEC, image_hash, page, running

pytest.importorskip("aiohttp")
linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks into /proc")

COMMAND = (
    *("{python}", str(SCRIPT), "serve", "{model}", "--host", "{host}", "--port", "{port}"),
    *("--served-model-name", "{name}", "{flags}"),
)


def spawning(run_folder: Path, *flags: str, **options: Any) -> OpenAiRuntime:
    """A runtime whose servers are stand-ins; `flags` are theirs."""
    said = {**QUICK, "command": COMMAND, "server_flags": flags, **options}
    return OpenAiRuntime(SPEC, EngineOrder("standin", options=said), run_folder)


def server_pid(runtime: OpenAiRuntime, lane: int = 0) -> int:
    process = runtime.lanes[lane].server._process  # type: ignore[attr-defined]
    assert process is not None and process.pid is not None
    pid: int = process.pid
    return pid


def is_alive(pid: int) -> bool:
    """And no zombie that only waits to be counted."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


def stand_ins(mark: str) -> list[int]:
    """Processes whose command line or environment holds `mark`, this one aside."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            told = (entry / "cmdline").read_bytes() + (entry / "environ").read_bytes()
        except OSError:
            continue
        if mark.encode() in told and is_alive(int(entry.name)):
            found.append(int(entry.name))
    return found


async def until(true: Any) -> None:
    """Wait for something that another process does; the test's own timeout is the limit."""
    while not true():
        await asyncio.sleep(0.01)


# -- start ---------------------------------------------------------------------------------------------


async def test_a_server_is_started_under_a_name_and_a_key_of_its_own_and_stopped(tmp_path: Path) -> None:
    runtime = spawning(tmp_path)
    identity = await runtime.start()
    pid = server_pid(runtime)
    assert identity.version == "vllm 0.11.2"
    assert (await runtime.ask(page(), LONG_S)).text
    await runtime.close()
    assert not is_alive(pid)
    log = (tmp_path / "server.log").read_text()
    assert log.startswith("--- bocr ")
    assert "--served-model-name standin-" in log
    assert "PYTHONPATH=''" in log
    assert runtime.facts["start_s"] > 0


async def test_a_server_that_cannot_start_is_told_with_its_own_last_words(tmp_path: Path) -> None:
    runtime = spawning(tmp_path, "--start-crash")
    with pytest.raises(RuntimeBroken) as caught:
        await runtime.start()
    said = str(caught.value)
    assert "the model server ended (exit status 1). Its log is server.log; its last words:" in said
    assert "ValueError: No available memory for the cache blocks." in said
    assert (tmp_path / "server.log").read_text().count("--- bocr ") == 2


async def test_a_command_that_there_is_not_is_told_at_once(tmp_path: Path) -> None:
    runtime = spawning(tmp_path, command=("/no/such/vllm", "{port}"))
    with pytest.raises(RuntimeBroken, match="cannot be started: No such file or directory: /no/such/vllm"):
        await runtime.start()


async def test_a_server_that_never_gets_ready_is_given_up_at_its_deadline(tmp_path: Path) -> None:
    runtime = spawning(tmp_path, "--start-s", "60", start_deadline_s=1.5)
    with pytest.raises(
        RuntimeBroken, match=r"no sign of health within 1\.5 s \(start_deadline_s\)"
    ) as caught:
        await runtime.start()
    assert "INFO gpus" in str(caught.value)
    assert not stand_ins(str(tmp_path))


async def test_another_server_on_the_port_is_not_taken_for_ours(tmp_path: Path) -> None:
    """Ours has no name that anybody else has."""
    runtime = spawning(tmp_path, "--served-model-name", "somebody-elses")
    with pytest.raises(RuntimeBroken, match=r"healthy, but not as it was started.*has somebody-elses"):
        await runtime.start()


async def test_what_was_logged_before_is_kept_and_not_taken_for_the_cause(tmp_path: Path) -> None:
    (tmp_path / "server.log").write_text("ValueError: of another try\n")
    with pytest.raises(RuntimeBroken) as caught:
        await spawning(tmp_path, "--start-crash").start()
    assert "another try" not in str(caught.value)
    assert (tmp_path / "server.log").read_text().startswith("ValueError: of another try\n")


async def test_one_server_for_each_gpu_with_a_log_each(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "GPU-a,3")
    async with running(spawning(tmp_path)) as runtime:
        await until(lambda: all(lane.is_up for lane in runtime.lanes))
        reads = await asyncio.gather(*(runtime.ask(page(number), LONG_S) for number in range(20)))
        assert len({read.text for read in reads}) == 20
        assert [lane.answers > 0 for lane in runtime.lanes] == [True, True]
    assert "INFO gpus GPU-a\n" in (tmp_path / "server.log").read_text()
    assert "INFO gpus 3\n" in (tmp_path / "server-2.log").read_text()


# -- death and restart ---------------------------------------------------------------------------------


@linux
async def test_a_server_that_is_killed_is_started_again_and_its_pages_read(tmp_path: Path) -> None:
    async with running(spawning(tmp_path, "--service", "0.2", "--slots", "8")) as runtime:
        asking = [asyncio.create_task(runtime.ask(page(number), LONG_S)) for number in range(8)]
        await until(lambda: runtime.lanes[0].gate.inside >= 4)
        first = server_pid(runtime)
        os.kill(first, signal.SIGKILL)
        reads = await asyncio.gather(*asking)
        assert len({read.text for read in reads}) == 8
        assert server_pid(runtime) != first
        assert runtime.facts["restarts"] == 1
        assert 0 < runtime.facts["lost_s"] < 20
    assert (tmp_path / "server.log").read_text().count("--- bocr ") == 2


async def test_a_server_that_dies_again_and_again_ends_the_job_with_its_words(tmp_path: Path) -> None:
    faults = json.dumps([{"kind": "crash"}])
    runtime = spawning(tmp_path, "--faults", faults, restarts=1)
    async with running(runtime):
        with pytest.raises(RuntimeBroken, match=r"after 1 restarts: the server ended \(exit status 13\)"):
            await runtime.ask(page(), LONG_S)


@pytest.mark.parametrize("way", ["crash", "dying"])
async def test_the_page_that_kills_the_server_is_found_and_the_others_are_read(
    tmp_path: Path, way: str
) -> None:
    """At most three deaths: all together, all together, and then alone."""
    faults = json.dumps([{"kind": way, "image": image_hash(2)}])
    flags = ("--faults", faults, "--service", "0.05", "--slots", "8")
    async with running(spawning(tmp_path, *flags)) as runtime:
        asks = (runtime.ask(page(number), LONG_S) for number in range(5))
        results: list[Any] = await asyncio.gather(*asks, return_exceptions=True)
        killer = results.pop(2)
        assert isinstance(killer, AskFailed)
        assert (killer.failure, killer.charged) == (FailureClass.TRANSPORT, True)
        assert "ended 3 times while it read this page" in killer.cause
        assert [type(read) for read in results] == [Recognition] * 4
        assert runtime.facts["restarts"] == 3 or runtime.facts["restarts"] == 2


async def test_however_many_pages_kill_the_server_no_sound_page_is_blamed(tmp_path: Path) -> None:
    """Pages that kill it come in fresh when sound ones were inside at two deaths."""
    guilty = (3, 4, 6, 8)
    faults = json.dumps([{"kind": "crash", "image": image_hash(number)} for number in guilty])
    flags = ("--faults", faults, "--service", "0.1", "--slots", "8")
    async with running(spawning(tmp_path, *flags, max_in_flight=4, restarts=50)) as runtime:
        asking = [asyncio.create_task(runtime.ask(page(number), LONG_S)) for number in range(4)]
        await until(lambda: runtime.lanes[0].restarts == 2)
        asking += [asyncio.create_task(runtime.ask(page(number), LONG_S)) for number in range(4, 10)]
        results: list[Any] = await asyncio.gather(*asking, return_exceptions=True)
        given_up = [number for number, result in enumerate(results) if isinstance(result, AskFailed)]
        assert given_up == list(guilty)
        assert sum(isinstance(result, Recognition) for result in results) == 6
        assert [(lane.gate.inside, lane.suspects) for lane in runtime.lanes] == [(0, 0)]


# -- the end: nobody is left ---------------------------------------------------------------------------


@linux
@pytest.mark.parametrize("stubborn", [False, True])
async def test_a_server_goes_with_all_that_it_started(tmp_path: Path, stubborn: bool) -> None:
    """Its workers ignore the signal, and one of them has left the group."""
    flags = ("--children", "3", *(["--ignore-sigterm"] if stubborn else []))
    runtime = spawning(tmp_path, *flags, environment={"BOCR_TEST_MARK": str(tmp_path)})
    await runtime.start()
    assert len(stand_ins(str(tmp_path))) >= 4
    await runtime.close()
    assert not stand_ins(str(tmp_path))


@linux
async def test_a_server_that_is_killed_leaves_no_workers(tmp_path: Path) -> None:
    mark = {"BOCR_TEST_MARK": str(tmp_path)}
    async with running(spawning(tmp_path, "--children", "3", environment=mark, restarts=0)) as runtime:
        assert len(stand_ins(str(tmp_path))) >= 4
        os.kill(server_pid(runtime), signal.SIGKILL)
        await until(lambda: not stand_ins(str(tmp_path)))


@linux
@pytest.mark.parametrize("after_s", [0.0, 0.02, 0.1, 0.25])
async def test_ending_in_the_middle_of_a_start_leaves_nobody(tmp_path: Path, after_s: float) -> None:
    mark = {"BOCR_TEST_MARK": str(tmp_path)}
    runtime = spawning(tmp_path, "--start-s", "60", "--children", "2", environment=mark)
    starting = asyncio.create_task(runtime.start())
    await asyncio.wait({starting}, timeout=after_s)
    starting.cancel()
    await asyncio.gather(starting, return_exceptions=True)
    await runtime.close()
    assert not stand_ins(str(tmp_path))


WORKER = """
import asyncio, json, sys
from pathlib import Path
from tests.worker.test_openai_server import spawning

async def main():
    folder = Path(sys.argv[1])
    runtime = spawning(folder, *sys.argv[2:], environment={"BOCR_TEST_MARK": str(folder)})
    print("starting", flush=True)
    await runtime.start()
    print("started", flush=True)
    await asyncio.sleep(600)

asyncio.run(main())
"""


@linux
@pytest.mark.parametrize("moment", ["starting", "started"])
async def test_when_the_worker_is_killed_its_servers_go_too(tmp_path: Path, moment: str) -> None:
    flags = ["--children", "2", *(["--start-s", "60"] if moment == "starting" else [])]
    worker = await asyncio.create_subprocess_exec(
        sys.executable, "-c", WORKER, str(tmp_path), *flags, stdout=asyncio.subprocess.PIPE
    )
    assert worker.stdout is not None
    while (await worker.stdout.readline()).strip().decode() != moment:
        pass
    await until(lambda: len(stand_ins("BOCR_TEST_MARK=" + str(tmp_path))) >= 4)
    worker.kill()
    await worker.wait()
    await until(lambda: not stand_ins(str(tmp_path)))


@linux
async def test_when_the_guard_is_killed_its_server_goes_and_another_comes(tmp_path: Path) -> None:
    """And with it what it started, even what left its group and heeds no signal."""
    mark = {"BOCR_TEST_MARK": str(tmp_path)}
    async with running(spawning(tmp_path, "--children", "3", environment=mark)) as runtime:
        first, family = server_pid(runtime), stand_ins(str(tmp_path))
        assert len(family) >= 4
        parent = next(each.parent for each in processes_below(os.getpid()) if each.pid == first)
        os.kill(parent, signal.SIGKILL)
        await until(lambda: not any(map(is_alive, family)))
        assert (await runtime.ask(page(), LONG_S)).text
        assert runtime.facts["restarts"] == 1


@linux
async def test_signals_to_everybody_are_left_to_the_worker(tmp_path: Path) -> None:
    """A scheduler signals the guard too; the server is then ended by the worker, or by the guard after it."""
    process = ServerProcess(
        (sys.executable, "-c", "import time; time.sleep(60)"), os.environ, tmp_path / "log"
    )
    await process.start()
    assert process.pid is not None
    parent = next(each.parent for each in processes_below(os.getpid()) if each.pid == process.pid)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        os.kill(parent, number)
    os.kill(process.pid, signal.SIGTERM)
    assert await process.ended == "killed by SIGTERM"
    await process.stop()
    assert not is_alive(parent)


async def test_a_program_that_is_none_is_said_to_be_so(tmp_path: Path) -> None:
    process = ServerProcess(("/no/such/program",), {}, tmp_path / "log")
    with pytest.raises(ServerEnded, match="No such file or directory"):
        await process.start()
    await process.stop()
    await process.stop()


def test_free_ports_are_free() -> None:
    assert len({free_port() for _ in range(5)}) > 1
