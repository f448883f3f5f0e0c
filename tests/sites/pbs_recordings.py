"""The recordings of a real PBS (tests/data/pbs), JSON answers also in the text form that bocr asks for."""

from __future__ import annotations

import base64
import json
import re
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

DATA = Path(__file__).resolve().parent.parent / "data" / "pbs"
BUILDS = ("release", "master")


@dataclass(frozen=True)
class Recording:
    """One command and its answer. `operands` are the ids that a qstat names."""

    build: str
    name: str
    argv: tuple[str, ...]
    exit_status: int
    stdout: bytes
    stderr: bytes
    user: str = "hpc"
    files: dict[str, str] = field(default_factory=dict)

    @property
    def command(self) -> str:
        return self.argv[2] if self.argv[0] == "timeout" else self.argv[0]

    @property
    def never_answered(self) -> bool:
        return self.argv[0] == "timeout" and self.exit_status == 124

    @property
    def operands(self) -> list[str]:
        words = list(self.argv[1:])
        while words and words[0].startswith("-"):
            takes_value = words[0] in ("-F", "-D", "-u", "-N", "-s", "-W", "-l")
            del words[: 2 if takes_value else 1]
        return words

    def __str__(self) -> str:
        return f"{self.build}-{self.name}"


@cache
def recordings() -> tuple[Recording, ...]:
    return tuple(_read(build, line) for build in BUILDS for line in _lines(build))


def _lines(build: str) -> list[str]:
    return (DATA / f"{build}.jsonl").read_text(encoding="utf-8").rstrip("\n").split("\n")


def _read(build: str, line: str) -> Recording:
    record = json.loads(line)
    return Recording(
        build,
        record["name"],
        tuple(record["argv"]),
        record["exit_status"],
        _bytes(record, "stdout"),
        _bytes(record, "stderr"),
        record.get("user", "hpc"),
        record.get("files", {}),
    )


def _bytes(record: dict[str, str], name: str) -> bytes:
    if f"{name}_base64" in record:
        return base64.b64decode(record[f"{name}_base64"])
    return record.get(name, "").encode()


def recording(build: str, name: str) -> Recording:
    return next(one for one in recordings() if one.build == build and one.name == name)


def named(prefix: str, command: str) -> list[Recording]:
    return [one for one in recordings() if one.name.startswith(prefix) and one.command == command]


_ATTRIBUTE = re.compile(r'^(?:\t\t\t| {12})"([^"]+)":\s*(.*?),?$')
_NESTED = re.compile(r'^(?:\t\t\t\t| {16})"([^"]+)":\s*(.*?),?$')
_THING = re.compile(r'^(?:\t\t| {8})"([^"]+)":\s*\{$')


def as_text(stdout: bytes, kind: str = "Job Id") -> bytes:
    """A JSON answer as `qstat -f -w` would have put it; other answers as they are.

    Read line by line, since the release's JSON is often invalid: both builds write one attribute a line.
    """
    if not stdout.lstrip().startswith(b"{"):
        return stdout
    lines: list[str] = []
    nested = ""
    for line in stdout.decode("utf-8", "surrogateescape").split("\n"):
        thing, attribute, inner = _THING.match(line), _ATTRIBUTE.match(line), _NESTED.match(line)
        if thing is not None:
            lines += ["", f"{kind}: {thing.group(1)}"] if lines else [f"{kind}: {thing.group(1)}"]
        elif attribute is not None and lines:
            nested = attribute.group(1)
            if attribute.group(2) != "{":
                lines.append(f"    {nested} = {_value(attribute.group(2))}")
        elif inner is not None and nested not in ("Variable_List", ""):
            lines.append(f"    {nested}.{inner.group(1)} = {_value(inner.group(2))}")
    if not lines:
        return b""
    return ("\n".join(lines) + "\n\n").encode("utf-8", "surrogateescape")


def _value(text: str) -> str:
    if text.startswith('"') and text.endswith('"'):
        try:
            return str(json.loads(text))
        except ValueError:
            return text[1:-1]
    return text
