"""manifest.json: what one job is asked to do, complete and checkable before anything is started."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass, field
from typing import Any

from bocr_worker.protocol import PROTOCOL_VERSION
from bocr_worker.protocol.errors import ProtocolError
from bocr_worker.protocol.failures import FailureClass
from bocr_worker.protocol.fields import Fields

TOKEN_PATTERN = re.compile(r"^[a-z][a-z0-9]{3,14}$")
"""A token is a job's name, so PBS's limits hold: at most 15 characters, a letter first."""

SHA256_PATTERN = re.compile(r"^[0-9a-f]{64}$")
DOCUMENT_KINDS = ("pdf", "image")


@dataclass(frozen=True)
class Variation:
    """One way to read a page: what a rung of the ladder changes against the engine's defaults.

    `dpi` None is the engine's own; `preparations` are names of the preparation steps, in order; `options`
    go to the engine (prompt, temperature, page segmentation mode…).
    """

    name: str = "plain"
    dpi: int | None = None
    preparations: tuple[str, ...] = ()
    options: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class EngineOrder:
    """Which engine reads, through which runtime, with which settings. `processes` and `threads` 0 mean
    that the worker decides from the cores it has. `definition` is what the engine is made of where it is none
    of the worker's own: `[engines.<name>]` of bocr.toml."""

    name: str
    runtime: str = "local"
    processes: int = 0
    threads: int = 0
    options: dict[str, Any] = field(default_factory=dict)
    definition: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Limits:
    """What one page, and the whole job, may cost. Seconds, bytes and pixels."""

    render_deadline_s: float = 120.0
    render_memory_bytes: int = 1_200 * 1024 * 1024
    render_processes: int = 0
    max_pixels: int = 25_000_000
    engine_deadline_s: float = 300.0
    engine_deaths: int = 2
    """Deaths of the engine on one page after which the page is failed and the engine goes on without it."""
    lease_s: float = 60.0
    heartbeat_s: float = 5.0
    stop_within_s: float = 4.0
    max_attempts: int = 6
    """Attempts on one page within one job, whatever the ladder says."""


@dataclass(frozen=True)
class PageOrder:
    """One page wanted: its 1-based number, the class it failed with so far, and the settings hashes that
    were already tried on it and are not worth trying again."""

    number: int
    failure: FailureClass | None = None
    tried: tuple[str, ...] = ()


@dataclass(frozen=True)
class DocumentOrder:
    """One document's pages wanted.

    `path` is absolute, or relative to the site's root. `size_bytes` and `mtime_ns` (0: unknown) let the
    worker skip hashing a file that has not changed. `language_binding` says that a person or a rule named
    the language; otherwise it is a guess that may be overruled by what the page shows. `problem`: the panel
    knows that the file cannot be there, and why; its pages fail with these words.
    """

    sha256: str
    path: str
    kind: str
    name: str
    size_bytes: int
    pages: tuple[PageOrder, ...]
    mtime_ns: int = 0
    language: str | None = None
    language_binding: bool = False
    problem: str = ""


@dataclass(frozen=True)
class Manifest:
    """The order for one job: one stage of a chain over some pages.

    `earlier` names the run folders (siblings of this one) whose journals are read first: pages that are ok
    there are skipped, pages that failed there are taken with the class they failed with. `ladder` maps a
    failure class to the variations tried on a page that failed so; `first` is what an unread page gets.
    `resume` names earlier tries of this same stage.

    `only_failed` is for a stage whose manifest is written before the stage it waits for has run: it takes the
    pages whose last word in `earlier` was `failed`, or that have a failure here, and leaves alone what is ok
    there and what nobody got to. Those belong to another try of the earlier stage, and count as skipped.
    """

    token: str
    chain: int
    stage: int
    engine: EngineOrder
    documents: tuple[DocumentOrder, ...]
    first: tuple[Variation, ...] = (Variation(),)
    ladder: dict[FailureClass, tuple[Variation, ...]] = field(default_factory=dict)
    earlier: tuple[str, ...] = ()
    resume: tuple[str, ...] = ()
    distrusted: tuple[str, ...] = ()
    """Journals (`<token>/<file>`) that the panel does not believe: what only they say is done again."""
    languages: tuple[str, ...] = ()
    limits: Limits = field(default_factory=Limits)
    only_failed: bool = False
    version: int = PROTOCOL_VERSION

    @property
    def page_count(self) -> int:
        return sum(len(document.pages) for document in self.documents)


def dump_manifest(manifest: Manifest) -> bytes:
    """The manifest as UTF-8 JSON, one document a line so that a person can read it."""
    record = asdict(manifest)
    record["ladder"] = {str(key): value for key, value in record["ladder"].items()}
    documents = record.pop("documents")
    for document in documents:
        document["pages"] = [_dump_page(page) for page in document["pages"]]
    head = json.dumps(record, ensure_ascii=False, indent=1)
    lines = ",\n  ".join(json.dumps(document, ensure_ascii=False) for document in documents)
    text = head[:-2] + ',\n "documents": [\n  ' + lines + "\n ]\n}\n"
    return text.encode("utf-8", "backslashreplace")


def _dump_page(page: dict[str, Any]) -> list[Any]:
    if page["tried"]:
        return [page["number"], page["failure"], list(page["tried"])]
    return [page["number"], page["failure"]] if page["failure"] else [page["number"]]


def load_manifest(data: bytes, where: str = "manifest.json") -> Manifest:
    """Read and check a manifest. Raises ProtocolError that names the field."""
    try:
        record = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise ProtocolError(where, f"is no JSON ({type(error).__name__})") from None
    fields = Fields(record, where)
    version = fields.whole("version")
    if version != PROTOCOL_VERSION:
        raise ProtocolError(where, f"is of protocol {version}; this worker speaks {PROTOCOL_VERSION}")
    token = fields.text("token")
    if not TOKEN_PATTERN.match(token):
        raise ProtocolError(where, f"token {token!r} is none of ours")
    manifest = Manifest(
        version=version,
        token=token,
        chain=fields.whole("chain"),
        stage=fields.whole("stage", most=99),
        engine=_load_engine(Fields(fields.mapping("engine"), f"{where} engine")),
        documents=tuple(
            _load_document(Fields(item, f"{where} document {place}"))
            for place, item in enumerate(fields.items("documents"), 1)
        ),
        first=_load_variations(fields.items("first"), where),
        ladder={
            _load_failure(name, where): _load_variations(items, where)
            for name, items in fields.mapping("ladder").items()
        },
        earlier=_load_tokens(fields.texts("earlier"), where),
        resume=_load_tokens(fields.texts("resume"), where),
        distrusted=fields.texts("distrusted", ()),
        languages=fields.texts("languages"),
        limits=_load_limits(Fields(fields.mapping("limits"), f"{where} limits")),
        only_failed=fields.flag("only_failed", False),
    )
    if not manifest.first:
        raise ProtocolError(where, "first names no variation")
    return manifest


def _load_tokens(tokens: tuple[str, ...], where: str) -> tuple[str, ...]:
    for token in tokens:
        if not TOKEN_PATTERN.match(token):
            raise ProtocolError(where, f"token {token!r} is none of ours")
    return tokens


def _load_failure(name: Any, where: str) -> FailureClass:
    try:
        return FailureClass(name)
    except ValueError:
        raise ProtocolError(where, f"failure class {str(name)[:40]!r} is unknown") from None


def _load_engine(fields: Fields) -> EngineOrder:
    return EngineOrder(
        name=fields.text("name", max_length=80),
        runtime=fields.text("runtime", max_length=80),
        processes=fields.whole("processes", most=4096),
        threads=fields.whole("threads", most=4096),
        options=fields.mapping("options"),
        definition=fields.mapping("definition", {}),
    )


def _load_variations(items: Any, where: str) -> tuple[Variation, ...]:
    if not isinstance(items, (list, tuple)):
        raise ProtocolError(where, "a list of variations is no list")
    variations = []
    for item in items:
        fields = Fields(item, f"{where} variation")
        variations.append(
            Variation(
                name=fields.text("name", max_length=80),
                dpi=fields.whole_or_none("dpi"),
                preparations=fields.texts("preparations"),
                options=fields.mapping("options"),
            )
        )
    return tuple(variations)


def _load_document(fields: Fields) -> DocumentOrder:
    sha256 = fields.text("sha256")
    if not SHA256_PATTERN.match(sha256):
        raise ProtocolError(fields.where, "sha256 is no SHA-256")
    kind = fields.text("kind")
    if kind not in DOCUMENT_KINDS:
        raise ProtocolError(fields.where, f"kind {kind[:40]!r} is neither of {DOCUMENT_KINDS}")
    path = fields.text("path", max_length=8192)
    if "\0" in path or not path:
        raise ProtocolError(fields.where, "path is no path")
    return DocumentOrder(
        sha256=sha256,
        path=path,
        kind=kind,
        name=fields.text("name"),
        size_bytes=fields.whole("size_bytes"),
        mtime_ns=fields.whole("mtime_ns", 0),
        language=fields.text_or_none("language", max_length=16),
        language_binding=fields.flag("language_binding", False),
        problem=fields.text("problem", "", max_length=1000),
        pages=tuple(_load_page(item, fields.where) for item in fields.items("pages")),
    )


def _load_page(item: Any, where: str) -> PageOrder:
    if not isinstance(item, list) or not 1 <= len(item) <= 3:
        raise ProtocolError(where, "a page is no [number, class, tried]")
    number = item[0]
    if not isinstance(number, int) or isinstance(number, bool) or number < 1:
        raise ProtocolError(where, f"page number {str(number)[:40]!r} is none")
    failure = item[1] if len(item) > 1 else None
    tried = item[2] if len(item) > 2 else []
    if not isinstance(tried, list) or not all(isinstance(entry, str) for entry in tried):
        raise ProtocolError(where, f"page {number}: tried is no list of texts")
    return PageOrder(number, None if failure is None else _load_failure(failure, where), tuple(tried))


def _load_limits(fields: Fields) -> Limits:
    default = Limits()
    return Limits(
        render_deadline_s=fields.number("render_deadline_s", default.render_deadline_s),
        render_memory_bytes=fields.whole("render_memory_bytes", default.render_memory_bytes),
        render_processes=fields.whole("render_processes", default.render_processes, most=4096),
        max_pixels=fields.whole("max_pixels", default.max_pixels, least=10_000),
        engine_deadline_s=fields.number("engine_deadline_s", default.engine_deadline_s),
        engine_deaths=fields.whole("engine_deaths", default.engine_deaths, least=1),
        lease_s=fields.number("lease_s", default.lease_s),
        heartbeat_s=fields.number("heartbeat_s", default.heartbeat_s),
        stop_within_s=fields.number("stop_within_s", default.stop_within_s),
        max_attempts=fields.whole("max_attempts", default.max_attempts, least=1, most=100),
    )
