"""What qsub finds out by itself: its options, the script's directives, and what is wrong with them."""

from __future__ import annotations

import re
import shlex
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from tests.pbs_double import usage
from tests.pbs_double.errors import Ended
from tests.pbs_double.options import BadOption, Parsed, parse

LETTERS = "a:A:c:C:e:fhIj:J:k:l:m:M:N:o:p:P:q:r:R:S:u:v:VW:Xz"
NAME = re.compile(r"[A-Za-z0-9+\-_.]+")
_KINDS = (
    "after",
    "afterok",
    "afternotok",
    "afterany",
    "before",
    "beforeok",
    "beforenotok",
    "beforeany",
    "on",
)
_ID = re.compile(r"\d+(\[\d*\])?(\.[\w.\-]+)?(@[\w.\-]+)?")
MOST_NAME = 230


@dataclass
class Submission:
    """`options` by letter, the command line's before the script's; `resources`, `attributes` (those of -W)
    likewise."""

    options: dict[str, str] = field(default_factory=dict)
    resources: dict[str, str] = field(default_factory=dict)
    attributes: dict[str, str] = field(default_factory=dict)
    script: bytes = b""
    command: list[str] = field(default_factory=list)
    arguments: str = ""

    @property
    def name(self) -> str:
        return self.options["N"]


def illegal(letter: str, text: str = usage.QSUB, command: str = "qsub") -> Ended:
    return Ended(2, f"{command}: illegal -{letter} value\n{text}")


def read(argv: list[str], cwd: str, stdin: Callable[[], bytes], build: str) -> Submission:
    """Raises Ended. `stdin` is asked only where the script comes from there."""
    try:
        parsed = parse(argv, LETTERS)
    except BadOption as bad:
        raise Ended(2, bad.words("qsub") + usage.QSUB) from bad
    asked = Submission(arguments=" ".join(argv))
    _take(asked, parsed)
    if parsed.dashed and parsed.operands:
        asked.command = parsed.operands
        asked.options.setdefault("N", "STDIN")
        return asked
    name = parsed.operands[0] if parsed.operands else "-"
    asked.script = stdin() if name == "-" else _script(Path(cwd) / name)
    if build == "master" and b"\r\n" in asked.script:
        raise Ended(1, "qsub: script contains cr, lf\n")
    for line in directives(asked.script, asked.options.get("C", "#PBS")):
        _directive(asked, line)
    if "N" not in asked.options:
        asked.options["N"] = "STDIN" if name == "-" else _checked_name(Path(name).name)
    return asked


def _script(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise Ended(1, f"qsub: script file:: {error.strerror}\n") from error


def directives(script: bytes, prefix: str) -> Iterable[str]:
    """The directives above the first line that is neither a comment nor blank."""
    for raw in script.decode(errors="surrogateescape").split("\n"):
        line = raw.strip()
        if line.startswith(prefix):
            yield line[len(prefix) :].strip()
        elif line and not line.startswith("#"):
            return


def _directive(asked: Submission, line: str) -> None:
    try:
        words = shlex.split(line)
    except ValueError:
        words = line.split()
    try:
        parsed = parse(words, LETTERS)
    except BadOption as bad:
        raise Ended(1, bad.words("qsub") + f"qsub: directive error: {line} \n") from bad
    if parsed.operands:
        raise Ended(1, f"qsub: directive error: {line} \n")
    _take(asked, parsed)


def _take(asked: Submission, parsed: Parsed) -> None:
    """What was set before stays: the command line comes first."""
    given: dict[str, str] = dict.fromkeys(parsed.flags, "")
    for letter, value in parsed.values:
        if letter == "l":
            for name, amount in _resources(value):
                asked.resources.setdefault(name, amount)
        elif letter == "W":
            for name, words in _attributes(value):
                asked.attributes.setdefault(name, words)
        else:
            _check(letter, value)
            given[letter] = value
    for letter, value in given.items():
        asked.options.setdefault(letter, value)


def _check(letter: str, value: str) -> None:
    """Raises Ended."""
    if letter == "N":
        _checked_name(value)
    elif letter in "oe" and (not value or not value.isascii()):
        raise illegal(letter)
    elif letter == "k" and not re.fullmatch(r"n|[oed]{1,3}", value):
        raise illegal("k")
    elif letter == "j" and value not in ("oe", "eo", "n"):
        raise illegal("j")
    elif letter == "r" and value not in ("y", "n"):
        raise illegal("r")
    elif letter == "J" and array_range(value) is None:
        raise illegal("J")
    elif letter == "a" and moment(value) is None:
        raise illegal("a")


def _checked_name(name: str) -> str:
    if len(name.encode(errors="surrogateescape")) > MOST_NAME:
        raise Ended(2, "qsub: Job name is too long \n")
    if not NAME.fullmatch(name):
        raise illegal("N")
    return name


def _resources(text: str) -> list[tuple[str, str]]:
    """name=value separated by commas; a select statement holds none."""
    found = []
    for word in text.split(","):
        name, equals, value = word.partition("=")
        if not equals or not name.strip() or not value:
            raise illegal("l")
        found.append((name.strip(), value))
    return found


def _attributes(text: str) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for word in text.split(","):
        name, equals, value = word.partition("=")
        if equals:
            found.append((name.strip(), value.strip("\"'")))
        elif found and ":" in word:
            found[-1] = (found[-1][0], f"{found[-1][1]},{word}")
        else:
            raise illegal("W")
    for name, value in found:
        if name == "depend" and not dependencies(value):
            raise illegal("W")
    return found


def dependencies(text: str) -> list[tuple[str, list[str]]]:
    """afterok:1:2,afterany:3 by kind; empty when anything in it is malformed."""
    found = []
    for word in text.split(","):
        kind, *ids = word.split(":")
        if kind not in _KINDS or not ids or not all(_ID.fullmatch(one) for one in ids):
            return []
        found.append((kind, ids))
    return found


def array_range(text: str) -> tuple[range, int] | None:
    """X-Y[:Z][%N]: the indices, and how many may run at once (0: all)."""
    found = re.fullmatch(r"(\d+)-(\d+)(?::(\d+))?(?:%(\d+))?", text)
    if not found:
        return None
    first, last, step, most = (int(part) if part else 0 for part in found.groups())
    return (range(first, last + 1, step or 1), most) if last > first else None


def moment(text: str) -> float | None:
    """[[CC]YY]MMDDhhmm[.SS] as seconds since 1970; without a date the next such time."""
    digits, _, seconds = text.partition(".")
    if not digits.isdigit() or len(digits) not in (4, 6, 8, 10, 12):
        return None
    now = time.localtime()
    try:
        if len(digits) == 4:
            fields = [now.tm_year, now.tm_mon, now.tm_mday, int(digits[:2]), int(digits[2:])]
        elif len(digits) == 6:
            fields = [now.tm_year, now.tm_mon, int(digits[:2]), int(digits[2:4]), int(digits[4:])]
        else:
            year = int(digits[:-8] or now.tm_year)
            fields = [year + 2000 if year < 100 else year, *(int(digits[i : i + 2]) for i in (-8, -6, -4))]
            fields.append(int(digits[-2:]))
        when = time.mktime((*fields, int(seconds or 0), 0, 0, -1))  # type: ignore[arg-type]
    except (ValueError, OverflowError):
        return None
    day = 86_400
    return when + day if len(digits) == 4 and when < time.time() else when
