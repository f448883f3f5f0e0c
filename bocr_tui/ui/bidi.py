"""Text written from the right, for terminals that draw every cell from the left.

Most terminals do not reorder: what is sent in the order it is read appears backwards, its letters unjoined.
For these the panel puts each line into the order it is seen in (Unicode Standard Annex 9, without explicit
directions, which never reach the screen, and without N0's brackets) and joins Arabic letters by their
presentation forms (Unicode Standard, section 9.2), which every font for terminals with Arabic has. A terminal
that reorders by itself gets the order of reading.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from functools import cache, lru_cache
from typing import NamedTuple

from bocr_tui.ui.safe_text import LEFT_TO_RIGHT_MARK, width_of

_RIGHT = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]")

_MIRRORED = dict(zip("()[]{}<>«»‹›≤≥", ")(][}{><»«›‹≥≤", strict=True))


class Shown(NamedTuple):
    """A character of a line as it is seen, and where in the line the one is that it stands for."""

    character: str
    place: int


def has_right_to_left(text: str) -> bool:
    return not text.isascii() and _RIGHT.search(text) is not None


def in_one_line(text: str) -> str:
    """A line that begins at the left, as wide as before, in the order it is seen in."""
    read = text.replace(LEFT_TO_RIGHT_MARK, "")
    seen = "".join(shown.character for shown in as_seen(read, False))
    return seen + " " * (width_of(read) - width_of(seen))  # two letters may be drawn as one


@lru_cache(maxsize=4096)
def as_seen(text: str, right_to_left: bool) -> tuple[Shown, ...]:
    """One line in the order it is seen in, from the left; its base direction is `right_to_left`. Marks follow
    their letter, and letters are joined."""
    units = _shaped(text)
    levels = _levels([text[unit[1]] for unit in units], 1 if right_to_left else 0)
    seen: list[Shown] = []
    for at in _order(levels, units):
        shown, index, marks = units[at]
        odd = levels[at] % 2
        seen.append(Shown(_MIRRORED.get(shown, shown) if odd else shown, index))
        seen.extend(Shown(mark, index + 1 + number) for number, mark in enumerate(marks))
    return tuple(seen)


_Unit = tuple[str, int, str]
"""A letter as it is drawn, where it stands in the text, and the marks on it."""


def _shaped(text: str) -> list[_Unit]:
    """Letters with their marks; lam and alef are one letter, whose marks follow."""
    units: list[_Unit] = []
    for index, character in enumerate(text):
        if unicodedata.bidirectional(character) == "NSM" and units:
            shown, at, marks = units[-1]
            units[-1] = (shown, at, marks + character)
        else:
            units.append((character, index, ""))
    return _joined(units)


def _joined(units: Sequence[_Unit]) -> list[_Unit]:
    forms = _forms()
    made: list[_Unit] = []
    at = 0
    joins_before = False
    while at < len(units):
        shown, index, marks = units[at]
        step = 1
        after = units[at + 1][0] if at + 1 < len(units) else ""
        if after and not marks and (shown + after) in forms:
            shown, step = shown + after, 2
            marks = units[at + 1][2]
        follower = units[at + step][0] if at + step < len(units) else ""
        own = forms.get(shown)
        if own is None:
            made.append((shown, index, marks))
            joins_before = shown in _JOINING
        else:
            joins_after = ("initial" in own or shown in _JOINING) and _takes(follower)
            kind = _kind(joins_before and "final" in own, joins_after)
            made.append((own.get(kind) or own.get("isolated") or shown, index, marks))
            joins_before = "initial" in own
        at += step
    return made


_JOINING = ("\u0640", "\u200d")
"""Tatweel and the joiner join on both sides and have one form."""


def _takes(character: str) -> bool:
    """Whether a letter before it joins onto it."""
    return character in _JOINING if character not in _forms() else "final" in _forms()[character]


def _kind(before: bool, after: bool) -> str:
    return ("medial" if after else "final") if before else ("initial" if after else "isolated")


@cache
def _forms() -> dict[str, dict[str, str]]:
    """Letters (and lam with alef) to their presentation forms, read off the Unicode database."""
    forms: dict[str, dict[str, str]] = {}
    for code in (*range(0xFB50, 0xFBFF), *range(0xFE80, 0xFEFD)):
        words = unicodedata.decomposition(chr(code)).split()
        if not words or words[0] not in ("<isolated>", "<initial>", "<medial>", "<final>"):
            continue
        letters = "".join(chr(int(word, 16)) for word in words[1:])
        if len(letters) == 1 or (len(letters) == 2 and letters[0] == "\u0644" and code >= 0xFEF5):
            forms.setdefault(letters, {})[words[0][1:-1]] = chr(code)
    return forms


def _order(levels: Sequence[int], units: Sequence[_Unit]) -> list[int]:
    """Rule L2: from the highest level down to the lowest odd one, turn every run around."""
    order = list(range(len(units)))
    odd = [level for level in levels if level % 2]
    if not odd:
        return order
    for level in range(max(levels), min(odd) - 1, -1):
        at = 0
        while at < len(order):
            if levels[order[at]] < level:
                at += 1
                continue
            end = at
            while end < len(order) and levels[order[end]] >= level:
                end += 1
            order[at:end] = reversed(order[at:end])
            at = end
    return order


def _levels(characters: Sequence[str], base: int) -> list[int]:
    """The embedding level of each character (rules W1 to I2 and L1)."""
    kinds = _weak([_kind_of(character) for character in characters], base)
    kinds = _neutral(kinds, base)
    levels = [base + _step(kind, base) for kind in kinds]
    for at in range(len(characters) - 1, -1, -1):
        if not characters[at].isspace():
            break
        levels[at] = base
    return levels


def _step(kind: str, base: int) -> int:
    if base % 2:
        return 1 if kind in ("L", "EN", "AN") else 0
    return {"R": 1, "EN": 2, "AN": 2}.get(kind, 0)


def _kind_of(character: str) -> str:
    kind = unicodedata.bidirectional(character)
    return kind if kind in _KNOWN else "L" if not kind else "ON"


_KNOWN = frozenset({"L", "R", "AL", "EN", "AN", "ES", "ET", "CS"})


def _weak(kinds: list[str], base: int) -> list[str]:
    """W2 to W7; marks (W1) stay with their letters and are not here."""
    made = list(kinds)
    strong = "R" if base % 2 else "L"
    last = strong
    for at, kind in enumerate(made):
        if kind in ("L", "R", "AL"):
            last = kind
        elif kind == "EN" and last == "AL":
            made[at] = "AN"
    made = ["R" if kind == "AL" else kind for kind in made]
    for at in range(1, len(made) - 1):
        before, after = made[at - 1], made[at + 1]
        joins = made[at] == "CS" or (made[at] == "ES" and before == "EN")
        if joins and before == after and before in ("EN", "AN"):
            made[at] = before
    _with_numbers(made)
    last = strong
    for at, kind in enumerate(made):
        if kind in ("L", "R"):
            last = kind
        elif kind in ("ES", "ET", "CS"):
            made[at] = "ON"
        elif kind == "EN" and last == "L":
            made[at] = "L"
    return made


def _with_numbers(kinds: list[str]) -> None:
    """W5: signs beside a European number are part of it."""
    at = 0
    while at < len(kinds):
        if kinds[at] != "ET":
            at += 1
            continue
        end = at
        while end < len(kinds) and kinds[end] == "ET":
            end += 1
        if (at and kinds[at - 1] == "EN") or (end < len(kinds) and kinds[end] == "EN"):
            kinds[at:end] = ["EN"] * (end - at)
        at = end


def _neutral(kinds: list[str], base: int) -> list[str]:
    """N1 and N2: what stands between two of one direction is of it, other neutrals are of the line's."""
    made = list(kinds)
    own = "R" if base % 2 else "L"
    at = 0
    while at < len(made):
        if made[at] != "ON":
            at += 1
            continue
        end = at
        while end < len(made) and made[end] == "ON":
            end += 1
        before = own if at == 0 else "L" if made[at - 1] == "L" else "R"
        after = own if end == len(made) else "L" if made[end] == "L" else "R"
        made[at:end] = [before if before == after else own] * (end - at)
        at = end
    return made
