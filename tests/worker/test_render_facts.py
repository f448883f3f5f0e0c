"""What is measured of a page before an engine is asked; above all, when a page is blank."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw, ImageFont
from render_makers import Pixels, grainy, paper, text_page, write_block

from bocr_worker.protocol.facts import GRID_COLUMNS, GRID_ROWS, ImageFacts
from bocr_worker.render.drawn import Drawn
from bocr_worker.render.facts import measure


def facts(image: Image.Image | Pixels, dpi: float = 100.0) -> ImageFacts:
    return measure(Drawn(np.asarray(image, dtype=np.uint8), dpi, False))


@pytest.mark.parametrize("level", [255, 254, 242, 131, 0])
def test_a_page_of_one_level_is_blank(level: int) -> None:
    found = facts(paper(level=level))
    assert found.blank
    assert found.nearly_blank
    assert found.ink == 0.0


@pytest.mark.parametrize("dpi", [72, 100, 150, 200, 300])
def test_a_page_with_only_its_number_is_not_blank(dpi: int) -> None:
    image = paper(round(8.27 * dpi), round(11.69 * dpi))
    font = ImageFont.load_default(round(9 * dpi / 72))
    ImageDraw.Draw(image).text((image.width // 2, round(11.2 * dpi)), "7", font=font, fill=0)
    found = facts(image, dpi)
    assert not found.blank
    assert found.nearly_blank


@pytest.mark.parametrize("dpi", [100, 150, 200, 300])
def test_a_page_with_one_hairline_is_not_blank(dpi: int) -> None:
    image = paper(round(8.27 * dpi), round(11.69 * dpi))
    ImageDraw.Draw(image).line((dpi, 2 * dpi, 3 * dpi, 2 * dpi), fill=200, width=1)
    assert not facts(image, dpi).blank


@settings(max_examples=40)
@given(
    x=st.integers(0, 780),
    y=st.integers(0, 1150),
    level=st.integers(0, 225),
    word=st.sampled_from(["de", "12", "—", "Art.", "ل", "ii"]),
    grain=st.sampled_from([0.0, 1.5, 2.5]),
)
def test_a_short_word_anywhere_is_never_lost(x: int, y: int, level: int, word: str, grain: float) -> None:
    image = paper()
    ImageDraw.Draw(image).text((x, y), word, font=ImageFont.load_default(13), fill=level)
    page = grainy(image, level=1.0, grain=grain) if grain else np.asarray(image)
    assert not facts(page).blank


def test_a_scanners_few_specks_do_not_make_a_blank_page_inked() -> None:
    page = grainy(paper(1240, 1754), level=0.93, grain=2.0)
    rng = np.random.default_rng(3)
    for _ in range(8):
        y, x = int(rng.integers(5, 1740)), int(rng.integers(5, 1230))
        page[y : y + 2, x : x + 2] = 90
    assert facts(page, 150).blank


def test_many_specks_are_not_waved_through() -> None:
    page = np.full((1754, 1240), 255, np.uint8)
    rng = np.random.default_rng(3)
    for _ in range(60):
        y, x = int(rng.integers(5, 1740)), int(rng.integers(5, 1230))
        page[y : y + 2, x : x + 2] = 0
    assert not facts(page, 150).blank


def test_faint_writing_on_rough_paper_is_not_called_blank() -> None:
    image = paper(level=215)
    write_block(image, (80, 500, 700, 530), level=190)
    assert not facts(grainy(image, level=1.0, grain=6.0)).blank


def test_a_page_of_text_is_neither_blank_nor_nearly() -> None:
    found = facts(text_page())
    assert not found.blank
    assert not found.nearly_blank
    assert 0.03 < found.ink < 0.3
    assert not found.inverted
    assert not found.scan


def test_the_grid_shows_where_the_ink_lies() -> None:
    image = paper()
    ImageDraw.Draw(image).rectangle((0, 0, 413, 584), fill=0)
    grid = np.frombuffer(facts(image).grid, np.uint8).reshape(GRID_ROWS, GRID_COLUMNS)
    assert grid[: GRID_ROWS // 2 - 1, : GRID_COLUMNS // 2 - 1].min() == 255
    assert grid[GRID_ROWS // 2 + 1 :].max() == 0
    assert grid[:, GRID_COLUMNS // 2 + 1 :].max() == 0


def test_light_on_dark_is_inverted_and_its_ink_is_the_light() -> None:
    page = 255 - np.asarray(text_page())
    found, plain = facts(page), facts(text_page())
    assert found.inverted
    assert found.ink == pytest.approx(plain.ink, rel=0.05)


def test_a_page_lying_on_a_dark_table_is_not_inverted() -> None:
    table = paper(level=15)
    table.paste(text_page(500, 700), (160, 200))
    assert not facts(table).inverted


def test_a_scan_is_told_from_a_clean_page() -> None:
    assert facts(grainy(text_page())).scan
    assert not facts(text_page()).scan


@settings(max_examples=25)
@given(st.integers(1, 60), st.integers(1, 60), st.integers(0, 2**32 - 1))
def test_any_tiny_image_can_be_measured(width: int, height: int, seed: int) -> None:
    page = np.random.default_rng(seed).integers(0, 256, (height, width), dtype=np.uint8)
    found = facts(page)
    assert len(found.grid) == GRID_ROWS * GRID_COLUMNS
    assert 0 <= found.ink <= 1
    assert 0 <= found.bright <= 1


def test_deviation_and_bright_are_those_of_the_levels() -> None:
    page = np.zeros((400, 400), np.uint8)
    page[:, 200:] = 255
    found = facts(page)
    assert found.bright == pytest.approx(0.5, abs=0.01)
    assert found.deviation == pytest.approx(127.5, abs=0.5)
