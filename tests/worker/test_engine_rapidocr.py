"""RapidOCR reads Latin scripts, with boxes, scores and order; it needs no network."""

from __future__ import annotations

import shutil
import socket
from itertools import pairwise
from pathlib import Path

import pytest
from PIL import Image

from bocr_worker.engines import rapidocr
from bocr_worker.engines.base import Ask, EngineUnavailable, PageImage, Reader
from bocr_worker.engines.rapidocr_lines import bands, detection_scale, levelled, slope, words_of
from bocr_worker.protocol.recognition import Recognition
from tests.worker.engine_pages import (
    COLUMNS_FR,
    PANGRAM_FR,
    WHISKY_FR,
    drawn,
    error_rate,
    error_rate_by_line,
    image_of,
    pdf_page,
    photograph,
)

FRENCH = ("fr", "ar")


@pytest.fixture(scope="module")
def reader() -> Reader:
    unavailable = rapidocr.check()
    if unavailable is not None:
        pytest.skip(str(unavailable))
    return rapidocr.SPEC.load({}, 2)


def read(reader: Reader, picture: Image.Image, dpi: float = 200) -> Recognition:
    return reader.read(Ask(image_of(picture, dpi), FRENCH))


def test_french_is_read_with_its_accents(reader: Reader) -> None:
    recognition = read(reader, drawn("phrase_fr"))
    assert error_rate(PANGRAM_FR, recognition.text) < 0.02
    assert recognition.language == "fr"
    assert recognition.confidence.mean is not None
    assert recognition.confidence.mean > 0.95


def test_each_line_is_a_block_whose_words_lie_inside_it_and_in_order(reader: Reader) -> None:
    blocks = read(reader, drawn("phrase_fr")).blocks
    assert len(blocks) == 3
    for block in blocks:
        assert " ".join(word.text for word in block.words) == block.text
        starts = [word.box[0] for word in block.words]
        assert starts == sorted(starts)
        assert all(block.box[0] - 0.01 <= w.box[0] < w.box[2] <= block.box[2] + 0.01 for w in block.words)
        assert all(word.confidence is not None and 0 <= word.confidence <= 1 for word in block.words)


def test_columns_are_read_one_after_the_other(reader: Reader) -> None:
    recognition = read(reader, drawn("columns_fr"))
    assert error_rate(COLUMNS_FR, recognition.text.rsplit("\n", 1)[0]) < 0.02
    assert len(recognition.markdown.split("\n\n")) == 4


def test_a_rung_looks_for_lines_at_its_own_resolution(
    reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked_at: list[float] = []

    def told(width_px: int, height_px: int, dpi: float, detect_dpi: float) -> float:
        looked_at.append(detect_dpi)
        return detection_scale(width_px, height_px, dpi, detect_dpi)

    monkeypatch.setattr(rapidocr, "detection_scale", told)
    image = image_of(drawn("phrase_fr"), 200)
    for options in ({"detect_dpi": 300}, {}):
        reader.read(Ask(image, FRENCH, options=options))
    assert looked_at == [300, 150]


@pytest.mark.parametrize("degrees", [90, 180, 270])
def test_a_turned_page_is_known_by_the_turn_that_would_put_it_upright(reader: Reader, degrees: int) -> None:
    turned = drawn("columns_fr").rotate(-degrees, expand=True, fillcolor=255)  # PIL turns the other way
    assert read(reader, turned).extra["rotated"] == 360 - degrees


def test_an_upright_page_is_not_said_to_be_turned(reader: Reader) -> None:
    assert "rotated" not in read(reader, drawn("columns_fr")).extra


def test_arabic_gives_next_to_nothing_and_is_not_called_upside_down(reader: Reader) -> None:
    recognition = read(reader, drawn("phrase_ar"))
    assert len(recognition.text) < 20
    assert recognition.extra.get("rotated") is None


def test_the_text_does_not_depend_on_the_number_of_threads(reader: Reader) -> None:
    alone = rapidocr.SPEC.load({}, 1)
    assert read(alone, drawn("columns_fr")) == read(reader, drawn("columns_fr"))


def test_an_empty_page_reads_as_nothing(reader: Reader) -> None:
    recognition = read(reader, Image.new("L", (400, 600), 255))
    assert (recognition.text, recognition.confidence.mean) == ("", None)


@pytest.mark.parametrize("size", [(1, 1), (9000, 40), (40, 9000)])
def test_extreme_shapes_are_read_without_enlarging_them_beyond_reason(
    reader: Reader, size: tuple[int, int]
) -> None:
    assert read(reader, Image.new("L", size, 255)).text == ""


def test_what_is_no_image_is_an_error_of_that_page(reader: Reader) -> None:
    with pytest.raises(ValueError, match="cannot be decoded"):
        reader.read(Ask(PageImage(b"no image", "png", 10, 10, 200)))


def test_loading_and_reading_open_no_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("a connection was opened")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    reader = rapidocr.SPEC.load({}, 1)
    assert "PP-OCR" in reader.weights
    assert read(reader, drawn("phrase_fr")).text


def test_without_models_the_engine_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    package = tmp_path / "rapidocr"
    package.mkdir()
    (package / "__init__.py").touch()
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(__import__("sys").modules, "rapidocr", raising=False)
    unavailable = rapidocr.check()
    assert isinstance(unavailable, EngineUnavailable)
    assert "pip install" in unavailable.needs
    with pytest.raises(EngineUnavailable, match="models"):
        rapidocr.SPEC.load({}, 1)
    shutil.rmtree(package)


@pytest.mark.corpus
def test_the_french_accents_of_the_corpus(reader: Reader, corpus: Path) -> None:
    recognition = read(reader, pdf_page(corpus / "nasty" / "francais.pdf", 200))
    assert error_rate(WHISKY_FR, recognition.text) < 0.01  # measured: 0.3%


@pytest.mark.corpus
@pytest.mark.parametrize(
    ("name", "most"),
    [
        ("BN1984_34_94ac2_default", 0.01),  # measured: 0.4%; 5.3% with the direction classifier
        ("FRAN_0150_0003_L-medium", 0.02),  # measured: 1.1%; 19% with the direction classifier
    ],
)
def test_typescripts_with_ground_truth(reader: Reader, corpus: Path, name: str, most: float) -> None:
    picture = photograph(corpus / "groundtruth" / f"{name}.jpg", 2339)
    truth = (corpus / "groundtruth" / f"{name}.gt.txt").read_text(encoding="utf-8")
    assert error_rate_by_line(truth, read(reader, picture).text) < most


# -- geometry ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [(909, 1286), (1286, 909), (32, 32), (4096, 300), (90, 12000), (2000, 3400)])
def test_bands_tile_the_page_and_overlap_their_neighbours(size: tuple[int, int]) -> None:
    cut = bands(*size)
    assert cut[0][1] == 0
    assert cut[-1][2] > size[1]
    assert [band[2] for band in cut[:-1]] == [band[1] for band in cut[1:]]
    for (_, _, end, seen_to), (seen_from, *_) in pairwise(cut):
        assert seen_from < end < seen_to
    assert all(size[0] * (band[3] - band[0]) < 1_500_000 for band in cut)


def test_a_page_is_looked_at_in_110_dpi_and_never_below_1280_pixels() -> None:
    assert round(2339 * detection_scale(1654, 2339, 200, 110)) == 1286
    assert round(2339 * detection_scale(1654, 2339, 600, 110)) == 1280
    assert detection_scale(600, 600, 200, 110) == pytest.approx(736 / 600)
    assert 40_000 * detection_scale(40_000, 300, 200, 110) == pytest.approx(4096)


def test_a_skewed_page_is_levelled_before_it_is_ordered() -> None:
    lines = [[[100, y], [500, y + 8], [500, y + 28], [100, y + 20]] for y in (100, 140, 180)]
    angle = slope(lines)
    tops = [levelled(line, angle) for line in lines]
    assert angle == pytest.approx(0.02, abs=1e-4)
    assert all(bottom - top == pytest.approx(20, abs=0.1) for _, top, _, bottom in tops)


def test_words_that_do_not_fit_their_letters_are_left_out() -> None:
    corners = [[0, 0], [100, 0], [100, 20], [0, 20]]
    assert words_of("ab cd", [1, 2, 6], [0.9] * 5, 10, corners) == ()
    first, second = words_of("ab cd", [1, 2, 6, 7], [0.9, 0.7, 0.1, 0.8, 0.8], 10, corners)
    assert (first.text, second.text) == ("ab", "cd")
    assert first.confidence == pytest.approx(0.8)
    assert first.box == pytest.approx((10, 0, 30, 20))
    assert second.box == pytest.approx((60, 0, 80, 20))
