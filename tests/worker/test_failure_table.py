"""Each way in which a page fails, put into a whole job: it ends in its class, with evidence, and costs no
more requests than its ladder has rungs. Every other page is read."""

from __future__ import annotations

import asyncio
import hashlib
import random
from dataclasses import dataclass, replace
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageDraw

from bocr_worker.ladder_models import AGAIN, PLAIN, WARMER
from bocr_worker.protocol.events import PageEvent
from bocr_worker.protocol.failures import FailureClass
from bocr_worker.protocol.manifest import EngineOrder, Manifest, PageOrder
from bocr_worker.render import pdf
from bocr_worker.render.page import RenderOrder
from bocr_worker.render.task import render_page
from tests.papers import text_image
from tests.worker.runs import exit_report, make_run, order_of, page_events, result_of
from tests.worker.stand_in import Settings, StandIn, server
from tests.worker.stand_in.answers import Answer, answer_for
from tests.worker.stand_in.faults import KINDS, FaultPlan
from tests.worker.vision_worker import start_vision_worker, vision_manifest

pytest.importorskip("aiohttp")

LADDER = (PLAIN, AGAIN, WARMER)
ERRORS = 2 * (8 + 2)
"""Of a server on one page: it is asked twice (engine_deaths), each time up to eight times over, or a little
oftener where several fail at a time until the server has shown that it is well."""

OK = None


@dataclass(frozen=True)
class Row:
    """What the model or its server does with this page, for ever; `requests` is the most that it may cost."""

    name: str
    failure: FailureClass | None
    requests: int = len(LADDER)
    ink: str = "text"


ROWS = (
    Row("well", OK, 1),
    Row("400", FailureClass.TRANSPORT, 1),
    Row("500", FailureClass.TRANSPORT, ERRORS),
    Row("503", FailureClass.TRANSPORT, ERRORS),
    Row("429", FailureClass.TRANSPORT, ERRORS),
    Row("reset", FailureClass.TRANSPORT, ERRORS),
    Row("hang", FailureClass.TIMEOUT),
    Row("truncated", FailureClass.TRUNCATED),
    Row("loop", FailureClass.REPETITION),
    Row("loop inside", FailureClass.REPETITION),
    Row("far too long", FailureClass.RUNAWAY),
    Row("invented", FailureClass.BLANK_TEXT, ink="a speck"),
    Row("nothing there", OK, 0, ink="nothing"),
    Row("empty", FailureClass.EMPTY),
    Row("markup", FailureClass.INVALID_MARKUP),
    Row("first line only", FailureClass.COVERAGE),
    Row("junk", FailureClass.CHARSET),
    Row("unsure", FailureClass.LOW_CONFIDENCE),
    Row("lying", FailureClass.ROTATION),
    Row("well again", OK, 1),
)
NOT_THERE = 99
"""A page that cannot be drawn: no request at all."""


class OneRowAPage(FaultPlan):
    """Knows pages by their image, whatever they are asked with."""

    def __init__(self, rows: dict[str, Row]) -> None:
        super().__init__()
        self.rows = rows

    def next(self, image: str, prompt: str, temperature: float) -> str:
        return self.rows[image].name


def paper(path: Path) -> Path:
    """One page for each row."""
    pages = []
    for number, row in enumerate(ROWS):
        page = text_image(
            [f"{number} Le present decret est publie au journal" for _ in range(26)], size_px=20
        )
        if row.ink != "text":
            page = Image.new("L", page.size, 255)
        if row.ink == "a speck":
            ImageDraw.Draw(page).rectangle((300, 300, 320, 320), fill=0)
        pages.append(page)
    pages[0].save(path, "PDF", save_all=True, append_images=pages[1:], resolution=60)
    return path


def images_of(path: Path, dpi: int, max_pixels: int, least_side_px: int) -> dict[str, Row]:
    """By the hash of what the server gets to see."""
    found = {}
    for number, row in enumerate(ROWS, 1):
        order = RenderOrder(str(path), "pdf", number, dpi, max_pixels, least_side_px=least_side_px)
        for image in render_page(order).images:
            found[hashlib.sha256(image.image.encoded).hexdigest()] = row
    pdf.forget()
    return found


# -- what the stand-in cannot say by itself ----------------------------------------------------------------

WORDS = ("le", "la", "des", "du", "pour", "par", "dans", "avec", "décret", "arrêté", "ministre", "prix")


def prose(characters: int, chance: random.Random) -> str:
    words: list[str] = []
    while sum(map(len, words)) + len(words) < characters:
        words.append(chance.choice(WORDS) + chance.choice("abcdefghij"))
    return " ".join(words)


def placed(markup: str, text: str, box: tuple[int, int, int, int] = (40, 30, 960, 970)) -> str:
    edges = ", ".join(map(str, box))
    if markup == "chandra":
        return f'<div data-label="Text" data-bbox="{edges}"><p>{text}</p></div>\n'
    return f"<|ref|>text<|/ref|><|det|>[[{edges}]]<|/det|>\n{text}\n"


def line(markup: str, text: str, box: tuple[int, int, int, int]) -> str:
    edges = ", ".join(map(str, box))
    if markup == "chandra":
        return f'<div data-label="Line" data-bbox="{edges}">{text}</div>\n'
    return f"<|ref|>{text}<|/ref|><|det|>[[{edges}]]<|/det|>\n"


def written(markup: str, row: str, chance: random.Random) -> str:
    if row == "loop inside":
        sentence = "Le ministre des finances est chargé de publier le présent décret au journal. "
        return placed(markup, prose(600, chance) + ". " + sentence * 6 + prose(900, chance))
    if row == "far too long":
        return "".join(placed(markup, prose(3000, chance)) for _ in range(10))
    if row == "first line only":
        return placed(markup, prose(40, chance), (40, 20, 960, 60))
    if row == "junk":
        return placed(markup, "".join(chance.choice("\ue000\ue001\ufffd\ue002 ") for _ in range(900)))
    if row == "lying":
        return "".join(
            line(markup, prose(60, chance), (50 + 90 * n, 40, 110 + 90 * n, 960)) for n in range(10)
        )
    return placed(markup, prose(1500, chance))


def say(key: str, tokens: int, markup: str, most: int, fault: str, logprobs: bool) -> Answer:
    if fault in KINDS:
        return answer_for(key, tokens, markup, most, fault, logprobs)
    text = written(markup, fault, random.Random(key))
    said = tuple(text[at : at + 4] for at in range(0, len(text), 4))
    value = -2.5 if fault == "unsure" else -0.02
    return Answer(said, "stop", tuple(value for _ in said) if logprobs else None)


# -- the table ---------------------------------------------------------------------------------------------


def engines() -> list[Any]:
    """DeepSeek's form through the tests' own engine, and Chandra where its package is."""
    try:
        two = metadata.version("chandra-ocr").startswith("0.2")
    except metadata.PackageNotFoundError:
        return ["standin"]
    return ["standin", "chandra" if two else "chandra-1"]


def order_for(engine: str, paper: Path, url: str) -> tuple[Manifest, dict[str, Row]]:
    order = order_of(paper, len(ROWS), language="fr", language_binding=True)
    order = replace(order, pages=(*order.pages, PageOrder(NOT_THERE)))
    manifest = vision_manifest(order, url=url, prompt="grounded", deadline_s=3.0)
    manifest = replace(
        manifest, ladder={**dict.fromkeys(FailureClass, LADDER), FailureClass.TRANSPORT: (PLAIN,)}
    )
    if engine == "standin":
        return manifest, images_of(paper, 144, 12_000_000, 0)
    from bocr_worker.engines.chandra import DPI, LEAST_SIDE_PX, MOST_PIXELS

    options = {name: value for name, value in manifest.engine.options.items() if name != "prompt"}
    asked = replace(manifest, engine=EngineOrder(engine, "openai", options=options))
    return asked, images_of(paper, DPI, MOST_PIXELS, LEAST_SIDE_PX)


@pytest.mark.parametrize("engine", engines())
async def test_every_row_ends_in_its_class_and_costs_no_more_than_its_ladder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, engine: str
) -> None:
    monkeypatch.setattr(server, "answer_for", say)
    source = paper(tmp_path / "a.pdf")
    markup = "deepseek" if engine == "standin" else "chandra"
    async with StandIn(Settings(markup=markup, tokens="300", slots=8, version="0.18.0")) as stand_in:
        manifest, rows = order_for(engine, source, stand_in.url)
        stand_in.faults = OneRowAPage(rows)
        run = make_run(tmp_path, manifest)
        worker = start_vision_worker(run)
        assert await asyncio.to_thread(worker.wait, 90) == 0
        # Where all fail that are left, a page that was read shows by one token whether the server is well.
        asked = [rows[seen.image].name for seen in stand_in.seen if seen.body["max_tokens"] > 1]
    events = page_events(run)
    ended = {event.page: event for event in events if event.status == "ok" or (event.last and event.failure)}
    table = {row.name: (ended[number].failure, row.failure) for number, row in enumerate(ROWS, 1)}
    assert {name: found for name, (found, _) in table.items()} == {
        name: wanted for name, (_, wanted) in table.items()
    }
    assert ended[NOT_THERE].failure is FailureClass.RENDER
    costs = {row.name: asked.count(row.name) for row in ROWS}
    assert {row.name: cost for row in ROWS if (cost := costs[row.name]) > row.requests} == {}
    for row in ROWS:
        if row.failure is not OK and row.failure is not FailureClass.TRANSPORT:
            assert costs[row.name] == len(LADDER), f"{row.name}: the whole ladder was tried"
    assert {row.failure for row in ROWS} | {FailureClass.RENDER, OK} == {*FailureClass, OK}
    report = exit_report(run)
    assert (report.outcome, report.left) == ("ok", 0)
    assert report.ok == sum(row.failure is OK for row in ROWS)
    for event in events:
        _check_is_told(run, event)


def _check_is_told(run: Path, event: PageEvent) -> None:
    """No failure without evidence; what was answered is kept, with its finish and its prompt."""
    if event.failure is not None:
        assert event.evidence
    if event.result is None or event.image.get("blank"):
        return
    recognition = result_of(run, event).recognition
    assert recognition.finish in ("stop", "length")
    assert event.provenance is not None and len(event.provenance.prompt_hash) == 16
    if recognition.raw:
        assert recognition.confidence.mean is not None and recognition.confidence.minimum is not None
        assert (event.confidence.mean, event.confidence.minimum) == (
            recognition.confidence.mean,
            recognition.confidence.minimum,
        )
    if event.failure is FailureClass.LOW_CONFIDENCE:
        stretches = recognition.extra["doubtful"]
        assert stretches and all(
            0 <= start < end <= len(recognition.raw or "") for start, end, _ in stretches
        )
