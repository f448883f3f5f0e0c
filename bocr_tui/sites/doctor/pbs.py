"""PBS: the server, and whether its queues take what this site's jobs ask for."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from bocr_tui.config.check import BAD, DOUBTFUL, GOOD, Check
from bocr_tui.config.model import PbsConfig, SiteConfig
from bocr_tui.sites.scheduler.pbs.server import PbsQueue, PbsServer

_UNITS = {"": 1, "b": 1, "kb": 1 << 10, "mb": 1 << 20, "gb": 1 << 30, "tb": 1 << 40, "pb": 1 << 50}
_SIZE = re.compile(r"(\d+)([kmgtp]?b)?", re.IGNORECASE)
_ANYBODY = re.compile(r"\[?[ou]:PBS_(?:GENERIC|ALL)=(\d+)\]?")
_LIMITS = ("max_queued", "max_run", "queued_jobs_threshold")


def server_checks(server: PbsServer) -> Iterator[Check]:
    """Of the server itself."""
    if server.problem:
        yield Check(
            "scheduler", BAD, f"PBS {server.version}: {server.problem}", "Try again; if it stays, ask there."
        )
        return
    said = f"PBS {server.version}, commands in {server.folder}, server {server.name}"
    if server.state and server.state.lower() not in ("active", "scheduling"):
        yield Check("scheduler", DOUBTFUL, f"{said} is {server.state}", "Jobs wait until it is active again.")
    else:
        yield Check("scheduler", GOOD, said)
    if server.history is False:
        said = "it forgets jobs that have ended: their ends are known by their own reports alone"
        yield Check("scheduler", DOUBTFUL, said, "Nothing has to be done.")


def queue_checks(server: PbsServer, config: SiteConfig) -> Iterator[Check]:
    """Of every queue that a job of this site would go to, against what it would ask for."""
    if server.problem:
        return
    for asked, engines in orders_of(config).items():
        name = asked.queue or server.default_queue
        queue = server.queues.get(name)
        if queue is None:
            yield _no_queue(server, name, engines)
            continue
        problems = [*_open_problems(queue, server.user), *_resource_problems(queue, asked)]
        where = f"queue {name} ({', '.join(engines)})" if engines else f"queue {name}"
        if problems:
            yield Check(
                where, BAD, "; ".join(problems), "Change what this site asks for in bocr.toml, or the queue."
            )
            continue
        yield Check(where, GOOD, _says(queue, asked))
        yield from _limit_checks(where, queue, config.max_queued)


def orders_of(config: SiteConfig) -> dict[PbsConfig, list[str]]:
    """The different things that this site's jobs ask PBS for, and for which engines instead of all."""
    orders: dict[PbsConfig, list[str]] = {config.pbs: []}
    for engine, environment in config.environments.items():
        if environment.pbs is not None:
            orders.setdefault(environment.pbs, []).append(engine)
    if config.split is not None:
        orders.setdefault(config.split.pbs, []).append("split")
    if len(config.environments) == sum(one.pbs is not None for one in config.environments.values()) > 0:
        orders = {asked: engines for asked, engines in orders.items() if engines}
    return orders


def _no_queue(server: PbsServer, name: str, engines: list[str]) -> Check:
    open_ones = sorted(
        queue.name for queue in server.queues.values() if not any(_open_problems(queue, server.user))
    )
    known = f"Queues that take your jobs: {', '.join(open_ones) or 'none'}."
    if not name:
        return Check("queue", BAD, "no queue is named and the server has no default", known)
    said = f"there is no queue {name}" + (f" (asked for by {', '.join(engines)})" if engines else "")
    return Check(f"queue {name}", BAD, said, known)


def _open_problems(queue: PbsQueue, user: str) -> Iterator[str]:
    if not queue.enabled:
        yield "it takes no jobs (disabled)"
    if not queue.started:
        yield "it runs no jobs (stopped)"
    if queue.attributes.get("acl_user_enable", "").lower() == "true":
        allowed = [one.strip() for one in queue.attributes.get("acl_users", "").split(",")]
        if not any(
            one.lstrip("+").split("@")[0] in (user, "*") for one in allowed if not one.startswith("-")
        ):
            yield f"it is not open to {user}"


def _resource_problems(queue: PbsQueue, asked: PbsConfig) -> Iterator[str]:
    wanted = wanted_resources(asked)
    for name, most in _limits(queue, "resources_max."):
        value = wanted.get(name)
        if value is not None and (limit := amount(name, most)) is not None and value > limit:
            yield f"{name} asked for is more than its limit {most}"
    for name, least in _limits(queue, "resources_min."):
        value = wanted.get(name)
        if value is not None and (limit := amount(name, least)) is not None and value < limit:
            yield f"{name} asked for is less than its least {least}"


def _limits(queue: PbsQueue, prefix: str) -> Iterator[tuple[str, str]]:
    for name, value in queue.attributes.items():
        if name.startswith(prefix):
            yield name.removeprefix(prefix), value


def wanted_resources(asked: PbsConfig) -> dict[str, int]:
    """What a job asks for in all: counts, bytes, and seconds of walltime."""
    wanted: dict[str, int] = {}
    for chunk in asked.select.split("+") if asked.select else []:
        first, *rest = chunk.split(":")
        times = int(first) if first.isdecimal() else 1
        for part in rest if first.isdecimal() else [first, *rest]:
            name, _, value = part.partition("=")
            found = amount(name, value)
            if found is not None:
                wanted[name] = wanted.get(name, 0) + times * found
    seconds = amount("walltime", asked.walltime)
    return wanted if seconds is None else {**wanted, "walltime": seconds}


def amount(name: str, value: str) -> int | None:
    """A resource's value as a number: walltime and cput in seconds, sizes in bytes. None: not comparable."""
    if name in ("walltime", "cput"):
        parts = value.split(":")
        if not value or not all(part.isdecimal() for part in parts) or len(parts) > 3:
            return None
        seconds = 0
        for part in parts:
            seconds = seconds * 60 + int(part)
        return seconds
    found = _SIZE.fullmatch(value.strip())
    return None if found is None else int(found[1]) * _UNITS[(found[2] or "").lower()]


def _says(queue: PbsQueue, asked: PbsConfig) -> str:
    said = ["takes and runs jobs"]
    if asked.walltime or queue.walltime_most:
        said.append(
            f"walltime {asked.walltime or 'its default'}, at most {queue.walltime_most or 'unlimited'}"
        )
    if asked.select:
        said.append(asked.select)
    return "; ".join(said)


def _limit_checks(where: str, queue: PbsQueue, max_queued: int) -> Iterator[Check]:
    limits: Mapping[str, str] = {name: queue.attributes[name] for name in _LIMITS if name in queue.attributes}
    if not limits:
        return
    said = ", ".join(f"{name} {value}" for name, value in limits.items())
    generic = _ANYBODY.search(limits.get("max_queued", ""))
    if generic and int(generic[1]) < max_queued:
        step = f"Set max_queued = {generic[1]} for this site; what is refused until then waits here."
        yield Check(
            where, DOUBTFUL, f"its limits: {said}; this site would keep {max_queued} jobs there", step
        )
    else:
        yield Check(where, GOOD, f"its limits: {said}")
