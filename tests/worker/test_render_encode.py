"""Grey pixels to bytes and back."""

from __future__ import annotations

import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from render_makers import grainy, text_page

from bocr_worker.render.encode import encode


@settings(max_examples=60)
@given(st.integers(1, 90), st.integers(1, 90), st.integers(0, 2**32 - 1), st.sampled_from([1, 64, 256]))
def test_a_clean_page_survives_exactly(width: int, height: int, seed: int, levels: int) -> None:
    pixels = np.random.default_rng(seed).integers(0, levels, (height, width), dtype=np.uint8)
    image = encode(pixels, 150.0, scan=False)
    decoded = Image.open(io.BytesIO(image.encoded))
    decoded.load()
    assert (decoded.format, decoded.mode, decoded.size) == ("PNG", "L", (width, height))
    assert (image.format, image.width_px, image.height_px) == ("png", width, height)
    assert np.array_equal(np.asarray(decoded), pixels)
    assert decoded.info["dpi"] == pytest.approx((150, 150), abs=0.1)


def test_a_scan_is_a_jpeg_that_differs_little() -> None:
    pixels = grainy(text_page())
    image = encode(pixels, 200.0, scan=True)
    decoded = Image.open(io.BytesIO(image.encoded))
    assert (decoded.format, decoded.mode, image.format) == ("JPEG", "L", "jpeg")
    assert np.abs(np.asarray(decoded).astype(int) - pixels).mean() < 3
    assert len(image.encoded) < len(encode(pixels, 200.0, scan=False).encoded) * 0.7


def test_views_with_steps_and_parts_are_encoded_as_they_look() -> None:
    pixels = np.asarray(text_page())
    for view in (pixels[::2, ::3], pixels[100:200, 50:400], pixels[::-1], pixels.T):
        decoded = Image.open(io.BytesIO(encode(view, 100, scan=False).encoded))
        assert np.array_equal(np.asarray(decoded), view)
        assert Image.open(io.BytesIO(encode(view, 100, scan=True).encoded)).size == view.shape[::-1]


def test_a_page_of_text_is_smaller_than_pillow_makes_it() -> None:
    page = text_page(1240, 1754, size_px=20)
    target = io.BytesIO()
    page.save(target, "PNG", compress_level=1)
    assert len(encode(np.asarray(page), 150, scan=False).encoded) <= 1.05 * len(target.getvalue())
