"""What a double's site looks like, and which faults it shows."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

BUILDS = ("release", "master")
VERSION = "23.06.06"
"""Both builds call themselves that."""


@dataclass
class Queue:
    """One execution queue. `users` empty: open to all."""

    name: str
    enabled: bool = True
    started: bool = True
    users: list[str] = field(default_factory=list)
    max_walltime_s: int | None = None
    default_walltime_s: int | None = None
    default_chunk: dict[str, int] = field(default_factory=dict)
    max_queued_per_user: int | None = None
    kill_delay_s: float | None = None
    """Seconds between SIGTERM and SIGKILL; None: the site's."""


@dataclass
class Node:
    name: str
    ncpus: int = 8
    ngpus: int = 2
    mem_kb: int = 24_684_092
    down: bool = False


def recorded_queues() -> list[Queue]:
    """The queues of the server that was recorded."""
    hour = 3600
    gpu = Queue("gpu", users=[], max_walltime_s=4 * hour, default_walltime_s=hour, default_chunk={"ngpus": 1})
    private = Queue("private", users=["other"])
    closed = Queue("closed", enabled=False)
    halted = Queue("halted", started=False)
    return [Queue("workq"), gpu, private, closed, halted, Queue("onejob", max_queued_per_user=1)]


@dataclass
class Faults:
    """Switches that may be turned while the double runs; they survive its server.

    `server`: "up", "down" (commands are refused as with a stopped server) or "hung" (they never return).
    `slow_s`: seconds by which every answer is late; what was asked for has been done by then.
    `lose_ids`: so many submissions are taken whose id never reaches the caller: `lost_id` "die" kills the
    command, "empty" prints nothing and exits 0, "garbage" prints half an id.
    `refuse`: so many submissions are refused with `refuse_code` and `refuse_words`.
    `json_invalid`: every JSON document is spoiled, as a stranger's job does to the release.
    `clock`: seconds that count against a job's walltime for every real one.
    `start_s`: seconds that a new run stays in substate 41, its script not yet started.
    """

    server: str = "up"
    slow_s: float = 0.0
    lose_ids: int = 0
    lost_id: str = "die"
    refuse: int = 0
    refuse_code: int = 15009
    refuse_words: str = "Request invalid for state of job"
    history: bool = True
    json_invalid: bool = False
    clock: float = 1.0
    start_s: float = 0.0


@dataclass
class Settings:
    """`home`: where jobs start; `user`: who calls, where a command does not say (PBS_DOUBLE_USER in its
    environment does). `schedule_s`: how long the scheduler waits before it looks at what changed. `poll_s`:
    how often walltimes and the processes of a job that is being killed are looked at. `settle_s`: how long
    a new run stays in substate 41 though its script runs; the release runs it again if its server restarts
    meanwhile. `stageout_s`: how long a copy of the output to a folder that does not exist is tried.
    `history_s`: how long finished jobs are known. `node_fail_requeue_s`: how long a job of a lost node
    stays running. `pause_s`: what qstat sleeps when the same user asks again within a second, 0.2 in
    reality."""

    build: str = "release"
    server: str = "login1"
    home: str = ""
    user: str = ""
    queues: list[Queue] = field(default_factory=recorded_queues)
    nodes: list[Node] = field(default_factory=lambda: [Node("login1")])
    resources: list[str] = field(default_factory=lambda: ["ngpus"])
    """Those that the administrator has made, beside the built-in ones."""
    kill_delay_s: float = 10.0
    schedule_s: float = 0.0
    poll_s: float = 0.05
    settle_s: float = 0.0
    stageout_s: float = 30.0
    history_s: float = 1_209_600.0
    node_fail_requeue_s: float = 310.0
    pause_s: float = 0.0
    first_id: int = 1
    scheduling: bool = True
    """False: nothing is started, as when an operator has stopped the scheduler."""
    faults: Faults = field(default_factory=Faults)

    def queue(self, name: str) -> Queue | None:
        return next((queue for queue in self.queues if queue.name == name), None)

    def kill_delay(self, queue: str) -> float:
        found = self.queue(queue)
        own = found.kill_delay_s if found else None
        return self.kill_delay_s if own is None else own

    def save(self, path: Path) -> None:
        text = json.dumps(asdict(self), indent=1)
        part = path.with_suffix(".part")
        part.write_text(text)
        part.replace(path)


def load_settings(path: Path) -> Settings:
    values: dict[str, Any] = json.loads(path.read_text())
    values["queues"] = [Queue(**one) for one in values["queues"]]
    values["nodes"] = [Node(**one) for one in values["nodes"]]
    values["faults"] = Faults(**values["faults"])
    return Settings(**values)
