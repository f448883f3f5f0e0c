"""What tests and operators may do that ordinary users may not: orders to the server beside the commands."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any

from tests.pbs_double import mom, running
from tests.pbs_double.attributes import of_job
from tests.pbs_double.settings import Faults

if TYPE_CHECKING:
    from tests.pbs_double.server import Server
    from tests.pbs_double.site import Site

NAME = "*control*"
LONG_AGO = 1.0


def obey(server: Server, words: dict[str, Any]) -> Any:
    """One order; its answer is plain values, or {"error": …}."""
    site = server.site
    orders: dict[str, Callable[[], Any]] = {
        "faults": lambda: _faults(site, words["set"]),
        "jobs": lambda: [_told(site, seq) for seq in sorted(site.jobs)],
        "job": lambda: _told(site, int(words["seq"])),
        "next": lambda: _next(site, int(words["seq"])),
        "requeue": lambda: _requeue(site, int(words["seq"]), words.get("after", 0.0)),
        "memory": lambda: _order(site, int(words["seq"]), {"memory": words["words"]}),
        "node": lambda: _node(site, words["name"], words["down"]),
        "twice": lambda: _twice(site, int(words["seq"])),
        "give up": lambda: _give_up(site),
        "suspend": lambda: _suspend(site, int(words["seq"]), words["on"]),
    }
    found = orders[words["do"]]()
    site.keep_settings()
    return found


def _faults(site: Site, changed: dict[str, Any]) -> None:
    known = {one.name for one in fields(Faults)}
    if not set(changed) <= known:
        raise KeyError(f"no such fault: {sorted(set(changed) - known)}")
    site.settings.faults = replace(site.settings.faults, **changed)
    if "clock" in changed:
        for job in site.live_jobs():
            if job.state in "RS":
                mom.order(running.folder(site, job), {"clock": changed["clock"]})
    site.wake_scheduler()


def _told(site: Site, seq: int) -> dict[str, Any]:
    job = site.jobs[seq]
    return {
        "id": job.id, "seq": seq, "name": job.name, "state": job.state, "substate": job.substate,
        "exit_status": job.exit_status, "run_count": job.run_count, "session": job.session,
        "comment": job.comment, "holds": job.holds, "supervisor": job.supervisor, "user": job.user,
        "attributes": [(name, str(value)) for name, value in of_job(job)],
    }  # fmt: skip


def _next(site: Site, seq: int) -> None:
    site.next = seq


def _order(site: Site, seq: int, words: dict[str, Any]) -> None:
    mom.order(running.folder(site, site.find(seq)), words)


def _requeue(site: Site, seq: int, after: float) -> None:
    """qrerun by an operator: its processes get SIGTERM and, `after` seconds later, SIGKILL."""
    job = site.find(seq)
    job.requeue = running.RERUN
    site.save(job)
    _order(site, seq, {"rerun": running.RERUN, "after": after})


def _node(site: Site, name: str, down: bool) -> None:
    """Down: its jobs seem to run on, and their processes do, until it is back."""
    node = next(node for node in site.settings.nodes if node.name == name)
    node.down = down
    if down:
        for job in site.live_jobs():
            if job.state in "RS" and job.exec_node == name:
                running.lose(site, job)
    else:
        running.kill_forsaken(site)
        _give_up(site)
    site.wake_scheduler()


def _twice(site: Site, seq: int) -> None:
    """Its processes are forgotten, not ended."""
    job = site.find(seq)
    running.lose(site, job)
    job.lost_at = LONG_AGO
    running.give_up_lost(site)


def _give_up(site: Site) -> None:
    for job in site.live_jobs():
        if job.lost_at:
            job.lost_at = LONG_AGO
    running.give_up_lost(site)


def _suspend(site: Site, seq: int, on: bool) -> None:
    job = site.find(seq)
    job.state, job.substate = ("S", 43) if on else ("R", 42)
    _order(site, seq, {"signal": 19 if on else 18})
    site.touch(job)
