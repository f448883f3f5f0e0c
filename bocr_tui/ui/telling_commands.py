"""One line of the command log as a person reads it."""

from __future__ import annotations

from bocr_tui.sites.command_log import SentCommand, read_line
from bocr_tui.ui import wording
from bocr_tui.ui.safe_text import clean
from bocr_tui.ui.widgets.tones import Part

MOST_CHARACTERS = 2_000
"""Shown of one command."""


def is_of_site(site: str, line: bytes) -> bool:
    """Whether a line of the log is about this site."""
    command = read_line(line)
    return command is not None and command.site == site


def command_parts(line: bytes) -> tuple[Part, ...]:
    """When, how it ended, how long it took, what came back, what was sent."""
    command = read_line(line)
    if command is None:
        return ((clean(line.decode("utf-8", "replace")[:MOST_CHARACTERS]), "muted"),)
    ended, tone = _ended(command)
    return (
        (f"{wording.clock(command.at):>11} ", "muted"),
        (f"{ended:>8} ", tone),
        (f"{wording.duration(command.seconds):>9} ", "muted"),
        (f"{wording.size(command.received_bytes):>8}  ", "muted"),
        (clean(command.command[:MOST_CHARACTERS]), "plain"),
        (f"  {clean(command.problem[:MOST_CHARACTERS])}" if command.problem else "", "warning"),
    )


def _ended(command: SentCommand) -> Part:
    if command.exit_code is None:
        return ("lost", "warning")
    return ("ok", "ok") if command.exit_code == 0 else (f"exit {command.exit_code}", "failed")
