"""What a PBS server says of itself and its queues, for whoever sets a site up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from bocr_tui.sites.scheduler.pbs.answers import Said, read_said
from bocr_tui.sites.scheduler.pbs.codes import no_answer
from bocr_tui.sites.scheduler.pbs.states import plain_words
from bocr_tui.sites.scheduler.pbs.text import PbsThing, PbsUnreadable, parse_things


@dataclass(frozen=True)
class PbsQueue:
    """`enabled`: takes jobs; `started`: runs them. `attributes`: as PBS names them, such as
    resources_max.walltime, max_queued, acl_users."""

    name: str
    enabled: bool
    started: bool
    execution: bool
    attributes: Mapping[str, str] = field(default_factory=dict)

    @property
    def walltime_most(self) -> str:
        """Hours:minutes:seconds; empty for no limit."""
        return self.attributes.get("resources_max.walltime", "")


@dataclass(frozen=True)
class PbsServer:
    """`problem` says in words why server or queues are not known, empty when they are. `history`: whether it
    remembers finished jobs, None when it does not say."""

    folder: str
    version: str
    user: str
    name: str = ""
    state: str = ""
    default_queue: str = ""
    history: bool | None = None
    queues: Mapping[str, PbsQueue] = field(default_factory=dict)
    problem: str = ""


def server_of(record: Mapping[str, object]) -> PbsServer:
    """From what `server_pbs` brought back. Raises PbsUnreadable for what it would never say."""
    folder, version, user = (str(record.get(name, "")) for name in ("folder", "version", "user"))
    try:
        server = _things(read_said(record.get("server")), "Server")
        queues = _things(read_said(record.get("queues")), "Queue")
    except PbsUnreadable as error:
        return PbsServer(folder, version, user, problem=error.cause)
    about = server[0].attributes if server else {}
    history = about.get("job_history_enable")
    return PbsServer(
        folder,
        version,
        user,
        name=plain_words(server[0].name) if server else "",
        state=plain_words(about.get("server_state", "")),
        default_queue=plain_words(about.get("default_queue", "")),
        history=None if history is None else _true(history),
        queues={queue.name: queue for queue in (_queue(thing) for thing in queues)},
    )


def _things(said: Said | None, kind: str) -> list[PbsThing]:
    if said is None:
        raise PbsUnreadable("PBS was not asked.")
    words = plain_words(said.stderr.decode("utf-8", "replace"))
    if said.status != 0 or words:
        raise PbsUnreadable(no_answer(said.status, words))
    return parse_things(said.text, kind)


def _queue(thing: PbsThing) -> PbsQueue:
    attributes = {name: plain_words(value) for name, value in thing.attributes.items()}
    return PbsQueue(
        plain_words(thing.name),
        enabled=_true(attributes.get("enabled", "")),
        started=_true(attributes.get("started", "")),
        execution=attributes.get("queue_type", "") in ("Execution", "E"),
        attributes=attributes,
    )


def _true(value: str) -> bool:
    return value.strip().lower() in ("true", "t", "1", "y", "yes")
