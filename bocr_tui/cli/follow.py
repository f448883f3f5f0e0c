"""Driving the jobs until nothing is under way, or watching while another process drives them.

Whoever holds the driver's lease drives. While it is another process, this one reads the catalog; when that
process goes away, this one takes over.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import func, select

from bocr_tui.catalog import core
from bocr_tui.catalog.database import Catalog
from bocr_tui.catalog.lists import open_reader
from bocr_tui.catalog.lists_sites import SiteRow, sites_of
from bocr_tui.catalog.scope import Scope
from bocr_tui.catalog.words import ChainState, JobCause, JobState, PageState
from bocr_tui.cli.asking_terminal import TerminalAsker
from bocr_tui.cli.call import Interrupted
from bocr_tui.cli.output import note
from bocr_tui.cli.progress import Display, display
from bocr_tui.cli.site_words import trouble_words
from bocr_tui.config.errors import Busy, SiteError
from bocr_tui.control.autopilot import autopilot_state
from bocr_tui.control.events import AutopilotSaid, ControlEvent, JobMoved, SiteMoved, Trouble
from bocr_tui.report.summary import Standing, standing, standing_of_sent

if TYPE_CHECKING:
    from bocr_tui.config.workspace import Workspace

LOOK_EVERY_S = 0.5
"""Between two looks at the counts, unless counting itself takes long."""

LOOK_SHARE = 10
"""Counting may take one part in so many of the time: at a million pages it is not asked twice a second."""

RETRY_LEASE_S = 2.0
"""Between two tries to take the driver's lease from a process that may have gone."""

LEFT_RUNNING = "Jobs that run go on without us; `bocr watch` follows them, `bocr cancel --all` stops them."


PAUSED_GRACE_S = 60.0
"""Without a terminal, nobody answers what a paused site waits for: then following ends, jobs go on."""

WHY_SHOWN = 300
"""Characters of a scheduler's word on why a job waits."""


@dataclass
class _Driven:
    """What one follow works with."""

    workspace: Workspace
    catalog: Catalog
    scope: Scope
    shown: Display
    stop: asyncio.Event
    paused: SiteRow | None = None
    """Set when it was given up for a site that waits for a person."""


def follow(workspace: Workspace, catalog: Catalog, scope: Scope | None = None) -> None:
    """Returns when no chain is live. `scope` is what the progress counts (None: all that was
    submitted).

    Raises Interrupted on Ctrl-C and SIGTERM: jobs that run go on without us; SiteError where every site that
    has work waits for a person and there is no terminal.
    """
    with display("Pages", "pages") as shown:
        driven = _Driven(workspace, catalog, scope or Scope(), shown, asyncio.Event())
        if asyncio.run(_follow(driven)):
            return
    if driven.paused is not None:
        row = driven.paused
        raise SiteError(
            f"Site {row.name} is paused{': ' + row.reason.rstrip('.') if row.reason else ''}.",
            f"`bocr resume {row.name}` contacts it again, then `bocr watch` goes on; jobs there run on.",
        )
    raise Interrupted("Interrupted.", LEFT_RUNNING)


async def _follow(driven: _Driven) -> bool:
    """Whether everything ended; False: asked to stop."""
    stop = driven.stop
    with _signals(stop):
        ticker = asyncio.create_task(_tick(driven))
        try:
            return await _drive(driven)
        finally:
            ticker.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await ticker


async def _drive(driven: _Driven) -> bool:
    from bocr_tui.control.driver import Driver

    told = False
    while not driven.stop.is_set():
        driver = Driver(
            driven.workspace,
            driven.catalog,
            on_event=lambda event: _tell(driven.shown, event),
            asker=TerminalAsker(driven.shown.paused),
        )
        try:
            await driver.run(until_idle=True, stop=driven.stop)
            return not driven.stop.is_set()
        except Busy as busy:
            if not told:
                driven.shown.message(f"{busy.cause} Watching.")
                told = True
        if not await asyncio.to_thread(is_busy, driven.catalog):
            return True
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(driven.stop.wait(), RETRY_LEASE_S)
    return False


async def _tick(driven: _Driven) -> None:
    """Keeps the figures fresh until it is cancelled, and once more at the end."""
    pause_s = LOOK_EVERY_S
    paused_since, told = time.monotonic(), set[tuple[str, str]]()
    reader = open_reader(driven.workspace.catalog_path)
    try:
        while True:
            began_s = time.monotonic()
            now = await asyncio.to_thread(_standing, driven)
            sites = await asyncio.to_thread(sites_of, reader)
            waiting = await asyncio.to_thread(why_jobs_wait, driven.catalog)
            for place in sorted(waiting.keys() - told):
                driven.shown.message(waiting[place])
            told = set(waiting)
            show_standing(driven.shown, now, trouble_words(sites))
            if (paused := _all_wait_for_a_person(sites)) is None or sys.stdin.isatty():
                paused_since = time.monotonic()
            elif time.monotonic() - paused_since > PAUSED_GRACE_S:
                driven.paused = paused
                driven.stop.set()
            pause_s = max(LOOK_EVERY_S, LOOK_SHARE * (time.monotonic() - began_s))
            await asyncio.sleep(pause_s)
    finally:
        reader.close()
        show_standing(driven.shown, _standing(driven))


def _standing(driven: _Driven) -> Standing:
    """A watch ends when what was submitted is done, so it counts that alone, unless the autopilot submits the
    rest: what is left and until when would else be those of a work that nobody has ordered."""
    if driven.scope != Scope():
        return standing(driven.catalog, driven.scope)
    with driven.catalog.reading() as connection:
        feeds = autopilot_state(connection).on
    return standing(driven.catalog, driven.scope) if feeds else standing_of_sent(driven.catalog)


def why_jobs_wait(catalog: Catalog) -> dict[tuple[str, str], str]:
    """By site and the scheduler's own words on why jobs wait there: a sentence with how many."""
    job = core.job.c
    said = (
        select(job.site, job.reason, func.count())
        .where(job.state.in_([str(JobState.QUEUED), str(JobState.HELD)]), job.reason != "")
        .group_by(job.site, job.reason)
    )
    with catalog.reading() as connection:
        rows = connection.execute(said).all()
    return {
        (site, reason): f"{'1 job waits' if n == 1 else f'{n:,} jobs wait'} on {site}: {reason[:WHY_SHOWN]}"
        for site, reason, n in rows
    }


def _all_wait_for_a_person(sites: Sequence[SiteRow]) -> SiteRow | None:
    """The first site, where every site that has jobs under way is paused."""
    busy = [row for row in sites if row.living_jobs]
    return busy[0] if busy and all(row.is_paused for row in busy) else None


def show_standing(shown: Display, now: Standing, sites: Sequence[str] = ()) -> None:
    """Pages that came to an end against all that are not ignored, and what keeps sites from working."""
    said = [f"{now.by_state.get(PageState.OK, 0):,} ok"]
    for state in (PageState.FAILED, PageState.GAVE_UP):
        count = now.by_state.get(state, 0) - (now.retrying if state == PageState.FAILED else 0)
        said += [f"{count:,} {state.replace('_', ' ')}"] if count else []
    said += [f"{now.retrying:,} to be tried again"] if now.retrying else []
    shown.update(now.done, now.total, ", ".join([*said, *sites]))


_TOLD_OTHERWISE = (None, JobCause.OK, JobCause.ERROR)
"""An end with an error is a Trouble as well, which names the engine, too."""


def _tell(shown: Display, event: ControlEvent) -> None:
    if isinstance(event, Trouble):
        shown.message(f"{event.text} {event.next_step}".strip())
    elif isinstance(event, AutopilotSaid):
        shown.message(f"Autopilot{' stopped' if event.stopped else ''}: {event.text}")
    elif isinstance(event, SiteMoved) and event.link == "paused":
        shown.message(f"Site {event.site} is paused. {event.reason} `bocr resume {event.site}` goes on.")
    elif isinstance(event, JobMoved) and event.reason and event.cause not in _TOLD_OTHERWISE:
        shown.message(f"Job {event.token} {event.state} ({event.cause}): {event.reason}")


def is_busy(catalog: Catalog) -> bool:
    """Whether a chain is under way, or the autopilot may order one."""
    live = select(func.count()).where(core.chain.c.state == str(ChainState.LIVE))
    with catalog.reading() as connection:
        return bool(connection.execute(live).scalar()) or autopilot_state(connection).on


@contextlib.contextmanager
def _signals(stop: asyncio.Event) -> Iterator[None]:
    """The first Ctrl-C or SIGTERM asks to stop; a second Ctrl-C ends at once."""
    loop = asyncio.get_running_loop()

    def ask() -> None:
        if stop.is_set():
            raise KeyboardInterrupt
        note("Stopping; once more to end at once.")
        stop.set()

    numbers = (signal.SIGINT, signal.SIGTERM)
    for number in numbers:
        loop.add_signal_handler(number, ask)
    try:
        yield
    finally:
        for number in numbers:
            loop.remove_signal_handler(number)
