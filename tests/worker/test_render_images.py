"""Pages that are image files: modes, turns, frames, resolutions, damage."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageOps
from render_makers import text_page

from bocr_worker.render import images
from bocr_worker.render.drawn import Drawn
from bocr_worker.render.page import RenderFailed, RenderOrder
from bocr_worker.render.task import render_page


@pytest.fixture(autouse=True)
def nothing_stays_open() -> object:
    yield
    images.forget()


def draw(path: Path, page: int = 1, dpi: float = 100, max_pixels: int = 12_000_000) -> Drawn:
    return images.draw(RenderOrder(str(path), "image", page, dpi, max_pixels))


def failure(path: Path, page: int = 1) -> RenderFailed:
    with pytest.raises(RenderFailed) as caught:
        draw(path, page)
    return caught.value


def marked(mode: str) -> Image.Image:
    """White, with a black square at the top left."""
    grey = Image.new("L", (400, 600), 255)
    grey.paste(0, (0, 0, 100, 100))
    if mode in ("RGBA", "LA"):
        return grey.convert(mode)
    if mode == "I;16":
        return Image.fromarray(np.asarray(grey).astype(np.uint16) * 257)
    if mode == "I;12":
        return Image.fromarray(np.asarray(grey).astype(np.uint16) * 16)
    if mode == "F":
        return Image.fromarray(np.asarray(grey).astype(np.float32) / 255)
    return grey.convert(mode)


@pytest.mark.parametrize(
    ("mode", "suffix"),
    [
        ("1", "png"), ("L", "png"), ("P", "png"), ("RGB", "png"), ("RGBA", "png"), ("LA", "png"),
        ("I;16", "png"),
        ("L", "jpg"), ("RGB", "jpg"), ("CMYK", "jpg"),
        ("1", "tif"), ("L", "tif"), ("RGB", "tif"), ("CMYK", "tif"), ("I;16", "tif"), ("I;12", "tif"),
        ("F", "tif"),
        ("LAB", "tif"), ("1", "bmp"), ("P", "bmp"), ("RGB", "bmp"), ("RGB", "webp"), ("RGBA", "webp"),
    ],
)  # fmt: skip
def test_every_kind_of_pixel_becomes_dark_ink_on_light_paper(tmp_path: Path, mode: str, suffix: str) -> None:
    path = tmp_path / f"a.{suffix}"
    if mode == "LAB":
        pytest.importorskip("PIL.ImageCms")
        from PIL import ImageCms

        rgb, lab = ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB")
        picture = ImageCms.profileToProfile(marked("RGB"), rgb, lab, outputMode="LAB")
        assert picture is not None
        picture.save(path)
    else:
        marked(mode).save(path)
    pixels = draw(path).pixels
    assert pixels.dtype == np.uint8
    assert pixels[pixels.shape[0] // 20, pixels.shape[1] // 20] < 20
    assert pixels[-10, -10] > 235


def test_white_writing_on_nothing_is_not_lost(tmp_path: Path) -> None:
    layer = Image.new("RGBA", (600, 800), (255, 255, 255, 0))
    layer.putalpha(ImageOps.invert(text_page(600, 800)))
    layer.save(tmp_path / "a.png")
    page = render_page(RenderOrder(str(tmp_path / "a.png"), "image", 1, 72, 12_000_000))
    assert not page.facts.blank
    assert page.facts.inverted


def test_a_white_sheet_with_clear_margins_stays_white(tmp_path: Path) -> None:
    layer = Image.new("RGBA", (600, 800), (0, 0, 0, 0))
    layer.paste(text_page(500, 700).convert("RGBA"), (50, 50))
    layer.save(tmp_path / "a.png")
    assert draw(tmp_path / "a.png").pixels[5, 5] == 255


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "tif"])
def test_a_page_is_turned_as_its_metadata_say(tmp_path: Path, orientation: int, suffix: str) -> None:
    upright = marked("L")
    undo = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    stored = upright.transpose(undo[orientation]) if orientation > 1 else upright
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored.save(tmp_path / f"a.{suffix}", exif=exif)
    pixels = draw(tmp_path / f"a.{suffix}").pixels
    assert pixels.shape[0] > pixels.shape[1]
    assert pixels[20, 20] < 20
    assert min(pixels[20, -20], pixels[-20, 20], pixels[-20, -20]) > 235


def test_each_frame_of_a_tiff_is_a_page_in_any_order(tmp_path: Path) -> None:
    frames = [Image.new("L", (300 + 10 * n, 400), 40 * n) for n in range(1, 6)]
    frames[0].save(tmp_path / "a.tif", save_all=True, append_images=frames[1:])
    for page in (1, 2, 3, 5, 2, 4, 4, 1):
        pixels = draw(tmp_path / "a.tif", page).pixels
        assert pixels[10, 10] == 40 * page
    assert failure(tmp_path / "a.tif", 6).cause == "the document has no page 6"
    assert failure(tmp_path / "a.tif", 0).cause == "the document has no page 0"


def test_any_other_image_has_one_page(tmp_path: Path) -> None:
    marked("L").save(tmp_path / "a.png")
    assert "no page 2" in failure(tmp_path / "a.png", 2).cause


def test_frames_before_a_broken_one_can_still_be_read(tmp_path: Path) -> None:
    frames = [Image.fromarray(np.full((300, 300), 60 * n, np.uint8)) for n in range(1, 4)]
    path = tmp_path / "a.tif"
    frames[0].save(path, save_all=True, append_images=frames[1:])
    data = path.read_bytes()
    path.write_bytes(data[: len(data) - 60_000])
    assert draw(path, 1).pixels[5, 5] == 60
    assert failure(path, 3).cause


@pytest.mark.parametrize("suffix", ["jpg", "png", "tif", "bmp", "webp"])
def test_a_file_cut_short_fails_with_a_sentence(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a.{suffix}"
    text_page().save(path)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    failed = failure(path)
    assert "damaged" in failed.cause or "not a readable image" in failed.cause


def test_what_is_no_image_and_what_is_missing_say_so(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"hello")
    assert failure(tmp_path / "a.png").cause == "the file is not a readable image"
    assert "No such file" in failure(tmp_path / "b.png").cause
    assert failure(tmp_path).cause


def test_a_bomb_is_refused_before_it_is_decoded(tmp_path: Path) -> None:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 0, 0, 0, 0)
    data = chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(bytes(100_000))) + chunk(b"IEND", b"")
    (tmp_path / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n" + data)
    assert "memory" in failure(tmp_path / "a.png").cause


def test_pillows_own_limit_is_back_in_place_afterwards(tmp_path: Path) -> None:
    before = Image.MAX_IMAGE_PIXELS
    marked("L").save(tmp_path / "a.png")
    draw(tmp_path / "a.png")
    assert before == Image.MAX_IMAGE_PIXELS


def test_a_photograph_of_a_page_is_brought_to_the_resolution_asked_for(tmp_path: Path) -> None:
    text_page(2480, 3508, size_px=40).save(tmp_path / "a.jpg", dpi=(300, 300))
    drawn = draw(tmp_path / "a.jpg", dpi=150)
    assert drawn.pixels.shape == pytest.approx((1754, 1240), abs=1)
    assert drawn.dpi == pytest.approx(150)
    assert not drawn.capped


def test_the_pixel_cap_holds_for_images_too(tmp_path: Path) -> None:
    text_page(2480, 3508, size_px=40).save(tmp_path / "a.png", dpi=(300, 300))
    drawn = draw(tmp_path / "a.png", dpi=300, max_pixels=1_000_000)
    assert drawn.pixels.size <= 1_000_000
    assert drawn.capped


def test_a_small_image_is_enlarged_to_its_least_side_but_not_without_end(tmp_path: Path) -> None:
    text_page(620, 877, size_px=12).save(tmp_path / "a.png", dpi=(75, 75))
    path = str(tmp_path / "a.png")
    drawn = images.draw(RenderOrder(path, "image", 1, 75, 12_000_000, least_side_px=1024))
    assert min(drawn.pixels.shape) == 1024
    drawn = images.draw(RenderOrder(path, "image", 1, 75, 12_000_000, least_side_px=4096))
    assert min(drawn.pixels.shape) == 1240


def test_an_image_without_resolution_is_taken_for_a_page_of_a4(tmp_path: Path) -> None:
    text_page(1654, 2339, size_px=28).save(tmp_path / "a.png")
    assert draw(tmp_path / "a.png", dpi=200).dpi == pytest.approx(200, rel=0.01)


@pytest.mark.parametrize("dpi", [(72, 72), (96, 96), (1, 1), (20_000, 20_000), (300, 3)])
def test_a_senseless_resolution_is_not_believed(tmp_path: Path, dpi: tuple[int, int]) -> None:
    text_page(1654, 2339, size_px=28).save(tmp_path / "a.png", dpi=dpi)
    assert draw(tmp_path / "a.png", dpi=200).pixels.shape == (2339, 1654)


def test_a_small_image_is_enlarged_to_twice_its_size_at_most(tmp_path: Path) -> None:
    text_page(413, 585, size_px=10).save(tmp_path / "a.png", dpi=(50, 50))
    assert draw(tmp_path / "a.png", dpi=200).pixels.shape == pytest.approx((1170, 826), abs=2)


def test_a_nearby_resolution_is_left_alone(tmp_path: Path) -> None:
    page = text_page(1400, 2000)
    page.save(tmp_path / "a.png", dpi=(160, 160))
    assert np.array_equal(draw(tmp_path / "a.png", dpi=150).pixels, np.asarray(page))


def test_oblong_fax_pixels_are_squared(tmp_path: Path) -> None:
    text_page(1728, 1145).convert("1").save(tmp_path / "a.tif", dpi=(204, 98))
    height, width = draw(tmp_path / "a.tif", dpi=200).pixels.shape
    assert height / width == pytest.approx((1145 / 98) / (1728 / 204), rel=0.02)


@settings(max_examples=40)
@given(st.data())
def test_no_damage_to_an_image_raises_anything_but_a_failure(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    folder = tmp_path_factory.getbasetemp()
    suffix = data.draw(st.sampled_from(["jpg", "png", "tif", "bmp", "webp"]))
    path = folder / f"fuzzed.{suffix}"
    marked("L").resize((80, 120)).save(path)
    whole = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 8))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(whole)
    images.forget()
    try:
        drawn = draw(path, max_pixels=100_000)
    except RenderFailed as failed:
        assert failed.cause
    else:
        assert drawn.pixels.size <= 100_000
