"""What is said about sites: in the top line, in the list's cells, in the preview."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from bocr_tui.catalog.lists_sites import SiteRow
from bocr_tui.catalog.words import JOB_ENDED, JobState
from bocr_tui.ui import wording
from bocr_tui.ui.places import place_named
from bocr_tui.ui.site_facts import SiteFacts
from bocr_tui.ui.widgets.columns import bar
from bocr_tui.ui.widgets.facts import Heading, Labelled, Paragraph, Words
from bocr_tui.ui.widgets.tones import Part

Fact = tuple[str, str, str]

SITES_IN_TOP_LINE = 2

FACTS_SHOWN = 12
FACT_CHARACTERS = 200
"""Of what a scheduler says of itself."""


def link_words(row: SiteRow, now: float) -> Part:
    """How the connection stands, in two words, and its tone."""
    if row.is_paused:
        return ("‖ paused", "failed" if row.paused_at is None else "warning")
    stale_s = row.stale_s(now)
    if row.link == "waiting":
        left_s = (row.next_try_at or now) - now
        return (f"! retry in {max(0, left_s):.0f} s" if left_s > 0 else "! retrying", "warning")
    if row.link == "connecting":
        return ("… connecting", "busy")
    if stale_s is not None:
        return (f"! stale {wording.duration(stale_s)}", "warning")
    if row.link == "connected":
        return ("● connected", "ok")
    return ("○ idle", "muted")


def ago(at: float | None, now: float) -> str:
    """`4 s`, `12 m 05 s`: how long ago; – for never."""
    return wording.UNKNOWN if at is None else wording.duration(round(max(0.0, now - at)))


def upload_share(row: SiteRow) -> str:
    """How far the documents' way to the site is, in words; empty when none is on it."""
    if row.uploads_paused_at is not None:
        return "↑ paused"
    if not row.uploading or not row.upload_total_bytes:
        return ""
    return f"↑ {row.upload_done_bytes / row.upload_total_bytes:.0%}"


def top_parts(
    sites: Sequence[SiteRow], facts: Mapping[str, SiteFacts], now: float, *, wide: bool
) -> list[Part]:
    """The sites that matter now, those in trouble first; nothing where all work is on this machine and
    well."""

    def matters(row: SiteRow) -> bool:
        far = row.name in facts and facts[row.name].far
        return row.is_troubled or (far and bool(row.living_jobs or upload_share(row)))

    shown = sorted(filter(matters, sites), key=lambda row: (not row.is_troubled, row.name))
    most = SITES_IN_TOP_LINE if wide else 1
    parts: list[Part] = []
    for row in shown[:most]:
        text, tone = _in_top_line(row, now, wide)
        parts.append((f" │ {row.name} {text}", tone))
    if len(shown) > most:
        parts.append((f" +{len(shown) - most}", "muted"))
    return parts


def _in_top_line(row: SiteRow, now: float, wide: bool) -> Part:
    words, tone = link_words(row, now)
    share = upload_share(row)
    if row.is_paused:
        place = place_named("sites")
        key = place.key if place is not None else ""
        return (f"{words}: {key}, r resumes" if wide else words, tone)
    if row.look_problem and row.link == "connected":
        return ("scheduler silent", "warning")
    if row.link == "connected" and tone == "ok":
        words, tone = f"● {ago(row.polled_at, now)}", "muted"
    return (f"{words} {share}".rstrip(), tone)


_ALONG = {str(state): at for at, state in enumerate(JobState)}
"""How far along a job is in each state."""


def job_counts(row: SiteRow) -> str:
    """`3 running, 2 queued`: those that have not ended, the nearest to their end first."""
    living = [(state, count) for state, count in row.jobs.items() if state not in map(str, JOB_ENDED)]
    living.sort(key=lambda each: -_ALONG.get(each[0], -1))
    return ", ".join(f"{count:,} {wording.plain(state)}" for state, count in living)


def why(row: SiteRow) -> str:
    """What a person would want to know first."""
    if row.paused_at is not None:
        return f"paused since {wording.clock(row.paused_at)}; r resumes" if row.paused_at else "r resumes"
    return row.reason or row.look_problem


def about_site(row: SiteRow, facts: SiteFacts | None, now: float) -> list[Paragraph]:
    link, tone = link_words(row, now)
    lines: list[Fact] = [("Connection", link, tone)]
    if why(row):
        lines.append(("Why", why(row), "plain"))
    if row.look_problem and row.look_problem != why(row):
        lines.append(("Scheduler", row.look_problem, "warning"))
    lines += [
        ("Journals read", _when(row.polled_at, now), "plain"),
        ("Jobs looked at", _when(row.looked_at, now), "plain"),
    ]
    paragraphs: list[Paragraph] = [Words(((row.name, "strong"),)), Labelled(lines)]
    paragraphs += _uploads(row)
    if row.jobs:
        paragraphs += [Heading("Jobs"), Labelled(_counts(row.jobs))]
    if row.documents:
        paragraphs += [Heading("Documents there"), Labelled(_counts(row.documents))]
    return [*paragraphs, *_configured(facts), *_scheduler_facts(row)]


def _when(at: float | None, now: float) -> str:
    return "not yet" if at is None else f"{ago(at, now)} ago, {wording.clock(at)}"


def _counts(counts: Mapping[str, int]) -> Iterable[Fact]:
    return ((wording.plain(state), wording.count(count), "plain") for state, count in counts.items())


def _uploads(row: SiteRow) -> list[Paragraph]:
    if row.uploads_paused_at is not None:
        return [Heading("Upload"), Words((("Paused; W resumes.", "warning"),))]
    if not upload_share(row):
        return []
    left = max(0, row.upload_total_bytes - row.upload_done_bytes)
    sent = f"{wording.size(row.upload_done_bytes)} of {wording.size(row.upload_total_bytes)}"
    facts: list[Fact] = [("Sent", sent, "plain")]
    if row.upload_bytes_s:
        facts.append(("Pace", f"{wording.size(round(row.upload_bytes_s))} a second", "plain"))
        facts.append(("Left", wording.duration(left / row.upload_bytes_s), "plain"))
    facts.append(("Now", row.uploading, "plain"))
    return [
        Heading("Upload"),
        Words(bar(28, ((row.upload_done_bytes, "busy"),), row.upload_total_bytes)),
        Labelled(facts),
    ]


def _configured(facts: SiteFacts | None) -> list[Paragraph]:
    if facts is None:
        return [Heading("Settings"), Words((("Not in bocr.toml any more.", "warning"),))]
    lines: list[Fact] = [
        ("Where", facts.where, "plain"),
        ("Jobs by", facts.scheduler, "plain"),
        ("Folder", facts.root, "plain"),
        ("Documents", facts.documents, "plain"),
    ]
    if facts.chosen:
        lines.append(("", "work goes here unless another is named", "muted"))
    return [Heading("Settings"), Labelled(lines)]


def _scheduler_facts(row: SiteRow) -> list[Paragraph]:
    """What the scheduler says of itself: anything, so it is cut."""
    lines = [
        (wording.plain(str(name))[:40], str(value)[:FACT_CHARACTERS], "plain")
        for name, value in list(row.facts.items())[:FACTS_SHOWN]
        if value not in (None, "", [], {})
    ]
    return [Heading("Scheduler says"), Labelled(lines)] if lines else []
