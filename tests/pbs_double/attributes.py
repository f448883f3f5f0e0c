"""A job's attributes in the order in which PBS shows them."""

from __future__ import annotations

import time
from html import escape

from tests.pbs_double import variables
from tests.pbs_double.jobs import Job
from tests.pbs_double.resources import duration

Value = str | int | list[tuple[str, str | int]]
Attributes = list[tuple[str, Value]]


def date(seconds: float) -> str:
    """As ctime(3) writes it, in the zone that is set."""
    return time.ctime(int(seconds))


def of_job(job: Job, clock: float = 1.0) -> Attributes:
    found: Attributes = [("Job_Name", job.name), ("Job_Owner", job.owner)]
    used = _used(job, clock)
    if used:
        found.append(("resources_used", used))
    found += [("job_state", job.state), ("queue", job.queue), ("server", job.server)]
    if job.account:
        found.append(("Account_Name", job.account))
    found += [("Checkpoint", "u"), ("ctime", date(job.ctime))]
    if job.depends:
        found.append(("depend", depend_text(job)))
    found.append(("Error_Path", job.error_path))
    if job.execution_time:
        found.append(("Execution_Time", date(job.execution_time)))
    if job.exec_vnode:
        found += [("exec_host", _exec_host(job)), ("exec_vnode", job.exec_vnode)]
    found += [
        ("Hold_Types", job.holds or "n"),
        ("Join_Path", job.join),
        ("Keep_Files", job.keep),
        ("Mail_Points", job.mail),
        ("mtime", date(job.mtime)),
        ("Output_Path", job.output_path),
        ("Priority", job.priority),
        ("qtime", date(job.qtime)),
        ("Rerunable", str(job.rerunable)),
        ("Resource_List", list(job.resources.items())),
    ]
    return found + _course(job)


def _course(job: Job) -> Attributes:
    """What came to be while it lived."""
    found: Attributes = []
    for name, moment in (("stime", job.stime), ("obittime", job.obittime)):
        if moment:
            found.append((name, date(moment)))
    if job.session and not job.hidden_session:
        found.append(("session_id", job.session))
    if job.shell:
        found.append(("Shell_Path_List", job.shell))
    if job.jobdir:
        found.append(("jobdir", job.jobdir))
    found += [("substate", job.substate), ("Variable_List", variables.listed(job.variables))]
    if job.comment:
        found.append(("comment", job.comment))
    if job.etime:
        found.append(("etime", date(job.etime)))
    if job.umask:
        found.append(("umask", job.umask.lstrip("0") or "0"))
    if job.run_count:
        found.append(("run_count", job.run_count))
    if job.stageout >= 0:
        found.append(("Stageout_status", job.stageout))
    if job.exit_status is not None:
        found.append(("Exit_status", job.exit_status))
    found.append(("Submit_arguments", job.submit_arguments))
    if job.command:
        found.append(("executable", _jsdl("Executable", job.command[:1])))
        if job.command[1:]:
            found.append(("argument_list", _jsdl("Argument", job.command[1:])))
    if job.history_time:
        found.append(("history_timestamp", int(job.history_time)))
    return [*found, ("project", job.project), ("Submit_Host", job.submit_host)]


def _jsdl(tag: str, words: list[str]) -> str:
    quoted = [escape(word).replace("&#x27;", "&apos;") for word in words]
    return "".join(f"<jsdl-hpcpa:{tag}>{word}</jsdl-hpcpa:{tag}>" for word in quoted)


def _exec_host(job: Job) -> str:
    ncpus = int(job.resources.get("ncpus", 1))
    return f"{job.exec_node}/{job.exec_slot}" + (f"*{ncpus}" if ncpus > 1 else "")


def _used(job: Job, clock: float) -> list[tuple[str, str | int]]:
    if job.state in "RS" and job.jobdir:
        running = duration((time.time() - job.stime) * clock)
        return [
            ("cpupercent", 0), ("cput", "00:00:00"), ("mem", "0kb"),
            ("ncpus", job.resources.get("ncpus", 1)), ("vmem", "0kb"), ("walltime", running),
        ]  # fmt: skip
    return list(job.used.items())


def depend_text(job: Job) -> str:
    kinds: dict[str, list[str]] = {}
    for edge in job.depends:
        kinds.setdefault(edge.kind, []).append(f"{edge.job}@{job.server}")
    return ",".join(f"{kind}:{':'.join(ids)}" for kind, ids in kinds.items())
