"""The login node: what answers there, and the site's folder on it."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator

from bocr_tui.config.check import BAD, DOUBTFUL, GOOD, Check
from bocr_worker.protocol.fields import Fields

OLDEST_HELPER = (3, 6)

LITTLE_DISK_BYTES = 20_000_000_000
"""A document store of a few thousand scans, their drawn pages, and what environments lack."""
LITTLE_FILES = 100_000
CLOCK_SKEW_S = 60.0
"""Leases are written with the site's clock and read with ours."""

_OVER_QUOTA = re.compile(r"(?<![\w*])\d[\d.]*[kKMGTP]?B?\*")
"""quota and lfs mark what is over its limit with a star."""
_QUOTA_CHARACTERS = 300


def login_checks(facts: Fields, took_s: float) -> Iterator[Check]:
    """Of what the helper's `login_facts` answered. Raises ProtocolError for what it would never say."""
    root = Fields(facts.mapping("root"), "the root")
    yield _python(facts)
    yield from _tools(facts)
    yield from _clock(facts, took_s)
    yield from _root(root)
    if not root.text("problem", ""):
        yield _disk(root)
        yield from _quota(facts.texts("quotas", ()))


def _python(facts: Fields) -> Check:
    version = facts.text("python", max_length=40)
    said = f"Python {version} at {facts.text('executable', max_length=4096)}"
    return Check("login node", GOOD, f"{said} on {facts.text('host', max_length=255)}")


def _tools(facts: Fields) -> Iterator[Check]:
    missing = facts.texts("missing", ())
    if missing:
        yield Check(
            "programs", BAD, f"{', '.join(missing)} cannot be found there", "Ask the site's administrators."
        )


def _clock(facts: Fields, took_s: float) -> Iterator[Check]:
    skew_s = facts.number("now") - time.time()
    if abs(skew_s) > CLOCK_SKEW_S + took_s:
        way = "ahead of" if skew_s > 0 else "behind"
        said = f"the site's clock is {abs(skew_s):.0f} s {way} this machine's"
        yield Check("clock", DOUBTFUL, said, "Set this machine's clock by the network.")


def _root(root: Fields) -> Iterator[Check]:
    path, problem = root.text("path", max_length=4096), root.text("problem", "")
    if problem:
        step = "Choose another root in bocr.toml, one that you may write to and that computing nodes see."
        yield Check("root", BAD, f"{path} cannot be written to: {problem}", step)
        return
    mode = root.whole("mode", most=0o7777)
    if mode & 0o077:
        who = "everybody" if mode & 0o007 else "your group"
        yield Check(
            "root", DOUBTFUL, f"{path} is open to {who} (mode {mode:03o})", f"There: chmod 700 {path}"
        )
        return
    made = "made now, " if root.flag("made", False) else ""
    yield Check("root", GOOD, f"{path}: {made}writable, open to nobody else")


def _disk(root: Fields) -> Check:
    free, total, files = (
        root.whole("free_bytes"),
        root.whole("total_bytes"),
        root.whole("free_files", -1, least=-1),
    )
    said = f"{free / 1e9:,.1f} of {total / 1e9:,.1f} GB free"
    if free < LITTLE_DISK_BYTES:
        return Check("disk", DOUBTFUL, said, "Free some there: `bocr clean` removes what is synced.")
    if 0 <= files < LITTLE_FILES:
        return Check("disk", DOUBTFUL, f"{said}, but only {files:,} more files", "Ask for more files there.")
    return Check("disk", GOOD, said)


def _quota(quotas: tuple[str, ...]) -> Iterator[Check]:
    for words in quotas:
        said = " ".join(words.split())[:_QUOTA_CHARACTERS]
        if _OVER_QUOTA.search(words):
            yield Check("quota", BAD, f"over its limit: {said}", "Free some there, or ask for more.")
        else:
            yield Check("quota", GOOD, said)
