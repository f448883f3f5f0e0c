"""Two readings of one page, word against word."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import NamedTuple

from bocr_tui.ui.rendered import Span
from bocr_tui.ui.text_layout import ReadLine

MOST_WORDS = 6_000
"""Of one reading: several full pages. Word against word takes a second or two there, and grows by the square;
longer readings are compared line by line."""

MOST_PIECES = 20_000
"""Beyond that nothing is compared: a runaway answer differs anyway."""

_WORD = re.compile(r"\S+")


class _Piece(NamedTuple):
    line: int
    start: int
    end: int
    text: str


@dataclass(frozen=True)
class Compared:
    """Both readings with what differs marked (`gone` at the left, `new` at the right).

    `across` says for each line of the left which line of the right stands beside it; `places` are the
    differences, as lines of both. `same` is the share of words that both have, None where nothing was
    compared.
    """

    left: tuple[ReadLine, ...]
    right: tuple[ReadLine, ...]
    across: tuple[int, ...]
    places: tuple[tuple[int, int], ...]
    same: float | None


def compare(left: str, right: str) -> Compared:
    """Pure, and slow for long readings: run in a thread."""
    lines = left.split("\n"), right.split("\n")
    pieces = [_pieces(each, words=True) for each in lines]
    if max(len(pieces[0]), len(pieces[1])) > MOST_WORDS:
        pieces = [_pieces(each, words=False) for each in lines]
    if max(len(pieces[0]), len(pieces[1])) > MOST_PIECES:
        across = tuple(min(at, len(lines[1]) - 1) for at in range(len(lines[0])))
        return Compared(_lines(lines[0], {}), _lines(lines[1], {}), across, (), None)
    return _matched(lines[0], lines[1], pieces[0], pieces[1])


def _matched(
    left: Sequence[str], right: Sequence[str], first: Sequence[_Piece], second: Sequence[_Piece]
) -> Compared:
    matcher = SequenceMatcher(None, [each.text for each in first], [each.text for each in second], False)
    gone: dict[int, list[Span]] = {}
    new: dict[int, list[Span]] = {}
    across = [-1] * len(left)
    places: list[tuple[int, int]] = []
    same = 0
    for kind, start, end, other, other_end in matcher.get_opcodes():
        if kind == "equal":
            same += end - start
            for step in range(end - start):
                line = first[start + step].line
                across[line] = second[other + step].line if across[line] < 0 else across[line]
            continue
        places.append((_line_at(first, start), _line_at(second, other)))
        _mark(gone, first[start:end], "gone")
        _mark(new, second[other:other_end], "new")
    longer = max(len(first), len(second))
    return Compared(
        _lines(left, gone),
        _lines(right, new),
        _filled(across, len(right)),
        tuple(dict.fromkeys(places)),
        same / longer if longer else 1.0,
    )


def _pieces(lines: Sequence[str], *, words: bool) -> list[_Piece]:
    if words:
        return [
            _Piece(number, found.start(), found.end(), found[0])
            for number, line in enumerate(lines)
            for found in _WORD.finditer(line)
        ]
    return [_Piece(number, 0, len(line), line.strip()) for number, line in enumerate(lines) if line.strip()]


def _line_at(pieces: Sequence[_Piece], at: int) -> int:
    if not pieces:
        return 0
    return pieces[min(at, len(pieces) - 1)].line


def _mark(marks: dict[int, list[Span]], pieces: Sequence[_Piece], look: str) -> None:
    """Words beside each other are one span, with the blanks between them."""
    for piece in pieces:
        spans = marks.setdefault(piece.line, [])
        if spans and pieces and spans[-1].end + 1 >= piece.start:
            spans[-1] = Span(spans[-1].start, piece.end, look)
        else:
            spans.append(Span(piece.start, piece.end, look))


def _lines(lines: Sequence[str], marks: dict[int, list[Span]]) -> tuple[ReadLine, ...]:
    return tuple(ReadLine(line, spans=tuple(marks.get(number, ()))) for number, line in enumerate(lines))


def _filled(across: Sequence[int], count: int) -> tuple[int, ...]:
    """Lines without a word in common stand beside what follows the line before them."""
    made: list[int] = []
    for line in across:
        made.append(line if line >= 0 else min(count - 1, made[-1] + 1 if made else 0))
    return tuple(made)
