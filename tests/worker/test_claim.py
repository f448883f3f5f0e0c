"""One process works on a run, however often it is started."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from bocr_worker import claim as claims
from bocr_worker import owner as owners
from bocr_worker.claim import Claim, ClaimedElsewhere, holder_number, wait_until_quiet
from bocr_worker.owner import is_dead, process_birth, read_owner, this_process
from bocr_worker.protocol.exit_report import ExitReport, dump_exit_report

LEASE_S = 0.5
WORKER = str(Path(__file__).resolve().parents[2] / "worker")


def elsewhere(run: Path, **changes: object) -> None:
    """Make the holder look like a process of another machine, whose life cannot be seen from here."""
    owner = run / claims.claim_folder(run, holder_number(run)).name / "owner"
    owner.write_text(json.dumps({**json.loads(owner.read_text()), "host": "another-node", **changes}))


@contextmanager
def renewing(claim: Claim, each: Callable[[], None] = lambda: None) -> Iterator[None]:
    """As a worker's heartbeat does."""
    over = threading.Event()

    def beat() -> None:
        while not over.wait(LEASE_S / 10):
            claim.renew()
            each()

    thread = threading.Thread(target=beat)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def never() -> bool:
    pytest.fail("it should not have waited")


def test_a_second_job_leaves_a_claimed_run_alone(tmp_path: Path) -> None:
    Claim.take(tmp_path, "1.server", LEASE_S)
    with pytest.raises(ClaimedElsewhere, match=r"1\.server"):
        Claim.take(tmp_path, "2.server", LEASE_S)


def test_a_second_job_leaves_a_run_alone_whose_lease_lapsed(tmp_path: Path) -> None:
    Claim.take(tmp_path, "1.server", LEASE_S)
    elsewhere(tmp_path)
    time.sleep(LEASE_S)
    with pytest.raises(ClaimedElsewhere, match=r"1\.server"):
        Claim.take(tmp_path, "2.server", LEASE_S)


def test_the_same_job_started_again_waits_while_the_lease_is_renewed_and_then_leaves(tmp_path: Path) -> None:
    first = Claim.take(tmp_path, "1.server", LEASE_S)
    begun = time.monotonic()
    with renewing(first), pytest.raises(ClaimedElsewhere, match="alive"):
        Claim.take(tmp_path, "1.server", LEASE_S)
    assert time.monotonic() - begun >= 2 * LEASE_S
    assert holder_number(tmp_path) == 1


def test_the_same_job_started_again_leaves_when_it_is_asked_to_stop(tmp_path: Path) -> None:
    Claim.take(tmp_path, "1.server", 60.0)
    with pytest.raises(ClaimedElsewhere):
        Claim.take(tmp_path, "1.server", 60.0, stopped=lambda: True)


def test_a_lease_that_lapsed_is_taken_over_and_the_first_holder_notices(tmp_path: Path) -> None:
    first = Claim.take(tmp_path, "1.server", LEASE_S)
    elsewhere(tmp_path)
    second = Claim.take(tmp_path, "1.server", LEASE_S)
    assert not first.is_fresh()
    with pytest.raises(ClaimedElsewhere, match="lapsed"):
        first.confirm()
    assert first.lost
    with pytest.raises(ClaimedElsewhere):
        first.renew()
    second.renew()


def test_a_holder_that_lost_the_run_does_not_give_back_the_others_lease(tmp_path: Path) -> None:
    first = Claim.take(tmp_path, "1.server", LEASE_S)
    elsewhere(tmp_path)
    second = Claim.take(tmp_path, "1.server", LEASE_S)
    with pytest.raises(ClaimedElsewhere):
        first.confirm()
    first.release()
    assert (tmp_path / "lease").exists()
    second.release()
    assert not (tmp_path / "lease").exists()


def test_of_many_that_see_a_lease_lapse_one_follows(tmp_path: Path) -> None:
    Claim.take(tmp_path, "1.server", LEASE_S)
    elsewhere(tmp_path)
    won: list[Claim] = []
    refused: list[str] = []
    barrier = threading.Barrier(12)

    def start() -> None:
        barrier.wait()
        try:
            claim = Claim.take(tmp_path, "1.server", LEASE_S)
        except ClaimedElsewhere as error:
            refused.append(str(error))
            return
        won.append(claim)
        with renewing(claim):
            time.sleep(2 * LEASE_S)

    threads = [threading.Thread(target=start) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(won), len(refused)) == (1, 11)
    assert holder_number(tmp_path) == 2


def test_a_holder_that_slept_through_its_lease_claims_anew_before_it_goes_on(tmp_path: Path) -> None:
    """So that one who is about to follow it and one who wakes up cannot both be sure."""
    claim = Claim.take(tmp_path, "1.server", LEASE_S)
    time.sleep(LEASE_S)
    assert not claim.is_fresh()
    claim.confirm()
    assert claim.is_fresh()
    assert holder_number(tmp_path) == 2


def test_a_fresh_claim_is_confirmed_without_a_look(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    claim = Claim.take(tmp_path, "1.server", 60.0)
    monkeypatch.setattr(claims, "holder_number", lambda run: never())
    claim.confirm()


@pytest.mark.parametrize("hours", [-30, 30])
def test_clocks_that_differ_neither_end_a_lease_nor_prolong_it(tmp_path: Path, hours: int) -> None:
    first = Claim.take(tmp_path, "1.server", LEASE_S)
    elsewhere(tmp_path)

    def by_another_clock() -> None:
        os.utime(tmp_path / "lease", (time.time() + hours * 3600,) * 2)

    with renewing(first, by_another_clock), pytest.raises(ClaimedElsewhere):
        Claim.take(tmp_path, "1.server", LEASE_S)
    by_another_clock()
    begun = time.monotonic()
    Claim.take(tmp_path, "1.server", LEASE_S)
    assert LEASE_S <= time.monotonic() - begun < 2 * LEASE_S


def test_a_claim_whose_owner_never_said_who_it_is_lapses_too(tmp_path: Path) -> None:
    (tmp_path / "claim").mkdir()
    begun = time.monotonic()
    Claim.take(tmp_path, "1.server", LEASE_S)
    assert time.monotonic() - begun >= LEASE_S


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"pid": "x"}', "[" * 100_000, '{"host": 5, "pid": 1}'])
def test_an_owner_that_makes_no_sense_is_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "owner").write_text(text)
    assert read_owner(tmp_path) is None


def _killed_holder(run: Path) -> subprocess.Popen[bytes]:
    code = (
        "import os, sys, pathlib, signal; from bocr_worker.claim import Claim;"
        f"Claim.take(pathlib.Path({str(run)!r}), '1.server', 60.0);"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    return subprocess.Popen([sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": WORKER})


def test_a_process_that_died_here_is_followed_at_once(tmp_path: Path) -> None:
    _killed_holder(tmp_path).wait()
    Claim.take(tmp_path, "1.server", 60.0, stopped=never)
    assert json.loads((tmp_path / "claim.2" / "owner").read_text())["pid"] == os.getpid()


def test_a_process_that_died_here_is_followed_by_another_job_too(tmp_path: Path) -> None:
    _killed_holder(tmp_path).wait()
    Claim.take(tmp_path, "2.server", 60.0, stopped=never)
    assert holder_number(tmp_path) == 2


def test_a_process_that_nobody_has_buried_is_dead(tmp_path: Path) -> None:
    holder = _killed_holder(tmp_path)
    while process_birth(holder.pid) != "dead":
        time.sleep(0.01)
    Claim.take(tmp_path, "1.server", 60.0, stopped=never)
    assert holder_number(tmp_path) == 2
    holder.wait()


def test_a_machine_that_was_started_anew_has_forgotten_its_processes(tmp_path: Path) -> None:
    Claim.take(tmp_path, "1.server", 60.0)
    elsewhere(tmp_path, host=this_process("").host, boot="another-boot")
    os.utime(tmp_path / "lease", (1, 1))
    Claim.take(tmp_path, "1.server", 60.0, stopped=never)
    assert holder_number(tmp_path) == 2


def test_two_machines_of_one_name_are_not_taken_for_one_that_was_started_anew(tmp_path: Path) -> None:
    Claim.take(tmp_path, "1.server", LEASE_S)
    elsewhere(tmp_path, host=this_process("").host, boot="another-boot")
    owner = read_owner(tmp_path / "claim")
    assert owner is not None
    assert not is_dead(owner, (tmp_path / "lease").stat().st_mtime)


def test_a_process_of_another_world_of_numbers_is_not_judged_by_its_number(tmp_path: Path) -> None:
    Claim.take(tmp_path, "1.server", LEASE_S)
    elsewhere(tmp_path, host=this_process("").host, space="pid:[1]", born="1", pid=1)
    owner = read_owner(tmp_path / "claim")
    assert owner is not None
    assert not is_dead(owner, time.time())


def test_where_births_cannot_be_told_a_number_nobody_has_is_dead(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(owners, "_has_proc", lambda: False)
    holder = _killed_holder(tmp_path)
    holder.wait()
    elsewhere(tmp_path, host=this_process("").host, born="")
    dead = read_owner(tmp_path / "claim")
    assert dead is not None
    assert is_dead(dead, None)
    assert not is_dead(replace(dead, pid=os.getpid()), None)


# -- runs that have ended ----------------------------------------------------------------------------------


def end(run: Path, outcome: str) -> None:
    (run / "exit.json").write_bytes(dump_exit_report(ExitReport("btoken", outcome)))


@pytest.mark.parametrize(("outcome", "again"), [("partial", True), ("error", True), ("ok", False)])
def test_a_run_that_ended_is_started_again_only_if_pages_were_left(
    tmp_path: Path, outcome: str, again: bool
) -> None:
    claim = Claim.take(tmp_path, "1.server", LEASE_S)
    end(tmp_path, outcome)
    claim.release()
    if again:
        Claim.take(tmp_path, "1.server", 60.0, stopped=never)
        assert not (tmp_path / "exit.json").exists()
        assert (tmp_path / "exit.before-2.json").exists()
    else:
        with pytest.raises(ClaimedElsewhere, match="ended"):
            Claim.take(tmp_path, "1.server", 60.0)


def test_another_job_does_not_go_on_with_a_run_that_ended(tmp_path: Path) -> None:
    """Its pages are in another run by then."""
    claim = Claim.take(tmp_path, "1.server", LEASE_S)
    end(tmp_path, "partial")
    claim.release()
    with pytest.raises(ClaimedElsewhere, match=r"1\.server"):
        Claim.take(tmp_path, "2.server", LEASE_S)


def test_a_run_that_is_done_is_not_taken_over_from_a_process_that_died_right_after(tmp_path: Path) -> None:
    _killed_holder(tmp_path).wait()
    end(tmp_path, "ok")
    with pytest.raises(ClaimedElsewhere, match="ended"):
        Claim.take(tmp_path, "1.server", 60.0)


def test_the_last_word_of_a_start_that_never_claimed_the_run_is_put_aside(tmp_path: Path) -> None:
    end(tmp_path, "error")
    Claim.take(tmp_path, "1.server", 60.0)
    assert not (tmp_path / "exit.json").exists()


# -- neighbours that may still live ------------------------------------------------------------------------


def test_nobody_waits_for_a_neighbour_that_is_not_there_or_a_link_or_has_ended(tmp_path: Path) -> None:
    wait_until_quiet(tmp_path / "gone", 60.0, never)
    run = tmp_path / "run"
    run.mkdir()
    (tmp_path / "link").symlink_to(run)
    wait_until_quiet(tmp_path / "link", 60.0, never)
    claim = Claim.take(run, "1.server", 60.0)
    end(run, "partial")
    claim.release()
    wait_until_quiet(run, 60.0, never)
    assert not (run / "stop").exists()


def test_nobody_waits_for_a_neighbour_that_died_here(tmp_path: Path) -> None:
    _killed_holder(tmp_path).wait()
    begun = time.monotonic()
    wait_until_quiet(tmp_path, 60.0, lambda: False)
    assert time.monotonic() - begun < 30


def test_a_neighbour_that_never_started_is_told_not_to(tmp_path: Path) -> None:
    begun = time.monotonic()
    wait_until_quiet(tmp_path, 60.0, lambda: False)
    assert time.monotonic() - begun < 30
    assert (tmp_path / "stop").exists()


def test_a_neighbour_that_lives_is_asked_to_stop_and_waited_for(tmp_path: Path) -> None:
    claim = Claim.take(tmp_path, "1.server", LEASE_S)
    with renewing(claim):
        thread = threading.Thread(target=wait_until_quiet, args=(tmp_path, LEASE_S, lambda: False))
        thread.start()
        while not (tmp_path / "stop").exists():
            time.sleep(0.01)
        thread.join(2 * LEASE_S)
        assert thread.is_alive()
    end(tmp_path, "partial")
    claim.release()
    thread.join(10)
    assert not thread.is_alive()


def test_a_neighbour_on_a_lost_machine_is_waited_for_as_long_as_its_lease(tmp_path: Path) -> None:
    Claim.take(tmp_path, "1.server", LEASE_S)
    elsewhere(tmp_path)
    begun = time.monotonic()
    wait_until_quiet(tmp_path, LEASE_S, lambda: False)
    assert LEASE_S <= time.monotonic() - begun < 10 * LEASE_S


def test_a_stop_file_that_is_a_link_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "stop").symlink_to(tmp_path / "elsewhere")
    wait_until_quiet(tmp_path, LEASE_S, lambda: False)
    assert not (tmp_path / "elsewhere").exists()
