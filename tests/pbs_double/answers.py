"""A call of a command and what the caller sees of it."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from tests.pbs_double.text import encoded


@dataclass
class Call:
    command: str
    argv: list[str]
    cwd: str
    environment: Mapping[str, str]
    user: str
    stdin: Callable[[], bytes]


@dataclass
class Answer:
    """`die`: the command is killed by this signal after it has printed."""

    status: int = 0
    out: bytes = b""
    err: bytes = b""
    die: int = 0
    failures: list[str] = field(default_factory=list)

    def fail(self, status: int, words: str) -> None:
        """The last failure of several operands sets the status; all are told."""
        self.status = status
        self.err += encoded(words)


@contextmanager
def zone_of(environment: Mapping[str, str]) -> Iterator[None]:
    """Dates are written in the caller's time zone."""
    own = os.environ.get("TZ")
    _set_zone(environment.get("TZ"))
    try:
        yield
    finally:
        _set_zone(own)


def _set_zone(name: str | None) -> None:
    if name is None:
        os.environ.pop("TZ", None)
    else:
        os.environ["TZ"] = name
    time.tzset()
