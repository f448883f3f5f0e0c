"""A night at work in a staged campaign's history, for the picture of Health: a pace that rises, breaks off
while the site is paused, and comes back; and the timeline that says so."""

from __future__ import annotations

from sqlalchemy import insert

from bocr_tui.catalog import core
from tests.ui.campaign import Campaign
from tests.ui.staged import NOW

HOUR_S = 3600.0

HAPPENED = (
    (5.9, "plan", "Planned 140 pages in 4 batches.", None),
    (5.8, "submit", "Batch submitted: 40 pages", 1),
    (5.8, "job", "Job submitted as 41211.pbs", 1),
    (4.9, "job", "Stage 1 (rapidocr) ended, 30 of 40 pages read", 1),
    (4.4, "job", "Stage 2 (tesseract) ended, 4 of 10 pages read", 2),
    (3.4, "site", "Site local paused", None),
    (2.3, "site", "Site local resumed", None),
    (1.6, "job", "Stage 1 (rapidocr) ended, 30 of 40 pages read", 3),
    (1.2, "resubmit", "6 pages resubmitted", 4),
    (0.7, "autopilot", "Autopilot started", None),
    (0.4, "page", "A person accepted what tesseract read on page 3 of procédure pénale.pdf", None),
)
"""Hours ago, kind, words, job."""

BUSY = ((5.7, 3.4), (2.3, 0.02))
"""Hours ago, from and to, in which pages came in."""


def add_one_night(campaign: Campaign) -> None:
    """Spread the attempts over BUSY, and write HAPPENED."""
    with campaign.catalog.writing() as connection:
        ids = [row[0] for row in connection.exec_driver_sql("SELECT id FROM attempt ORDER BY id")]
        for place, attempt_id in enumerate(ids):
            connection.exec_driver_sql(
                "UPDATE attempt SET at = ? WHERE id = ?", (_at(place / len(ids)), attempt_id)
            )
        connection.exec_driver_sql(
            "UPDATE job SET heartbeat_at = ?, heartbeat = ? WHERE state = 'running'",
            (NOW - 4, '{"pages_per_s": 0.02}'),
        )
        connection.execute(
            insert(core.event),
            [
                {"at": NOW - ago * HOUR_S, "kind": kind, "text": text, "job_id": job}
                for ago, kind, text, job in HAPPENED
            ],
        )


def _at(share: float) -> float:
    """When the attempt came in that has this share of all before it: slowly at first, in each busy time."""
    part, inside = divmod(share * len(BUSY), 1)
    since, until = BUSY[int(part)]
    return NOW - (since + (until - since) * float(inside**0.6)) * HOUR_S
