"""The commands that were sent to sites, in a terminal."""

from __future__ import annotations

import re
import sys
import time
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from bocr_tui.cli.call import Call
from bocr_tui.cli.output import note, safe, say, write_json
from bocr_tui.report.log_file import LogFile
from bocr_tui.sites.command_log import SentCommand, read_line
from bocr_tui.sites.site import COMMAND_LOG

if TYPE_CHECKING:
    from bocr_tui.config.workspace import Workspace

LOOK = "poll_runs"
"""The question for the new bytes of running jobs' files, as the log names it."""

LOOK_EVERY_S = 0.5
CHUNK_LINES = 2000


@dataclass(frozen=True)
class CommandOrder:
    """Which commands: of one site (None: all), with this text, the last so many (0: all). Looks at running
    jobs, one every few seconds, only with `looks` or where they went wrong."""

    site: str | None
    grep: str
    lines: int
    looks: bool = False


def tell_commands(call: Call, workspace: Workspace, order: CommandOrder) -> None:
    file = LogFile(workspace.root / COMMAND_LOG)
    wanted = _last(_wanted(order, file, 0, file.look().lines), order.lines)
    if call.json:
        write_json([asdict(command) for command in wanted])
        return
    if not _say(wanted):
        note("No such command was sent to a site yet.")


def follow_commands(workspace: Workspace, order: CommandOrder) -> None:
    """Until Ctrl-C."""
    file = LogFile(workspace.root / COMMAND_LOG)
    seen = file.look()
    printed, generation = seen.whole_lines, seen.generation
    _say(_last(_wanted(order, file, 0, printed), order.lines))
    while True:
        sys.stdout.flush()
        time.sleep(LOOK_EVERY_S)
        seen = file.look()
        if seen.generation != generation:
            printed, generation = 0, seen.generation
        _say(_wanted(order, file, printed, seen.whole_lines))
        printed = seen.whole_lines


def _wanted(order: CommandOrder, file: LogFile, first: int, stop: int) -> Iterator[SentCommand]:
    pattern = re.compile(re.escape(order.grep), re.IGNORECASE)
    for start in range(first, stop, CHUNK_LINES):
        for line in file.lines(start, min(CHUNK_LINES, stop - start)):
            command = read_line(line)
            if command is None or order.site not in (None, command.site):
                continue
            if not order.looks and _is_mere_look(command):
                continue
            if pattern.search(command.command) or pattern.search(command.problem):
                yield command


def _is_mere_look(command: SentCommand) -> bool:
    return command.command.startswith(LOOK) and command.exit_code == 0 and not command.problem


def _last(commands: Iterable[SentCommand], count: int) -> Iterable[SentCommand]:
    return deque(commands, count) if count else commands


def _say(commands: Iterable[SentCommand]) -> int:
    """Print them; returns how many there were."""
    count = 0
    for command in commands:
        count += 1
        say(_line(command))
    return count


def _line(command: SentCommand) -> str:
    at = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(command.at))
    ended = "no answer" if command.exit_code is None else f"exit {command.exit_code}"
    figures = f"{ended:>9} {command.seconds:7.2f} s {command.received_bytes:>10,} B"
    problem = f"  ({safe(command.problem)})" if command.problem else ""
    return f"{at}  {safe(command.site)}  {figures}  {safe(command.command)}{problem}"
