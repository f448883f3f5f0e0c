"""Jobs held, requeued, settled and looked into from the command line, with real processes; the autopilot."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from bocr_tui.catalog import core
from bocr_tui.catalog.database import open_catalog
from bocr_tui.catalog.lists import open_reader
from bocr_tui.cli.choose_jobs import jobs_named
from bocr_tui.cli.lease import driver_of
from bocr_tui.control.autopilot import set_autopilot
from tests.cli.conftest import Bocr, Said, command, environment
from tests.cli.test_run import LONG_S, make_pdf, set_pipeline, until


@pytest.fixture
def root(tmp_path: Path, bocr: Bocr) -> Path:
    """A workspace with two documents of a page each, planned in two batches, that noop reads."""
    root = tmp_path / "workspace"
    (tmp_path / "scans").mkdir()
    for name in ("un", "deux"):
        make_pdf(tmp_path / "scans" / f"{name}.pdf")
    bocr("init", root)
    set_pipeline(root)
    assert bocr("-w", root, "import", tmp_path / "scans").code == 0
    assert bocr("-w", root, "plan", "--documents", 1).code == 0
    return root


@pytest.fixture
def ask(bocr: Bocr, root: Path) -> Bocr:
    def run(*arguments: object) -> Said:
        return bocr("-w", root, *arguments)

    return run


@pytest.fixture
def started(root: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Starts a command and does not wait; whatever is left at the end is killed."""
    processes: list[subprocess.Popen[str]] = []

    def start(*arguments: object) -> subprocess.Popen[str]:
        pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        process = subprocess.Popen(
            command("-w", root, *arguments), env=environment(), stdin=subprocess.DEVNULL, **pipes
        )
        processes.append(process)
        return process

    yield start
    for process in processes:
        if process.poll() is None:
            process.kill()
        process.communicate()


def jobs(root: Path) -> list[Any]:
    catalog = open_catalog(root / "catalog.db")
    try:
        with catalog.reading() as connection:
            return list(connection.execute(select(core.job).order_by(core.job.c.id)).all())
    finally:
        catalog.close()


def change_job(root: Path, job_id: int, **columns: Any) -> None:
    catalog = open_catalog(root / "catalog.db")
    try:
        with catalog.writing() as connection:
            connection.execute(update(core.job).where(core.job.c.id == job_id).values(**columns))
    finally:
        catalog.close()


def driver_pid(root: Path) -> int | None:
    reader = open_reader(root / "catalog.db")
    try:
        driver = driver_of(reader)
        return None if driver is None else int(driver["pid"])
    finally:
        reader.close()


def test_what_a_job_is_not_fit_for_is_said_before_anything_is_asked(ask: Bocr, root: Path) -> None:
    assert ask("submit").code == 0
    token = jobs(root)[0].token
    for words, reason in (
        (("hold", token), "wait in a queue"),
        (("release", token), "that are held"),
        (("requeue", token), "wait or run on a site"),
        (("settle", token, "--never-ran"), "unclear"),
        (("log", token), "not submitted yet"),
    ):
        said = ask(*words)
        assert (said.code, reason in said.err) == (2, True), said.err
    assert ask("hold").code == 2
    assert ask("settle", token).code == 2
    assert "There is no job 'bnone'" in ask("cancel", "bnone").err
    assert "Several jobs begin with 'b'" in ask("cancel", "b").err


def test_a_job_may_be_named_by_the_beginning_of_its_token_and_by_the_scheduler_s_id(
    ask: Bocr, root: Path
) -> None:
    ask("submit")
    first, second = jobs(root)
    change_job(root, second.id, scheduler_id="4711.pbs")
    reader = open_reader(root / "catalog.db")
    names = (first.token[:12], "4711.pbs", second.token)
    assert [row.id for row in jobs_named(reader, names)] == [first.id, second.id, second.id]
    reader.close()


def test_a_job_that_runs_is_requeued_and_its_pages_are_read(
    ask: Bocr, root: Path, started: Callable[..., subprocess.Popen[str]]
) -> None:
    set_pipeline(root, sleep_s=5)
    ask("submit")
    watcher = started("watch")
    until(lambda: any(job.state == "running" for job in jobs(root)))
    watcher.send_signal(signal.SIGINT)
    watcher.communicate(timeout=LONG_S)
    set_pipeline(root)
    token = next(job.token for job in jobs(root) if job.state == "running")
    said = ask("requeue", token)
    assert said.code == 0, said.err
    assert "1 job asked to begin again." in said.out
    tries = [job for job in jobs(root) if job.chain_id == jobs(root)[0].chain_id]
    assert len(tries) == 2


def test_what_the_scheduler_refuses_is_said_with_its_words(ask: Bocr, root: Path) -> None:
    ask("submit")
    change_job(root, 1, state="queued", scheduler_id="1.1")
    said = ask("hold", "1.1")
    assert said.code == 3
    assert "1 job refused:" in said.err


def test_a_submission_that_nobody_could_clear_up_is_settled(ask: Bocr, root: Path) -> None:
    ask("submit")
    for number in (1, 2):
        change_job(root, number, state="ambiguous", asks=20)
    first, second = (job.token for job in jobs(root))
    assert ask("settle", first, "--ask", "--json").json["choice"] == "ask"
    assert jobs(root)[0].asks == 0
    said = ask("settle", first, "--id", "rm -rf /")
    assert said.code == 2 and "is no job id" in said.err
    assert ask("settle", first, "--id", "12.pbs").code == 0
    assert jobs(root)[0].scheduler_id == "12.pbs"
    assert ask("settle", second, "--never-ran").code == 0
    assert jobs(root)[1].state == "lost"


def test_a_log_is_fetched_printed_searched_and_made_safe(ask: Bocr, root: Path) -> None:
    ask("submit")
    token = jobs(root)[0].token
    change_job(root, 1, state="finished", cause="ok")
    said = ask("log", token)
    assert said.code == 2
    assert f"site/runs/{token}/job.log. How it ended: ok." in said.err
    mirror = root / "logs" / token
    mirror.mkdir(parents=True)
    lines = [b"line %d" % number for number in range(200)]
    lines[7] = b"\x1b[31mERROR\x1b[0m \x1b[2J\x1b]0;owned\x07 here"
    (mirror / "job.log").write_bytes(b"\n".join(lines))
    told = ask("log", token)
    shown = told.out.splitlines()
    assert (len(shown), shown[-1]) == (50, "line 199")
    assert str(mirror / "job.log") in told.err
    found = ask("log", token, "--grep", "error", "-n", 0)
    assert found.out == "ERROR \\x1b[2J\\x1b]0;owned\\x07 here\n"
    record = ask("log", token, "-n", 2, "--json").json
    assert (record["total_lines"], record["lines"], record["state"]) == (
        200,
        ["line 198", "line 199"],
        "finished",
    )
    assert ask("log", token, "--follow", "-n", 1).out == "line 199\n"
    assert ask("log", token, "--server").code == 2
    assert ask("log", token, "--follow", "--json").code == 2


def test_a_running_job_s_log_is_brought_here_by_looking_at_it(
    ask: Bocr, root: Path, started: Callable[..., subprocess.Popen[str]]
) -> None:
    set_pipeline(root, sleep_s=2)
    ask("submit")
    watcher = started("watch")
    until(lambda: any(job.state == "running" for job in jobs(root)))
    token = next(job.token for job in jobs(root) if job.state == "running")
    with (root / "site" / "runs" / token / "job.log").open("a") as stream:
        stream.write("the job said this\n")
    follower = started("log", token, "--follow")
    said = ask("log", token)
    assert (said.code, "the job said this" in said.out) == (0, True), said.err
    out, err = follower.communicate(timeout=LONG_S)
    assert (follower.returncode, "the job said this" in out) == (0, True), err
    watcher.communicate(timeout=LONG_S)


def test_the_autopilot_submits_what_is_planned_reads_it_and_ends_with_a_reason(ask: Bocr, root: Path) -> None:
    said = ask("autopilot", "--json")
    assert said.code == 0, said.err
    assert said.json["ok"] == 2
    assert "everything planned is done: 2 pages read" in said.json["reason"]
    assert len(jobs(root)) == 2
    status = ask("autopilot", "--status", "--json").json
    assert (status["on"], status["driver"], status["pages"]) == (False, None, {"ok": 2})
    assert "The autopilot is off: everything planned is done" in ask("autopilot", "--status").out
    assert ask("autopilot", "--stop").code == 2


def test_the_autopilot_stops_where_going_on_is_vain_and_says_what_is_left(ask: Bocr, root: Path) -> None:
    (root / "bocr.toml").write_text('pipeline = ["nosuchengine"]\n', encoding="utf-8")
    said = ask("autopilot")
    assert said.code == 1, said.out
    assert "nosuchengine" in said.out + said.err


def test_an_interrupted_autopilot_is_off_and_a_watch_sees_it_through_once_it_is_on(
    ask: Bocr, root: Path, started: Callable[..., subprocess.Popen[str]]
) -> None:
    set_pipeline(root, sleep_s=2)
    pilot = started("autopilot")
    until(lambda: any(job.state == "running" for job in jobs(root)))
    pilot.send_signal(signal.SIGINT)
    _, err = pilot.communicate(timeout=LONG_S)
    assert (pilot.returncode, "bocr watch" in err) == (130, True), err
    assert "off: interrupted" in ask("autopilot", "--status").out
    catalog = open_catalog(root / "catalog.db")
    set_autopilot(catalog, True)
    catalog.close()
    said = ask("watch", "--json")
    assert (said.code, json.loads(said.out)["ok"]) == (0, 2)
    assert "Autopilot stopped: everything planned is done" in said.err


@pytest.mark.slow
def test_a_detached_autopilot_goes_on_alone_a_second_one_is_refused_and_it_can_be_stopped(
    ask: Bocr, root: Path
) -> None:
    set_pipeline(root, sleep_s=2)
    began = ask("autopilot", "--detach", "--json")
    assert began.code == 0, began.err
    pid = began.json["pid"]
    assert driver_pid(root) == pid and os.getsid(pid) == pid
    second = ask("autopilot", "--detach")
    assert second.code == 1 and f"Process {pid}" in second.err
    assert ask("autopilot", "--status", "--json").json["driver"]["pid"] == pid
    until(lambda: jobs(root))
    assert "jobs that run go on" in ask("autopilot", "--stop").out
    until(lambda: driver_pid(root) is None)
    pages = ask("status", "--json").json["pages"]
    assert pages["ok"] >= 1 and not {"queued", "running"} & set(pages)
    log = root / "autopilot.log"
    until(lambda: "The autopilot stopped: somebody switched it off." in log.read_text(encoding="utf-8"))
    assert log.read_text(encoding="utf-8").startswith(time.strftime("%Y-"))


def test_a_detached_autopilot_that_cannot_begin_says_why(ask: Bocr, root: Path) -> None:
    (root / "bocr.toml").write_text("pipelin = 3\n", encoding="utf-8")
    said = ask("autopilot", "--detach")
    assert said.code == 1
    assert "there is no setting pipelin" in said.err
