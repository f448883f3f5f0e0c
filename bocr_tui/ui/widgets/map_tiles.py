"""How pages become tiles: one sign a page, or one for many that tells the worst of them and its share.

Pure functions over bytes, one byte a page (catalog/page_map.py) in, one byte a tile out; a tile's byte is its
place in LOOKS. Signs differ by shape, so that a map is legible without colour.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bocr_tui.catalog.page_map import CODES
from bocr_tui.catalog.words import PageState


@dataclass(frozen=True)
class Look:
    """What a tile looks like."""

    sign: str
    tone: str


STATE_LOOKS: Mapping[str, Look] = {
    PageState.NEW: Look(".", "muted"),
    PageState.PLANNED: Look(":", "muted"),
    PageState.QUEUED: Look("○", "waiting"),
    PageState.RUNNING: Look("»", "busy"),
    PageState.OK: Look("■", "ok"),
    PageState.FAILED: Look("✗", "failed"),
    PageState.GAVE_UP: Look("#", "gave-up"),
    PageState.IGNORED: Look("–", "muted"),
}

HEIGHTS = "▁▂▃▄▅▆▇█"
"""The share of failed pages in a tile, in eighths; whatever there is at all is seen."""

SHADES = "░▒▓"
"""The share of settled pages in a tile without failed ones, in thirds."""

LOOKS: tuple[Look, ...] = (
    *STATE_LOOKS.values(),
    *(Look(sign, "failed") for sign in HEIGHTS),
    *(Look(sign, "gave-up") for sign in HEIGHTS),
    *(Look(sign, "ok") for sign in SHADES),
)
_PLACE = {state: place for place, state in enumerate(STATE_LOOKS)}
_FAILED = len(STATE_LOOKS)
_GAVE_UP = _FAILED + len(HEIGHTS)
_SHADED = _GAVE_UP + len(HEIGHTS)

_BY_CODE = bytes(
    next((_PLACE[state] for state, code in CODES.items() if ord(code) == byte), 0) for byte in range(256)
)
"""A page's byte → its place in LOOKS."""

BAD = (CODES[PageState.FAILED] + CODES[PageState.GAVE_UP]).encode()
_F, _G = BAD[:1], BAD[1:]
_O, _I = CODES[PageState.OK].encode(), CODES[PageState.IGNORED].encode()
_R, _Q, _P = (CODES[s].encode() for s in (PageState.RUNNING, PageState.QUEUED, PageState.PLANNED))

IS_BAD = bytes(1 if byte in BAD else 0 for byte in range(256))
"""A page's byte → 1 where it failed or was given up."""

LOOKS_BAD = bytes(
    1 if place < len(LOOKS) and LOOKS[place].tone in ("failed", "gave-up") else 0 for place in range(256)
)
"""A tile's byte → 1 where it has failed or given-up pages."""


def tiles(states: bytes, per_tile: int) -> bytes:
    """One byte for each `per_tile` pages; the last tile may have fewer."""
    if per_tile <= 1:
        return states.translate(_BY_CODE)
    return bytes(_tile(states[at : at + per_tile]) for at in range(0, len(states), per_tile))


def _tile(pages: bytes) -> int:
    """The place in LOOKS: all alike, else the worst that is there and how much of it."""
    many = len(pages)
    if pages.count(pages[:1]) == many:
        return _BY_CODE[pages[0]]
    failed = pages.count(_F)
    bad = failed + pages.count(_G)
    if bad:
        return (_FAILED if failed else _GAVE_UP) + _step(bad, many, len(HEIGHTS))
    if _R in pages:
        return _PLACE[PageState.RUNNING]
    settled = pages.count(_O) + pages.count(_I)
    if settled:
        return _SHADED + _step(settled, many, len(SHADES))
    return _PLACE[PageState.QUEUED if _Q in pages else PageState.PLANNED]


def _step(part: int, whole: int, steps: int) -> int:
    """Which of `steps` equal steps the share falls into."""
    return min(steps - 1, (part * steps - 1) // whole)


def tally(pages: bytes) -> dict[str, int]:
    """How many pages are in each state that occurs."""
    counts = {str(state): pages.count(code.encode()) for state, code in CODES.items()}
    return {state: count for state, count in counts.items() if count}


def next_bad(bad: bytes, after: int) -> int | None:
    """The next failed page behind `after`, round the end; None where there is none. `bad` is states
    translated by IS_BAD."""
    found = bad.find(1, after + 1)
    found = found if found >= 0 else bad.find(1)
    return found if found >= 0 else None


def bad_before(bad: bytes, before: int) -> int | None:
    """The failed page before `before`, round the beginning."""
    found = bad.rfind(1, 0, before)
    found = found if found >= 0 else bad.rfind(1)
    return found if found >= 0 else None
