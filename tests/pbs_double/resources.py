"""Resources: what may be asked for, and how PBS writes it."""

from __future__ import annotations

import re

from tests.pbs_double.errors import BAD_VALUE, UNKNOWN_RESOURCE, Refused
from tests.pbs_double.settings import Queue, Settings

NUMBERS = ("ncpus", "mpiprocs", "ompthreads", "nodect")
SIZES = ("mem", "vmem", "pmem", "pvmem", "file")
TIMES = ("walltime", "cput", "pcput", "min_walltime", "max_walltime")
OTHERS = ("host", "vnode", "arch", "place", "select", "nodes", "nice", "software", "preempt_targets")
_SIZE = re.compile(r"^(\d+)([kmgtp]?)([bw]?)$", re.IGNORECASE)
_FACTORS = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40, "p": 1 << 50}


def seconds_of(text: str) -> int | None:
    """[[hours:]minutes:]seconds[.milliseconds]; None for anything else."""
    if not re.fullmatch(r"\d+(:\d+){0,2}(\.\d+)?", text):
        return None
    total = 0
    for part in text.split(".")[0].split(":"):
        total = total * 60 + int(part)
    return total


def duration(seconds: float) -> str:
    whole = int(seconds)
    return f"{whole // 3600:02d}:{whole // 60 % 60:02d}:{whole % 60:02d}"


def kilobytes_of(text: str) -> int | None:
    found = _SIZE.match(text)
    if not found:
        return None
    number, factor, unit = found.groups()
    size = int(number) * _FACTORS[factor.lower()] * (8 if unit.lower() == "w" else 1)
    return -(-size // 1024)


def _good(name: str, value: str, settings: Settings) -> bool:
    if name in NUMBERS or name in settings.resources:
        return re.fullmatch(r"\d+", value) is not None
    if name in SIZES:
        return kilobytes_of(value) is not None
    if name in TIMES:
        return seconds_of(value) is not None
    return True


def _known(name: str, settings: Settings) -> bool:
    return name in NUMBERS + SIZES + TIMES + OTHERS or name in settings.resources


def check(name: str, value: str, settings: Settings) -> None:
    """One of the job-wide resources. Raises Refused."""
    if not _known(name, settings):
        raise Refused(UNKNOWN_RESOURCE, f"Unknown resource Resource_List.{name}")
    if not _good(name, value, settings):
        raise Refused(BAD_VALUE, f"Illegal attribute or resource value Resource_List.{name}")


def chunks_of(select: str, settings: Settings) -> list[tuple[int, dict[str, str]]]:
    """The chunks of a select statement, as asked for. Raises Refused."""
    chunks: list[tuple[int, dict[str, str]]] = []
    for part in select.split("+"):
        words = part.split(":")
        count = 1
        if re.fullmatch(r"\d+", words[0]):
            count, words = int(words[0]), words[1:]
        chunk: dict[str, str] = {}
        for word in words:
            name, equals, value = word.partition("=")
            if not equals or not name or count < 1:
                raise Refused(BAD_VALUE, "Illegal attribute or resource value Resource_List.select")
            if not _known(name, settings):
                raise Refused(UNKNOWN_RESOURCE, f"Unknown resource: {name}")
            if not _good(name, value, settings):
                raise Refused(BAD_VALUE, f"Illegal attribute or resource value select.{name}")
            chunk[name] = value
        chunks.append((count, chunk))
    return chunks


def with_defaults(
    chunks: list[tuple[int, dict[str, str]]], queue: Queue | None
) -> list[tuple[int, dict[str, str]]]:
    """What the server and the queue add to each chunk."""
    added = {"ncpus": "1"} | {
        name: str(value) for name, value in (queue.default_chunk if queue else {}).items()
    }
    return [(count, chunk | {k: v for k, v in added.items() if k not in chunk}) for count, chunk in chunks]


def select_text(chunks: list[tuple[int, dict[str, str]]]) -> str:
    return "+".join(f"{n}:" + ":".join(f"{k}={v}" for k, v in chunk.items()) for n, chunk in chunks)


def totals(chunks: list[tuple[int, dict[str, str]]], settings: Settings) -> dict[str, int]:
    """Numbers, and mem in kB, over all chunks."""
    total: dict[str, int] = {}
    for count, chunk in chunks:
        for name, value in chunk.items():
            if name == "mem":
                total[name] = total.get(name, 0) + count * (kilobytes_of(value) or 0)
            elif name in ("ncpus", "mpiprocs") or name in settings.resources:
                total[name] = total.get(name, 0) + count * int(value)
    return total


def size_text(kilobytes: int) -> str:
    """The largest unit without a remainder, as PBS prints a sum."""
    for factor, unit in ((30, "tb"), (20, "gb"), (10, "mb")):
        if kilobytes and kilobytes % (1 << factor) == 0:
            return f"{kilobytes >> factor}{unit}"
    return f"{kilobytes}kb"


def vnode_text(node: str, chunks: list[tuple[int, dict[str, str]]]) -> str:
    """exec_vnode: every chunk on its own, sizes in kB."""
    words = []
    for count, chunk in chunks:
        inside = ":".join(
            f"{k}={kilobytes_of(v)}kb" if k in SIZES else f"{k}={v}"
            for k, v in chunk.items()
            if k not in ("mpiprocs", "ompthreads", "host", "vnode", "arch")
        )
        words += [f"({node}:{inside})"] * count
    return "+".join(words)
