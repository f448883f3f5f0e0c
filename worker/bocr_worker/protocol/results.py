"""One line of a results file: what was read on one page, by one attempt."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any

from bocr_worker.protocol.errors import ProtocolError
from bocr_worker.protocol.events import ResultPlace
from bocr_worker.protocol.fields import Fields
from bocr_worker.protocol.recognition import Block, Box, Confidence, Recognition, Usage, Word


@dataclass(frozen=True)
class PageResult:
    """A page's recognition with the page it belongs to. `accepted` is the verdict at the time of writing:
    the text of a failed attempt is kept too, so that a person can look at it and compare."""

    document: str
    page: int
    attempt: int
    accepted: bool
    recognition: Recognition


def encode_result(result: PageResult) -> bytes:
    """One JSON line, with its LF. Lone surrogates, which no font shows, become question marks."""
    seen = result.recognition
    record: dict[str, Any] = {
        "document": result.document,
        "page": result.page,
        "attempt": result.attempt,
        "accepted": result.accepted,
        "text": seen.text,
        "markdown": seen.markdown,
        "blocks": [_dump_block(block) for block in seen.blocks],
        "finish": seen.finish,
        "language": seen.language,
        "tokens": {"prompt": seen.usage.prompt_tokens, "completion": seen.usage.completion_tokens},
        "confidence": {"mean": seen.confidence.mean, "min": seen.confidence.minimum},
    }
    if seen.raw is not None:
        record["raw"] = seen.raw
    if seen.extra:
        record["extra"] = seen.extra
    text = json.dumps(record, ensure_ascii=False, separators=(",", ":"))
    return text.encode("utf-8", "replace") + b"\n"


def _dump_block(block: Block) -> dict[str, Any]:
    record: dict[str, Any] = {
        "text": block.text,
        "box": [round(edge, 5) for edge in block.box],
        "label": block.label,
    }
    if block.confidence is not None:
        record["confidence"] = round(block.confidence, 4)
    if block.words:
        record["words"] = [
            [word.text, *(round(edge, 5) for edge in word.box), word.confidence] for word in block.words
        ]
    return record


def decode_result(line: bytes, where: str, place: ResultPlace | None = None) -> PageResult:
    """Parse a result, with or without its LF; with `place`, its length and hash are checked first.

    Raises ProtocolError: a result that is not what the journal named is never shown as if it were.
    """
    if place is not None:
        if len(line) != place.length:
            raise ProtocolError(where, f"{len(line)} bytes where the journal says {place.length}")
        if hashlib.sha256(line).hexdigest() != place.sha256:
            raise ProtocolError(where, "bytes that do not hash to what the journal says")
    try:
        record = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise ProtocolError(where, f"is no JSON ({type(error).__name__})") from None
    fields = Fields(record, where)
    tokens = Fields(fields.mapping("tokens", {}), where)
    confidence = Fields(fields.mapping("confidence", {}), where)
    long = 64 * 1024 * 1024
    return PageResult(
        document=fields.text("document", max_length=64),
        page=fields.whole("page", least=1),
        attempt=fields.whole("attempt", least=1),
        accepted=fields.flag("accepted"),
        recognition=Recognition(
            text=fields.text("text", max_length=long),
            markdown=fields.text("markdown", max_length=long),
            blocks=tuple(_load_block(item, where) for item in fields.items("blocks", ())),
            raw=fields.text_or_none("raw", max_length=long),
            finish=fields.text("finish", "unknown", max_length=40),
            usage=Usage(tokens.whole_or_none("prompt"), tokens.whole_or_none("completion")),
            confidence=Confidence(confidence.number_or_none("mean"), confidence.number_or_none("min")),
            language=fields.text_or_none("language", max_length=16),
            extra=fields.mapping("extra", {}),
        ),
    )


def _load_block(item: Any, where: str) -> Block:
    fields = Fields(item, f"{where} block")
    return Block(
        text=fields.text("text", max_length=1 << 24),
        box=_load_box(fields.items("box"), where),
        label=fields.text("label", "line", max_length=80),
        confidence=fields.number_or_none("confidence"),
        words=tuple(_load_word(word, where) for word in fields.items("words", ())),
    )


def _load_word(item: Any, where: str) -> Word:
    if not isinstance(item, list) or len(item) != 6 or not isinstance(item[0], str):
        raise ProtocolError(where, "a word is no [text, x0, y0, x1, y1, confidence]")
    confidence = item[5]
    if confidence is not None and not isinstance(confidence, (int, float)):
        raise ProtocolError(where, "a word's confidence is no number")
    return Word(item[0], _load_box(tuple(item[1:5]), where), confidence)


def _load_box(edges: tuple[Any, ...], where: str) -> Box:
    if len(edges) != 4 or not all(isinstance(e, (int, float)) and abs(e) < 1e6 for e in edges):
        raise ProtocolError(where, "a box is no four numbers")
    return (float(edges[0]), float(edges[1]), float(edges[2]), float(edges[3]))
