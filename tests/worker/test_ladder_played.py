"""A model's whole ladder, rung by rung, as a job's last stage plays it against a server."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from render_makers import paper, write_block

from bocr_worker.ladder_models import AGAIN, COLUMNS, FINE, INVERT, PLAIN, TURNED_OVER, WARMER, model_ladder
from bocr_worker.protocol.events import PageEvent
from bocr_worker.protocol.failures import FailureClass
from bocr_worker.protocol.manifest import Variation
from tests.worker.runs import exit_report, make_run, order_of, page_events
from tests.worker.stand_in import Settings, StandIn
from tests.worker.stand_in.faults import FaultPlan
from tests.worker.stand_in.server import Seen
from tests.worker.vision_worker import start_vision_worker, vision_manifest

pytest.importorskip("aiohttp")

OTHER_PROMPT = Variation("prompt-plain", options={"prompt": "plain"})
LADDER = model_ladder("deepseek-ocr", ("grounded", "plain"))
"""That of the engine whose other prompt comes first, for the tests' own engine, which has two as well."""

PLAYED = [
    ("loop", FailureClass.REPETITION, (PLAIN, OTHER_PROMPT, AGAIN, WARMER, COLUMNS)),
    ("truncated", FailureClass.TRUNCATED, (PLAIN, OTHER_PROMPT, COLUMNS, AGAIN)),
    ("empty", FailureClass.EMPTY, (PLAIN, OTHER_PROMPT, AGAIN, FINE, INVERT, TURNED_OVER)),
]


class Always(FaultPlan):
    """One fault, unless `reads` says of a question's image and prompt that it is answered well."""

    def __init__(self, fault: str, reads: Callable[[str, str], bool] = lambda image, prompt: False) -> None:
        super().__init__()
        self._fault = fault
        self._reads = reads

    def next(self, image: str, prompt: str, temperature: float) -> str:
        return "" if self._reads(image, prompt) else self._fault


def two_columns(path: Path) -> Path:
    page = paper()
    write_block(page, (80, 80, 390, 1090), seed=1)
    write_block(page, (440, 80, 750, 1090), seed=2)
    page.save(path, "PDF", resolution=100)
    return path


async def played(
    tmp_path: Path, faults: FaultPlan, source: Path | None = None
) -> tuple[list[PageEvent], list[Seen]]:
    """The page's attempts, and what the server was asked."""
    source = source or two_columns(tmp_path / "a.pdf")
    async with StandIn(Settings(markup="deepseek", tokens="300", slots=4), faults) as stand_in:
        manifest = vision_manifest(order_of(source, 1), url=stand_in.url, prompt="grounded")
        run = make_run(tmp_path, replace(manifest, ladder=dict(LADDER)))
        worker = start_vision_worker(run)
        assert await asyncio.to_thread(worker.wait, 60) == 0
    assert exit_report(run).left == 0
    return [event for event in page_events(run) if event.status != "started"], stand_in.seen


@pytest.mark.parametrize(("fault", "failure", "ladder"), PLAYED, ids=[name for name, *_ in PLAYED])
async def test_every_rung_is_played_once_and_in_order_until_the_page_has_given_up(
    tmp_path: Path, fault: str, failure: FailureClass, ladder: tuple[Variation, ...]
) -> None:
    assert LADDER[failure] == ladder
    events, seen = await played(tmp_path, Always(fault))
    assert [event.variation for event in events] == [rung.name for rung in ladder]
    assert [event.last for event in events] == [False] * (len(ladder) - 1) + [True]
    assert {event.failure for event in events} == {failure}
    by_name = dict(zip((rung.name for rung in ladder), events))  # noqa: B905 - Python 3.10
    plain = by_name["plain"].image
    if FINE in ladder:
        assert by_name["fine"].image["width_px"] > 1.5 * plain["width_px"]
        assert len(seen) == len(ladder) - (INVERT in ladder), "a page that is dark on light is not inverted"
    if INVERT in ladder:
        assert (
            "not asked again: nothing on this page is changed by invert"
            in by_name["invert"].evidence["cause"]
        )
    if COLUMNS in ladder:
        assert len({each.image for each in seen}) == 3, "the page, and each of its columns"
    prompts = [each.prompt for each in seen]
    assert prompts[0] != prompts[1], "the other prompt comes before anything else"
    temperatures = {each.body.get("temperature", 0.0) for each in seen}
    assert len(temperatures) == 1 + sum("retry" in rung.options for rung in ladder)


async def test_a_page_of_one_column_that_is_too_long_is_read_in_two_halves(tmp_path: Path) -> None:
    page = paper()
    write_block(page, (80, 80, 750, 1090), seed=1)
    page.save(tmp_path / "a.pdf", "PDF", resolution=100)
    whole: list[str] = []

    def is_a_half(image: str, prompt: str) -> bool:
        if not whole:
            whole.append(image)
        return image not in whole

    events, seen = await played(tmp_path, Always("truncated", is_a_half), tmp_path / "a.pdf")
    assert (events[-1].variation, events[-1].status) == ("columns", "ok")
    assert events[-1].image["prepared"] == ["halves"]
    assert len({each.image for each in seen} - set(whole)) == 2


async def test_a_page_that_only_its_columns_can_be_read_of_is_read_by_them(tmp_path: Path) -> None:
    whole: list[str] = []

    def is_a_column(image: str, prompt: str) -> bool:
        if not whole:
            whole.append(image)
        return image not in whole

    events, seen = await played(tmp_path, Always("loop", is_a_column))
    assert (events[-1].variation, events[-1].status) == ("columns", "ok")
    assert len({each.image for each in seen} - set(whole)) == 2
