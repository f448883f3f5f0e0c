"""From the queue to a node and back: starting runs, and what their supervisors report."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.pbs_double import mom, processes
from tests.pbs_double.jobs import Job
from tests.pbs_double.resources import duration, vnode_text
from tests.pbs_double.settings import Node

if TYPE_CHECKING:
    from tests.pbs_double.site import Site

FIRST_UPDATE_S = 0.5
"""A run that ends sooner never tells its session; a second or so in reality."""
KNOCK = "knock"
"""Relative to the folder that server and supervisors run in: a socket's path has to be short."""
MOST_FAILED_STARTS = 21
FIRST_SIGN_S = 2.0
"""A supervisor says who it is before anything else."""
RERUN, NODE_LOST = -11, -20
STARTING, RUNNING, EXITING = 41, 42, 51


def folder(site: Site, job: Job) -> Path:
    """Of the run that is going on."""
    return site.folder / "runs" / f"{job.id}.{job.run_count}"


def start(site: Site, job: Job, node: Node) -> None:
    now = time.time()
    job.exec_node, job.exec_slot = node.name, _free_slot(site, node)
    job.exec_vnode = vnode_text(node.name, job.chunks)
    job.stime = job.mtime = now
    job.state, job.substate = "R", STARTING
    job.run_count += 1
    job.supervisor = 0
    job.used, job.lost_at, job.hidden_session = {}, 0.0, False
    if site.settings.build == "master":
        job.exit_status = None
    job.jobdir = ""
    at = time.strftime("%a %b %d at %H:%M", time.localtime(now))
    job.comment = f"Job run at {at} on {job.exec_vnode}"
    site.save(job)
    job.supervisor = mom.start(_run(site, job))
    site.save(job)
    for child in site.links.started(job):
        site.evaluate(child)
        site.touch(child)


def _free_slot(site: Site, node: Node) -> int:
    taken = {job.exec_slot for job in site.jobs.values() if job.state in "RSE" and job.exec_node == node.name}
    return next(slot for slot in range(len(taken) + 1) if slot not in taken)


def _run(site: Site, job: Job) -> mom.Run:
    settings = site.settings
    temporary = site.folder / "tmp" / f"pbs.{job.id}"
    temporary.mkdir(mode=0o700, parents=True, exist_ok=True)
    nodefile = site.folder / "aux" / job.id
    nodefile.write_text("".join(f"{job.exec_node}\n" * count for count, _ in job.chunks))
    shell = job.shell or "/bin/bash"
    argv = [job.command[0], *job.command] if job.command else [shell, f"-{Path(shell).name}"]
    output = {
        "job": job.id, "spool": str(site.folder / "spool"),
        "out_path": job.output_path.partition(":")[2], "err_path": job.error_path.partition(":")[2],
        "join": job.join, "keep": job.keep, "umask": job.umask, "home": settings.home, "name": job.name,
        "seq": job.seq, "patience_s": settings.stageout_s,
    }  # fmt: skip
    return mom.Run(
        str(folder(site, job)), job.id, argv, "" if job.command else f"{job.script}\n",
        _environment(site, job, temporary, nodefile), settings.home, output, job.walltime_s,
        settings.faults.clock, settings.kill_delay(job.queue), settings.poll_s, KNOCK,
        settings.server, [str(temporary)], settings.faults.start_s,
    )  # fmt: skip


def _environment(site: Site, job: Job, temporary: Path, nodefile: Path) -> dict[str, str]:
    chunk = job.chunks[0][1]
    ncpus = chunk.get("ompthreads") or chunk.get("ncpus", "1")
    return {
        "PATH": "/bin:/usr/bin", "HOME": site.settings.home, "LOGNAME": job.user, "USER": job.user,
        "SHELL": "/bin/bash", "ENVIRONMENT": "BATCH", "PBS_ENVIRONMENT": "PBS_BATCH",
        "NCPUS": ncpus, "OMP_NUM_THREADS": ncpus, "TMPDIR": str(temporary), "PBS_JOBDIR": site.settings.home,
        "PBS_JOBID": job.id, "PBS_JOBNAME": job.name, "PBS_QUEUE": job.queue, "PBS_NODEFILE": str(nodefile),
        "PBS_NODENUM": "0", "PBS_TASKNUM": "1", "PBS_MOMPORT": "15003", "PBS_JOBCOOKIE": f"{job.seq:032X}",
    } | dict(job.variables)  # fmt: skip


def look(site: Site) -> None:
    """Takes in what supervisors have reported, and notices when one has been killed."""
    for job in [job for job in site.jobs.values() if job.state in "RSE" and not job.lost_at]:
        _take_in(site, job)
        if job.state in "RS" and not processes.alive(job.supervisor):
            _take_in(site, job)
            if job.state in "RS":
                lose(site, job)


def look_at(site: Site, run: str) -> None:
    """The news of one run, named by its folder."""
    seq = run.rpartition("/")[2].partition(".")[0]
    job = site.jobs.get(int(seq)) if seq.isdigit() else None
    if job is not None and job.state in "RSE" and not job.lost_at and str(folder(site, job)) == run:
        _take_in(site, job)


def _take_in(site: Site, job: Job) -> None:
    place = folder(site, job)
    settled = time.time() - job.stime >= site.settings.settle_s
    if job.substate == STARTING and settled and (words := mom.report(place, mom.STARTED)):
        job.session, job.substate, job.jobdir = words["pid"], RUNNING, site.settings.home
        site.touch(job)
    if job.state != "E" and (words := mom.report(place, mom.OBIT)):
        _obit(site, job, words)
    if job.state == "E":
        if words := mom.report(place, mom.DONE):
            _done(site, job, words["stageout"])
        elif not mom.order(place, {"deliver": True}) and not processes.alive(job.supervisor):
            last = mom.report(place, mom.DONE)  # said between the two looks, or never
            _done(site, job, last["stageout"] if last else 0)


def _obit(site: Site, job: Job, words: dict[str, Any]) -> None:
    used = words["used"]
    job.exit_status = words["status"]
    if used:
        job.used = {
            "cpupercent": 0, "cput": duration(used["cput_s"]), "mem": f"{used['mem_kb']}kb",
            "ncpus": job.resources["ncpus"], "vmem": f"{used['mem_kb']}kb",
            "walltime": duration(used["walltime_s"]),
        }  # fmt: skip
        job.hidden_session = words["at"] - job.stime < FIRST_UPDATE_S
    job.state, job.substate = "E", EXITING
    site.touch(job)


def _done(site: Site, job: Job, stageout: int) -> None:
    job.obittime = time.time()
    if job.exit_status == mom.CANNOT_START:
        _failed_start(site, job)
    elif job.requeue:
        _requeue(site, job)
    else:
        job.stageout = stageout
        _end(site, job)
    site.wake_scheduler()


def _end(site: Site, job: Job) -> None:
    words = {mom.WALLTIME: "exceeded resource walltime", mom.MEMORY: "exceeded resource mem"}
    exited = job.exit_status if job.exit_status is not None else 0
    if job.deleted_by:
        ending, substate = f"terminated by {job.deleted_by}", 91
    else:
        ending, substate = words.get(exited, "failed" if exited else "finished"), 93 if exited else 92
    if job.comment:
        job.comment += f" and {ending}"
    site.finish(job, substate)


def _failed_start(site: Site, job: Job) -> None:
    _off_node(job)
    job.session = 0
    if job.run_count >= MOST_FAILED_STARTS:
        job.holds, job.comment = "s", "job held, too many failed attempts to run"
    site.evaluate(job)
    site.touch(job)


def _requeue(site: Site, job: Job) -> None:
    _off_node(job)
    job.exit_status, job.requeue = job.requeue, 0
    if not job.holds:
        job.comment = ""
    job.etime = 0.0
    site.evaluate(job)
    site.touch(job)


def after_restart(site: Site) -> None:
    """What the release forgets of running jobs, and which it runs a second time."""
    for job in [job for job in site.jobs.values() if job.state == "R" and not job.supervisor]:
        _find_supervisor(site, job)
    if site.settings.build != "release":
        return
    for job in [job for job in site.jobs.values() if job.state == "R"]:
        job.comment = ""
        if job.substate == STARTING and site.settings.settle_s > 0:
            _off_node(job)
            job.stime, job.session = 0.0, 0
            site.evaluate(job)
        site.touch(job)


def _find_supervisor(site: Site, job: Job) -> None:
    """The server was killed while it started this run: either somebody watches it, or it goes back to the
    queue and never ran."""
    place = folder(site, job)
    until = time.monotonic() + FIRST_SIGN_S
    while (said := mom.report(place, mom.SUPERVISOR)) is None and time.monotonic() < until:
        if not (place / "run.json").exists():
            break
        time.sleep(0.01)
    if said is None:
        mom.forbid(place)
        _off_node(job)
        job.stime, job.session, job.comment = 0.0, 0, ""
        site.evaluate(job)
    else:
        job.supervisor = int(said["pid"])
    site.touch(job)


def _off_node(job: Job) -> None:
    job.exec_node = job.exec_vnode = job.jobdir = ""
    job.used = {}


def lose(site: Site, job: Job) -> None:
    """The node no longer answers: the job seems to run on. Its processes really do."""
    if processes.alive(job.supervisor):
        with contextlib.suppress(ProcessLookupError):
            os.kill(job.supervisor, signal.SIGKILL)
    job.lost_at = time.time()
    site.save(job)


def kill_forsaken(site: Site) -> None:
    """Processes of runs that nobody watches any more, as a node's daemon does when it comes back."""
    for place in (site.folder / "runs").iterdir():
        started, supervisor = mom.report(place, mom.STARTED), mom.report(place, mom.SUPERVISOR)
        watched = supervisor is not None and processes.alive(supervisor["pid"])
        if started and started["pid"] and not watched and not mom.report(place, mom.OBIT):
            processes.signal_session(started["pid"], signal.SIGKILL)


def give_up_lost(site: Site) -> None:
    """After node_fail_requeue: back to the queue, or to the end where it must not run again."""
    now = time.time()
    for job in [job for job in site.jobs.values() if job.state in "RS" and job.lost_at]:
        if now - job.lost_at < site.settings.node_fail_requeue_s:
            continue
        job.lost_at, job.obittime = 0.0, now
        if job.rerunable and not job.deleted_by:
            job.requeue, job.stime = NODE_LOST, 0.0
            _requeue(site, job)
        else:
            job.exit_status, job.used, job.session, job.jobdir = NODE_LOST, {}, 0, ""
            site.finish(job, 93)
        site.wake_scheduler()
