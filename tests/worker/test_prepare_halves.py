"""A page of one column in two halves, and everything that is left whole."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageDraw
from render_makers import Pixels, grainy, paper, text_page, write_block

from bocr_worker.prepare import chain, registry
from bocr_worker.prepare.base import Context, Piece
from bocr_worker.prepare.columns import STEP as COLUMNS

DPI = 100.0


def halved(image: Image.Image | Pixels, *before: str) -> tuple[Piece, ...] | None:
    pieces: tuple[Piece, ...] = (Piece(np.asarray(image, dtype=np.uint8)),)
    for name in before:
        pieces = chain.apply(registry.step_named(name), pieces, Context(DPI)) or pieces
    return chain.apply(registry.step_named("halves"), pieces, Context(DPI))


@pytest.mark.parametrize("seed", range(4))
def test_one_column_is_cut_between_two_lines_and_nothing_is_lost(seed: int) -> None:
    page = np.asarray(text_page(seed=seed))
    upper, lower = halved(page) or ()
    assert np.array_equal(np.vstack([upper.pixels, lower.pixels]), page)
    assert upper.pixels[-1].min() > 200 and lower.pixels[0].min() > 200, "no line is cut through"
    assert 0.25 < upper.height_px / page.shape[0] < 0.75
    _, top, _, bottom = upper.placement.box((0, 0, 1, 1))
    assert (top, bottom) == (0, pytest.approx(upper.height_px / page.shape[0]))
    assert lower.placement.box((0, 0, 1, 1))[1] == pytest.approx(bottom)


def test_the_cut_goes_between_paragraphs_where_it_can() -> None:
    page = paper()
    write_block(page, (70, 80, 760, 480), seed=1)
    write_block(page, (70, 540, 760, 1090), seed=2)
    upper, _ = halved(page) or ()
    assert 480 < upper.height_px < 545


def test_a_scan_and_a_page_askew_are_cut_too() -> None:
    assert len(halved(grainy(text_page(seed=3))) or ()) == 2
    askew = text_page(seed=3).rotate(2.0, Image.Resampling.BICUBIC, fillcolor=255)
    assert halved(askew, "deskew") is not None


def test_columns_that_were_parted_are_not_halved() -> None:
    page = paper()
    write_block(page, (70, 80, 400, 1090), seed=1)
    write_block(page, (430, 80, 760, 1090), seed=2)
    assert len(chain.apply(COLUMNS, (Piece(np.asarray(page)),), Context(DPI)) or ()) == 2
    assert halved(page, "columns") is None
    assert halved(page) is None, "nor are those that nobody parted: their halves would be out of order"


def test_a_table_a_few_lines_and_a_drawing_are_left_whole() -> None:
    table = paper()
    draw = ImageDraw.Draw(table)
    for x in (70, 300, 530, 760):
        draw.line((x, 80, x, 1090), fill=0, width=2)
    for y in range(80, 1091, 101):
        draw.line((70, y, 760, y), fill=0, width=2)
    assert halved(table) is None
    few = paper()
    write_block(few, (70, 80, 760, 300), seed=1)
    assert halved(few) is None
    assert halved(paper()) is None
    drawing = paper()
    ImageDraw.Draw(drawing).rectangle((100, 100, 700, 1000), fill=60)
    assert halved(drawing) is None
