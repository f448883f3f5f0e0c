"""Numbers, times and states in a person's words."""

from __future__ import annotations

import time

from bocr_tui.catalog.words import BatchState, DocumentState, JobState, PageState

UNKNOWN = "–"


def count(number: int) -> str:
    """`1,234`; from ten million on `12.3M`, so that a column stays narrow."""
    return f"{number:,}" if number < 10_000_000 else f"{number / 1e6:.1f}M"


def things(number: int, thing: str, plural: str = "") -> str:
    """`1 page`, `1,234 pages`."""
    return f"{number:,} {thing if number == 1 else plural or thing + 's'}"


def percent(share: float | None) -> str:
    """A confidence as people read it: `87`, and `–` where it is unknown."""
    return UNKNOWN if share is None else f"{share * 100:.0f}"


def duration(seconds: float | None) -> str:
    """`4 s`, `12 m 05 s`, `3 h 20 m`, `2 d 4 h`."""
    if seconds is None:
        return UNKNOWN
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s" if seconds >= 10 or seconds == whole else f"{seconds:.1f} s"
    if whole < 3600:
        return f"{whole // 60} m {whole % 60:02d} s"
    if whole < 86400:
        return f"{whole // 3600} h {whole % 3600 // 60:02d} m"
    return f"{whole // 86400} d {whole % 86400 // 3600} h"


def about(seconds: float) -> str:
    """An estimate in nine cells at most, no finer than it is: `~45 s`, `~11 m`, `~3 h 20 m`, `~12 d`."""
    whole = max(0, round(seconds))
    if whole < 60:
        return f"~{whole} s"
    minutes = round(whole / 60)
    if minutes < 60:
        return f"~{minutes} m"
    hours = round(whole / 3600)
    if minutes < 600:
        return f"~{minutes // 60} h {minutes % 60:02d} m"
    if hours < 24:
        return f"~{hours} h"
    return f"~{hours // 24} d {hours % 24} h" if hours < 72 else f"~{round(hours / 24):,} d"


def clock(at: float | None) -> str:
    """The local time, with the day if it is not today's and the year if it is not this one."""
    if at is None:
        return UNKNOWN
    then, today = time.localtime(at), time.localtime()
    if then[:3] == today[:3]:
        return time.strftime("%H:%M:%S", then)
    return time.strftime("%m-%d %H:%M" if then[0] == today[0] else "%Y-%m-%d %H:%M", then)


def size(size_bytes: int) -> str:
    """`812 B`, `12.3 MB`."""
    amount = float(size_bytes)
    for unit in ("B", "kB", "MB", "GB"):
        if amount < 1000 or unit == "GB":
            return f"{amount:.0f} {unit}" if unit == "B" or amount >= 100 else f"{amount:.1f} {unit}"
        amount /= 1000
    raise AssertionError("the last unit takes any amount")


def plain(name: str) -> str:
    """A stored name as words: `gave_up` is `gave up`."""
    return name.replace("_", " ")


Tones = dict[str, tuple[str, str]]
"""State → a sign that is legible without colour, and a tone. What is not named waits."""

PAGE_TONES: Tones = {
    PageState.OK: ("✓", "ok"),
    PageState.FAILED: ("✗", "failed"),
    PageState.GAVE_UP: ("✗", "gave-up"),
    PageState.RUNNING: ("»", "busy"),
    PageState.QUEUED: ("·", "waiting"),
    PageState.PLANNED: ("·", "muted"),
    PageState.NEW: ("·", "muted"),
    PageState.IGNORED: ("–", "muted"),
}
BATCH_TONES: Tones = {
    BatchState.DONE: ("✓", "ok"),
    BatchState.ATTENTION: ("✗", "failed"),
    BatchState.SUBMITTED: ("»", "busy"),
    BatchState.PLANNED: ("·", "muted"),
}
DOCUMENT_TONES: Tones = {
    DocumentState.READY: ("✓", "ok"),
    DocumentState.PARTIAL: ("!", "warning"),
    DocumentState.NEW: ("·", "muted"),
}
JOB_TONES: Tones = {
    JobState.RUNNING: ("»", "busy"),
    JobState.FINISHED: ("✓", "ok"),
    JobState.LOST: ("✗", "failed"),
    JobState.REJECTED: ("✗", "failed"),
    JobState.CANCELLED: ("–", "muted"),
    JobState.AMBIGUOUS: ("!", "warning"),
    JobState.HELD: ("!", "warning"),
}


def page_state(state: str, held: bool = False) -> tuple[str, str]:
    """The words of a state with its sign, and its tone. A failed page that a live chain holds is tried
    again by itself: that is what a person wants to know of it."""
    if held and state in (PageState.FAILED, PageState.GAVE_UP):
        return "· in retry", "waiting"
    sign, tone = PAGE_TONES.get(state, ("·", "waiting"))
    return f"{sign} {plain(state)}", tone


def batch_state(state: str) -> tuple[str, str]:
    sign, tone = BATCH_TONES.get(state, ("·", "waiting"))
    return f"{sign} {plain(state)}", tone


def document_state(state: str) -> tuple[str, str]:
    """A document that has no pages to read is a failure of its own."""
    sign, tone = DOCUMENT_TONES.get(state, ("✗", "failed"))
    return f"{sign} {'not a PDF' if state == DocumentState.NOT_A_PDF else plain(state)}", tone


def job_state(state: str, cause: str | None) -> tuple[str, str]:
    """A finished job says why it finished, unless all went well."""
    if state == JobState.FINISHED and cause not in (None, "ok"):
        return f"! {plain(str(cause))}", "warning"
    sign, tone = JOB_TONES.get(state, ("·", "waiting"))
    return f"{sign} {plain(state)}", tone


def confidence_tone(confidence: float | None) -> str:
    """Below 0.6 a reader stumbles over every line, from 0.85 on hardly any: where the colours change."""
    if confidence is None:
        return "muted"
    return "ok" if confidence >= 0.85 else "warning" if confidence >= 0.6 else "failed"


FAILURE_SENTENCES = {
    "transport": "The engine or its server died or refused. The page itself is not to blame.",
    "timeout": "The engine did not answer for this page before its deadline.",
    "render": "The page could not be loaded or drawn within its time and memory.",
    "truncated": "The engine stopped at a limit, not at the page's end.",
    "repetition": "The same words came again and again.",
    "runaway": "Far more characters than a page can hold.",
    "blank_text": "A page without ink for which the engine wrote text.",
    "empty": "A page with ink for which the engine wrote nothing.",
    "invalid_markup": "An answer whose markup cannot be parsed.",
    "coverage": "Ink that no box covers, or far less text than that much ink holds.",
    "charset": "Characters or a script that the document's languages do not use.",
    "low_confidence": "The engine itself doubts what it read.",
    "rotation": "The page lies on its side or stands on its head.",
}
"""A class in a sentence: what a person is told first."""
