"""Two columns one after the other, and everything that only looks like two columns."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw, ImageFont
from render_makers import Pixels, grainy, paper, text_page, write_block

from bocr_worker.prepare import chain, registry
from bocr_worker.prepare.base import Context, Piece
from bocr_worker.render import pdf
from bocr_worker.render.page import RenderOrder

DPI = 100.0
LEFT, RIGHT = (70, 400), (430, 760)


def split(
    image: Image.Image | Pixels, *, right_to_left: bool = False, dpi: float = DPI
) -> tuple[Piece, ...] | None:
    pixels = np.asarray(image, dtype=np.uint8)
    return chain.apply(registry.step_named("columns"), (Piece(pixels),), Context(dpi, right_to_left))


def two_columns(top: int = 80, bottom: int = 1090, *, image: Image.Image | None = None) -> Image.Image:
    page = paper() if image is None else image
    write_block(page, (LEFT[0], top, LEFT[1], bottom), seed=1)
    write_block(page, (RIGHT[0], top, RIGHT[1], bottom), seed=2)
    return page


def places(pieces: tuple[Piece, ...] | None) -> list[str]:
    """Where each piece lies: L, R or a whole band."""
    assert pieces is not None
    names = []
    for piece in pieces:
        x0, _, x1, _ = piece.placement.box((0, 0, 1, 1))
        names.append("whole" if x1 - x0 > 0.9 else "L" if x0 < 0.1 else "R")
    return names


def assert_nothing_lost(page: Pixels, pieces: tuple[Piece, ...]) -> None:
    """Together the pieces are the whole page, each pixel once."""
    seen = np.zeros(page.shape, np.uint8)
    for piece in pieces:
        x0, y0, x1, y1 = piece.placement.box((0, 0, 1, 1))
        left, right = round(x0 * page.shape[1]), round(x1 * page.shape[1])
        top, bottom = round(y0 * page.shape[0]), round(y1 * page.shape[0])
        assert np.array_equal(page[top:bottom, left:right], piece.pixels)
        seen[top:bottom, left:right] += 1
    assert seen.min() == seen.max() == 1


def test_two_columns_are_read_left_first_and_right_first_for_arabic() -> None:
    page = np.asarray(two_columns())
    assert places(split(page)) == ["L", "R"]
    assert places(split(page, right_to_left=True)) == ["R", "L"]
    assert_nothing_lost(page, split(page) or ())


def test_the_cut_goes_through_the_gutter() -> None:
    pieces = split(two_columns()) or ()
    cut = pieces[0].placement.box((0, 0, 1, 1))[2] * 827
    assert LEFT[1] - 2 <= cut <= RIGHT[0] + 2


def test_a_masthead_and_a_footer_stay_whole() -> None:
    page = two_columns(300, 1000)
    font = ImageFont.load_default(52)
    ImageDraw.Draw(page).text((90, 90), "BULLETIN OFFICIEL DU ROYAUME", font=font, fill=0)
    ImageDraw.Draw(page).line((70, 200, 760, 200), fill=0, width=3)
    write_block(page, (70, 1060, 760, 1130), size_px=12, seed=9)
    pieces = split(page)
    assert places(pieces) == ["whole", "L", "R", "whole"]
    assert_nothing_lost(np.asarray(page), pieces or ())


def test_a_heading_between_two_pairs_of_columns_keeps_its_place() -> None:
    page = two_columns(80, 500)
    write_block(page, (70, 560, 760, 640), size_px=20, seed=5, indent=False)
    two_columns(690, 1090, image=page)
    assert places(split(page)) == ["L", "R", "whole", "L", "R"]


def test_a_rule_in_a_narrow_gutter_parts_the_columns() -> None:
    page = paper()
    write_block(page, (70, 80, 411, 1090), seed=1)
    write_block(page, (420, 80, 760, 1090), seed=2)
    ImageDraw.Draw(page).line((415, 80, 415, 1090), fill=0, width=1)
    assert places(split(page)) == ["L", "R"]


@pytest.mark.parametrize("degrees", [-2.0, 1.0, 2.5])
def test_columns_askew_are_levelled_and_parted(degrees: float) -> None:
    page = two_columns(120, 1050).rotate(degrees, Image.Resampling.BICUBIC, fillcolor=255)
    assert places(split(page)) == ["L", "R"]


def test_scanned_columns_are_parted_too() -> None:
    assert places(split(grainy(two_columns()))) == ["L", "R"]


@pytest.mark.parametrize("seed", range(6))
def test_a_page_of_one_column_is_left_alone(seed: int) -> None:
    assert split(text_page(seed=seed)) is None


def grid(page: Image.Image, columns: list[int], rows: list[int], *, words: bool = True) -> Image.Image:
    draw, font = ImageDraw.Draw(page), ImageFont.load_default(13)
    for x in columns:
        draw.line((x, rows[0], x, rows[-1]), fill=0, width=2)
    for y in rows:
        draw.line((columns[0], y, columns[-1], y), fill=0, width=2)
    for x in columns[:-1]:
        for y in rows[:-1]:
            if words:
                draw.text((x + 8, y + 8), "1 234,50", font=font, fill=0)
    return page


def test_a_ruled_table_is_never_cut() -> None:
    assert split(grid(paper(), [70, 415, 760], list(range(100, 1100, 40)))) is None
    assert split(grid(paper(), [70, 240, 415, 590, 760], list(range(100, 1100, 40)))) is None


def test_a_framed_table_without_inner_level_rules_is_not_cut() -> None:
    page = grid(paper(), [70, 200, 415, 760], [100, 1080], words=False)
    font = ImageFont.load_default(13)
    for y in range(120, 1060, 24):
        draw = ImageDraw.Draw(page)
        draw.text((80, y), "13.01", font=font, fill=0)
        draw.text((210, y), "130190 1", font=font, fill=0)
    write_block(page, (425, 115, 750, 1070), seed=3)
    assert split(page) is None


def test_a_table_of_two_tall_prose_cells_is_not_cut() -> None:
    page = paper()
    for top in (80, 330, 580, 830):
        write_block(page, (82, top + 15, 405, top + 240), seed=top)
        write_block(page, (425, top + 15, 750, top + 240), seed=top + 1)
    grid(page, [70, 415, 760], [80, 330, 580, 830, 1080], words=False)
    assert split(page) is None


def test_an_unruled_table_of_numbers_is_not_cut() -> None:
    page, font = paper(), ImageFont.load_default(13)
    draw = ImageDraw.Draw(page)
    for y in range(100, 1080, 22):
        for x in (80, 230, 460, 640):
            draw.text((x, y), f"{y * x % 9973}", font=font, fill=0)
    assert split(page) is None


def test_a_form_of_labels_and_values_is_not_cut() -> None:
    page, font = paper(), ImageFont.load_default(14)
    draw = ImageDraw.Draw(page)
    for number, y in enumerate(range(100, 1080, 30)):
        draw.text((80, y), f"Champ numero {number}", font=font, fill=0)
        draw.text((450, y), "valeur", font=font, fill=0)
    assert split(page) is None


def test_two_signatures_below_one_column_are_not_columns() -> None:
    page = paper()
    write_block(page, (80, 80, 750, 900), seed=4)
    write_block(page, (80, 960, 300, 1020), seed=5, indent=False)
    write_block(page, (520, 960, 750, 1020), seed=6, indent=False)
    assert split(page) is None


@settings(max_examples=12)
@given(
    gutter=st.integers(18, 60),
    shift=st.integers(-60, 60),
    top=st.integers(60, 200),
    size_px=st.integers(11, 17),
    seed=st.integers(0, 1000),
)
def test_any_two_columns_of_prose_are_parted_without_loss(
    gutter: int, shift: int, top: int, size_px: int, seed: int
) -> None:
    middle = 413 + shift
    page = paper()
    write_block(page, (60, top, middle - gutter // 2, 1100), seed=seed, size_px=size_px)
    write_block(page, (middle + gutter // 2, top, 770, 1100), seed=seed + 1, size_px=size_px)
    pieces = split(page)
    assert places(pieces) == ["L", "R"]
    assert_nothing_lost(np.asarray(page), pieces or ())


def gazette(path: Path, page: int) -> tuple[Pixels, float]:
    drawn = pdf.draw(RenderOrder(str(path), "pdf", page, 150, 12_000_000))
    return drawn.pixels, drawn.dpi


def test_real_gazettes_are_parted_where_they_have_columns(corpus: Path) -> None:
    folder = corpus / "gazettes"
    (old,) = folder.glob("decret-84*")
    for path, page, expected in (
        (old, 1, ["whole", "L", "R"]),
        (old, 2, ["whole", "L", "R"]),
        (folder / "JO-7750-du-25-juillet-2024.pdf", 1, ["whole", "L", "R"]),
        (folder / "JO-7750-du-25-juillet-2024.pdf", 2, ["whole", "L", "R", "whole"]),
        (corpus / "nasty" / "rotated_skew.pdf", 1, ["whole", "L", "R", "whole"]),
    ):
        pixels, dpi = gazette(path, page)
        assert places(split(pixels, dpi=dpi)) == expected, (path.name, page)


def test_real_pages_without_columns_are_left_whole(corpus: Path) -> None:
    folder = corpus / "gazettes"
    pages = [
        (folder / "JO-7750-du-25-juillet-2024.pdf", (3, 4)),
        (folder / "procédure pénale.pdf", (1, 6, 35, 36, 150)),
        (folder / "2009 code irpp-is.pdf", (3, 35, 60, 255, 270, 277, 319)),
        (folder / "dec_irpp_ar.pdf", (1, 2, 6, 8)),
        (folder / "décret_2007_1406_fr.pdf", (1, 5)),
    ]
    for path, numbers in pages:
        for number in numbers:
            pixels, dpi = gazette(path, number)
            assert split(pixels, dpi=dpi) is None, (path.name, number)
