"""What a server's log says of why it ended."""

from __future__ import annotations

import os
import re
from pathlib import Path

_READ_BYTES = 256 * 1024
_LINES = 6
_CAUSES = 4
_LONGEST_LINE = 300

_COLOUR = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
_CAUSE = re.compile(
    r"\b\w*(?:Error|Exception)\b: \S|out of memory|Killed|No such file|not found", re.IGNORECASE
)


def last_words(log: Path, since_byte: int = 0) -> str:
    """The lines that name a cause, in the order in which they were written (the first is mostly the root),
    then the last lines. Empty where the log cannot be read or says nothing."""
    try:
        with log.open("rb") as stream:
            size = stream.seek(0, os.SEEK_END)
            stream.seek(max(since_byte, size - _READ_BYTES))
            text = stream.read(_READ_BYTES).decode("utf-8", "replace")
    except OSError:
        return ""
    # Not splitlines, for which each state of a progress bar is a line.
    lines = [shown for line in text.split("\n") if (shown := _shown(line))]
    last = lines[-_LINES:]
    causes = [line for line in dict.fromkeys(lines) if _CAUSE.search(line) and line not in last]
    return "\n".join([*causes[:_CAUSES], *last])


def _shown(line: str) -> str:
    """Without colours, and of what a progress bar wrote over itself the last state."""
    bare = _COLOUR.sub("", line).rstrip().rpartition("\r")[2]
    printable = "".join(character if character.isprintable() else " " for character in bare).strip()
    return printable if len(printable) <= _LONGEST_LINE else printable[: _LONGEST_LINE - 1] + "…"
