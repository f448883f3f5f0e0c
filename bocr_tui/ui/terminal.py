"""Keeping the screen ours: what libraries and child processes print goes to a file."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

WEB_DRIVER = "textual.drivers.web_driver"


def has_terminal() -> bool:
    """Whether there is one, or a browser that takes its place."""
    in_browser = os.environ.get("TEXTUAL_DRIVER", "").startswith(WEB_DRIVER)
    return in_browser or (sys.stdin.isatty() and sys.stdout.isatty())


@contextmanager
def stderr_kept_in(log: Path) -> Iterator[None]:
    """While this lasts, file descriptor 2 (which children inherit) is `log`, begun anew.

    Textual draws on what `sys.__stderr__` names, so that becomes a copy of the terminal's descriptor. Where
    the log cannot be written, what would be in it is dropped.
    """
    sys.stderr.flush()
    terminal = os.dup(2)
    before = sys.__stderr__
    try:
        sink = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o600)
    except OSError:
        sink = os.open(os.devnull, os.O_WRONLY)
    os.dup2(sink, 2)
    os.close(sink)
    stream = os.fdopen(terminal, "w", encoding="utf-8", errors="backslashreplace", closefd=False)
    sys.__stderr__ = stream  # type: ignore[misc] # the one way to tell Textual where to draw
    try:
        yield
    finally:
        stream.flush()
        sys.__stderr__ = before  # type: ignore[misc]
        os.dup2(terminal, 2)
        os.close(terminal)
