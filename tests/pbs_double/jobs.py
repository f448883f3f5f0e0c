"""A job as the server keeps it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import Any

LIVE = "QHWRESTB"
"""States of jobs that have not finished."""


@dataclass
class Depend:
    """One edge: `kind` is afterok, beforeany, …; `job` the other end's full id."""

    kind: str
    job: str


@dataclass
class Job:
    """`holds` is a subset of "uos"; `depends` what it still waits for or what waits for it, in order.
    `chunks` are the select statement's, each a count and its resources as asked for."""

    seq: int
    server: str
    name: str
    user: str
    queue: str
    ctime: float
    submit_arguments: str
    submit_host: str
    home: str
    cwd: str
    script: str = ""
    """Path of the server's copy; empty for a command."""
    command: list[str] = field(default_factory=list)
    state: str = "T"
    substate: int = 10
    holds: str = ""
    depends: list[Depend] = field(default_factory=list)
    account: str = ""
    project: str = "_pbs_project_default"
    error_path: str = ""
    output_path: str = ""
    join: str = "n"
    keep: str = "n"
    rerunable: bool = True
    umask: str = ""
    shell: str = ""
    priority: int = 0
    mail: str = "a"
    execution_time: float = 0.0
    chunks: list[tuple[int, dict[str, str]]] = field(default_factory=list)
    resources: dict[str, str | int] = field(default_factory=dict)
    walltime_s: int = 0
    variables: list[tuple[str, str]] = field(default_factory=list)
    mtime: float = 0.0
    qtime: float = 0.0
    etime: float = 0.0
    stime: float = 0.0
    obittime: float = 0.0
    history_time: float = 0.0
    exec_node: str = ""
    exec_slot: int = 0
    exec_vnode: str = ""
    session: int = 0
    supervisor: int = 0
    jobdir: str = ""
    comment: str = ""
    run_count: int = 0
    stageout: int = -1
    exit_status: int | None = None
    used: dict[str, str | int] = field(default_factory=dict)
    deleted_by: str = ""
    terminated: bool = False
    """A person deleted it: dependents are treated otherwise than after a plain failure."""
    requeue: int = 0
    """Not 0: it goes back to the queue with this Exit_status once its processes are gone."""
    lost_at: float = 0.0
    """When its node was lost; 0: it was not."""
    hidden_session: bool = False

    @property
    def id(self) -> str:
        return f"{self.seq}.{self.server}"

    @property
    def live(self) -> bool:
        return self.state in LIVE

    @property
    def owner(self) -> str:
        return f"{self.user}@{self.submit_host}"

    def dump(self) -> str:
        return json.dumps(asdict(self))


def load_job(text: str) -> Job:
    values: dict[str, Any] = json.loads(text)
    values["depends"] = [Depend(**one) for one in values["depends"]]
    values["chunks"] = [(count, chunk) for count, chunk in values["chunks"]]
    values["variables"] = [(name, value) for name, value in values["variables"]]
    return Job(**values)
