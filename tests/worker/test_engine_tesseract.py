"""Tesseract reads one language a page, chooses it among candidates, and fails in words."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from PIL import Image

from bocr_worker.engines import tesseract
from bocr_worker.engines.base import Ask, EngineUnavailable, PageImage, Reader
from bocr_worker.engines.tesseract import TesseractFailed
from bocr_worker.engines.tesseract_tsv import parse_tsv
from bocr_worker.protocol.recognition import Recognition
from tests.worker.engine_pages import (
    COLUMNS_FR,
    PANGRAM_AR,
    PANGRAM_FR,
    WHISKY_FR,
    drawn,
    error_rate,
    error_rate_by_line,
    image_of,
    pdf_page,
    photograph,
)


@pytest.fixture(scope="module")
def reader() -> Reader:
    unavailable = tesseract.check()
    if unavailable is not None:
        pytest.skip(str(unavailable))
    return tesseract.SPEC.load({}, 1)


def needs(*languages: str) -> None:
    missing = set(languages) - tesseract.available_languages()
    if missing:
        pytest.skip(f"no language pack for {', '.join(sorted(missing))}")


def read(
    reader: Reader, picture: Image.Image, languages: tuple[str, ...] = ("fr", "ar"), **options: object
) -> Recognition:
    return reader.read(Ask(image_of(picture), languages, options=options))


def test_french_is_read_with_boxes_and_confidences(reader: Reader) -> None:
    needs("fr")
    recognition = read(reader, drawn("phrase_fr"))
    assert error_rate(PANGRAM_FR, recognition.text) < 0.02
    assert recognition.language == "fr"
    assert [len(block.words) for block in recognition.blocks] == [9, 6, 10]
    for word in (word for block in recognition.blocks for word in block.words):
        assert 0 < word.box[0] < word.box[2] < 1
        assert word.confidence is not None
        assert 0 < word.confidence <= 1


def test_arabic_is_recognised_among_the_candidates_and_read_in_logical_order(reader: Reader) -> None:
    needs("fr", "ar")
    recognition = read(reader, drawn("phrase_ar"), ("fr", "ar"))
    assert recognition.language == "ar"
    assert error_rate(PANGRAM_AR, recognition.text) < 0.02
    assert not set("\u200e\u200f\u202a\u202b\u202c") & set(recognition.text)


def test_french_is_recognised_although_arabic_was_likelier(reader: Reader) -> None:
    needs("fr", "ar")
    assert read(reader, drawn("phrase_fr"), ("ar", "fr")).language == "fr"


def test_a_binding_language_is_the_only_one_read(reader: Reader) -> None:
    needs("fr", "ar")
    recognition = reader.read(Ask(image_of(drawn("phrase_ar")), ("fr", "ar"), binding=True))
    assert recognition.language == "fr"
    assert recognition.confidence.mean is not None
    assert recognition.confidence.mean < 0.66


def test_a_language_without_its_pack_is_passed_over_and_alone_it_is_an_error(reader: Reader) -> None:
    needs("fr")
    if "ur" in tesseract.available_languages():
        pytest.skip("every pack is installed here")
    assert read(reader, drawn("phrase_fr"), ("ur", "fr")).language == "fr"
    with pytest.raises(EngineUnavailable, match="urd") as caught:
        read(reader, drawn("phrase_fr"), ("ur",))
    assert "apt-get install" in caught.value.needs


def test_columns_that_tesseract_reads_across_are_put_in_order(reader: Reader) -> None:
    needs("fr")
    recognition = read(reader, drawn("columns_fr"))
    assert error_rate(COLUMNS_FR, recognition.text.rsplit("\n", 1)[0]) < 0.02
    assert len(recognition.markdown.split("\n\n")) == 4


def test_a_page_on_its_head_is_said_to_be_turned(reader: Reader) -> None:
    needs("fr")
    if "osd" not in tesseract.installed_packs():
        pytest.skip("no pack for script and orientation")
    recognition = read(reader, drawn("columns_fr").rotate(180), ("fr",))
    assert recognition.extra == {"rotated": 180}


def test_an_empty_page_reads_as_nothing(reader: Reader) -> None:
    needs("fr")
    recognition = read(reader, Image.new("L", (300, 300), 255), ("fr",))
    assert (recognition.text, recognition.blocks, recognition.confidence.mean) == ("", (), None)


def test_what_is_no_image_fails_with_tesseracts_last_word(reader: Reader) -> None:
    with pytest.raises(TesseractFailed, match=r"exit status 1: .+"):
        reader.read(Ask(PageImage(b"no image", "png", 10, 10, 200), ("fr",)))


def test_a_page_that_takes_too_long_fails_within_its_time(reader: Reader) -> None:
    needs("fr")
    with pytest.raises(TesseractFailed, match=r"no answer within 0\.001 s"):
        read(reader, drawn("columns_fr"), ("fr",), timeout_s=0.001)


def test_a_segmentation_mode_of_the_variation_is_passed_on(reader: Reader) -> None:
    needs("fr")
    line = drawn("phrase_fr").crop((0, 20, 760, 72))
    assert read(reader, line, ("fr",), psm=7).text.startswith("Dès Noël")


def test_without_the_binary_the_engine_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    unavailable = tesseract.check()
    assert isinstance(unavailable, EngineUnavailable)
    assert "apt-get install tesseract-ocr" in unavailable.needs
    assert "brew install" in unavailable.needs
    with pytest.raises(EngineUnavailable, match="PATH"):
        tesseract.SPEC.load({}, 1)


def test_a_binary_without_packs_is_unavailable_too(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    binary = tmp_path / "tesseract"
    binary.write_text("#!/bin/sh\necho 'List of available languages in \"/nowhere/\" (0):'\n")
    binary.chmod(binary.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin", prepend=None)
    unavailable = tesseract.check()
    assert unavailable is not None
    assert "no language packs" in unavailable.cause


# -- TSV -----------------------------------------------------------------------------------------------

HEAD = "level\tpage_num\tblock_num\tpar_num\tline_num\tword_num\tleft\ttop\twidth\theight\tconf\ttext"


def tsv(*rows: str) -> str:
    return "\n".join([HEAD, *(row.replace(" ", "\t") for row in rows)]) + "\n"


def test_rules_and_pictures_are_no_words() -> None:
    lines, _ = parse_tsv(
        tsv("4 1 1 1 1 0 0 0 900 20 -1 ", "5 1 1 1 1 1 0 0 900 3 -1 ", "5 1 1 1 1 2 0 0 90 20 91.5 mot")
    )
    assert [line.text for line in lines] == ["mot"]
    assert lines[0].confidence == pytest.approx(0.915)


def test_direction_marks_go_and_joiners_stay() -> None:
    marked, joined = "\u200fكتاب\u200e", "می\u200cرود"
    lines, _ = parse_tsv(tsv(f"5 1 1 1 1 1 0 0 90 20 90 {marked}", f"5 1 1 1 2 1 0 30 90 20 90 {joined}"))
    assert [line.text for line in lines] == ["كتاب", joined]


def test_a_line_read_across_a_gutter_is_cut_there() -> None:
    lines, _ = parse_tsv(
        tsv("4 1 1 1 1 0 0 0 500 20 -1 ", "5 1 1 1 1 1 0 0 90 20 90 un", "5 1 1 1 1 2 100 0 90 20 90 deux",
            "5 1 1 1 1 3 300 0 200 20 90 trois")
    )  # fmt: skip
    assert [(line.text, line.box) for line in lines] == [
        ("un deux", (0, 0, 190, 20)),
        ("trois", (300, 0, 500, 20)),
    ]


def test_rows_that_are_no_tsv_are_skipped() -> None:
    lines, _ = parse_tsv(f"{HEAD}\nnonsense\n5\t1\t1\t1\t1\t1\tx\t0\t9\t9\t90\tmot\n5\t1\t1\n")
    assert lines == []


def test_a_tab_inside_a_word_stays_in_it() -> None:
    lines, _ = parse_tsv(f"{HEAD}\n5\t1\t1\t1\t1\t1\t0\t0\t9\t9\t90\ta\tb\n")
    assert lines[0].text == "a\tb"


# -- real pages ----------------------------------------------------------------------------------------


@pytest.mark.corpus
def test_the_french_accents_of_the_corpus(reader: Reader, corpus: Path) -> None:
    needs("fr")
    recognition = read(reader, pdf_page(corpus / "nasty" / "francais.pdf", 200), ("fr",))
    assert error_rate(WHISKY_FR, recognition.text) < 0.01  # measured: 0.3%


@pytest.mark.corpus
def test_a_typescript_with_ground_truth(reader: Reader, corpus: Path) -> None:
    needs("fr")
    picture = photograph(corpus / "groundtruth" / "BN1984_34_94ac2_default.jpg", 1988)
    truth = (corpus / "groundtruth" / "BN1984_34_94ac2_default.gt.txt").read_text(encoding="utf-8")
    assert error_rate_by_line(truth, read(reader, picture).text) < 0.02  # measured: 0.8%


@pytest.mark.corpus
def test_the_arabic_page_of_the_corpus(reader: Reader, corpus: Path) -> None:
    needs("fr", "ar")
    recognition = read(reader, Image.open(corpus / "groundtruth" / "capr12.png"), ("fr", "ar"))
    truth = (corpus / "groundtruth" / "capr12.gt.txt").read_text(encoding="utf-8")
    assert recognition.language == "ar"
    assert error_rate(truth, recognition.text) < 0.01  # measured: 0.2%; a synthetic rendering
