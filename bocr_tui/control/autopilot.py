"""The autopilot: keeps a site fed with planned batches, retries what failed, and stops with a reason.

It only orders what a person could order, and whoever drives carries it out. Whether it is on is a row of
the catalog, so that any face may switch it, and a driver that starts later goes on with it.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import Connection

from bocr_tui.catalog.database import Catalog, now
from bocr_tui.catalog.timeline import note
from bocr_tui.catalog.words import JOB_ENDED, JobState
from bocr_tui.config.errors import BocrError
from bocr_tui.config.model import Config
from bocr_tui.control.events import AutopilotSaid, ControlEvent
from bocr_tui.control.orders import NoSuchBatch, resubmit_pages, submit_batches
from bocr_tui.control.pipeline import build_pipeline
from bocr_tui.report.waiting import UNSUBMITTED

THINK_S = 2.0
"""Between two looks at the catalog while it is on."""

JUDGED_PAGES = 500
"""The latest readings that the share of pages read is judged by."""

_KEY = "autopilot"

_RETRIABLE = """
SELECT p.id FROM page p
WHERE p.state = 'failed' AND p.failure IS NOT 'render'
  AND NOT EXISTS (SELECT 1 FROM reservation r WHERE r.page_id = p.id AND r.released_at IS NULL)
  AND (SELECT count(*) FROM reservation r JOIN chain c ON c.id = r.chain_id
       WHERE r.page_id = p.id AND c.kind = 'recovery') < ?
ORDER BY p.id
"""


@dataclass(frozen=True)
class AutopilotState:
    """`reason` says why it stopped, or what it last did. `since` is when it was switched on."""

    on: bool = False
    reason: str = ""
    since: float = 0.0


def autopilot_state(connection: Connection) -> AutopilotState:
    """Whether it is on, as the catalog says."""
    row = connection.exec_driver_sql("SELECT value FROM setting WHERE key = ?", (_KEY,)).first()
    try:
        return AutopilotState(**json.loads(row[0])) if row is not None else AutopilotState()
    except (ValueError, TypeError):
        return AutopilotState()


def set_autopilot(catalog: Catalog, on: bool, reason: str = "") -> None:
    """Switch it; whoever drives notices."""
    with catalog.writing() as connection:
        before = autopilot_state(connection)
        since = before.since if before.on and on else now()
        value = json.dumps(AutopilotState(on, reason, since).__dict__)
        connection.exec_driver_sql(
            "INSERT INTO setting (key, value) VALUES (?, ?)"
            " ON CONFLICT (key) DO UPDATE SET value = excluded.value",
            (_KEY, value),
        )
        if before.on != on:
            said = "switched on" if on else f"stopped: {reason}" if reason else "switched off"
            note(connection, "autopilot", f"Autopilot {said}")


class Autopilot:
    """Thinks when the driver asks it to; does one thing at a time."""

    def __init__(self, catalog: Catalog, config: Config, tell: Callable[[ControlEvent], None]) -> None:
        self._catalog = catalog
        self._config = config
        self._tell = tell
        self._next_at = 0.0
        self._on = False

    def think(self) -> bool:
        """Blocks: call it in a thread. Returns whether it is on, and so may order more."""
        if time.monotonic() < self._next_at:
            return self._on
        with self._catalog.reading() as connection:
            state = autopilot_state(connection)
            self._on = state.on
            trouble = self._trouble(connection, state.since) if state.on else ""
        if not state.on:
            self._next_at = time.monotonic() + THINK_S / 2
            return False
        if trouble:
            self._stop(trouble)
            return False
        try:
            acted = self._act()
        except BocrError as error:
            self._stop(f"{error.cause} {error.next_step}".strip())
            return False
        self._next_at = 0.0 if acted else time.monotonic() + THINK_S
        return self._on

    def _act(self) -> bool:
        """Submit the next batch, or resubmit what failed, or end. Returns whether something was ordered."""
        site = self._config.site
        pipeline = build_pipeline(self._config)
        with self._catalog.reading() as connection:
            living = _living(connection, site)
            batch = connection.exec_driver_sql(
                f"SELECT min(batch_id) FROM page WHERE {UNSUBMITTED}"  # noqa: S608 - a constant
            ).scalar()
            failed = [
                row[0] for row in connection.exec_driver_sql(_RETRIABLE, (self._config.autopilot.retries,))
            ]
        room = self._room(len(pipeline.stages) if pipeline.chained else 1) - living
        if room <= 0:
            return False
        if batch is not None:
            try:
                done = submit_batches(self._catalog, self._config, [int(batch)])
            except NoSuchBatch:  # taken apart since it was looked for, after a person had switched this off
                return True
            self._say(f"Submitted {done.pages:,} pages.")
            return True
        if failed and (len(failed) >= self._config.autopilot.pool_pages or not living):
            again = resubmit_pages(self._catalog, self._config, failed)
            self._say(f"Resubmitted {again.pages:,} pages that failed.")
            return again.pages > 0
        if not living:
            self._stop(self._last_words())
        return False

    def _room(self, jobs_a_chain: int) -> int:
        """Jobs that may live on the site: a whole chain must fit below `max_queued`; a direct site has one
        chain waiting behind those that run."""
        place = self._config.sites[self._config.site]
        if place.scheduler == "direct":
            return place.slots + 1
        return max(1, place.max_queued - jobs_a_chain + 1)

    def _trouble(self, connection: Connection, since: float) -> str:
        """Why going on would only waste the site's time; empty when all is well."""
        policy = self._config.autopilot
        rows = connection.exec_driver_sql(
            "SELECT state, cause, reason, ok + failed FROM job WHERE ended_at > ?"
            " ORDER BY ended_at DESC LIMIT ?",
            (since, policy.stop_after_failed_jobs),
        ).all()
        for state, _, reason, _ in rows:
            if state == JobState.REJECTED:
                return f"the scheduler refused a job: {reason}"
        vain = [row for row in rows if row[3] == 0 and (row[1] == "error" or row[0] == JobState.LOST)]
        if len(vain) == policy.stop_after_failed_jobs:
            return f"{len(vain)} jobs in a row ended without reading a page: {vain[0][2]}"
        outcomes = connection.exec_driver_sql(
            "SELECT outcome FROM attempt WHERE at > ? AND last ORDER BY id DESC LIMIT ?",
            (since, JUDGED_PAGES),
        ).scalars()
        judged = list(outcomes)
        share = sum(1 for outcome in judged if outcome == "ok") / max(1, len(judged))
        if len(judged) == JUDGED_PAGES and share < policy.stop_below_ok:
            return f"only {share:.0%} of the last {JUDGED_PAGES} pages were read"
        return ""

    def _last_words(self) -> str:
        with self._catalog.reading() as connection:
            rows = connection.exec_driver_sql("SELECT state, count(*) FROM page GROUP BY state").all()
        counts = {str(state): int(count) for state, count in rows}
        left = sum(counts.get(state, 0) for state in ("failed", "gave_up"))
        unread = f", {left:,} without text" if left else ""
        return f"everything planned is done: {counts.get('ok', 0):,} pages read{unread}"

    def _say(self, text: str) -> None:
        self._tell(AutopilotSaid(text))

    def _stop(self, reason: str) -> None:
        set_autopilot(self._catalog, False, reason)
        self._on = False
        self._tell(AutopilotSaid(reason, stopped=True))


def _living(connection: Connection, site: str) -> int:
    marks = ", ".join(f"'{state}'" for state in sorted(JOB_ENDED))
    found = connection.exec_driver_sql(
        f"SELECT count(*) FROM job WHERE site = ? AND state NOT IN ({marks})",  # noqa: S608
        (site,),
    ).scalar()
    return int(found or 0)
