"""The driver and what runs beside it, in threads with event loops of their own.

The driver commits to SQLite with fsync and parses journals; none of that may hold up the loop that draws.
Its libraries (SQLAlchemy, pydantic) are imported in its thread, after the first frame.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from bocr_tui.config.errors import BocrError, Busy

if TYPE_CHECKING:
    from bocr_tui.config.workspace import Workspace
    from bocr_tui.control.events import ControlEvent
    from bocr_tui.sites.asking import Asker
    from bocr_tui.ui.reading import Reading

TAKE_OVER_S = 5.0
"""How often to look whether the process that drives has ended."""

TRY_AGAIN_S = 15.0
"""After trouble: long enough to read what it was."""

STOP_WITHIN_S = 6.0
"""How long leaving the panel waits for the driver to end in order; jobs go on without it anyhow."""

Say = Callable[[str], None]
"""Takes one line that says what is being done now; may be called from any thread."""

Background = Callable[[Say], Awaitable[None]]
"""What the panel is asked to do while it is open: import, plan, submit."""


class Driving(StrEnum):
    """Who moves jobs and pages."""

    NOT_YET = "starting"
    HERE = "driving"
    ELSEWHERE = "driven by another process"
    NOBODY = "nothing drives"
    TROUBLE = "driver stopped"


@dataclass(frozen=True)
class DrivingState:
    """`detail` is a sentence, empty when all is well."""

    driving: Driving
    detail: str = ""
    next_step: str = ""


async def look_who_drives(reading: Reading) -> AsyncIterator[DrivingState]:
    """Now and every few seconds: whether another process drives. A catalog that cannot be read, or is not
    there yet, is driven by nobody we know of."""
    from bocr_tui.ui.reading import Lane

    while True:
        try:
            lease = await reading.ask(Lane.WATCH, lambda reader: reader.setting("driver"))
            words = await asyncio.to_thread(_who_drives, lease)
        except BocrError:
            words = ""
        yield DrivingState(Driving.ELSEWHERE, words) if words else DrivingState(Driving.NOBODY)
        await asyncio.sleep(TAKE_OVER_S)


def _who_drives(lease: str | None) -> str:
    from bocr_tui.control.lease import who_drives

    return who_drives(lease)


class LoopThread:
    """Runs one coroutine in a thread with its own event loop, and can ask it to end."""

    def __init__(self, name: str, main: Callable[[], Awaitable[None]]) -> None:
        self._main = main
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[None] | None = None
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def _run(self) -> None:
        with contextlib.suppress(asyncio.CancelledError):
            asyncio.run(self._life())

    async def _life(self) -> None:
        self._loop, self._task = asyncio.get_running_loop(), asyncio.current_task()
        self._ready.set()
        await self._main()

    def call(self, function: Callable[[], object]) -> None:
        """Call `function` in the thread's loop; nothing happens if it was not started or has ended."""
        if not self._thread.is_alive():
            return
        if self._ready.wait(1.0) and self._loop is not None:
            with contextlib.suppress(RuntimeError):
                self._loop.call_soon_threadsafe(function)

    def cancel(self) -> None:
        if self._thread.is_alive() and self._ready.wait(1.0) and self._task is not None:
            self.call(self._task.cancel)

    def join(self, seconds: float) -> bool:
        """Wait for the end; False if it did not come."""
        if self._thread.ident is not None:
            self._thread.join(seconds)
        return not self._thread.is_alive()


class DriverThread:
    """Drives the workspace for as long as the panel is open; takes over when another driver ends."""

    def __init__(
        self,
        workspace: Workspace,
        on_state: Callable[[DrivingState], object],
        on_event: Callable[[ControlEvent], None],
        asker: Asker,
    ) -> None:
        self._workspace = workspace
        self._asker = asker
        self._on_state = on_state
        self._on_event = on_event
        self._stop: asyncio.Event | None = None
        self._thread = LoopThread("driver", self._drive)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> bool:
        """Ask the driver to end and wait a little. False: it has not ended yet."""

        def ask() -> None:
            if self._stop is not None:
                self._stop.set()

        self._thread.call(ask)
        return self._thread.join(STOP_WITHIN_S)

    async def _drive(self) -> None:
        self._stop = stop = asyncio.Event()
        while not stop.is_set():
            pause = await self._drive_once(stop)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), pause)

    async def _drive_once(self, stop: asyncio.Event) -> float:
        """Drive until asked to stop; returns after how many seconds to try again."""
        try:
            from bocr_tui.catalog.database import open_catalog
            from bocr_tui.control.driver import Driver

            catalog = open_catalog(self._workspace.catalog_path)
            try:
                self._on_state(DrivingState(Driving.HERE))
                driver = Driver(self._workspace, catalog, on_event=self._on_event, asker=self._asker)
                await driver.run(until_idle=False, stop=stop)
            finally:
                catalog.close()
            return 0.0
        except Busy as error:
            self._on_state(DrivingState(Driving.ELSEWHERE, error.cause, error.next_step))
            return TAKE_OVER_S
        except BocrError as error:
            self._on_state(DrivingState(Driving.TROUBLE, error.cause, error.next_step))
        except Exception as error:  # noqa: BLE001 - shown to the person; the panel goes on
            self._on_state(DrivingState(Driving.TROUBLE, f"{type(error).__name__}: {error}"))
        return TRY_AGAIN_S


@dataclass(frozen=True)
class WorkEnded:
    """How background work ended; `cause` is empty when all went well."""

    cause: str = ""
    next_step: str = ""


class BackgroundThread:
    """Runs what the panel was asked to do while it is open, and always tells how it ended."""

    def __init__(self, work: Background, say: Say, on_end: Callable[[WorkEnded], object]) -> None:
        self._work = work
        self._say = say
        self._on_end = on_end
        self._thread = LoopThread("background", self._run)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> bool:
        self._thread.cancel()
        return self._thread.join(STOP_WITHIN_S)

    async def _run(self) -> None:
        try:
            await self._work(self._say)
        except asyncio.CancelledError:
            self._on_end(WorkEnded("What was going on was stopped.", "What was done so far is kept."))
            raise
        except BocrError as error:
            self._on_end(WorkEnded(error.cause, error.next_step))
        except Exception as error:  # noqa: BLE001 - shown to the person; the panel goes on
            self._on_end(WorkEnded(f"{type(error).__name__}: {error}", "Please report this."))
        else:
            self._on_end(WorkEnded())
