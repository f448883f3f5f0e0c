"""How a text's end repeats itself, found without comparing more than its end."""

from __future__ import annotations

from dataclasses import dataclass

LONGEST_UNIT = 250
LONG_UNIT_TIMES = 4
_PROBE = 64


@dataclass(frozen=True)
class Tail:
    """The shortest `unit` that the text ends in `times` times over; `least_times` is the rule's number for
    a unit of its length: from there on it is a loop."""

    unit: str
    times: int
    least_times: int


def least_times(length: int) -> int:
    """From how many times on a tail of this length is a loop: more than int(4 * (1 + 3 / length))."""
    return int(4 * (1 + 3 / length)) + 1


_LEAST = tuple(least_times(length) for length in range(1, LONGEST_UNIT + 1))
_REACH = max(length * times for length, times in enumerate(_LEAST, 1))


def repeated_tail(text: str) -> Tail | None:
    """The loop the text ends in, or None. Looks at the last 1,250 characters for units of up to 250, and
    for longer ones at where the last 64 characters stood before."""
    end = text[-_REACH:]
    for length, times in enumerate(_LEAST, 1):
        span = length * times
        if span > len(end):
            continue
        if end[-1] == end[-1 - length] and end[length - span :] == end[-span:-length]:
            return Tail(text[-length:], _periodic_length(text, length) // length, times)
    return _long_tail(text)


def _long_tail(text: str) -> Tail | None:
    if len(text) < LONG_UNIT_TIMES * LONGEST_UNIT:
        return None
    before = text.rfind(text[-_PROBE:], 0, len(text) - 1)
    length = len(text) - _PROBE - before
    if before < 0 or length <= LONGEST_UNIT:
        return None
    times = _periodic_length(text, length) // length
    return Tail(text[-length:], times, LONG_UNIT_TIMES) if times >= LONG_UNIT_TIMES else None


def _periodic_length(text: str, length: int) -> int:
    """How many characters at the end repeat with this period: a suffix of a periodic suffix is periodic,
    so the longest is found by halving."""
    low, high = length, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        if text[len(text) - middle + length :] == text[len(text) - middle : len(text) - length]:
            low = middle
        else:
            high = middle - 1
    return low
