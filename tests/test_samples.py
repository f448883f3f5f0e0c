"""The sample pages and the generator that made them."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from rapidfuzz.distance import Levenshtein

ROOT = Path(__file__).resolve().parent.parent
SAMPLES = ROOT / "samples"
PAGES = SAMPLES / "pages"
READABLE = sorted(
    path
    for path in PAGES.iterdir()
    if path.suffix != ".txt" and path.stem not in ("Protege", "Telechargement", "Lacunaire_Fr")
)

documents = pytest.importorskip("samples.gazette.documents")
from samples.gazette.documents import Made, Order, PageKind, make_document, read_truth  # noqa: E402
from samples.gazette.fonts import FontMissing, font_for  # noqa: E402


def needs_fonts(*languages: str) -> None:
    pytest.importorskip("fpdf", reason="the extra `samples` is not installed")
    pytest.importorskip("uharfbuzz", reason="the extra `samples` is not installed")
    try:
        for language in languages:
            font_for(language)
    except FontMissing as error:
        pytest.skip(str(error))


def made(language: str, *pages: PageKind, seed: int = 5, scan: bool = False) -> Made:
    needs_fonts(language)
    return make_document(Order(language, pages or (PageKind.TEXT,), seed, scan))


def drawn(pdf: bytes, dpi: float) -> list[Any]:
    import pypdfium2 as pdfium

    with pdfium.PdfDocument(pdf) as document:
        return [page.render(scale=dpi / 72, grayscale=True).to_pil().convert("L") for page in document]


def text_layer(pdf: bytes) -> list[str]:
    import pypdfium2 as pdfium

    with pdfium.PdfDocument(pdf) as document:
        return [page.get_textpage().get_text_bounded() for page in document]


def read_by_tesseract(image: Any, language: str) -> str:
    if shutil.which("tesseract") is None:
        pytest.skip("tesseract is not installed")
    known = subprocess.run(["tesseract", "--list-langs"], capture_output=True, text=True).stdout.split()
    if language not in known:
        pytest.skip(f"tesseract has no language {language}")
    stream = io.BytesIO()
    image.save(stream, "PNG", dpi=(200, 200))
    return subprocess.run(
        ["tesseract", "-", "-", "-l", language],
        input=stream.getvalue(),
        capture_output=True,
        check=True,
        env={**os.environ, "OMP_THREAD_LIMIT": "1"},
    ).stdout.decode()


def error_rate(text: str, truth: str) -> float:
    expected = " ".join(truth.split())
    return Levenshtein.distance(" ".join(text.split()), expected) / len(expected)


def test_the_same_seed_gives_the_same_bytes_and_another_seed_another_text() -> None:
    first, again, other = made("fr"), made("fr"), made("fr", seed=6)
    assert first == again
    assert first.truth != other.truth
    assert made("ar", scan=True) == made("ar", scan=True)


def test_the_truth_is_what_stands_on_a_born_digital_page() -> None:
    page = made("fr", PageKind.TEXT, PageKind.TABLE)
    for layer, truth in zip(text_layer(page.pdf), page.truth, strict=True):
        assert sorted("".join(layer.split())) == sorted("".join(truth.split()))


def test_columns_are_read_in_the_order_of_the_language() -> None:
    import pypdfium2 as pdfium

    for language, first_is_left in (("fr", True), ("ar", False)):
        with pdfium.PdfDocument(made(language).pdf) as document:
            page = document[0]
            middle, top = page.get_width() / 2, page.get_height() - 124
            textpage = page.get_textpage()
            left = textpage.get_text_bounded(left=0, right=middle, bottom=60, top=top)
            right = textpage.get_text_bounded(left=middle, right=page.get_width(), bottom=60, top=top)
            first = left if first_is_left else right
            body = "".join(made(language).truth[0].split("\n", 3)[3].split())
            letters = len("".join(first.split()))
            assert sorted(body[:letters]) == sorted("".join(first.split()))


def test_a_blank_page_has_no_ink_and_a_number_page_next_to_none() -> None:
    page = made("fr", PageKind.BLANK, PageKind.NUMBER)
    blank, number = drawn(page.pdf, 72)
    assert blank.getextrema() == (255, 255)
    assert number.getextrema()[0] < 100
    assert page.truth[0] == ""
    assert page.truth[1].strip() == "— 2 —"


def test_a_rotated_page_is_landscape_and_keeps_its_text() -> None:
    for scan in (False, True):
        page = made("fr", PageKind.ROTATED, scan=scan)
        image = drawn(page.pdf, 72)[0]
        assert image.width > image.height
        assert image.getextrema()[0] < 120
        assert page.truth == made("fr").truth


def test_a_faded_page_has_little_contrast_and_a_scan_no_text_layer() -> None:
    page = made("fr", PageKind.TEXT, PageKind.FADED, scan=True)
    scanned, faded = (image.getextrema() for image in drawn(page.pdf, 150))
    assert scanned[1] - scanned[0] > 180
    assert faded[1] - faded[0] < 110
    assert text_layer(page.pdf) == ["", ""]


@pytest.mark.parametrize(("language", "tesseract", "most"), [("fr", "fra", 0.01), ("ar", "ara", 0.06)])
def test_a_clean_page_is_read_by_tesseract_with_few_errors(
    language: str, tesseract: str, most: float
) -> None:
    page = made(language)
    text = read_by_tesseract(drawn(page.pdf, 200)[0], tesseract)
    assert error_rate(text, page.truth[0]) < most


def test_the_generator_writes_documents_and_their_truth(tmp_path: Path) -> None:
    needs_fonts("fr", "ar")
    command = [sys.executable, str(SAMPLES / "generate.py"), "--pages", "3", "--document-pages", "2"]
    answer = subprocess.run([*command, "--special", "blank", str(tmp_path)], capture_output=True, text=True)
    assert answer.returncode == 0, answer.stderr
    names = sorted(path.name for path in tmp_path.glob("*.pdf"))
    assert names == [
        f"bulletin-clean-1-{number}_{language}.pdf"
        for number in ("0001", "0002")
        for language in ("Ar", "Fr")
    ]
    truth = read_truth(tmp_path / "bulletin-clean-1-0001_Fr.gt.txt")
    assert len(truth) == 2
    assert truth[0] == ""
    assert "Décret n°" in truth[1]


def test_a_missing_font_names_the_package_that_brings_it(tmp_path: Path) -> None:
    command = [
        sys.executable,
        str(SAMPLES / "generate.py"),
        "--font",
        str(tmp_path / "none.ttf"),
        str(tmp_path),
    ]
    answer = subprocess.run(command, capture_output=True, text=True)
    assert answer.returncode == 1
    assert "apt install fonts-dejavu-core" in answer.stderr
    assert "Traceback" not in answer.stderr


@pytest.mark.parametrize("path", READABLE, ids=lambda path: path.name)
def test_every_readable_sample_has_a_text_for_each_page(path: Path) -> None:
    import pypdfium2 as pdfium

    truth = read_truth(path.with_name(f"{path.stem}.gt.txt"))
    pages = 1
    if path.suffix == ".pdf":
        with pdfium.PdfDocument(path) as document:
            pages = len(document)
    assert len(truth) == pages
    assert any(text.strip() for text in truth)


def test_the_unreadable_samples_are_unreadable_in_the_way_they_are_meant_to_be() -> None:
    import pypdfium2 as pdfium

    with pytest.raises(pdfium.PdfiumError, match="password"):
        pdfium.PdfDocument(PAGES / "Protege.pdf")
    with pytest.raises(pdfium.PdfiumError, match="Data format"):
        pdfium.PdfDocument(PAGES / "Telechargement.pdf")
    with pdfium.PdfDocument(PAGES / "Lacunaire_Fr.pdf") as partial:
        assert len(partial) == 2
        assert partial[0].get_size() == (595.0, 842.0)
        with pytest.raises(pdfium.PdfiumError, match="load page"):
            partial[1]


def test_the_samples_stay_small_and_every_file_is_attributed() -> None:
    files = list(PAGES.iterdir())
    assert sum(path.stat().st_size for path in files) < 3_000_000
    attribution = (SAMPLES / "ATTRIBUTION.md").read_text(encoding="utf-8")
    assert [path.name for path in files if path.name.partition(".")[0] not in attribution] == []
