"""A driver in a process that can be killed at any moment, forked so that it starts at once."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path

from bocr_tui.catalog.database import open_catalog
from bocr_tui.config.workspace import Workspace
from bocr_tui.control import site_status, submitting, uploading
from bocr_tui.control.driver import Driver
from bocr_tui.sites import site
from bocr_tui.sites.scheduler.pbs import scheduler

PAUSES_S = (0.05, 0.1, 0.2, 0.4)


def be_impatient() -> None:
    """Minutes become fractions of a second; what is decided stays the same."""
    site_status.RETRY_S = PAUSES_S
    uploading.RETRY_S = PAUSES_S  # type: ignore[assignment]
    submitting.ASK_AGAIN_S = PAUSES_S  # type: ignore[assignment]
    submitting.MOST_ASKS = 100_000
    submitting.LATER_S = 0.3
    site.PBS_PATIENCE = site.Patience(report_s=1.0, ended_s=1.5, unknown_s=4.0, unknown_apart_s=2.0)
    init = scheduler.PbsScheduler.__init__

    def quick(self: scheduler.PbsScheduler, *args: object, **more: object) -> None:
        init(self, *args, **more)  # type: ignore[arg-type]
        self._options["qsub_s"] = 2.0

    scheduler.PbsScheduler.__init__ = quick  # type: ignore[method-assign]


class ForkedDriver:
    """Drives a workspace until nothing is left to do."""

    def __init__(self, root: Path, log: Path) -> None:
        self._pid = os.fork()
        if self._pid == 0:
            _become_driver(root, log)

    def ended(self) -> bool:
        """Whether it is over; raises AssertionError when it failed."""
        if self._pid == 0:
            return True
        pid, status = os.waitpid(self._pid, os.WNOHANG)
        if not pid:
            return False
        self._pid = 0
        assert status == 0, f"the driver ended with status {status}"
        return True

    def wait(self, seconds: float) -> bool:
        """Whether it came to its end within so many seconds."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            if self.ended():
                return True
            time.sleep(0.01)
        return False

    def kill(self) -> None:
        """SIGKILL, wherever it is."""
        if self._pid:
            with suppress(ProcessLookupError):
                os.kill(self._pid, signal.SIGKILL)
            os.waitpid(self._pid, 0)
            self._pid = 0


def _become_driver(root: Path, log: Path) -> None:
    """In the child: never returns."""
    status = 1
    try:
        handle = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.dup2(handle, 1)
        os.dup2(handle, 2)
        be_impatient()
        workspace = Workspace(root)
        driver = Driver(workspace, open_catalog(workspace.catalog_path), on_event=print)
        asyncio.run(driver.run(until_idle=True, stop=asyncio.Event()))
        status = 0
    except BaseException:
        import traceback

        traceback.print_exc()
    finally:
        sys.stdout.flush()
        os._exit(status)
