"""Examining a site from the command line: each finding as it comes, questions asked in the terminal."""

from __future__ import annotations

import asyncio
import shutil
import sys
import textwrap
from dataclasses import asdict
from typing import TYPE_CHECKING

from bocr_tui.cli.asking_terminal import TerminalAsker
from bocr_tui.cli.output import note, safe, say, write_json
from bocr_tui.config.check import Check

if TYPE_CHECKING:
    from bocr_tui.cli.call import Call
    from bocr_tui.config.workspace import Workspace

_STATE_WIDTH, _NAME_WIDTH = 4, 24


def examine_site(
    call: Call, workspace: Workspace, name: str, *, bring: bool, job: bool, wait_s: float
) -> list[Check]:
    """Print the checks one by one, or all as JSON. Raises ConfigError for a site that is not configured."""
    checks = asyncio.run(_examine(workspace, name, bring, job, wait_s, quiet=call.json))
    if call.json:
        write_json([asdict(check) for check in checks])
    return checks


def examine_quickly(workspace: Workspace, name: str, *, quiet: bool) -> list[Check]:
    """Connect and look, bring nothing there and submit nothing; `quiet` prints nothing either."""
    return asyncio.run(_examine(workspace, name, False, False, 0.0, quiet=quiet))


async def _examine(
    workspace: Workspace, name: str, bring: bool, job: bool, wait_s: float, *, quiet: bool
) -> list[Check]:
    from bocr_tui.sites.doctor.examine import Examination, asked_as, engines_of, examine
    from bocr_tui.sites.doctor.ways import ways_of
    from bocr_tui.sites.site import open_site

    site = open_site(workspace, name, TerminalAsker())
    config = workspace.config
    engines, ways = engines_of(config, name), ways_of(config, name)
    what = Examination(engines, bring, job, wait_s, asked_as(config), ways)
    checks = []
    try:
        async for check in examine(site, what, _tell):
            checks.append(check)
            if not quiet:
                _show(check)
    finally:
        await site.transport.close()
    return checks


def _tell(words: str) -> None:
    """What takes long, where somebody waits for it."""
    if sys.stderr.isatty():
        note(safe(words))


def _show(check: Check) -> None:
    start = f"{check.state:{_STATE_WIDTH}}  {safe(check.name):{_NAME_WIDTH}} "
    say(_filled(start, safe(check.said)))
    if check.next_step:
        say(_filled(f"{'':{_STATE_WIDTH}}  {'':{_NAME_WIDTH}} ", f"→ {safe(check.next_step)}"))
    sys.stdout.flush()


def _filled(start: str, words: str) -> str:
    """In a terminal folded between words, in a column of its own; elsewhere one line."""
    if not sys.stdout.isatty():
        return start + words
    width = max(_STATE_WIDTH + _NAME_WIDTH + 30, shutil.get_terminal_size().columns)
    indent = " " * (_STATE_WIDTH + _NAME_WIDTH + 3)
    return textwrap.fill(
        words,
        width,
        initial_indent=start,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )
