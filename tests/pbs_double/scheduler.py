"""Which queued job starts next, and why the others do not."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING

from tests.pbs_double import running
from tests.pbs_double.jobs import Job
from tests.pbs_double.resources import totals
from tests.pbs_double.settings import Node

if TYPE_CHECKING:
    from tests.pbs_double.site import Site

NO_ROOM = "Not Running: Not enough free nodes available"


def cycle(site: Site) -> None:
    """One look at all queued jobs, the oldest first; one that does not fit lets others pass."""
    site.schedule_at = math.inf
    if not site.settings.scheduling:
        return
    for job in [job for job in site.jobs.values() if job.state == "W" and job.execution_time <= time.time()]:
        site.evaluate(job)
        site.touch(job)
    free = {node.name: _free(site, node) for node in site.settings.nodes if not node.down}
    for job in sorted((job for job in site.jobs.values() if job.state == "Q"), key=lambda one: one.seq):
        _consider(site, job, free)


def _consider(site: Site, job: Job, free: dict[str, dict[str, int]]) -> None:
    queue = site.settings.queue(job.queue)
    if queue is not None and not queue.started:
        _say(site, job, "Not Running: Queue not started.")
        return
    asked = totals(job.chunks, site.settings)
    never = _never(site, asked)
    if never:
        _say(site, job, never)
        return
    for node in site.settings.nodes:
        room = free.get(node.name)
        if room is not None and all(room.get(name, 0) >= amount for name, amount in asked.items()):
            for name, amount in asked.items():
                room[name] = room.get(name, 0) - amount
            running.start(site, job, node)
            return
    _say(site, job, NO_ROOM)


def _say(site: Site, job: Job, words: str) -> None:
    if job.comment != words:
        job.comment = words
        site.save(job)


def capacity(node: Node) -> dict[str, int]:
    return {"ncpus": node.ncpus, "ngpus": node.ngpus, "mem": node.mem_kb, "mpiprocs": 1_000_000}


def assigned(site: Site, node: Node) -> dict[str, int]:
    """What running jobs have taken of it."""
    taken: dict[str, int] = {}
    for job in site.jobs.values():
        if job.state in "RE" and job.exec_node == node.name:
            for name, amount in totals(job.chunks, site.settings).items():
                taken[name] = taken.get(name, 0) + amount
    return taken


def _free(site: Site, node: Node) -> dict[str, int]:
    taken = assigned(site, node)
    return {name: amount - taken.get(name, 0) for name, amount in capacity(node).items()}


def _never(site: Site, asked: dict[str, int]) -> str:
    """Words when no node could ever run it."""
    for name, amount in asked.items():
        most = max((capacity(node).get(name, 0) for node in site.settings.nodes), default=0)
        if amount > most:
            return f"Can Never Run: Insufficient amount of resource: {name} (R: {amount} A: {most} T: {most})"
    return ""
