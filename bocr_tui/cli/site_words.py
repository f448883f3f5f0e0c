"""How sites stand, in a terminal's words and as JSON."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from bocr_tui.catalog.lists_sites import SiteRow
from bocr_tui.catalog.words import JOB_ENDED
from bocr_tui.cli.output import duration, table

if TYPE_CHECKING:
    from rich.console import RenderableType

_ENDED = frozenset(map(str, JOB_ENDED))


def link_words(row: SiteRow, now: float) -> str:
    """`connected`, `lost, next try in 12 s`, `paused`."""
    if row.is_paused:
        return "paused"
    if row.link == "waiting":
        left_s = (row.next_try_at or now) - now
        return f"lost, next try in {duration(left_s)}" if left_s >= 1 else "lost, trying again"
    stale_s = row.stale_s(now)
    if stale_s is not None:
        return f"not heard of for {duration(stale_s)}"
    return "idle" if row.link == "closed" else row.link


def upload_words(row: SiteRow) -> str:
    """How far the documents' way there is; empty when none is on it."""
    if row.uploads_paused_at is not None:
        return "uploads paused"
    if not row.uploading or not row.upload_total_bytes:
        return ""
    return f"uploading {row.upload_done_bytes / row.upload_total_bytes:.0%}"


def trouble_words(rows: Sequence[SiteRow]) -> list[str]:
    """What the line of a progress says of sites: those that do not answer, and uploads."""
    now = time.time()
    said = []
    for row in rows:
        words = [link_words(row, now)] if row.is_paused or row.link == "waiting" else []
        words += [upload_words(row)] if upload_words(row) else []
        if words:
            said.append(f"{row.name} {', '.join(words)}")
    return said


def sites_table(title: str, rows: Sequence[SiteRow]) -> RenderableType:
    columns = ("Site", "Connection", "Jobs", "Journals read", "Scheduler asked", "Upload", "Why")
    return table(title, columns, map(_cells, rows))


def _cells(row: SiteRow) -> tuple[object, ...]:
    now = time.time()
    living = ", ".join(f"{n:,} {state}" for state, n in row.jobs.items() if state not in _ENDED)
    why = row.reason or row.look_problem
    return (
        row.name,
        link_words(row, now),
        living,
        _ago(row.polled_at, now),
        _ago(row.looked_at, now),
        upload_words(row),
        why,
    )


def _ago(at: float | None, now: float) -> str:
    return "" if at is None else f"{duration(max(0.0, now - at))} ago"


def site_record(row: SiteRow) -> dict[str, Any]:
    """What `--json` promises of a site. Ages in seconds, None where it has not happened."""
    now = time.time()
    uploading = row.uploading or row.uploads_paused_at is not None
    return {
        "site": row.name,
        "link": row.link,
        "paused": row.paused_at is not None,
        "reason": row.reason,
        "next_try_s": None if row.next_try_at is None else round(max(0.0, row.next_try_at - now), 1),
        "polled_s": None if row.polled_at is None else round(max(0.0, now - row.polled_at), 1),
        "looked_s": None if row.looked_at is None else round(max(0.0, now - row.looked_at), 1),
        "look_problem": row.look_problem,
        "stale_s": row.stale_s(now),
        "jobs": dict(row.jobs),
        "documents": dict(row.documents),
        "upload": {
            "paused": row.uploads_paused_at is not None,
            "document": row.uploading,
            "done_bytes": row.upload_done_bytes,
            "total_bytes": row.upload_total_bytes,
            "bytes_per_s": row.upload_bytes_s,
        }
        if uploading
        else None,
        "scheduler": dict(row.facts),
    }
