"""DeepSeek-OCR's grounded answers: text with the places that it was read from.

    <|ref|>title<|/ref|><|det|>[[120, 40, 880, 92]]<|/det|>
    # Journal officiel

Coordinates are 0..999 of the image. Asked to "OCR this image", the model puts a line's text in place of the
label and writes nothing after it. No answer is trusted: lengths are bounded, lists are read as literals.
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass, replace

from bocr_worker.engines.vision.base import Answer, Parsed
from bocr_worker.engines.vision.plain import plain_text
from bocr_worker.protocol.recognition import Block, Box, Recognition

COORDINATES = 999
"""The model's grid: its last column and row (github.com/deepseek-ai/DeepSeek-OCR, run_dpsk_ocr_pdf.py)."""

MARKUP = re.compile(r"<\|ref\|>[a-z_]{1,40}<\|/ref\|>|<\|det\|>[^<]{0,2000}<\|/det\|>|<\|/?(?:ref|det)\|>")
"""What is no text of the page. A line's own text in place of a label is."""

_REF, _REF_END, _DET, _DET_END = "<|ref|>", "<|/ref|>", "<|det|>", "<|/det|>"
_END_OF_SENTENCE = "<｜end▁of▁sentence｜>"
_LONGEST_REF = 4000
_LONGEST_DET = 2000
_MOST_BLOCKS = 3000
_MOST_BOXES = 50
_LITERAL = re.compile(r"[\s\d\[\],.\-]+", re.ASCII)
_LABEL = re.compile(r"[a-z][a-z_]{0,39}")

LABELS = frozenset(
    [
        "title",
        "sub_title",
        "text",
        "image",
        "figure",
        "image_caption",
        "figure_caption",
        "table",
        "table_caption",
        "table_footnote",
        "formula",
        "equation",
        "formula_caption",
        "header",
        "footer",
        "page_number",
        "footnote",
        "list",
        "code",
        "reference",
        "chart",
        "seal",
        "aside_text",
        "abstract",
    ]
)
"""What stands in a `ref` when it is no text. A word of the page that is one of these, alone on its line and
with nothing after it, is lost: the model's own markup does not tell them apart."""


class BadMarkup(ValueError):
    """What cannot be read, in words for the evidence."""


@dataclass(frozen=True)
class _Piece:
    """One grounded piece: `start` and `end` are where its text stands in the answer."""

    ref: str
    ref_start: int
    boxes: tuple[Box, ...]
    start: int
    end: int


def parse_grounding(answer: Answer) -> Parsed:
    """Blocks with boxes as fractions of the image. Never raises."""
    text = _without_end(answer.text)
    try:
        first, pieces = _pieces(text, cut=answer.finish != "stop")
        problem = None if pieces or not text.strip() else "no text with a place: the answer is not grounded"
    except BadMarkup as error:
        first, pieces, problem = len(text), (), str(error)
    blocks: list[Block] = []
    spans: list[tuple[int, int]] = []
    parts = [text[:first].strip()]
    for piece in pieces:
        block, span = _block(text, piece)
        blocks.append(block)
        spans.append(span)
        parts.append(block.text)
    markdown = "\n\n".join(part for part in parts if part)
    recognition = Recognition(
        text=plain_text(markdown),
        markdown=markdown,
        blocks=tuple(blocks),
        raw=answer.text,
        finish=answer.finish,
        markup_problem=problem,
    )
    return Parsed(recognition, tuple(spans))


def ended(answer: Answer) -> Answer:
    """An answer of which nobody said how it ended, judged by its own mark: without it, it was cut off."""
    if answer.finish != "unknown":
        return answer
    whole = answer.text.rstrip().endswith(_END_OF_SENTENCE)
    return replace(answer, finish="stop" if whole else "length")


def _without_end(text: str) -> str:
    """Stripped on the right; positions from the left stay what they were."""
    return text.rstrip().removesuffix(_END_OF_SENTENCE).rstrip()


def _pieces(text: str, cut: bool) -> tuple[int, tuple[_Piece, ...]]:
    """Where the first piece begins, and the pieces. `cut`: the answer ends before its time, so that the last
    piece may be in pieces itself. Raises BadMarkup."""
    pieces: list[_Piece] = []
    first = at = _place(text, _REF, 0)
    while at < len(text):
        if len(pieces) >= _MOST_BLOCKS:
            raise BadMarkup(f"more than {_MOST_BLOCKS} pieces")
        ref_start = at + len(_REF)
        ref_end = text.find(_REF_END, ref_start, ref_start + _LONGEST_REF)
        det = ref_end + len(_REF_END)
        det_start = det + len(_DET)
        det_end = text.find(_DET_END, det_start, det_start + _LONGEST_DET)
        if ref_end < 0 or not text.startswith(_DET, det) or det_end < 0:
            if cut and text.find(_REF, ref_start) < 0 and len(text) - at < _LONGEST_REF + _LONGEST_DET:
                break
            raise BadMarkup(f"a piece without a place: {text[at : at + 60]}")
        boxes = read_boxes(text[det_start:det_end])
        start = det_end + len(_DET_END)
        at = _place(text, _REF, start)
        pieces.append(_Piece(text[ref_start:ref_end], ref_start, boxes, start, at))
    return first, tuple(pieces)


def _place(text: str, mark: str, start: int) -> int:
    found = text.find(mark, start)
    return len(text) if found < 0 else found


def _block(text: str, piece: _Piece) -> tuple[Block, tuple[int, int]]:
    after = text[piece.start : piece.end]
    said, ref = after.strip(), piece.ref.strip()
    box = _around(piece.boxes)
    start = piece.start + len(after) - len(after.lstrip())
    if ref in LABELS or (said and _LABEL.fullmatch(ref)):
        return Block(said, box, ref.replace("_", "-")), (start, start + len(said))
    line = piece.ref_start + len(piece.ref) - len(piece.ref.lstrip())
    if said:
        return Block(f"{ref}\n{said}", box, "text"), (line, start + len(said))
    return Block(ref, box, "line"), (line, line + len(ref))


def read_boxes(literal: str) -> tuple[Box, ...]:
    """`[[x1, y1, x2, y2], …]`, or one box without the outer list, as fractions. Raises BadMarkup for
    anything else: nothing is evaluated."""
    shown = literal.strip()[:60]
    if len(literal) > _LONGEST_DET or not _LITERAL.fullmatch(literal):
        raise BadMarkup(f"a place that is no list of numbers: {shown}")
    try:
        value = ast.literal_eval(literal.strip())
    except (ValueError, SyntaxError, MemoryError, RecursionError, TypeError):
        raise BadMarkup(f"a place that cannot be read: {shown}") from None
    if isinstance(value, list) and len(value) == 4 and not any(isinstance(edge, list) for edge in value):
        value = [value]
    if not isinstance(value, list) or not 1 <= len(value) <= _MOST_BOXES:
        raise BadMarkup(f"a place that is no list of boxes: {shown}")
    return tuple(_box(edges, shown) for edges in value)


def _box(edges: object, shown: str) -> Box:
    if not isinstance(edges, list) or len(edges) != 4:
        raise BadMarkup(f"a box that is no four numbers: {shown}")
    if not all(isinstance(edge, (int, float)) and 0 <= edge <= COORDINATES + 1 for edge in edges):
        raise BadMarkup(f"a box outside the image: {shown}")
    x0, y0, x1, y1 = (min(1.0, edge / COORDINATES) for edge in edges)
    if not (x1 > x0 and y1 > y0):
        raise BadMarkup(f"a box that ends before it starts: {shown}")
    return (round(x0, 5), round(y0, 5), round(x1, 5), round(y1, 5))


def _around(boxes: tuple[Box, ...]) -> Box:
    return (
        min(box[0] for box in boxes),
        min(box[1] for box in boxes),
        max(box[2] for box in boxes),
        max(box[3] for box in boxes),
    )
