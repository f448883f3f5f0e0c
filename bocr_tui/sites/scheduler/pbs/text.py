"""The text form of `qstat -f`: jobs, queues and servers as named attributes.

A thing is a line such as `Job Id: 12.server`, then lines of four blanks, a name, ` = ` and a value, then an
empty line. Anything else continues the value before it: a folded line begins with a tab, and a value may hold
line ends of its own. JSON is not asked for: the release's is invalid as soon as anybody's job has an umlaut
in its environment, and the newest build's names only the first of several jobs.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from bocr_tui.config.errors import BocrError

MAX_BYTES = 16 * 1024 * 1024
MAX_THINGS = 50_000
MAX_ATTRIBUTES = 500
MAX_VALUE = 4096
"""Characters kept of a value; environments are longer and of no interest."""

_ATTRIBUTE = re.compile(r" {4}([A-Za-z_][\w.\-]{0,200}) = (.*)", re.ASCII | re.DOTALL)


class PbsUnreadable(BocrError):
    """PBS said something that cannot be read: no information, which changes nothing."""


@dataclass
class PbsThing:
    """`whole`: its end was seen. `twice` names attributes that stand in it more than once, which no
    attribute does unless a value imitates one."""

    name: str
    attributes: dict[str, str] = field(default_factory=dict)
    whole: bool = False
    twice: set[str] = field(default_factory=set)

    def sure(self, name: str) -> str:
        """An attribute's value, empty when it is not there. Raises PbsUnreadable for one that is there
        twice."""
        if name in self.twice:
            raise PbsUnreadable(f"PBS says {name} of {self.name} twice.")
        return self.attributes.get(name, "").strip()


def parse_things(text: bytes, kind: str = "Job Id") -> list[PbsThing]:
    """The things of this kind (`Job Id`, `Queue`, `Server`) in an answer, in order; what stands before the
    first one is passed over. Raises PbsUnreadable for what no answer is as large as."""
    if len(text) > MAX_BYTES:
        raise PbsUnreadable(f"PBS's answer is longer than {MAX_BYTES} bytes.")
    head = f"{kind}: "
    things: list[PbsThing] = []
    last = ""
    lines = text.decode("utf-8", "replace").split("\n")
    if not lines[-1]:
        lines.pop()  # what follows the last line end is no empty line
    for line in lines:
        if line.startswith(head):
            if len(things) == MAX_THINGS:
                raise PbsUnreadable(f"PBS's answer names more than {MAX_THINGS} jobs.")
            things.append(PbsThing(line[len(head) :].strip()[:300]))
            last = ""
        elif things:
            last = _take_line(things[-1], line, last)
    return things


def _take_line(thing: PbsThing, line: str, last: str) -> str:
    """Add a line to a thing; returns the attribute that the next line may continue."""
    if not line.strip("\r"):
        thing.whole = bool(thing.attributes)
        return last
    found = _ATTRIBUTE.fullmatch(line)
    if found is not None:
        thing.whole = False
        name = found.group(1)
        if name in thing.attributes:
            thing.twice.add(name)
        elif len(thing.attributes) < MAX_ATTRIBUTES:
            thing.attributes[name] = found.group(2)[:MAX_VALUE].rstrip("\r")
        return name
    if not thing.whole and last in thing.attributes and last not in thing.twice:
        folded = line[1:] if line.startswith("\t") else "\n" + line
        thing.attributes[last] = (thing.attributes[last] + folded)[:MAX_VALUE]
    return last


def by_number(things: list[PbsThing]) -> Mapping[str, PbsThing | None]:
    """By the part of the id before the first dot, since a server may have several names. None for one that
    is there twice."""
    found: dict[str, PbsThing | None] = {}
    for thing in things:
        number = thing.name.split(".", 1)[0]
        found[number] = None if number in found else thing
    return found
