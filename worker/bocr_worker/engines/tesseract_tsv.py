"""Tesseract's TSV as lines of words.

Columns: level page_num block_num par_num line_num word_num left top width height conf text. Level 4 is a
line, level 5 a word with its confidence 0..100 (-1 for what is no word).
"""

from __future__ import annotations

from itertools import pairwise

from bocr_worker.engines.lines import ReadLine, ReadWord
from bocr_worker.reading import Box

_COLUMNS = 12
_LINE, _WORD = "4", "5"

_MARKS = dict.fromkeys(map(ord, "\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff"))
"""Direction marks. The text is in logical order already, and the marks break search and comparison; the
joiners U+200C and U+200D carry meaning in Persian and stay."""

_PART_GAP = 1.2
"""In line heights; words of justified text stand closer."""

_TALL = 1.5
_TALL_SHARE = 0.6


def parse_tsv(tsv: str) -> tuple[list[ReadLine], bool]:
    """The lines in Tesseract's order, and whether the page's text stands on its side (then that order is
    the only one that means anything). Lines that cannot be parsed are skipped."""
    boxes: dict[str, Box] = {}
    words: dict[str, list[ReadWord]] = {}
    for row in tsv.split("\n")[1:]:
        fields = row.rstrip("\r").split("\t", _COLUMNS - 1)
        if len(fields) < _COLUMNS or fields[0] not in (_LINE, _WORD):
            continue
        try:
            left, top, width, height = (float(field) for field in fields[6:10])
            confidence = float(fields[10])
        except ValueError:
            continue
        key = ".".join(fields[1:5])
        box = (left, top, left + width, top + height)
        if fields[0] == _LINE:
            boxes[key] = box
            continue
        text = fields[11].translate(_MARKS).strip()
        if text and confidence >= 0:
            words.setdefault(key, []).append(ReadWord(text, box, min(1.0, confidence / 100)))
    lines = [_line(boxes.get(key), found) for key, found in words.items()]
    if _on_its_side(lines):
        return lines, True
    return [part for line in lines for part in _parts(line)], False


def _line(box: Box | None, words: list[ReadWord]) -> ReadLine:
    around = (
        min(word.box[0] for word in words),
        min(word.box[1] for word in words),
        max(word.box[2] for word in words),
        max(word.box[3] for word in words),
    )
    whole = box or around
    characters = sum(len(word.text) for word in words)
    confidence = sum(word.confidence * len(word.text) for word in words) / characters
    return ReadLine(" ".join(word.text for word in words), whole, whole, confidence, tuple(words))


def _parts(line: ReadLine) -> list[ReadLine]:
    """The line cut where white parts its words: Tesseract reads across narrow gutters and table cells, and
    the reading order puts together again what belongs together."""
    wide = _PART_GAP * (line.box[3] - line.box[1])
    groups: list[list[ReadWord]] = [[line.words[0]]]
    for before, word in pairwise(line.words):
        if max(word.box[0] - before.box[2], before.box[0] - word.box[2]) > wide:
            groups.append([])
        groups[-1].append(word)
    return [line] if len(groups) == 1 else [_line(None, group) for group in groups]


def _on_its_side(lines: list[ReadLine]) -> bool:
    tall = total = 0
    for line in lines:
        x0, y0, x1, y1 = line.box
        total += len(line.text)
        tall += len(line.text) if y1 - y0 > _TALL * (x1 - x0) and len(line.text) > 3 else 0
    return tall > _TALL_SHARE * total
