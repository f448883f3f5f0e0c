"""The autopilot from the command line: in this process with progress, or in one of its own."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from bocr_tui.catalog.database import open_catalog
from bocr_tui.catalog.lists import open_reader
from bocr_tui.catalog.lists_sites import AutopilotRow, autopilot_of
from bocr_tui.cli.call import EXIT_ERROR, EXIT_LEFT, EXIT_OK, Call, Interrupted
from bocr_tui.cli.finish import run_record, show_summary
from bocr_tui.cli.follow import follow
from bocr_tui.cli.lease import driver_of
from bocr_tui.cli.output import note, safe, say, stamp_notes, write_json
from bocr_tui.config.errors import BocrError, Busy
from bocr_tui.control.autopilot import set_autopilot
from bocr_tui.report.summary import Summary, summarise
from bocr_tui.report.waiting import waiting_in

if TYPE_CHECKING:
    from bocr_tui.config.workspace import Workspace

LOG_NAME = "autopilot.log"
"""In the workspace: what a detached autopilot says."""

BEGIN_S = 20.0
"""How long a detached one may take until it drives: it loads its libraries first."""

LOOK_EVERY_S = 0.1
LAST_LINES = 5


class AutopilotFailed(BocrError):
    """A detached autopilot ended before it drove anything."""


def is_on(workspace: Workspace) -> bool:
    return _state(workspace).on


def _state(workspace: Workspace) -> AutopilotRow:
    reader = open_reader(workspace.catalog_path)
    try:
        return autopilot_of(reader)
    finally:
        reader.close()


def fly(call: Call, workspace: Workspace, *, background: bool) -> None:
    """Drive with the autopilot on until it has stopped and nothing is under way. Raises Interrupted: in a
    terminal it is switched off then; a detached one that is told to end leaves it to the next driver."""
    stamp_notes(background)
    began_s = time.monotonic()
    catalog = open_catalog(workspace.catalog_path, create=False)
    try:
        set_autopilot(catalog, True)
        try:
            follow(workspace, catalog)
        except Interrupted:
            if not background:
                set_autopilot(catalog, False, "interrupted")
            raise
        summary = summarise(catalog)
        unsubmitted = waiting_in(catalog).unsubmitted
    finally:
        catalog.close()
    _tell_end(call, summary, _state(workspace).reason, time.monotonic() - began_s)
    raise typer.Exit(_exit_code(summary, unsubmitted))


def _tell_end(call: Call, summary: Summary, reason: str, seconds: float) -> None:
    if call.json:
        write_json({**run_record(summary, seconds), "reason": reason})
        return
    show_summary(summary, seconds)
    say(f"The autopilot stopped: {safe(reason or 'somebody switched it off')}.")


def _exit_code(summary: Summary, unsubmitted: int) -> int:
    """1 with batches that were not submitted, or pages nobody got to; 3 with pages that failed."""
    if unsubmitted or summary.live:
        return EXIT_ERROR
    return EXIT_OK if summary.well else EXIT_LEFT


def detach(call: Call, workspace: Workspace) -> None:
    """Start one in the background, and return when it drives. Raises Busy when something drives already,
    AutopilotFailed with what it said when it does not begin."""
    reader = open_reader(workspace.catalog_path)
    try:
        driver = driver_of(reader)
        if driver is not None:
            raise Busy(
                f"Process {driver['pid']} on {driver['host']} drives this workspace already.",
                "End it first; or press A in its panel: it can be the autopilot, too.",
            )
        log = workspace.root / LOG_NAME
        process = _start(workspace, log)
        ends = time.monotonic() + BEGIN_S
        while time.monotonic() < ends:
            driver = driver_of(reader)
            if driver is not None and driver["pid"] == process.pid:
                break
            if process.poll() is not None:
                break
            time.sleep(LOOK_EVERY_S)
    finally:
        reader.close()
    _tell_begun(call, process, log)


def _start(workspace: Workspace, log: Path) -> subprocess.Popen[bytes]:
    """A process of its own session, which no terminal's end reaches."""
    sink = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        return subprocess.Popen(
            [
                *(sys.executable, "-m", "bocr_tui.cli.main"),
                *("-w", str(workspace.root), "autopilot", "--in-background"),
            ],
            cwd=workspace.root,
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=sink,
            start_new_session=True,
        )
    finally:
        os.close(sink)


def _tell_begun(call: Call, process: subprocess.Popen[bytes], log: Path) -> None:
    code = process.poll()
    if code not in (None, EXIT_OK, EXIT_LEFT):
        last = " ".join(log.read_text("utf-8", "replace").splitlines()[-LAST_LINES:])
        raise AutopilotFailed(f"The autopilot ended at once (exit {code}): {safe(last)}", f"See {log}.")
    if call.json:
        write_json({"pid": process.pid, "log": str(log), "ended": code is not None})
        return
    if code is None:
        say(f"The autopilot runs as process {process.pid}; what it says is in {safe(log)}.")
        say("`bocr autopilot --status` shows how far it is, `bocr autopilot --stop` lets it end.")
    else:
        say(f"The autopilot found nothing to do; what it said is in {safe(log)}.")


def tell_status(call: Call, workspace: Workspace) -> None:
    """Whether it is on and why not, who drives, and what is left."""
    reader = open_reader(workspace.catalog_path)
    try:
        state, driver = autopilot_of(reader), driver_of(reader)
        pages = dict(reader.counts().pages.by_state)
    finally:
        reader.close()
    if call.json:
        record: dict[str, Any] = {"on": state.on, "reason": state.reason, "since": state.since}
        write_json({**record, "driver": driver, "pages": pages})
        return
    if state.on:
        since = time.strftime("%Y-%m-%d %H:%M", time.localtime(state.since or 0))
        say(f"The autopilot is on since {since}.")
    else:
        say(f"The autopilot is off{': ' + safe(state.reason) if state.reason else ''}.")
    if driver is not None:
        say(f"Process {driver['pid']} on {safe(driver['host'])} drives.")
    elif state.on:
        note("Nothing drives now, so it does nothing: run `bocr autopilot`, or open the panel.")
