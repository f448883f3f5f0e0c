"""qstat -f as text, folded as PBS folds it; and the release's way with bytes that are not printable."""

from __future__ import annotations

from functools import lru_cache

from tests.pbs_double.attributes import Attributes

LAST_COLUMN = 78
_KEPT = b"\t\n"


def visible(raw: bytes, kept: bytes, high: bool) -> bytes:
    """Control characters as ^X; with `high` also every byte above 127, as ^ and the byte 64 further on."""
    out = bytearray()
    for byte in raw:
        if byte in kept or 32 <= byte < 127 or (byte >= 128 and not high):
            out.append(byte)
        else:
            out += bytes((94, (byte + 64) % 256))
    return bytes(out)


def encoded(value: str) -> bytes:
    return value.encode(errors="surrogateescape")


def flat(attributes: Attributes) -> list[tuple[str, str]]:
    """Name and value, lists as name.part."""
    found = []
    for name, value in attributes:
        if isinstance(value, list):
            found += [(f"{name}.{part}", str(words)) for part, words in value]
        else:
            found.append((name, str(value)))
    return found


def block(head: str, attributes: Attributes, build: str, wide: bool = False) -> bytes:
    """One job, queue or server."""
    lines = [encoded(head)] + [_line(name, value, build, wide) for name, value in flat(attributes)]
    return b"\n".join(lines) + b"\n\n"


@lru_cache(maxsize=20_000)
def _line(name: str, value: str, build: str, wide: bool) -> bytes:
    raw = visible(encoded(value), _KEPT, high=build == "release")
    start = encoded(f"    {name} = ")
    return start + (raw if wide else folded(raw, len(start)))


def folded(value: bytes, start: int) -> bytes:
    """Broken behind commas where possible; a part too long for a line is cut at the line's end. The
    commas themselves do not count."""
    out = bytearray()
    column = start
    for number, part in enumerate(value.split(b",")):
        if number:
            out += b","
        if column + len(part) < LAST_COLUMN:
            out += part
            column += len(part)
            continue
        if number:
            out += b"\n\t"
            column = 9
        for byte in part:
            if column > LAST_COLUMN:
                out += b"\n\t"
                column = 8
            out.append(byte)
            column += 1
    return bytes(out)


def delimited(head: str, attributes: Attributes, delimiter: str, build: str) -> bytes:
    """-F dsv: one line a job, a delimiter inside a value escaped."""
    mark = encoded(delimiter)
    parts = [encoded(head)]
    for name, value in flat(attributes):
        raw = visible(encoded(value), _KEPT, high=build == "release")
        parts.append(encoded(f"{name}=") + raw.replace(mark, b"\\" + mark))
    return mark.join(parts) + b"\n"
