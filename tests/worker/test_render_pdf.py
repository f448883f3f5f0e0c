"""Pages of PDF files, whole and broken."""

from __future__ import annotations

import os
import pickle
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from render_makers import assemble, grey_image, image_object, pdf, stream, text_content

from bocr_worker.render import pdf as renderer
from bocr_worker.render.drawn import LEAST_DPI, LONGEST_SIDE_PX, Drawn, fit
from bocr_worker.render.page import RenderedPage, RenderFailed, RenderOrder
from bocr_worker.render.task import render_page

MANY = 12_000_000


@pytest.fixture(autouse=True)
def nothing_stays_open() -> object:
    yield
    renderer.forget()


def order(path: Path, page: int = 1, dpi: float = 72, max_pixels: int = MANY) -> RenderOrder:
    return RenderOrder(str(path), "pdf", page, dpi, max_pixels)


def draw(path: Path, page: int = 1, dpi: float = 72, max_pixels: int = MANY) -> Drawn:
    return renderer.draw(order(path, page, dpi, max_pixels))


def render(path: Path, page: int = 1, dpi: float = 72) -> RenderedPage:
    return render_page(order(path, page, dpi))


def failure(path: Path, page: int = 1) -> RenderFailed:
    with pytest.raises(RenderFailed) as caught:
        render(path, page)
    assert "Success" not in caught.value.cause + caught.value.detail
    return caught.value


def written(folder: Path, data: bytes, name: str = "a.pdf") -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


def test_a_page_is_drawn_grey_at_the_resolution_asked_for(tmp_path: Path) -> None:
    path = written(tmp_path, pdf([b"0 g 0 742 100 100 re f"]))
    drawn = draw(path, dpi=144)
    assert drawn.pixels.shape == (1684, 1190)
    assert drawn.pixels.dtype == np.uint8
    assert drawn.pixels[50, 50] == 0
    assert drawn.pixels[400, 400] == 255
    assert not drawn.capped


@pytest.mark.parametrize("turn", [0, 90, 180, 270])
def test_a_turned_page_comes_as_it_is_displayed(tmp_path: Path, turn: int) -> None:
    path = written(tmp_path, pdf([b"0 g 0 742 100 100 re f"], extra=f"/Rotate {turn}"))
    pixels = draw(path).pixels
    corners = {0: (50, 50), 90: (50, -50), 180: (-50, -50), 270: (-50, 50)}
    assert pixels.shape == ((842, 595) if turn in (0, 180) else (595, 842))
    assert pixels[corners[turn]] == 0


def test_a_huge_page_is_capped_before_it_is_drawn(tmp_path: Path) -> None:
    path = written(tmp_path, pdf([b"0 g 0 0 4000 8400 re f"], media="0 0 8400 8400"))
    drawn = draw(path, dpi=200, max_pixels=4_000_000)
    assert drawn.capped
    assert 3_900_000 <= drawn.pixels.size <= 4_000_000
    assert drawn.dpi == pytest.approx(72 * 2000 / 8400, rel=0.01)
    assert drawn.dpi >= LEAST_DPI


def test_a_page_beyond_all_measure_fails_instead_of_looking_blank(tmp_path: Path) -> None:
    path = written(tmp_path, pdf([b"0 g 0 0 600 9000000 re f"], media="0 0 612 2147483648"))
    assert "inches" in failure(path).cause


@settings(max_examples=200)
@given(
    width=st.floats(0.01, 1e7),
    height=st.floats(0.01, 1e7),
    dpi=st.floats(20, 600),
    max_pixels=st.integers(10_000, 50_000_000),
)
def test_no_image_exceeds_its_cap(width: float, height: float, dpi: float, max_pixels: int) -> None:
    try:
        found = fit(width, height, dpi, max_pixels)
    except RenderFailed as failed:
        assert "inches" in failed.cause
        return
    assert 1 <= found.width_px <= LONGEST_SIDE_PX + 1
    assert 1 <= found.height_px <= LONGEST_SIDE_PX + 1
    assert found.width_px * found.height_px <= max_pixels or min(found.width_px, found.height_px) == 1
    assert found.dpi <= dpi * (1 + 1e-9)
    assert found.capped == (found.dpi < dpi * (1 - 1e-9))


def test_a_small_page_is_drawn_larger_until_its_shorter_side_is_long_enough() -> None:
    small = fit(368, 567, 192, MANY, least_side_px=1024)
    assert small.width_px == 1024
    assert small.dpi == pytest.approx(72 * 1024 / 368)
    assert not small.capped
    large = fit(595, 842, 192, MANY, least_side_px=1024)
    assert large == fit(595, 842, 192, MANY)


def test_the_pixel_cap_holds_for_a_small_page_too() -> None:
    sliver = fit(10, 5000, 192, 1_000_000, least_side_px=1024)
    assert sliver.width_px * sliver.height_px <= 1_000_000
    assert sliver.capped


@pytest.mark.parametrize("sides", [(0, 100), (100, 0), (-5, 5), (float("nan"), 5), (float("inf"), 5)])
def test_a_page_without_area_cannot_be_drawn(sides: tuple[float, float]) -> None:
    with pytest.raises(RenderFailed, match="no area"):
        fit(*sides, 100, MANY)


def test_a_crop_box_beside_the_page_fails_the_page(tmp_path: Path) -> None:
    path = written(tmp_path, pdf([b""], extra="/CropBox[900 900 910 910]"))
    assert failure(path).cause == "the page has no area to draw"


def test_a_page_that_does_not_load_fails_alone(tmp_path: Path) -> None:
    bodies = {
        1: b"<</Type/Catalog/Pages 2 0 R>>",
        2: b"<</Type/Pages/Count 2/Kids[3 0 R 4 0 R]>>",
        3: b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 100 100]>>",
        4: b"<</Type/Template/Parent 2 0 R/MediaBox[0 0 100 100]>>",
    }
    path = written(tmp_path, assemble(bodies))
    assert render(path, 1).facts.blank
    assert "cannot be loaded" in failure(path, 2).cause
    assert failure(path, 3).cause == "the document has no page 3: it ends at page 2"
    assert failure(path, 0).cause == "the document has no page 0: it ends at page 2"


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "not a readable PDF"),
        (b"%PDF-1.4\nnothing\n%%EOF", "damaged"),
        (
            assemble({1: b"<</Type/Catalog/Pages 2 0 R>>", 2: b"<</Type/Pages/Count 0/Kids[]>>"}),
            "has no pages",
        ),
        (assemble({1: b"<</Type/Catalog>>"}), "no list of pages"),
    ],
)
def test_a_broken_document_is_named_in_words(tmp_path: Path, data: bytes, words: str) -> None:
    assert words in failure(written(tmp_path, data)).cause


def test_a_missing_file_and_a_folder_are_named(tmp_path: Path) -> None:
    assert "No such file" in failure(tmp_path / "nowhere.pdf").cause
    assert "directory" in failure(tmp_path).cause


def test_names_of_any_bytes_can_be_opened(tmp_path: Path) -> None:
    data = pdf([b"0 g 0 0 100 100 re f"])
    for name in (b"\xd9\x86\xd8\xb8\xd8\xa7\xd9\x85.pdf", b"a,b=c 'd'.pdf", b"\xff\xfe.pdf", b"~x.pdf"):
        path = os.fsdecode(os.fsencode(tmp_path) + b"/" + name)
        Path(path).write_bytes(data)
        assert draw(Path(path)).pixels.min() == 0


def test_one_document_stays_open_until_another_comes_or_it_changes(tmp_path: Path) -> None:
    first = written(tmp_path, pdf([b"", b"0 g 0 0 595 842 re f"]), "a.pdf")
    draw(first, 1)
    opened = renderer._kept.get(str(first))
    draw(first, 2)
    assert renderer._kept.get(str(first)) is opened
    written(tmp_path, pdf([b"0 g 0 0 595 842 re f", b"", b""]), "b.pdf").replace(first)
    assert draw(first, 1).pixels.max() == 0


def test_an_error_of_one_document_does_not_colour_the_next(tmp_path: Path, corpus: Path) -> None:
    nasty = corpus / "nasty"
    assert "password" in failure(nasty / "libreoffice-writer-password.pdf").cause
    assert failure(nasty / "empty.pdf").cause == "the document has no pages"
    assert "password" in failure(nasty / "enc-XI-R6,V5,U=view,O=master.pdf").cause
    assert "damaged" in failure(nasty / "invalid.pdf").cause


def test_a_filled_in_form_is_drawn(tmp_path: Path) -> None:
    appearance = stream(b"/Type/XObject/Subtype/Form/BBox[0 0 100 100]", b"0 g 0 0 100 100 re f")
    widget = (
        b"<</Type/Annot/Subtype/Widget/FT/Tx/T(a)/V(x)/F 4/Rect[0 742 100 842]/P 10 0 R/AP<</N 101 0 R>>>>"
    )
    data = pdf([b""], extra="/Annots[100 0 R]", objects={100: widget, 101: appearance})
    data = data.replace(b"/Pages 2 0 R>>", b"/Pages 2 0 R/AcroForm<</Fields[100 0 R]>>>>", 1)
    assert draw(written(tmp_path, data)).pixels[50, 50] < 255


def test_a_blank_page_comes_without_images(tmp_path: Path) -> None:
    page = render(written(tmp_path, pdf([b""])))
    assert page.facts.blank
    assert page.images == ()
    assert page.render_hash


def test_a_page_whose_picture_cannot_be_decoded_is_not_blank_but_failed(tmp_path: Path) -> None:
    broken = {100: image_object(b"\xff\xd8\xff\xe0 no picture", 800, 1000, filter_name="DCTDecode")}
    path = written(tmp_path, pdf([b"q 595 0 0 842 0 0 cm /Im1 Do Q"], objects=broken))
    assert "picture" in failure(path).cause


def test_a_footer_does_not_hide_that_the_picture_above_is_missing(tmp_path: Path) -> None:
    broken = {100: image_object(b"\xff\xd8\xff\xe0 no picture", 800, 1000, filter_name="DCTDecode")}
    footer = text_content(["Page 7"], size_pt=8, top_pt=30)
    path = written(tmp_path, pdf([b"q 595 0 0 742 0 100 cm /Im1 Do Q " + footer], objects=broken))
    assert "picture" in failure(path).cause


def test_a_white_picture_is_a_blank_page(tmp_path: Path) -> None:
    white = {100: grey_image(np.full((1000, 800), 255, np.uint8))}
    path = written(tmp_path, pdf([b"q 595 0 0 842 0 0 cm /Im1 Do Q"], objects=white))
    assert render(path).facts.blank


def test_a_large_picture_is_drawn_small(tmp_path: Path) -> None:
    rows = zlib.compress(bytes(4_000_000) * 10, 1)
    big = {100: image_object(rows, 40_000, 1_000)}
    path = written(tmp_path, pdf([b"q 595 0 0 842 0 0 cm /Im1 Do Q"], objects=big))
    assert draw(path).pixels.min() == 0


def test_a_failure_survives_the_pipe_between_processes() -> None:
    failed = pickle.loads(pickle.dumps(RenderFailed("the page is odd", "detail")))
    assert (failed.cause, failed.detail, str(failed)) == ("the page is odd", "detail", "the page is odd")


@settings(max_examples=60)
@given(st.data())
def test_no_damage_to_a_file_raises_anything_but_a_failure(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    whole = bytearray(pdf([text_content(["some words", "more words"]), b"0 g 1 1 50 50 re f"]))
    for _ in range(data.draw(st.integers(1, 12))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(whole)))
    path = tmp_path_factory.getbasetemp() / "fuzzed.pdf"
    path.write_bytes(whole[:cut] if data.draw(st.booleans()) else whole)
    renderer.forget()
    page = data.draw(st.integers(1, 2))
    try:
        rendered = render_page(RenderOrder(str(path), "pdf", page, 30, 100_000))
    except RenderFailed as failed:
        assert failed.cause
        assert "Success" not in failed.cause
    else:
        assert rendered.facts.width_px * rendered.facts.height_px <= 100_000
