"""What the first line of every screen says of the campaign and of who drives it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from bocr_tui.catalog.lists import NoCatalog
from bocr_tui.catalog.words import PageState
from bocr_tui.ui.driving import Driving
from bocr_tui.ui.telling_sites import top_parts
from bocr_tui.ui.widgets.tones import Part
from bocr_tui.ui.widgets.top_line import WIDE, Standing

if TYPE_CHECKING:
    from bocr_tui.ui.app import BocrApp
    from bocr_tui.ui.watching import Sight

TONES = {
    Driving.NOT_YET: "muted",
    Driving.HERE: "ok",
    Driving.ELSEWHERE: "busy",
    Driving.NOBODY: "muted",
    Driving.TROUBLE: "failed",
}


def _unread(sight: Sight) -> tuple[Part, ...]:
    """Why nothing is known of the catalog; a catalog that cannot be read is never told as none."""
    if sight.seen_at is not None:
        return ()
    if sight.trouble is None:
        return (("loading…", "muted"),)
    if isinstance(sight.trouble, NoCatalog):
        return (("no catalog yet", "muted"),)
    return (("the catalog cannot be read", "failed"),)


def standing_of(panel: BocrApp) -> Standing:
    """How the campaign stands now."""
    pages, driving, sight = panel.sight.counts.pages, panel.driving.driving, panel.sight
    wide = panel.size.width >= WIDE
    return Standing(
        workspace=panel.workspace.root.name,
        driving=str(driving),
        driving_tone=TONES[driving],
        stale_s=sight.stale_s(time.monotonic()),
        unread=_unread(sight),
        counted=sight.seen_at is not None or isinstance(sight.trouble, NoCatalog),
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
