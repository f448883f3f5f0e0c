"""One order in, one page out."""

from __future__ import annotations

import io
import pickle
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from render_makers import grey_image, pdf, text_content, text_page

from bocr_worker.render import pdf as renderer
from bocr_worker.render.page import RenderFailed, RenderOrder
from bocr_worker.render.task import render_page, set_up

WORKER = Path(__file__).resolve().parent.parent.parent / "worker"


@pytest.fixture(autouse=True)
def nothing_stays_open() -> object:
    yield
    renderer.forget()


@pytest.fixture
def order(tmp_path: Path) -> RenderOrder:
    path = tmp_path / "a.pdf"
    path.write_bytes(pdf([text_content(["Article premier"] * 30), b""]))
    return RenderOrder(str(path), "pdf", 1, 100, 12_000_000)


def inverted_page(folder: Path) -> Path:
    path = folder / "dark.pdf"
    dark = {100: grey_image(255 - np.asarray(text_page()))}
    path.write_bytes(pdf([b"q 595 0 0 842 0 0 cm /Im1 Do Q"], objects=dark))
    return path


def test_a_page_comes_measured_and_encoded(order: RenderOrder) -> None:
    page = render_page(order)
    (prepared,) = page.images
    decoded = Image.open(io.BytesIO(prepared.image.encoded))
    assert decoded.size == (page.facts.width_px, page.facts.height_px) == (827, 1170)
    assert prepared.image.dpi == page.facts.dpi == pytest.approx(100)
    assert page.applied == ()
    assert 0 < page.seconds < 60
    assert pickle.loads(pickle.dumps(page)) == page


def test_a_light_on_dark_page_is_inverted_unasked(tmp_path: Path) -> None:
    page = render_page(RenderOrder(str(inverted_page(tmp_path)), "pdf", 1, 100, 12_000_000))
    assert page.facts.inverted
    assert page.applied == ("invert",)
    decoded = np.asarray(Image.open(io.BytesIO(page.images[0].image.encoded)))
    assert np.median(decoded) == 255


def test_what_changed_nothing_is_not_said_to_have_been_applied(order: RenderOrder) -> None:
    page = render_page(
        replace(order, preparations=("invert", "deskew", "columns", "rotate-180", "illumination"))
    )
    assert page.applied == ("rotate-180",)


def test_an_unknown_preparation_fails_and_names_the_known(order: RenderOrder) -> None:
    with pytest.raises(RenderFailed, match=r"no preparation 'sharpen'.*columns.*deskew"):
        render_page(replace(order, preparations=("sharpen",)))


def test_the_hash_names_what_made_the_pixels(order: RenderOrder) -> None:
    plain = render_page(order).render_hash
    assert plain == render_page(replace(order, page=2)).render_hash
    assert plain != render_page(replace(order, dpi=120)).render_hash
    assert plain != render_page(replace(order, preparations=("columns",))).render_hash
    assert plain == render_page(replace(order, right_to_left=True)).render_hash


def test_a_document_that_is_no_pdf_fails_with_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "a.pdf").write_bytes(b"<html>404</html>")
    with pytest.raises(RenderFailed, match="the document is not a readable PDF"):
        render_page(RenderOrder(str(tmp_path / "a.pdf"), "pdf", 1, 100, 12_000_000))


def test_setting_up_says_which_renderer_draws() -> None:
    assert "pdfium" in set_up()


def test_the_parents_modules_load_nothing_heavy() -> None:
    modules = "render.task render.pool render.page probe.task probe.report prepare.registry prepare.chain"
    imports = "; ".join(f"import bocr_worker.{name}" for name in modules.split())
    code = f"{imports}; import sys; print([m for m in ('numpy', 'PIL', 'pypdfium2') if m in sys.modules])"
    ran = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        env={"PYTHONPATH": str(WORKER)},
        check=True,
    )
    assert ran.stdout.strip() == "[]"


EXPECTED_FAILURES = {
    "bad1.pdf": "not a readable PDF",
    "bad34.pdf": "cannot be loaded",
    "bad35.pdf": "damaged",
    "circular_viewer_ref.pdf": "no list of pages",
    "cropped_no_overlap.pdf": "no area",
    "deep-pages.pdf": "cannot be loaded",
    "empty.pdf": "has no pages",
    "enc-XI-R6,V5,U=view,O=master.pdf": "password",
    "fuzz-16214.pdf": "readable PDF",
    "invalid.pdf": "damaged",
    "libreoffice-writer-password.pdf": "password",
    "unreadablemetadata.pdf": "damaged",
}
BLANK = {"blank.pdf", "no_contents.pdf", "livecycle.pdf"}
SLOW = {"bug_1646.pdf", "bug_555784.pdf", "hugemono.pdf", "enormous.pdf"}
"""Rendered in children, with limits, in the tests of the pool."""


def test_every_hostile_file_is_drawn_blank_or_failed_as_expected(corpus: Path) -> None:
    for path in sorted((corpus / "nasty").glob("*.pdf")):
        if path.name in SLOW:
            continue
        order = RenderOrder(str(path), "pdf", 1, 100, 4_000_000)
        if path.name in EXPECTED_FAILURES:
            with pytest.raises(RenderFailed, match=EXPECTED_FAILURES[path.name]) as caught:
                render_page(order)
            assert "Success" not in caught.value.cause + caught.value.detail
            continue
        page = render_page(order)
        assert page.facts.blank == (path.name in BLANK), path.name
        assert page.facts.width_px * page.facts.height_px <= 4_000_000
        assert page.facts.inverted == (path.name == "jbig2_baddevicen.pdf"), path.name
        assert page.facts.capped == (path.name in {"newspaper.pdf"}), path.name


def test_the_long_page_is_capped_and_the_page_before_it_is_not(corpus: Path) -> None:
    path = str(corpus / "nasty" / "skinnypage.pdf")
    assert not render_page(RenderOrder(path, "pdf", 1, 150, 6_000_000)).facts.capped
    long = render_page(RenderOrder(path, "pdf", 2, 150, 6_000_000)).facts
    assert long.capped
    assert long.height_px > 50 * long.width_px


def test_no_gazette_page_is_taken_for_blank_except_bare_ones(corpus: Path) -> None:
    scans = {"JO-7750", "decret-84", "decret-2020"}
    for path in sorted((corpus / "gazettes").glob("*.pdf")):
        page = render_page(RenderOrder(str(path), "pdf", 1, 150, 12_000_000))
        assert not page.facts.blank
        assert not page.facts.nearly_blank
        if any(path.name.startswith(name) for name in scans):
            assert page.facts.scan
