"""The events of a journal. Every line holds `kind`; lines after the header are numbered by `seq`.

`page` events are read here, `heartbeat`s in protocol/heartbeat.py. A `stage` event says in `phase` which
part of the job began (`waiting`, `loading`, `feeding`, `drawing`, `ended`, …), with facts for people beside.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from itertools import islice
from typing import Any

from bocr_worker.protocol import PROTOCOL_VERSION
from bocr_worker.protocol.errors import ProtocolError
from bocr_worker.protocol.failures import FailureClass
from bocr_worker.protocol.fields import Fields
from bocr_worker.protocol.manifest import SHA256_PATTERN
from bocr_worker.protocol.recognition import Confidence, Usage

HEADER, PAGE, HEARTBEAT, STAGE = "header", "page", "heartbeat", "stage"
STARTED, OK, FAILED = "started", "ok", "failed"
STATUSES = (STARTED, OK, FAILED)


@dataclass(frozen=True)
class Header:
    """A journal's first line: whose it is, and the random generation that tells it from any other file
    that ever had its name."""

    token: str
    generation: str
    worker: str
    host: str
    pid: int
    at: float
    protocol: int = PROTOCOL_VERSION

    def record(self) -> dict[str, Any]:
        return {"kind": HEADER, **self.__dict__}


def read_header(record: dict[str, Any], where: str) -> Header:
    """Raises ProtocolError for a first line that is no header, or of a protocol not spoken here."""
    fields = Fields(record, where)
    if fields.text("kind") != HEADER:
        raise ProtocolError(where, "the first line is no header")
    protocol = fields.whole("protocol")
    if protocol != PROTOCOL_VERSION:
        raise ProtocolError(where, f"is of protocol {protocol}; {PROTOCOL_VERSION} is spoken here")
    return Header(
        token=fields.text("token", max_length=15),
        generation=fields.text("generation", max_length=64),
        worker=fields.text("worker", max_length=80),
        host=fields.text("host", max_length=300),
        pid=fields.whole("pid"),
        at=fields.number("at"),
        protocol=protocol,
    )


@dataclass(frozen=True)
class ResultPlace:
    """Where a result's line lies in a results file, and what its bytes must hash to. `length` counts the
    line's LF."""

    file: str
    offset: int
    length: int
    sha256: str


@dataclass(frozen=True)
class Provenance:
    """What made a text: enough to tell whether two attempts could have differed."""

    engine: str
    engine_version: str = ""
    weights: str = ""
    prompt_hash: str = ""
    settings_hash: str = ""
    render_hash: str = ""


@dataclass(frozen=True)
class PageEvent:
    """Something happened to one page. `attempt` counts this page's attempts within this journal, from 1.

    A `failed` event with `last` False is followed by another attempt on the same page in this job.
    `evidence` is what the verdict rests on: small, JSON, shown to people. `scripts` is the share of each
    script among the letters read, for the document's language.
    """

    document: str
    page: int
    status: str
    attempt: int
    at: float
    failure: FailureClass | None = None
    evidence: dict[str, Any] = field(default_factory=dict)
    seconds: float | None = None
    variation: str = "plain"
    language: str | None = None
    usage: Usage = field(default_factory=Usage)
    confidence: Confidence = field(default_factory=Confidence)
    score: float | None = None
    image: dict[str, Any] = field(default_factory=dict)
    scripts: dict[str, float] = field(default_factory=dict)
    provenance: Provenance | None = None
    result: ResultPlace | None = None
    last: bool = True

    def record(self) -> dict[str, Any]:
        """The event as JSON, what is empty left out: a million of these are written."""
        record: dict[str, Any] = {
            "kind": PAGE,
            "document": self.document,
            "page": self.page,
            "status": self.status,
            "attempt": self.attempt,
            "at": round(self.at, 3),
            "variation": self.variation,
        }
        if self.failure is not None:
            record["class"] = str(self.failure)
        if self.evidence:
            record["evidence"] = self.evidence
        if self.seconds is not None:
            record["seconds"] = round(self.seconds, 4)
        if self.language is not None:
            record["language"] = self.language
        if self.usage.prompt_tokens is not None or self.usage.completion_tokens is not None:
            record["tokens"] = {
                "prompt": self.usage.prompt_tokens,
                "completion": self.usage.completion_tokens,
            }
        if self.confidence.mean is not None or self.confidence.minimum is not None:
            record["confidence"] = {"mean": self.confidence.mean, "min": self.confidence.minimum}
        if self.score is not None:
            record["score"] = round(self.score, 4)
        if self.image:
            record["image"] = self.image
        if self.scripts:
            record["scripts"] = self.scripts
        if self.provenance is not None:
            record["provenance"] = dict(self.provenance.__dict__)
        if self.result is not None:
            record["result"] = dict(self.result.__dict__)
        if not self.last:
            record["last"] = False
        return record


def read_page_event(record: dict[str, Any], where: str) -> PageEvent:
    """Check a page event that came from a site. Raises ProtocolError that names the field."""
    fields = Fields(record, where)
    sha256 = fields.text("document", max_length=64)
    if not SHA256_PATTERN.match(sha256):
        raise ProtocolError(where, "document is no SHA-256")
    status = fields.text("status", max_length=20)
    if status not in STATUSES:
        raise ProtocolError(where, f"page status {status!r} is unknown")
    failure = None if "class" not in record else _failure(fields)
    if status == FAILED and failure is None:
        raise ProtocolError(where, "a failed page without a class")
    result = fields.mapping("result", {})
    if status == OK and not result:
        raise ProtocolError(where, "an ok page without a result")
    provenance = fields.mapping("provenance", {})
    return PageEvent(
        document=sha256,
        page=fields.whole("page", least=1),
        status=status,
        attempt=fields.whole("attempt", 1, least=1),
        at=fields.number("at"),
        failure=failure,
        evidence=fields.mapping("evidence", {}),
        seconds=fields.number_or_none("seconds"),
        variation=fields.text("variation", "plain", max_length=80),
        language=fields.text_or_none("language", max_length=16),
        usage=_usage(Fields(fields.mapping("tokens"), where)) if "tokens" in record else _NO_USAGE,
        confidence=(
            _confidence(Fields(fields.mapping("confidence"), where))
            if "confidence" in record
            else _NO_CONFIDENCE
        ),
        score=fields.number_or_none("score"),
        image=fields.mapping("image", {}),
        scripts=_scripts(fields),
        provenance=_read_provenance(provenance, where) if provenance else None,
        result=read_result_place(Fields(result, where)) if result else None,
        last=fields.flag("last", True),
    )


_NO_USAGE, _NO_CONFIDENCE = Usage(), Confidence()


def _usage(tokens: Fields) -> Usage:
    return Usage(tokens.whole_or_none("prompt"), tokens.whole_or_none("completion"))


def _confidence(confidence: Fields) -> Confidence:
    return Confidence(confidence.number_or_none("mean"), confidence.number_or_none("min"))


def _failure(fields: Fields) -> FailureClass | None:
    name = fields.text_or_none("class", max_length=40)
    if name is None:
        return None
    try:
        return FailureClass(name)
    except ValueError:
        raise ProtocolError(fields.where, f"failure class {name!r} is unknown") from None


def _scripts(fields: Fields) -> dict[str, float]:
    shares = fields.mapping("scripts", {})
    if not shares:
        return {}
    inner = Fields(shares, fields.where)
    return {name[:20]: inner.number(name) for name in islice(shares, 20)}


_PROVENANCE = ("engine", "engine_version", "weights", "prompt_hash", "settings_hash", "render_hash")


def _read_provenance(record: dict[str, Any], where: str) -> Provenance:
    values = tuple(record.get(name, "") for name in _PROVENANCE)
    for name, value in zip(_PROVENANCE, values):  # noqa: B905 - Python 3.10, and of one length
        if type(value) is not str or len(value) > 500:
            raise ProtocolError(where, f"provenance: {name} should be a text of at most 500 characters")
    return _provenance(*values)


@lru_cache(maxsize=1024)
def _provenance(*values: str) -> Provenance:
    """Pages of a job share a few provenances; each is kept once."""
    return Provenance(*values)


def read_result_place(fields: Fields) -> ResultPlace:
    """Raises ProtocolError; a file name with a folder in it is refused here, once for all readers."""
    name = fields.text("file", max_length=120)
    if "/" in name or "\\" in name or "\0" in name or not name.startswith("results-"):
        raise ProtocolError(fields.where, f"file {name[:60]!r} is no results file")
    sha256 = fields.text("sha256", max_length=64)
    if not SHA256_PATTERN.match(sha256):
        raise ProtocolError(fields.where, "sha256 is no SHA-256")
    return ResultPlace(name, fields.whole("offset"), fields.whole("length", least=1), sha256)
