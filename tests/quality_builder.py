"""Cases for the verdicts: readings of real pages from files, and small ones made to measure."""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bocr_worker.protocol.facts import GRID_COLUMNS, GRID_ROWS, ImageFacts
from bocr_worker.protocol.recognition import Block, Confidence, Recognition, Word
from bocr_worker.quality.confidence import summarise
from bocr_worker.quality.verdict import Case, PageContext

DATA = Path(__file__).resolve().parent / "worker" / "data"


@dataclass(frozen=True)
class Reading:
    """One real page as one engine read it."""

    page: str
    engine: str
    language: str
    facts: ImageFacts
    recognition: Recognition

    def case(self, *languages: str, **context: Any) -> Case:
        return Case(self.facts, self.recognition, PageContext(self.engine, languages, **context))

    @property
    def chars_per_ink(self) -> float:
        return len(self.recognition.text) / self.facts.ink

    def without(self, keep: Any) -> Recognition:
        """What is left of the reading when only the blocks are kept whose box satisfies `keep`."""
        blocks = tuple(block for block in self.recognition.blocks if keep(block.box))
        text = "\n".join(block.text for block in blocks)
        return Recognition(text, text, blocks, confidence=self.recognition.confidence)


def readings(name: str) -> Iterator[Reading]:
    """Every reading of `data/<name>.jsonl`."""
    with (DATA / f"{name}.jsonl").open(encoding="utf-8") as stream:
        for line in stream:
            yield _reading(json.loads(line))


def _reading(record: dict[str, Any]) -> Reading:
    grid = zlib.decompress(base64.b85decode(record["grid"]))
    blocks = tuple(_block(line) for line in record["lines"])
    text = "\n".join(block.text for block in blocks)
    if "confidence" in record:
        confidence = Confidence(*record["confidence"])
    else:
        confidence = summarise((block.confidence, len(block.text)) for block in blocks)
    return Reading(
        page=record["page"],
        engine=record["engine"],
        language=record["language"],
        facts=ImageFacts(**record["facts"], grid=grid),
        recognition=Recognition(text, text, blocks, confidence=confidence, language=record["language"]),
    )


def _block(line: list[Any]) -> Block:
    words = tuple(Word(word[0], _box(word[1:5]), word[5]) for word in (line[6] if len(line) > 6 else ()))
    return Block(line[0], _box(line[1:5]), "line", line[5], words)


def _box(edges: list[int]) -> tuple[float, float, float, float]:
    x0, y0, x1, y1 = (edge / 10_000 for edge in edges)
    return (x0, y0, x1, y1)


def page_facts(ink_rows: range = range(4, 44), level: int = 40, **changes: Any) -> ImageFacts:
    """An A4 page at 150 dpi whose rows of cells in `ink_rows` hold text from margin to margin."""
    row = bytes([0, 0, 0] + [level] * (GRID_COLUMNS - 6) + [0, 0, 0])
    grid = b"".join(row if place in ink_rows else bytes(GRID_COLUMNS) for place in range(GRID_ROWS))
    values: dict[str, Any] = {
        "width_px": 1240,
        "height_px": 1754,
        "dpi": 150.0,
        "ink": round(sum(grid) / 255 / len(grid), 4),
        "bright": 0.9,
        "deviation": 45.0,
        "blank": False,
        "nearly_blank": False,
        "grid": grid,
    }
    return ImageFacts(**{**values, **changes})


EMPTY_GRID = bytes(GRID_ROWS * GRID_COLUMNS)


def blank_facts(*, blank: bool = True, **changes: Any) -> ImageFacts:
    """A page with nothing on it, or (`blank` False) with next to nothing."""
    values: dict[str, Any] = {"ink": 0.0 if blank else 0.001, "bright": 0.999, "deviation": 1.0}
    return page_facts(range(0), **{**values, "blank": blank, "nearly_blank": True, **changes})


SENTENCES = (
    "Le présent décret sera publié au Bulletin officiel du Royaume et entrera en vigueur ce jour.",
    "Vu la loi organique relative aux finances, telle qu'elle a été modifiée et complétée depuis,",
    "Après délibération en Conseil du gouvernement, réuni le douze du mois de chaabane dernier,",
    "Sur proposition du ministre de l'intérieur et du ministre chargé de l'économie nationale,",
    "Les dispositions contraires au présent texte sont abrogées à compter de sa publication ici.",
)


def read_lines(lines: list[str], top: float = 0.09, pitch: float = 0.0208, **changes: Any) -> Recognition:
    """Lines from margin to margin, one beneath the other, as a line engine gives them."""
    blocks = tuple(
        Block(line, (0.09, top + place * pitch, 0.91, top + place * pitch + 0.014), "line", 0.97)
        for place, line in enumerate(lines)
    )
    text = "\n".join(lines)
    return Recognition(text, text, blocks, **{"confidence": Confidence(0.97, 0.9), **changes})


def good_page(lines: int = 40) -> Recognition:
    """A full page of French, no line like the one before."""
    return read_lines([f"{place}. {SENTENCES[place % len(SENTENCES)]}" for place in range(lines)])


def written(text: str, **changes: Any) -> Recognition:
    """What a model without boxes wrote."""
    return Recognition(text, text, **changes)


def french(recognition: Recognition, facts: ImageFacts | None = None, **context: Any) -> Case:
    return Case(facts or page_facts(), recognition, PageContext("any", ("fr",), **context))
