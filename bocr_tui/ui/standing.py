"""What the first line of every screen says of the campaign and of who drives it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from bocr_tui.catalog.words import PageState
from bocr_tui.ui.driving import Driving
from bocr_tui.ui.telling_sites import top_parts
from bocr_tui.ui.widgets.top_line import WIDE, Standing

if TYPE_CHECKING:
    from bocr_tui.ui.app import BocrApp

TONES = {
    Driving.NOT_YET: "muted",
    Driving.HERE: "ok",
    Driving.ELSEWHERE: "busy",
    Driving.NOBODY: "muted",
    Driving.TROUBLE: "failed",
}


def standing_of(panel: BocrApp) -> Standing:
    """How the campaign stands now."""
    pages, driving, sight = panel.sight.counts.pages, panel.driving.driving, panel.sight
    wide = panel.size.width >= WIDE
    return Standing(
        workspace=panel.workspace.root.name,
        driving=str(driving),
        driving_tone=TONES[driving],
        stale_s=sight.stale_s(time.monotonic()),
        live=sight.seen_at is not None,
        activity=panel.activity,
        running=pages.of(PageState.RUNNING),
        queued=pages.of(PageState.QUEUED),
        failed=pages.failed,
        ok=pages.ok,
        total=pages.total,
        autopilot=sight.autopilot.on,
        sites=tuple(top_parts(sight.sites, panel.site_facts, time.time(), wide=wide)),
        read_only=bool(panel.read_only),
    )
