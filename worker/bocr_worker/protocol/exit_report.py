"""exit.json: the last word of a job, written once, atomically."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from bocr_worker.protocol import PROTOCOL_VERSION
from bocr_worker.protocol.errors import ProtocolError
from bocr_worker.protocol.fields import Fields

OUTCOMES = ("ok", "partial", "error", "duplicate")
"""ok: every page has a verdict. partial: stopped with pages left, to be continued. error: the worker or its
engine could not go on. duplicate: another start of the same job holds the claim; nothing was done."""


@dataclass(frozen=True)
class JournalEnd:
    """How long a journal is when its writer is done, so that a reader knows what it has not seen yet."""

    file: str
    generation: str
    bytes: int
    events: int


@dataclass(frozen=True)
class ExitReport:
    """`cause` is a sentence for a person, empty when all is well. `source` is `worker`, or `script` when
    the job script's trap had to write it. Counts are of pages in this job's manifest. `extra` of a job that
    read pages: `first_page_s` from its start to the first page read, `engine_idle_s` in which its engine had
    none (`idle_gpu_s`: times its GPUs), `start_s`, `restarts` and `lost_s` of its servers, `restart_lost_s`
    between the last word of a start or a try before this one that was killed and its own first page."""

    token: str
    outcome: str
    cause: str = ""
    ok: int = 0
    failed: int = 0
    skipped: int = 0
    left: int = 0
    seconds: float = 0.0
    journals: tuple[JournalEnd, ...] = ()
    source: str = "worker"
    exit_code: int | None = None
    extra: dict[str, Any] = field(default_factory=dict)


def dump_exit_report(report: ExitReport) -> bytes:
    record: dict[str, Any] = {"version": PROTOCOL_VERSION, **report.__dict__}
    record["journals"] = [dict(journal.__dict__) for journal in report.journals]
    return json.dumps(record, ensure_ascii=False, indent=1).encode("utf-8", "backslashreplace") + b"\n"


def load_exit_report(data: bytes, where: str = "exit.json") -> ExitReport:
    """Raises ProtocolError, also for a report whose token or outcome is none we know."""
    try:
        record = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise ProtocolError(where, f"is no JSON ({type(error).__name__})") from None
    fields = Fields(record, where)
    outcome = fields.text("outcome", max_length=20)
    if outcome not in OUTCOMES:
        raise ProtocolError(where, f"outcome {outcome!r} is unknown")
    journals = []
    for item in fields.items("journals", ()):
        end = Fields(item, f"{where} journals")
        journals.append(
            JournalEnd(
                file=end.text("file", max_length=120),
                generation=end.text("generation", max_length=64),
                bytes=end.whole("bytes"),
                events=end.whole("events"),
            )
        )
    return ExitReport(
        token=fields.text("token", max_length=15),
        outcome=outcome,
        cause=fields.text("cause", "", max_length=4000),
        ok=fields.whole("ok", 0),
        failed=fields.whole("failed", 0),
        skipped=fields.whole("skipped", 0),
        left=fields.whole("left", 0),
        seconds=fields.number("seconds", 0.0),
        journals=tuple(journals),
        source=fields.text("source", "worker", max_length=20),
        exit_code=fields.whole_or_none("exit_code"),
        extra=fields.mapping("extra", {}),
    )
