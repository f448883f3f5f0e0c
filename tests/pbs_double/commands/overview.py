"""qstat -Q, -q and -B: queues and the server."""

from __future__ import annotations

from tests.pbs_double import documents, text
from tests.pbs_double.answers import Answer
from tests.pbs_double.attributes import Attributes, Value
from tests.pbs_double.errors import UNKNOWN_QUEUE
from tests.pbs_double.jobs import Job
from tests.pbs_double.options import Parsed
from tests.pbs_double.resources import duration, size_text, totals
from tests.pbs_double.settings import VERSION, Queue
from tests.pbs_double.site import Site

_STATES = (
    ("Transit", "T"), ("Queued", "Q"), ("Held", "H"), ("Waiting", "W"), ("Running", "RS"), ("Exiting", "E"),
    ("Begun", "B"),
)  # fmt: skip


def run(site: Site, parsed: Parsed) -> Answer:
    if "B" in parsed.flags:
        return _server(site, parsed)
    answer = Answer()
    queues = []
    for name in parsed.operands or [queue.name for queue in site.settings.queues]:
        queue = site.settings.queue(name)
        if queue is None:
            answer.fail(UNKNOWN_QUEUE % 256, f"qstat: Unknown queue {name}\n")
        else:
            queues.append(queue)
    if "q" in parsed.flags:
        answer.out = _limits(site, queues)
    elif "f" in parsed.flags:
        heads = [(queue.name, f"Queue: {queue.name}", _queue(site, queue)) for queue in queues]
        answer.out = _full(site, parsed, "Queue", heads)
    else:
        answer.out = _queues(site, queues)
    return answer


def _full(site: Site, parsed: Parsed, name: str, heads: list[tuple[str, str, Attributes]]) -> bytes:
    settings = site.settings
    if parsed.last("F") == "json":
        section = [(key, attributes) for key, _, attributes in heads] or None
        return documents.document(
            settings.build, settings.server, name, section, settings.faults.json_invalid
        )
    wide = "w" in parsed.flags
    return b"".join(text.block(head, attributes, settings.build, wide) for _, head, attributes in heads)


def _counted(jobs: list[Job]) -> list[tuple[str, int]]:
    return [(name, sum(1 for job in jobs if job.state in states)) for name, states in _STATES]


def _count_text(jobs: list[Job]) -> str:
    return "".join(f"{name}:{number} " for name, number in _counted(jobs))


def _assigned(site: Site, jobs: list[Job]) -> list[tuple[str, str | int]]:
    running = [job for job in jobs if job.state in "RE"]
    taken: dict[str, int] = {"ncpus": 0, "nodect": 0}
    for job in running:
        for name, amount in totals(job.chunks, site.settings).items():
            if name in ("ncpus", "mem"):
                taken[name] = taken.get(name, 0) + amount
        taken["nodect"] += sum(count for count, _ in job.chunks)
    return [(name, size_text(taken[name]) if name == "mem" else taken[name]) for name in sorted(taken)]


def _queue(site: Site, queue: Queue) -> Attributes:
    jobs = [job for job in site.jobs.values() if job.queue == queue.name and job.live]
    ran = any(job.queue == queue.name and job.run_count for job in site.jobs.values())
    most = f"[u:PBS_GENERIC={queue.max_queued_per_user}]" if queue.max_queued_per_user else None
    early, late = (most, None) if site.settings.build == "release" else (None, most)
    found: list[tuple[str, Value | None]] = [
        ("queue_type", "Execution"),
        ("total_jobs", len(jobs)),
        ("state_count", _count_text(jobs)),
        ("acl_user_enable", "True" if queue.users else None),
        ("acl_users", ",".join(queue.users) or None),
        ("resources_max", _walltime(queue.max_walltime_s)),
        ("resources_default", _walltime(queue.default_walltime_s)),
        ("default_chunk", list(queue.default_chunk.items()) or None),
        ("resources_assigned", _assigned(site, jobs) if ran else None),
        ("max_queued", early),
        ("kill_delay", int(queue.kill_delay_s) if queue.kill_delay_s is not None else None),
        ("enabled", str(queue.enabled)),
        ("started", str(queue.started)),
        ("max_queued", late),
    ]
    return [(name, value) for name, value in found if value is not None]


def _walltime(seconds: int | None) -> list[tuple[str, str | int]] | None:
    return None if seconds is None else [("walltime", duration(seconds))]


def _queues(site: Site, queues: list[Queue]) -> bytes:
    lines = [
        "Queue              Max   Tot Ena Str   Que   Run   Hld   Wat   Trn   Ext Type",
        "---------------- ----- ----- --- --- ----- ----- ----- ----- ----- ----- ----",
    ]
    for queue in queues:
        count = dict(_counted([job for job in site.jobs.values() if job.queue == queue.name and job.live]))
        order = [count[name] for name in ("Queued", "Running", "Held", "Waiting", "Transit", "Exiting")]
        numbers = " ".join(f"{number:>5}" for number in order)
        words = " ".join("yes" if word else " no" for word in (queue.enabled, queue.started))
        lines.append(f"{queue.name:<16} {0:>5} {sum(count.values()):>5} {words} {numbers} Exe*")
    return text.encoded("\n".join(lines) + "\n")


def _limits(site: Site, queues: list[Queue]) -> bytes:
    lines = [
        "",
        f"server: {site.settings.server}",
        "",
        "Queue            Memory CPU Time Walltime Node   Run   Que   Lm  State",
        "---------------- ------ -------- -------- ---- ----- ----- ----  -----",
    ]
    running = waiting = 0
    for queue in queues:
        jobs = [job for job in site.jobs.values() if job.queue == queue.name and job.live]
        run = sum(1 for job in jobs if job.state in "RSE")
        running, waiting = running + run, waiting + len(jobs) - run
        walltime = "   --   " if queue.max_walltime_s is None else duration(queue.max_walltime_s)
        states = f"{'E' if queue.enabled else 'D'} {'R' if queue.started else 'S'}"
        lines.append(
            f"{queue.name:<16}   --      --    {walltime}  --  {run:>5} {len(jobs) - run:>5}   --   {states}"
        )
    lines += [" " * 47 + "----- -----", " " * 47 + f"{running:>5} {waiting:>5}"]
    return text.encoded("\n".join(lines) + "\n")


def _server(site: Site, parsed: Parsed) -> Answer:
    jobs = list(site.jobs.values())
    name = site.settings.server
    if "f" in parsed.flags:
        return Answer(
            0, _full(site, parsed, "Server", [(name, f"Server: {name}", _server_attributes(site, jobs))])
        )
    count = dict(_counted(jobs))
    order = [count[one] for one in ("Queued", "Running", "Held", "Waiting", "Transit", "Exiting")]
    numbers = " ".join(f"{number:>5}" for number in order)
    lines = [
        "Server             Max   Tot   Que   Run   Hld   Wat   Trn   Ext Status",
        "---------------- ----- ----- ----- ----- ----- ----- ----- ----- -----------",
        f"{name:<16} {0:>5} {len(jobs):>5} {numbers} {'Active':<10}",
    ]
    return Answer(0, text.encoded("\n".join(lines) + "\n"))


def _server_attributes(site: Site, jobs: list[Job]) -> Attributes:
    one: list[tuple[str, str | int]] = [("ncpus", 1)]
    master = site.settings.build == "master"
    found: list[tuple[str, Value | None]] = [
        ("server_state", "Active"), ("server_host", site.settings.server), ("scheduling", "True"),
        ("total_jobs", len(jobs)), ("state_count", _count_text(jobs)),
        ("default_queue", site.settings.queues[0].name), ("log_events", 511),
        ("mailer", "/usr/sbin/sendmail"), ("mail_from", "adm"), ("query_other_jobs", "True"),
        ("resources_default", one), ("default_chunk", one), ("resources_assigned", _assigned(site, jobs)),
        ("scheduler_iteration", 600), ("resv_enable", "True"),
        ("node_fail_requeue", int(site.settings.node_fail_requeue_s)), ("max_array_size", 10000),
        ("resend_term_delay", 5 if master else None), ("pbs_license_min", 0), ("pbs_license_max", 2147483647),
        ("pbs_license_linger_time", 31536000),
        ("license_count", "Avail_Global:1000000 Avail_Local:1000000 Used:0 High_Use:0"),
        ("pbs_version", VERSION), ("eligible_time_enable", "False"),
        ("job_history_enable", "True" if site.settings.faults.history else None),
        ("max_concurrent_provision", 5), ("clear_topjob_estimates_enable", "False" if master else None),
        ("max_job_sequence_id", 9999999),
    ]  # fmt: skip
    return [(name, value) for name, value in found if value is not None]
