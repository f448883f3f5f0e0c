"""Keeping the screen ours: what libraries and child processes print goes to a file."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from bocr_tui.config.served import served

if TYPE_CHECKING:
    from bocr_tui.ui.terminal_facts import TerminalFacts


def has_terminal() -> bool:
    """Whether there is one, or a browser that takes its place."""
    return served() or (sys.stdin.isatty() and sys.stdout.isatty())


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


def know_terminal(config: Path) -> TerminalFacts:
    """What the terminal can do, asked before the panel takes it over; `config` is the workspace's bocr.toml.
    A browser is not asked: it draws cells."""
    from bocr_tui.ui.terminal_facts import Images, Wanted, asks_terminal, facts_of, read_wanted
    from bocr_tui.ui.terminal_probe import ask_terminal, patience_s

    wanted = read_wanted(config)
    if os.environ.get("TEXTUAL_DRIVER"):
        return facts_of(Wanted(Images.OFF if wanted.images is Images.OFF else Images.HALFCELL), None)
    answers = ask_terminal(patience_s(os.environ)) if asks_terminal(wanted) else None
    facts = facts_of(wanted, answers)
    if facts.images is Images.TGP:
        os.environ.setdefault("COLORTERM", "truecolor")  # the cells' colours name the image, to the last bit
    return facts
