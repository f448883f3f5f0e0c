"""The double of PBS runs jobs as the recorded one did."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.pbs_double import Double, Node, Seen, processes, running
from tests.pbs_double.store import Store


@pytest.fixture
def pbs(tmp_path: Path) -> Iterator[Double]:
    with Double.start(tmp_path / "pbs", kill_delay_s=0.5, stageout_s=0.1) as double:
        yield double


def submit(pbs: Double, body: str, *options: str) -> str:
    """A job that runs `body`. Returns its id."""
    done = pbs.run("qsub", *options, stdin=f"#!/bin/bash\n{body}\n".encode())
    assert done.returncode == 0, done.stderr
    return done.stdout.decode().strip()


def log(pbs: Double, job: Seen) -> str:
    return (pbs.home / f"{job.name}.o{job.seq}").read_text()


def test_a_job_runs_its_copied_script_at_home_with_a_narrow_umask(pbs: Double) -> None:
    job = pbs.wait(
        submit(pbs, 'pwd; echo "$0"; umask; echo "$PBS_JOBNAME $NCPUS"', "-lselect=1:ncpus=3", "-joe")
    )
    assert (job.state, job.substate, job.exit_status) == ("F", 92, 0)
    assert log(pbs, job).splitlines() == [
        str(pbs.home), f"{pbs.folder}/mom_priv/jobs/{job.id}.SC", "0077", "STDIN 3",
    ]  # fmt: skip


def test_a_held_chain_runs_in_order_once_released_though_the_parent_fails(pbs: Double) -> None:
    first = submit(pbs, "echo first >> order; exit 3", "-h")
    second = submit(pbs, "echo second >> order", "-W", f"depend=afterany:{first}")
    third = submit(pbs, "echo third >> order", "-W", f"depend=afterany:{second}")
    assert [pbs.job(one).holds for one in (first, second, third)] == ["u", "s", "s"]
    assert pbs.run("qrls", first).returncode == 0
    assert pbs.wait(third).exit_status == 0
    assert pbs.job(first).exit_status == 3
    assert (pbs.home / "order").read_text().split() == ["first", "second", "third"]


def test_at_walltime_the_worker_gets_its_seconds_and_the_log_a_line(pbs: Double) -> None:
    pbs.faults(clock=60.0)
    worker = "trap 'sleep 0.2; echo flushed; exit 0' TERM; echo up; while :; do sleep 0.05; done"
    job = pbs.wait(submit(pbs, worker, "-lwalltime=00:00:30", "-joe"))
    assert (job.substate, job.exit_status) == (93, -29)
    assert job.comment.endswith("and exceeded resource walltime")
    words = log(pbs, job)
    assert "=>> PBS: job killed: walltime 30 exceeded limit 30" in words or "walltime 3" in words
    assert "flushed" in words


def test_a_worker_that_ignores_the_term_is_killed_after_the_delay(pbs: Double) -> None:
    job_id = submit(pbs, "trap '' TERM; touch up; while :; do sleep 0.05; done")
    wait_for(pbs.home / "up")
    began = time.monotonic()
    assert pbs.run("qdel", job_id).returncode == 0
    job = pbs.wait(job_id)
    assert time.monotonic() - began >= 0.5
    assert (job.substate, job.exit_status) == (91, 271)


def test_requeue_runs_the_same_id_twice(pbs: Double) -> None:
    job_id = submit(
        pbs, "echo run >> runs; touch up.$(wc -l < runs); while [ ! -e go ]; do sleep 0.05; done; exit 5"
    )
    wait_for(pbs.home / "up.1")
    pbs.requeue(job_id)
    wait_for(pbs.home / "up.2")
    (pbs.home / "go").touch()
    job = pbs.wait(job_id)
    assert (job.run_count, job.exit_status) == (2, 5)
    assert (pbs.home / "runs").read_text().split() == ["run", "run"]


def test_the_same_id_can_run_while_its_first_processes_still_do(pbs: Double) -> None:
    job_id = submit(pbs, "touch up.$$; while [ ! -e go ]; do sleep 0.05; done; echo $$ >> ended")
    first = pbs.wait_until(job_id, lambda job: job.substate == 42)
    pbs.run_twice(job_id)
    second = pbs.wait_until(job_id, lambda job: job.run_count == 2 and job.substate == 42)
    assert first.id == second.id
    assert processes.of_session(first.session)
    assert processes.of_session(second.session)
    (pbs.home / "go").touch()
    pbs.wait(job_id)
    wait_for_lines(pbs.home / "ended", 2)


def wait_for_lines(path: Path, number: int) -> None:
    until = time.monotonic() + 10
    while not path.exists() or len(path.read_text().splitlines()) < number:
        assert time.monotonic() < until
        time.sleep(0.02)


def test_a_killed_server_loses_no_job_and_no_ending(pbs: Double) -> None:
    running = submit(pbs, "touch up; while [ ! -e go ]; do sleep 0.05; done; exit 4")
    held = submit(pbs, "true", "-h")
    wait_for(pbs.home / "up")
    pbs.kill_server()
    assert pbs.run("qstat").returncode == 255
    (pbs.home / "go").touch()
    pbs.restart()
    assert pbs.wait(running).exit_status == 4
    assert pbs.job(held).state == "H"
    assert submit(pbs, "true") == "3.login1"


def test_a_lost_node_gives_the_job_back_while_its_processes_write_on(tmp_path: Path) -> None:
    with Double.start(tmp_path / "pbs", node_fail_requeue_s=0.2) as pbs:
        body = "echo x >> beats.$$; while :; do echo x >> beats.$$; sleep 0.05; done"
        again = submit(pbs, body)
        never = submit(pbs, body, "-r", "n")
        for one in (again, never):
            pbs.wait_until(one, lambda job: job.substate == 42)
        pbs.lose_node()
        assert pbs.wait(never).exit_status == -20
        assert pbs.wait(again, "Q").exit_status == -20
        beats = sorted(pbs.home.glob("beats.*"))
        sizes = [one.stat().st_size for one in beats]
        until = time.monotonic() + 5
        while any(one.stat().st_size <= size for one, size in zip(beats, sizes, strict=True)):
            assert time.monotonic() < until, "the old processes should still write"
            time.sleep(0.02)
        pbs.node_back()
        assert pbs.wait(again, "R").run_count == 2


def test_slots_make_jobs_wait_and_say_so(tmp_path: Path) -> None:
    with Double.start(tmp_path / "pbs", nodes=[Node("n1", ncpus=2, ngpus=1)]) as pbs:
        first = submit(pbs, "while [ ! -e go ]; do sleep 0.05; done", "-lselect=1:ncpus=2:ngpus=1")
        second = submit(pbs, "true", "-lselect=1:ncpus=1")
        never = submit(pbs, "true", "-lselect=1:ncpus=1:ngpus=4")
        assert pbs.wait(first, "R").comment.endswith("on (n1:ncpus=2:ngpus=1)")
        assert pbs.wait_until(second, lambda job: bool(job.comment)).comment.startswith("Not Running:")
        words = "Can Never Run: Insufficient amount of resource: ngpus (R: 4 A: 1 T: 1)"
        assert pbs.job(never).comment == words
        (pbs.home / "go").touch()
        assert pbs.wait(second).exit_status == 0


def test_direct_write_shows_the_log_while_the_job_runs(pbs: Double) -> None:
    place = pbs.folder / "out.log"
    job_id = submit(
        pbs, "echo early; while [ ! -e go ]; do sleep 0.05; done", "-koed", "-joe", "-o", str(place)
    )
    wait_for(place)
    until = time.monotonic() + 5
    while place.read_text() != "early\n":
        assert time.monotonic() < until
        time.sleep(0.02)
    assert place.stat().st_mode & 0o777 == 0o600
    (pbs.home / "go").touch()
    assert pbs.wait(job_id).exit_status == 0


def test_direct_write_into_a_missing_folder_ends_in_a_system_hold(pbs: Double) -> None:
    job = pbs.wait(submit(pbs, "true", "-koed", "-joe", "-o", "/no/such/folder/x.log"), "H")
    assert (job.holds, job.run_count, job.exit_status) == ("s", 21, -3)
    assert job.comment == "job held, too many failed attempts to run"


def test_a_lost_id_is_found_by_name_and_never_taken_twice(pbs: Double) -> None:
    pbs.faults(lose_ids=1)
    lost = pbs.run("qsub", "-N", "t0k3n", "-h", stdin=b"true\n")
    assert (lost.returncode, lost.stdout) == (-signal.SIGKILL, b"")
    assert pbs.run("qselect", "-x", "-N", "t0k3n").stdout == b"1.login1\n"


def test_memory_kill_and_foreign_permission(pbs: Double) -> None:
    job_id = submit(pbs, "touch up; sleep 60", "-joe")
    wait_for(pbs.home / "up")
    refused = pbs.run("qdel", job_id, user="other")
    assert (refused.returncode, refused.stderr) == (159, f"qdel: Unauthorized Request  {job_id}\n".encode())
    pbs.kill_for_memory(job_id)
    job = pbs.wait(job_id)
    assert (job.exit_status, job.comment.rpartition(" and ")[2]) == (-27, "exceeded resource mem")
    assert "=>> PBS: job killed: mem 223596kb exceeded limit 102400kb" in log(pbs, job)


def test_a_hung_server_answers_once_it_is_freed(pbs: Double) -> None:
    pbs.faults(server="hung")
    command = [str(pbs.pbs_exec / "bin" / "qstat"), "-f", "-F", "json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as asking:
        with pytest.raises(subprocess.TimeoutExpired):
            asking.wait(0.3)
        pbs.faults(server="up")
        out, _ = asking.communicate(timeout=10)
    assert json.loads(out)["pbs_server"] == "login1"


def test_a_submission_that_gave_up_on_a_hung_server_is_not_taken(pbs: Double) -> None:
    pbs.faults(server="hung")
    done = pbs_with_timeout(pbs, "0.3", "qsub", "-h")
    assert done == 124
    pbs.faults(server="up")
    assert pbs.run("qselect").stdout == b""


def pbs_with_timeout(pbs: Double, seconds: str, command: str, *argv: str) -> int:
    line = ["timeout", seconds, str(pbs.pbs_exec / "bin" / command), *argv]
    return subprocess.run(line, stdin=subprocess.DEVNULL, check=False).returncode


def wait_for(path: Path, seconds: float = 10.0) -> None:
    until = time.monotonic() + seconds
    while not path.exists():
        assert time.monotonic() < until, f"{path} did not appear"
        time.sleep(0.02)


def test_stopping_ends_every_process_even_one_that_left_its_session(tmp_path: Path) -> None:
    with Double.start(tmp_path / "pbs") as pbs:
        job_id = submit(pbs, "setsid sleep 599 & echo $! > away; touch up; sleep 600")
        wait_for(pbs.home / "up")
        session = pbs.job(job_id).session
        away = int((pbs.home / "away").read_text())
        assert processes.alive(away)
    assert session
    assert processes.of_session(session) == []
    assert not processes.alive(away)


def test_a_double_whose_maker_was_killed_ends_by_itself(tmp_path: Path) -> None:
    """Otherwise an interrupted test run would leave servers and jobs behind."""
    maker = (
        "import sys, time; from pathlib import Path; from tests.pbs_double import Double\n"
        "pbs = Double.start(Path(sys.argv[1]))\n"
        "pbs.run('qsub', stdin=b'touch up; sleep 600'); print(flush=True); time.sleep(600)"
    )
    root = Path(__file__).parents[2]
    line = [sys.executable, "-c", maker, str(tmp_path / "pbs")]
    with subprocess.Popen(line, cwd=root, stdout=subprocess.PIPE) as made:
        assert made.stdout is not None
        made.stdout.readline()
        wait_for(tmp_path / "pbs" / "home" / "up")
        made.kill()
    until = time.monotonic() + 10
    while processes.with_environment(f"PBS_NODEFILE={tmp_path}/pbs/aux/".encode()):
        assert time.monotonic() < until, "the job still runs"
        time.sleep(0.05)


@pytest.mark.parametrize("watched", [False, True])
def test_a_run_that_was_being_started_when_the_server_was_killed_runs_once(
    pbs: Double, watched: bool
) -> None:
    """Killed before it was noted who watches the run: nobody does, or somebody whose name is on record."""
    held = submit(
        pbs, "echo ran >> order; while [ ! -e go ]; do sleep 0.02; done", *([] if watched else ["-h"])
    )
    if watched:
        pbs.wait(held, "R")
        while not (pbs.home / "order").exists():
            time.sleep(0.01)
    pbs.kill_server()
    store = Store(pbs.folder / "jobs.sqlite")
    (job,) = store.jobs().values()
    job.state, job.substate, job.supervisor, job.exec_node = "R", running.STARTING, 0, "login1"
    if not watched:
        job.holds, job.run_count, job.stime = "", 1, time.time()
    store.save(job)
    store.close()
    pbs.restart()
    (pbs.home / "go").touch()
    assert pbs.wait(held).exit_status == 0
    assert (pbs.home / "order").read_text().split() == ["ran"]
