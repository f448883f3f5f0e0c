"""Many trials, and the counts."""

from __future__ import annotations

import argparse
import json
import queue
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path

from tests.chaos.faults import FAULTS
from tests.chaos.trial import Cluster, run_trial

COUNTS = (
    "duplicate_submissions",
    "duplicate_executions",
    "lost_jobs",
    "unfinished_pages",
    "lost_events",
    "doubled_events",
)


def main() -> int:
    parser = argparse.ArgumentParser(prog="tests.chaos", description=__doc__)
    parser.add_argument("--trials", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1, help="of the first trial; the others count up")
    parser.add_argument("--beside", type=int, default=1, help="how many run at the same time")
    parser.add_argument("--kinds", default=",".join(FAULTS), help="which faults, by name")
    parser.add_argument("--record", type=Path, help="a file that gets one JSON line a trial, as they end")
    parser.add_argument("--lines", action="store_true", help="print one JSON line a trial and nothing else")
    options = parser.parse_args()
    if options.lines:
        return _run(options.seed, options.trials, options.kinds)
    began = time.monotonic()
    share = -(-options.trials // options.beside)
    workers = []
    lines: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
    for number in range(options.beside):
        first = options.seed + number * share
        count = min(share, options.seed + options.trials - first)
        words = ["--lines", "--seed", str(first), "--trials", str(count), "--kinds", options.kinds]
        command = [sys.executable, "-m", "tests.chaos", *words]
        worker = subprocess.Popen(command, stdout=subprocess.PIPE)
        workers.append(worker)
        threading.Thread(target=_read, args=(worker, lines), daemon=True).start()
    totals: Counter[str] = Counter()
    running = len(workers)
    while running:
        line = lines.get()
        if line is None:
            running -= 1
        else:
            _count(json.loads(line), totals)
            if options.record is not None:
                with options.record.open("ab") as record:
                    record.write(line)
    failed = any(worker.wait() for worker in workers)
    _tell(totals, time.monotonic() - began)
    return 1 if failed or totals["trials"] < options.trials or any(totals[name] for name in COUNTS) else 0


def _read(worker: subprocess.Popen[bytes], lines: queue.SimpleQueue[bytes | None]) -> None:
    assert worker.stdout is not None
    for line in worker.stdout:
        lines.put(line)
    lines.put(None)


def _run(seed: int, trials: int, kinds: str) -> int:
    folder = Path(tempfile.mkdtemp(prefix="bocr-chaos-"))
    with Cluster(folder) as cluster:
        for number in range(seed, seed + trials):
            outcome = run_trial(cluster, number, kinds.split(","))
            record = {**outcome.__dict__, "verdict": outcome.verdict.__dict__, "folder": str(folder)}
            print(json.dumps(record), flush=True)
    return 0


def _count(record: dict[str, object], totals: Counter[str]) -> None:
    verdict = record["verdict"]
    assert isinstance(verdict, dict)
    totals["trials"] += 1
    totals["jobs"] += int(str(record["jobs"]))
    totals["restarts"] += int(str(record["restarts"]))
    for fault in record["faults"]:  # type: ignore[attr-defined]
        totals[f"fault {fault}"] += 1
    for name in COUNTS:
        totals[name] += verdict[name]
    if verdict["notes"]:
        print(
            f"seed {record['seed']} {record['faults']} in {record['folder']}:", *verdict["notes"], sep="\n  "
        )
    if totals["trials"] % 20 == 0:
        print(f"{totals['trials']} trials", flush=True)


def _tell(totals: Counter[str], seconds: float) -> None:
    print(f"{totals['trials']} trials, {totals['jobs']} jobs, {seconds / 60:.1f} minutes")
    for name in sorted(name for name in totals if name.startswith("fault ")):
        print(f"  {name[6:]:<10} {totals[name]:>6}")
    for name in COUNTS:
        print(f"{name.replace('_', ' '):<24} {totals[name]:>4}")


if __name__ == "__main__":
    raise SystemExit(main())
