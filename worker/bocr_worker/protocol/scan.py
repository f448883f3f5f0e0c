"""The answer of a scan: what files lie in a folder on a site, and what each of them is.

An append-only file of journal lines (protocol/lines.py), one record a line; `kind` says which of the classes
below it is. Each start of the scan appends a header first. Where a path occurs twice the later line holds; a
line that does not read well is passed over, its file is listed again by the next start.

Paths are bytes on a site, of any encoding or none. `path` is their base64, because JSON has only text.
"""

from __future__ import annotations

import base64
import binascii
from array import array
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from bocr_worker.protocol import PROTOCOL_VERSION
from bocr_worker.protocol.errors import ProtocolError
from bocr_worker.protocol.fields import Fields
from bocr_worker.protocol.lines import decode_line, encode_line
from bocr_worker.protocol.manifest import DOCUMENT_KINDS, SHA256_PATTERN

OUTCOMES = ("ok", "partial", "error")
"""ok: everything was listed. partial: stopped, to be continued. error: it could not go on."""

_MOST_PAGES = 10_000_000
_PATH_LENGTH = 32 * 1024


@dataclass(frozen=True)
class ScanHeader:
    """`path` is the absolute path of what is scanned, a folder or a file."""

    path: bytes
    worker: str
    host: str
    at: float
    protocol: int = PROTOCOL_VERSION

    def record(self) -> dict[str, Any]:
        return {"kind": "scan", **self.__dict__, "path": _text(self.path)}


@dataclass(frozen=True)
class KnownFile:
    """A file of which the hash is known, so that nobody needs to read it again as long as size and time are
    the same. Lines of these are also what a scan is told by `--known`."""

    path: bytes
    size_bytes: int
    mtime_ns: int
    sha256: str

    def record(self) -> dict[str, Any]:
        return {"kind": "known", **self.__dict__, "path": _text(self.path)}


@dataclass(frozen=True)
class ScannedFile:
    """A file that was looked at; the fields are those of the probe's report. `state` is ready, partial,
    protected, damaged, empty or not_a_pdf; `reason` a predicate to follow the file's name, such as "has no
    pages". `sizes_pt` are width and height of each page, one after the other."""

    path: bytes
    size_bytes: int
    mtime_ns: int
    sha256: str
    document_kind: str
    extension: str
    state: str
    reason: str = ""
    sizes_pt: array[float] = field(default_factory=lambda: array("f"))
    unloadable: tuple[int, ...] = ()

    @property
    def page_count(self) -> int:
        return len(self.sizes_pt) // 2

    def record(self) -> dict[str, Any]:
        return {
            "kind": "file",
            **self.__dict__,
            "path": _text(self.path),
            "sizes_pt": list(_runs_of_sizes(self.sizes_pt)),
            "unloadable": list(_runs_of_numbers(self.unloadable)),
        }


@dataclass(frozen=True)
class ScanTrouble:
    """A file that cannot be looked at, and why, in a sentence; `gone`: there is nothing under that path."""

    path: bytes
    sentence: str
    gone: bool = False

    def record(self) -> dict[str, Any]:
        return {"kind": "trouble", **self.__dict__, "path": _text(self.path)}


@dataclass(frozen=True)
class ScanProgress:
    """Every few seconds: how many files were listed by this start, and how many bytes were read."""

    at: float
    files: int
    read_bytes: int

    def record(self) -> dict[str, Any]:
        return {"kind": "progress", **self.__dict__}


@dataclass(frozen=True)
class ScanEnd:
    """The last word of one start. `files` counts every file that lies there, listed by this start or an
    earlier one; `cause` is a sentence, empty when all is well."""

    outcome: str
    cause: str
    files: int
    troubles: int
    read_bytes: int
    seconds: float

    def record(self) -> dict[str, Any]:
        return {"kind": "end", **self.__dict__}


ScanRecord = ScanHeader | KnownFile | ScannedFile | ScanTrouble | ScanProgress | ScanEnd


def encode_scan(record: ScanRecord) -> bytes:
    """One line with its LF."""
    return encode_line(record.record())


def decode_scan(line: bytes, where: str = "scan") -> ScanRecord | None:
    """One line, without its LF; None for a kind that is not known here. Raises ProtocolError."""
    fields = Fields(decode_line(line, where), where)
    reader = _READERS.get(fields.text("kind", max_length=40))
    return None if reader is None else reader(fields)


def _text(path: bytes) -> str:
    return base64.b64encode(path).decode("ascii")


def _path(fields: Fields) -> bytes:
    try:
        path = base64.b64decode(fields.text("path", max_length=_PATH_LENGTH), validate=True)
    except (binascii.Error, ValueError):
        raise ProtocolError(fields.where, "path is no base64") from None
    if not path.startswith(b"/") or b"\0" in path:
        raise ProtocolError(fields.where, "path is no absolute path")
    return path


def _sha256(fields: Fields) -> str:
    sha256 = fields.text("sha256", max_length=64)
    if not SHA256_PATTERN.match(sha256):
        raise ProtocolError(fields.where, "sha256 is no SHA-256")
    return sha256


def _header(fields: Fields) -> ScanHeader:
    protocol = fields.whole("protocol")
    if protocol != PROTOCOL_VERSION:
        raise ProtocolError(fields.where, f"is of protocol {protocol}; {PROTOCOL_VERSION} is spoken here")
    return ScanHeader(
        _path(fields),
        fields.text("worker", max_length=80),
        fields.text("host", max_length=300),
        fields.number("at"),
        protocol,
    )


def _known(fields: Fields) -> KnownFile:
    return KnownFile(_path(fields), fields.whole("size_bytes"), fields.whole("mtime_ns"), _sha256(fields))


def _file(fields: Fields) -> ScannedFile:
    kind = fields.text("document_kind", max_length=40)
    if kind not in DOCUMENT_KINDS:
        raise ProtocolError(fields.where, f"document_kind {kind!r} is neither of {DOCUMENT_KINDS}")
    sizes = array("f")
    for count, width, height in _rows(fields, "sizes_pt", 3):
        _bounded(fields, len(sizes) // 2 + _whole(fields, count))
        sizes.extend((_length(fields, width), _length(fields, height)) * _whole(fields, count))
    unloadable: list[int] = []
    for first, last in _rows(fields, "unloadable", 2):
        start, end = _whole(fields, first), _whole(fields, last)
        if not 1 <= start <= end <= len(sizes) // 2:
            raise ProtocolError(fields.where, "unloadable names pages that are none")
        _bounded(fields, len(unloadable) + end - start)
        unloadable.extend(range(start, end + 1))
    return ScannedFile(
        _path(fields),
        fields.whole("size_bytes"),
        fields.whole("mtime_ns"),
        _sha256(fields),
        kind,
        fields.text("extension", max_length=80),
        fields.text("state", max_length=40),
        fields.text("reason", "", max_length=2000),
        sizes,
        tuple(unloadable),
    )


def _trouble(fields: Fields) -> ScanTrouble:
    return ScanTrouble(_path(fields), fields.text("sentence", max_length=2000), fields.flag("gone", False))


def _progress(fields: Fields) -> ScanProgress:
    return ScanProgress(fields.number("at"), fields.whole("files"), fields.whole("read_bytes"))


def _end(fields: Fields) -> ScanEnd:
    outcome = fields.text("outcome", max_length=20)
    if outcome not in OUTCOMES:
        raise ProtocolError(fields.where, f"outcome {outcome!r} is unknown")
    return ScanEnd(
        outcome,
        fields.text("cause", "", max_length=4000),
        fields.whole("files"),
        fields.whole("troubles"),
        fields.whole("read_bytes"),
        fields.number("seconds"),
    )


_READERS: dict[str, Callable[[Fields], ScanRecord]] = {
    "scan": _header,
    "known": _known,
    "file": _file,
    "trouble": _trouble,
    "progress": _progress,
    "end": _end,
}


def _rows(fields: Fields, name: str, width: int) -> Iterator[list[Any]]:
    for row in fields.items(name, ()):
        if not isinstance(row, list) or len(row) != width:
            raise ProtocolError(fields.where, f"{name} holds what is no list of {width}")
        yield row


def _whole(fields: Fields, value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise ProtocolError(fields.where, f"{str(value)[:40]!r} is no whole number")
    return value


def _length(fields: Fields, value: object) -> float:
    if not isinstance(value, (int, float)) or isinstance(value, bool) or not 0 <= value < 1e9:
        raise ProtocolError(fields.where, f"{str(value)[:40]!r} is no length of a page")
    return float(value)


def _bounded(fields: Fields, pages: int) -> None:
    if pages > _MOST_PAGES:
        raise ProtocolError(fields.where, f"has more than {_MOST_PAGES:,} pages")


def _runs_of_sizes(sizes: array[float]) -> Iterator[list[float]]:
    """[pages, width, height] for each run of pages of one size, nine digits being all that they have."""
    run: list[float] = []
    for width, height in zip(sizes[::2], sizes[1::2]):  # noqa: B905 - 3.10
        size = [float(f"{width:.9g}"), float(f"{height:.9g}")]
        if run and run[1:] == size:
            run[0] += 1
            continue
        if run:
            yield run
        run = [1, *size]
    if run:
        yield run


def _runs_of_numbers(numbers: Iterable[int]) -> Iterator[list[int]]:
    """[first, last] for each run of numbers that follow one another."""
    run: list[int] = []
    for number in numbers:
        if run and number == run[1] + 1:
            run[1] = number
            continue
        if run:
            yield run
        run = [number, number]
    if run:
        yield run
