"""Turning, levelling, inverting, evening out; and where on the page the result lies."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from render_makers import Pixels, grainy, paper, text_page, write_block

from bocr_worker.prepare import chain, registry
from bocr_worker.prepare.base import Context, Piece
from bocr_worker.prepare.deskew import find_skew, levelled
from bocr_worker.prepare.upright import lying_ratio
from bocr_worker.protocol.recognition import Box
from bocr_worker.render.page import Placement

DPI = 100.0
CONTEXT = Context(DPI)
TURNS = ("rotate-90", "rotate-180", "rotate-270")


def apply(name: str, pixels: Pixels, context: Context = CONTEXT) -> tuple[Piece, ...] | None:
    return chain.apply(registry.step_named(name), (Piece(pixels),), context)


def ink_box(pixels: Pixels) -> Box:
    rows, columns = np.nonzero(pixels < 128)
    height, width = pixels.shape
    return (
        columns.min() / width,
        rows.min() / height,
        (columns.max() + 1) / width,
        (rows.max() + 1) / height,
    )


def skewed(page: Image.Image, degrees: float, level: int = 255) -> Pixels:
    """Lines falling to the right by so many degrees."""
    return np.asarray(page.rotate(-degrees, Image.Resampling.BICUBIC, fillcolor=level))


def test_every_step_is_found_by_its_file_and_says_what_it_does() -> None:
    steps = registry.all_steps()
    assert set(steps) == {"columns", "deskew", "halves", "illumination", "invert", "upright", *TURNS}
    assert all(step.title for step in steps.values())
    with pytest.raises(registry.UnknownPreparation, match="columns, deskew"):
        registry.step_named("nothing")


@settings(max_examples=60)
@given(
    name=st.sampled_from(TURNS),
    left=st.integers(0, 180),
    top=st.integers(0, 280),
    width=st.integers(5, 19),
    height=st.integers(5, 19),
)
def test_a_box_on_a_turned_page_maps_back_to_its_ink(
    name: str, left: int, top: int, width: int, height: int
) -> None:
    pixels = np.full((300, 200), 255, np.uint8)
    pixels[top : top + height, left : left + width] = 0
    (piece,) = apply(name, pixels) or ()
    assert piece.placement.box(ink_box(piece.pixels)) == pytest.approx(ink_box(pixels), abs=1e-9)


def test_a_quarter_turn_is_clockwise() -> None:
    pixels = np.full((300, 200), 255, np.uint8)
    pixels[:50, :50] = 0
    (piece,) = apply("rotate-90", pixels) or ()
    assert piece.pixels.shape == (200, 300)
    assert piece.pixels[10, -10] == 0


@settings(max_examples=40)
@given(
    degrees=st.floats(-5, 5),
    left=st.integers(0, 360),
    top=st.integers(0, 560),
    side=st.integers(8, 39),
)
def test_a_box_on_a_levelled_page_maps_back_around_its_ink(
    degrees: float, left: int, top: int, side: int
) -> None:
    pixels = np.full((600, 400), 255, np.uint8)
    pixels[top : top + side, left : left + side] = 0
    piece = levelled(Piece(pixels), degrees, 255)
    found = piece.placement.box(ink_box(piece.pixels))
    original = ink_box(pixels)
    # Upright boxes of turned boxes grow: by the sine of the angle on each side, twice, and a pixel.
    slack_px = 2 * side * math.sin(math.radians(abs(degrees))) + 2
    for index, length in enumerate((400, 600, 400, 600)):
        assert abs(found[index] - original[index]) * length <= slack_px
    assert (found[0] + found[2]) / 2 == pytest.approx((original[0] + original[2]) / 2, abs=0.006)
    assert (found[1] + found[3]) / 2 == pytest.approx((original[1] + original[3]) / 2, abs=0.006)


placements = st.builds(
    Placement, **{name: st.floats(-2, 2, allow_nan=False) for name in ("a", "b", "c", "d", "e", "f")}
)


@given(outer=placements, inner=placements, x=st.floats(0, 1), y=st.floats(0, 1))
def test_one_map_after_another_is_the_two_in_turn(
    outer: Placement, inner: Placement, x: float, y: float
) -> None:
    def at(placement: Placement, x: float, y: float) -> tuple[float, float]:
        return (
            placement.a * x + placement.b * y + placement.c,
            placement.d * x + placement.e * y + placement.f,
        )

    assert at(outer.after(inner), x, y) == pytest.approx(at(outer, *at(inner, x, y)), abs=1e-9)


@settings(max_examples=30)
@given(
    steps=st.lists(st.sampled_from(TURNS), min_size=1, max_size=4),
    left=st.integers(0, 160),
    top=st.integers(0, 260),
)
def test_several_turns_together_still_map_back(steps: list[str], left: int, top: int) -> None:
    pixels = np.full((300, 200), 255, np.uint8)
    pixels[top : top + 30, left : left + 20] = 0
    pieces: tuple[Piece, ...] = (Piece(pixels),)
    for name in steps:
        pieces = chain.apply(registry.step_named(name), pieces, CONTEXT) or pieces
    assert pieces[0].placement.box(ink_box(pieces[0].pixels)) == pytest.approx(ink_box(pixels), abs=1e-9)


@pytest.mark.parametrize("degrees", [-4.5, -2.0, -0.6, 0.4, 1.3, 3.7])
@pytest.mark.parametrize("scanned", [False, True])
def test_the_skew_of_a_page_is_found(degrees: float, scanned: bool) -> None:
    page = skewed(text_page(), degrees)
    pixels = grainy(Image.fromarray(page)) if scanned else page
    assert find_skew(Piece(pixels), DPI) == pytest.approx(degrees, abs=0.1)
    (piece,) = apply("deskew", pixels) or ()
    assert abs(find_skew(piece, DPI)) < 0.1


@pytest.mark.parametrize("page", [paper(), paper(level=120)])
def test_a_page_without_lines_is_not_turned(page: Image.Image) -> None:
    assert apply("deskew", np.asarray(page)) is None
    assert apply("upright", np.asarray(page)) is None
    assert apply("columns", np.asarray(page)) is None
    assert apply("invert", np.asarray(page)) is None


def test_a_level_page_is_left_as_it_is() -> None:
    assert apply("deskew", np.asarray(text_page())) is None
    assert apply("upright", np.asarray(text_page())) is None


def test_a_picture_is_not_levelled() -> None:
    rng = np.random.default_rng(1)
    coarse = Image.fromarray(rng.integers(0, 256, (40, 30), dtype=np.uint8))
    assert apply("deskew", np.asarray(coarse.resize((827, 1170), Image.Resampling.BICUBIC))) is None


@pytest.mark.parametrize("size_px", [13, 18])
@pytest.mark.parametrize("name", ["rotate-90", "rotate-270"])
def test_a_page_on_its_side_is_stood_up(size_px: int, name: str) -> None:
    (lying,) = apply(name, np.asarray(text_page(size_px=size_px))) or ()
    assert lying_ratio(lying, DPI) > 1.6
    (stood,) = apply("upright", lying.pixels) or ()
    assert stood.pixels.shape == (1170, 827)


def test_a_light_on_dark_page_is_inverted_and_others_are_not() -> None:
    page = np.asarray(text_page())
    (piece,) = apply("invert", 255 - page) or ()
    assert np.array_equal(piece.pixels, page)
    assert apply("invert", page) is None


def test_uneven_paper_becomes_white_and_ink_stays_dark() -> None:
    page = np.asarray(text_page(size_px=18))
    shade = np.linspace(0.45, 0.9, page.shape[1])[None, :]
    shaded = (page * shade + 20).astype(np.uint8)
    (piece,) = apply("illumination", shaded) or ()
    was_paper, was_ink = page == 255, page < 20
    assert np.quantile(piece.pixels[was_paper], 0.05) > 215
    assert np.quantile(piece.pixels[was_ink], 0.9) < 110


def test_faded_ink_becomes_dark() -> None:
    faded = paper(level=225)
    write_block(faded, (80, 80, 740, 1090), level=150)
    (piece,) = apply("illumination", np.asarray(faded)) or ()
    assert np.quantile(piece.pixels, 0.02) < 30
    assert np.median(piece.pixels) > 250


def test_a_clean_page_is_not_illuminated() -> None:
    assert apply("illumination", np.asarray(text_page())) is None


@settings(max_examples=25)
@given(
    name=st.sampled_from(sorted(registry.all_steps())),
    height=st.integers(1, 80),
    width=st.integers(1, 80),
    seed=st.integers(0, 2**32 - 1),
    dpi=st.sampled_from([10.0, 72.0, 300.0, 1200.0]),
)
def test_no_step_trips_over_a_tiny_or_noisy_piece(
    name: str, height: int, width: int, seed: int, dpi: float
) -> None:
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width), dtype=np.uint8)
    for piece in apply(name, pixels, Context(dpi)) or ():
        assert piece.pixels.dtype == np.uint8
        assert piece.pixels.size > 0
