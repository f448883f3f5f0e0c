"""What the server does with a submission: refuse it, or make a job of it."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from pathlib import Path

from tests.pbs_double import resources, variables
from tests.pbs_double.errors import (
    BAD_VALUE,
    OVER_LIMIT,
    PER_USER_LIMIT,
    QUEUE_DISABLED,
    UNKNOWN_QUEUE,
    Ended,
    Refused,
    unauthorized,
)
from tests.pbs_double.jobs import Job
from tests.pbs_double.qsub_options import Submission, array_range, moment
from tests.pbs_double.settings import Queue, Settings

SELECT_AND_NODES = 15110
ARRAY_TOO_LARGE = 15107
NOT_AN_ARRAY = 15231
LARGEST_ARRAY = 10_000
NOT_IN_THE_DOUBLE = 254
"""Exit status where the double cannot follow; no recorded command ends so."""
_TOGETHER = ("select", "place")


def allowed_queue(settings: Settings, name: str, user: str) -> Queue:
    """Raises Refused."""
    queue = settings.queue(name.partition("@")[0])
    if queue is None:
        raise Refused(UNKNOWN_QUEUE, "Unknown queue")
    if not queue.enabled:
        raise Refused(QUEUE_DISABLED, "Queue is not enabled")
    if queue.users and user not in queue.users:
        raise unauthorized()
    return queue


def check_room(settings: Settings, queue: Queue, user: str, jobs: Mapping[int, Job]) -> None:
    """Raises Refused."""
    if queue.max_queued_per_user is None:
        return
    mine = sum(1 for job in jobs.values() if job.live and job.user == user and job.queue == queue.name)
    if mine >= queue.max_queued_per_user:
        raise Refused(PER_USER_LIMIT, "would exceed queue generic's per-user limit")


def ask_resources(job: Job, asked: Mapping[str, str], settings: Settings, queue: Queue) -> None:
    """Fills the job's chunks, resources and walltime. Raises Refused."""
    if "nodes" in asked and any(name in asked for name in _TOGETHER):
        raise Refused(SELECT_AND_NODES, "Cannot be used with select or place: nodes")
    for name, value in asked.items():
        resources.check(name, value, settings)
    if "select" in asked:
        chunks, place = resources.chunks_of(asked["select"], settings), "free"
    elif "nodes" in asked:
        chunks, place = _nodes(asked["nodes"]), "scatter"
    else:
        counted = ("ncpus", "mem", "mpiprocs", *settings.resources)
        chunks, place = [(1, {name: asked[name] for name in sorted(asked) if name in counted})], "pack"
    job.chunks = resources.with_defaults(chunks, queue)
    summed = resources.totals(job.chunks, settings)
    total: dict[str, str | int] = {
        name: resources.size_text(amount) if name == "mem" else amount for name, amount in summed.items()
    }
    total["nodect"] = sum(count for count, _ in job.chunks)
    total["place"] = asked.get("place", place)
    total["select"] = resources.select_text(job.chunks)
    for name in resources.TIMES:
        if name in asked:
            total[name] = resources.duration(resources.seconds_of(asked[name]) or 0)
    if "walltime" not in total and queue.default_walltime_s:
        total["walltime"] = resources.duration(queue.default_walltime_s)
    job.walltime_s = resources.seconds_of(str(total.get("walltime", "0"))) or 0
    if queue.max_walltime_s is not None and job.walltime_s > queue.max_walltime_s:
        raise Refused(OVER_LIMIT, "Job violates queue and/or server resource limits")
    job.resources = {name: total[name] for name in sorted(total)}


def _nodes(text: str) -> list[tuple[int, dict[str, str]]]:
    """The old nodes=N:ppn=P."""
    found = re.fullmatch(r"(\d+)(?::ppn=(\d+))?", text)
    if not found:
        raise Refused(BAD_VALUE, "Illegal attribute or resource value Resource_List.nodes")
    ppn = found.group(2) or "1"
    return [(int(found.group(1)), {"ncpus": ppn, "mpiprocs": ppn})]


def make_job(
    seq: int, asked: Submission, user: str, environment: Mapping[str, str], cwd: str, settings: Settings
) -> Job:
    """Raises Refused, Ended."""
    _refuse_arrays(asked)
    if "P" in asked.options and re.search(r"""["'\[\]:;|<>+,?*/\\]""", asked.options["P"]):
        raise Refused(BAD_VALUE, "Illegal attribute or resource value project")
    queue_name = asked.options.get("q", "") or settings.queues[0].name
    queue = allowed_queue(settings, queue_name, user)
    now = time.time()
    job = Job(
        seq, settings.server, asked.name, user, queue.name, now, asked.arguments, settings.server,
        environment.get("HOME", ""), cwd, command=asked.command, mtime=now, qtime=now,
    )  # fmt: skip
    ask_resources(job, asked.resources, settings, queue)
    _options(job, asked)
    job.variables = [*variables.submitter(environment, cwd, settings.build)]
    if "v" in asked.options:
        job.variables += variables.from_option(asked.options["v"], environment)
    if "V" in asked.options and settings.build == "master":
        known = {name for name, _ in job.variables}
        unsaid = {*known, "_", "PBS_DOUBLE_USER"}
        job.variables += [(name, value) for name, value in environment.items() if name not in unsaid]
    job.variables += [("PBS_O_QUEUE", queue.name), ("PBS_O_HOST", settings.server)]
    return job


def _refuse_arrays(asked: Submission) -> None:
    """The double has none; what the server refuses, it refuses likewise. Raises Refused, Ended."""
    if "J" not in asked.options:
        if "max_run_subjobs" in asked.attributes:
            raise Refused(NOT_AN_ARRAY, "Attribute has to be set on an array job")
        return
    found = array_range(asked.options["J"])
    if found is not None and len(found[0]) > LARGEST_ARRAY:
        raise Refused(ARRAY_TOO_LARGE, "Array job exceeds server or queue size limit")
    raise Ended(NOT_IN_THE_DOUBLE, "the PBS double has no array jobs\n")


def _options(job: Job, asked: Submission) -> None:
    options = asked.options
    job.account = options.get("A", "")
    job.project = options.get("P", job.project)
    job.holds = "u" if "h" in options else ""
    job.join = options.get("j", "n")
    job.keep = options.get("k", "n")
    job.rerunable = options.get("r", "y") == "y"
    job.shell = options.get("S", "")
    job.mail = options.get("m", "a")
    job.priority = int(options["p"]) if re.fullmatch(r"-?\d+", options.get("p", "")) else 0
    job.umask = asked.attributes.get("umask", "")
    job.execution_time = moment(options["a"]) or 0.0 if "a" in options else 0.0
    job.output_path = target(job, options.get("o", ""), "o")
    job.error_path = target(job, options.get("e", ""), "e")


def target(job: Job, path: str, letter: str) -> str:
    """Where -o or -e lead: relative to the submit folder, ~ and variables as they stand."""
    if not path:
        path = f"{job.name}.{letter}{job.seq}"
    host, colon, rest = path.partition(":")
    if colon and host and "/" not in host:
        path = rest
    full = path if path.startswith("/") else str(Path(job.cwd)) + "/" + path
    return f"{job.submit_host}:{full}"
