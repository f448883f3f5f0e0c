"""Writing to people and to programs. Names and reasons come from files and sites, so they are hostile:
control characters never reach the terminal."""

from __future__ import annotations

import json
import re
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

_HOSTILE = re.compile("[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
"""Control characters, those that turn the direction of what follows, and halves of surrogate pairs."""

PIPE_WIDTH = 160
"""Columns of a table that goes to no terminal: wide enough for names, narrow enough for a log."""


def safe(text: object) -> str:
    """One line that a terminal shows and does not obey."""
    line = re.sub(r"[\t\r\n]+", " ", str(text))
    return _HOSTILE.sub(lambda match: f"\\x{ord(match.group()):02x}", line)


def say(line: str) -> None:
    """A line on standard output."""
    sys.stdout.write(f"{line}\n")


def note(line: str) -> None:
    """A line on standard error: progress, warnings, what to do next."""
    at = time.strftime("%Y-%m-%d %H:%M:%S ") if _stamped else ""
    sys.stderr.write(f"{at}bocr: {line}\n")
    sys.stderr.flush()


_stamped = False


def stamp_notes(stamped: bool) -> None:
    """Whether each note begins with the time: in a log that is read the morning after."""
    global _stamped  # noqa: PLW0603 - one standard error, one way to write there
    _stamped = stamped


def _ascii_only(stream: TextIO) -> bool:
    return (stream.encoding or "").lower().replace("-", "") != "utf8"


def as_json(value: Any, *, indent: int | None = None) -> str:
    """JSON for standard output: readable where it is UTF-8, escaped elsewhere."""
    text = json.dumps(value, ensure_ascii=_ascii_only(sys.stdout), indent=indent, allow_nan=False)
    return _ESCAPED.sub(lambda match: f"\\u{ord(match.group()):04x}", text)


_ESCAPED = re.compile("[\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
"""What JSON lets stand and a terminal obeys; and halves of surrogate pairs, which UTF-8 cannot hold."""


def write_json(value: Any) -> None:
    """One JSON value on standard output."""
    sys.stdout.write(as_json(value, indent=2) + "\n")


def stream_json(records: Iterable[Mapping[str, Any]]) -> None:
    """A JSON array, one record a line, written as the records come."""
    separator = "[\n"
    for record in records:
        sys.stdout.write(separator + as_json(record))
        separator = ",\n"
    sys.stdout.write("]\n" if separator == ",\n" else "[]\n")


def console(stream: TextIO | None = None) -> Console:
    """A rich console that highlights nothing and reads no markup."""
    from rich.console import Console

    target = stream or sys.stdout
    width = None if target.isatty() else PIPE_WIDTH
    return Console(file=target, highlight=False, markup=False, emoji=False, width=width, soft_wrap=False)


def show(renderable: RenderableType) -> None:
    console().print(renderable)


def table(
    title: str, columns: Sequence[str], rows: Iterable[Sequence[object]], numbers: Sequence[str] = ()
) -> RenderableType:
    """A table of safe text; the columns named in `numbers` are set flush right."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    made = Table(
        title=title or None,
        title_justify="left",
        box=SIMPLE_HEAD,
        pad_edge=False,
        min_width=len(title) or None,
    )
    for column in columns:
        right = column in numbers
        made.add_column(
            column, justify="right" if right else "left", no_wrap=right, overflow="fold", min_width=2
        )
    for row in rows:
        made.add_row(*(Text(safe("" if cell is None else cell)) for cell in row))
    return made


def figures(rows: Iterable[tuple[str, str, str]]) -> RenderableType:
    """Lines of a number, what it counts, and a remark."""
    from rich.table import Table
    from rich.text import Text

    made = Table.grid(padding=(0, 2))
    made.add_column(justify="right", no_wrap=True)
    made.add_column(no_wrap=True)
    made.add_column(overflow="fold")
    for row in rows:
        made.add_row(*(Text(safe(cell)) for cell in row))
    return made


def numbered(value: float | None, form: str = ".3f") -> str:
    """A number, or nothing where it is unknown."""
    return "" if value is None else format(value, form)


def duration(seconds: float) -> str:
    """`45 s`, `3 min 20 s`, `2 h 05 min`."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def in_chunks(items: Sequence[int], size: int) -> Iterator[Sequence[int]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]
