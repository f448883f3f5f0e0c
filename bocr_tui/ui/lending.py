"""Lending the terminal to another program, and taking it back however that ends."""

from __future__ import annotations

import contextlib
import signal
import sys
import termios
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from textual.app import App

Done = TypeVar("Done")


def lend_terminal(app: App[Any], work: Callable[[], Done]) -> Done:
    """Run `work` while the terminal is not the panel's; what it raises is raised once the panel has it back.

    Textual takes the terminal back only where its block ends well. Raises SuspendNotSupported where there is
    no terminal to lend.
    """
    done: list[Done] = []
    failed: Exception | None = None
    with app.suspend(), _modes_kept(), _interrupts_passed_over():
        try:
            done.append(work())
        except Exception as error:  # noqa: BLE001 - raised below
            failed = error
    app.refresh()
    if failed is not None:
        raise failed
    return done[0]


@contextlib.contextmanager
def _modes_kept() -> Iterator[None]:
    """A program that was killed leaves the terminal as it had set it, for the shell afterwards too."""
    try:
        terminal = sys.stdin.fileno()
        before = termios.tcgetattr(terminal)
    except (OSError, ValueError, termios.error):
        yield
        return
    try:
        yield
    finally:
        with contextlib.suppress(OSError, termios.error):
            termios.tcsetattr(terminal, termios.TCSADRAIN, before)


@contextlib.contextmanager
def _interrupts_passed_over() -> Iterator[None]:
    """Ctrl+C in the other program reaches this process as well, and is not meant for it. A handler that does
    nothing is not inherited, as ignoring would be."""
    before = signal.signal(signal.SIGINT, lambda *_: None)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before if before is not None else signal.default_int_handler)
