"""SIGKILL to a worker or to its model server at random moments: what is lost, doubled, asked again, left.

A trial is one job: a worker process with two model servers of its own (stand-ins in the place of `vllm
serve`, with children that leave their group), killed a few times at random moments, mid-start too, started
again under the same run, and left alone the last time.

By hand: `python -m tests.chaos.worker_kills --kills 100`.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from tests.papers import make_pdf
from tests.worker.runs import exit_report, make_run, order_of, page_events, verdicts
from tests.worker.vision_worker import start_vision_worker, vision_manifest

PAGES = 60
SLOTS, SERVERS = 4, 2
MOST_IN_FLIGHT = SERVERS * (SLOTS + 2)
"""What the runtime gives two servers of four slots at a time (runtimes/openai/assembly.py)."""

SERVER_KILLS = 2
"""In one trial: a page inside when its server ended three times is taken for the cause."""

GONE_WITHIN_S = 12.0
END_WITHIN_S = 120.0
VICTIMS = ("worker", "server", "guard", "told")
"""SIGKILL to the worker, to a server, to what stands between them; and SIGTERM to the whole job."""


@dataclass
class Trial:
    """`kills` that met somebody, by victim; `lost` and `doubled` pages; `again` questions that a server had
    before; `orphans` that outlived a worker. Only `notes` say what was wrong."""

    seed: int
    kills: Counter[str] = field(default_factory=Counter)
    lost: int = 0
    doubled: int = 0
    again: int = 0
    orphans: int = 0
    notes: list[str] = field(default_factory=list)


def run_trial(folder: Path, seed: int) -> Trial:
    """Everything random comes from the seed; what the operating system makes of it does not."""
    chance, trial = random.Random(seed), Trial(seed)
    ledger = folder / "ledger"
    paper = make_pdf(folder / "a.pdf", PAGES, first=seed * 100)
    flags = ["--service", "0.05-0.4", "--children", "2", "--start-s", str(chance.choice([0.0, 0.3]))]
    manifest = vision_manifest(
        order_of(paper, PAGES),
        servers=SERVERS,
        server_flags=[*flags, "--ledger", str(ledger)],
        environment={"BOCR_KILLS": str(folder)},
        restarts=50,
    )
    run = make_run(folder, manifest)
    worker = start_vision_worker(run, job="kills.0")
    lives = 1
    for _ in range(chance.randint(3, 7)):
        if _ends_before(_moment(chance, run), worker):
            if worker.returncode == 0:
                break
        else:
            _kill(chance, worker, run, trial)
        if not _survives(worker, run, trial):
            worker = start_vision_worker(run, job=f"kills.{lives}")
            lives += 1
    if not _ended_within(worker, END_WITHIN_S):
        trial.notes.append("the job did not come to an end")
        worker.kill()
    _look_for_orphans(run, trial)
    _judge(run, ledger, trial)
    return trial


def _moment(chance: random.Random, run: Path) -> Callable[[], bool]:
    """Says when it has come: now and then some time after the start, mostly when so many more pages have
    begun or ended."""
    if chance.random() < 0.3:
        at = time.monotonic() + chance.uniform(0.0, 2.0)
        return lambda: time.monotonic() >= at
    lines = _lines(run) + chance.randint(1, 40)
    return lambda: _lines(run) >= lines


def _lines(run: Path) -> int:
    return sum(journal.read_bytes().count(b'"document"') for journal in run.glob("journal-*.jsonl"))


def _ends_before(moment: Callable[[], bool], worker: subprocess.Popen[bytes]) -> bool:
    while worker.poll() is None:
        if moment():
            return False
        time.sleep(0.02)
    return True


def _ended_within(worker: subprocess.Popen[bytes], seconds: float) -> bool:
    try:
        worker.wait(seconds)
    except subprocess.TimeoutExpired:
        return False
    return True


def _kill(chance: random.Random, worker: subprocess.Popen[bytes], run: Path, trial: Trial) -> None:
    victim = chance.choice(VICTIMS)
    if victim in ("server", "guard") and trial.kills["server"] + trial.kills["guard"] >= SERVER_KILLS:
        victim = "worker"
    if victim == "worker":
        worker.kill()
    elif victim == "told":
        os.killpg(worker.pid, signal.SIGTERM)
    else:
        marks = {"server": b"stand_in", "guard": b"guard.py"}
        # The guard's command line holds the server's.
        found = [
            pid
            for pid, command in processes_of(run).items()
            if marks[victim] in command and (victim == "guard") == (b"guard.py" in command)
        ]
        if not found:
            return  # none has started yet
        os.kill(chance.choice(found), signal.SIGKILL)
    trial.kills[victim] += 1
    if victim in ("worker", "told") and not _ended_within(worker, GONE_WITHIN_S):
        trial.notes.append(f"the worker still ran {GONE_WITHIN_S:g} s after it was {victim}")
        worker.kill()
        worker.wait()


def _survives(worker: subprocess.Popen[bytes], run: Path, trial: Trial) -> bool:
    """Whether the worker still runs; if not, nobody of it may."""
    if worker.poll() is None:
        return True
    _look_for_orphans(run, trial)
    return False


def _look_for_orphans(run: Path, trial: Trial) -> None:
    until = time.monotonic() + GONE_WITHIN_S
    while (left := processes_of(run)) and time.monotonic() < until:
        time.sleep(0.05)
    if left:
        trial.orphans += len(left)
        trial.notes.append(f"left over: {list(left.values())}")
        for pid in left:
            os.kill(pid, signal.SIGKILL)


def _judge(run: Path, ledger: Path, trial: Trial) -> None:
    found = verdicts(run)
    trial.lost = PAGES - len(found)
    trial.doubled = sum(1 for events in found.values() if len(events) > 1)
    failed = [event for events in found.values() for event in events if event.failure is not None]
    asked = Counter(ledger.read_text().split()) if ledger.exists() else Counter[str]()
    trial.again = sum(asked.values()) - len(asked)
    kills = sum(trial.kills.values())
    if trial.lost or trial.doubled:
        trial.notes.append(f"{trial.lost} pages lost, {trial.doubled} with two verdicts")
    if failed:
        trial.notes.append(f"{len(failed)} pages failed: {failed[0].failure} {failed[0].evidence}")
    if trial.again > kills * MOST_IN_FLIGHT:
        trial.notes.append(f"{trial.again} questions again after {kills} kills")
    if any(count > 1 + kills for count in asked.values()):
        trial.notes.append(f"one page was asked for {max(asked.values())} times")
    starts = Counter(event.page for event in page_events(run) if event.status == "started")
    if any(count > 1 + kills for count in starts.values()):
        trial.notes.append("a page was started more often than something was killed")
    if not trial.notes and exit_report(run).outcome != "ok":
        trial.notes.append(f"the job ended {exit_report(run).outcome}: {exit_report(run).cause}")


def processes_of(run: Path) -> dict[int, bytes]:
    """Guards, servers and their children of this run, by their environment."""
    mark = f"BOCR_KILLS={run.parent.parent}\0".encode()
    found = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            command = (entry / "cmdline").read_bytes()
            state = (entry / "stat").read_text(errors="replace").rpartition(")")[2].split()[0]
            marked = mark in (entry / "environ").read_bytes()
        except (OSError, IndexError):
            continue
        if marked and state not in "ZX":
            found[int(entry.name)] = command
    return found


def main() -> int:
    parser = argparse.ArgumentParser(prog="tests.chaos.worker_kills", description=__doc__)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1, help="of the first trial; the others count up")
    options = parser.parse_args()
    began = time.monotonic()
    kills: Counter[str] = Counter()
    totals: Counter[str] = Counter()
    bad = 0
    while sum(kills.values()) < options.kills:
        seed = options.seed + totals["trials"]
        with tempfile.TemporaryDirectory(prefix="bocr-kills-") as folder:
            trial = run_trial(Path(folder), seed)
        totals["trials"] += 1
        kills += trial.kills
        for name in ("lost", "doubled", "again", "orphans"):
            totals[name] += getattr(trial, name)
        if trial.notes:
            bad += 1
            print(f"seed {seed}, {dict(trial.kills)}:", *trial.notes, sep="\n  ", flush=True)
        elif totals["trials"] % 5 == 0:
            print(f"{sum(kills.values())} kills", flush=True)
    count = sum(kills.values())
    minutes = (time.monotonic() - began) / 60
    print(f"{count} kills in {totals['trials']} jobs of {PAGES} pages, {minutes:.1f} minutes")
    for victim in VICTIMS:
        print(f"  {victim:<8} {kills[victim]:>5}")
    print(f"pages lost               {totals['lost']:>5}")
    print(f"pages read twice         {totals['doubled']:>5}")
    print(f"processes left over      {totals['orphans']:>5}")
    print(f"questions again, a kill  {totals['again'] / max(1, count):>5.1f} (at most {MOST_IN_FLIGHT})")
    return 1 if bad else 0


if __name__ == "__main__":
    raise SystemExit(main())
