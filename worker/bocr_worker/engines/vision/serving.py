"""With which flags a server is started for an engine: a table of what depends on version and GPU."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from bocr_worker.engines.vision.versions import ANY, Version, Versions


@dataclass(frozen=True)
class ServerFlag:
    """`--max-num-seqs 64` on `versions`, where a GPU has `least_gpu_gib` of memory. `value` None is a flag
    without one."""

    name: str
    value: str | None = None
    versions: Versions = ANY
    least_gpu_gib: float = 0.0


def flags_for(table: Iterable[ServerFlag], version: Version | None, gpu_gib: float | None) -> tuple[str, ...]:
    """The words of a command line. Of rows with one name, the one for the largest GPU that this one reaches
    counts, and of those the one for the latest version. Unknown memory is taken for the least."""
    chosen: dict[str, ServerFlag] = {}
    for flag in table:
        if not flag.versions.holds(version) or flag.least_gpu_gib > (gpu_gib or 0.0):
            continue
        rival = chosen.get(flag.name)
        if rival is None or _rank(flag) >= _rank(rival):
            chosen[flag.name] = flag
    words: list[str] = []
    for flag in chosen.values():
        words += [flag.name] if flag.value is None else [flag.name, flag.value]
    return tuple(words)


def _rank(flag: ServerFlag) -> tuple[float, Version]:
    return flag.least_gpu_gib, flag.versions.since


def flag_value(words: Iterable[str], name: str) -> str | None:
    """What a command line says of a flag, `--name value` or `--name=value`; the last word counts."""
    found, before = None, ""
    for word in words:
        if before == name:
            found = word
        elif word.startswith(f"{name}="):
            found = word[len(name) + 1 :]
        before = word
    return found
