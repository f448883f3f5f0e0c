"""From lines to text, paragraphs and blocks."""

from __future__ import annotations

from bocr_worker.engines.lines import ReadLine, ReadWord, Sheet, recognition_of
from bocr_worker.protocol.recognition import Recognition

SHEET = Sheet(1000, 1000)
RTL = Sheet(1000, 1000, right_to_left=True)


def line(text: str, x0: float, y0: float, x1: float, confidence: float = 0.9) -> ReadLine:
    box = (x0, y0, x1, y0 + 20)
    return ReadLine(text, box, box, confidence)


def read(*lines: ReadLine, sheet: Sheet = SHEET) -> Recognition:
    return recognition_of(lines, sheet, "fr", {})


def test_a_wider_step_an_indent_and_a_short_line_start_paragraphs() -> None:
    recognition = read(
        line("Le présent décret fixe les règles", 100, 100, 500),
        line("applicables à la pêche côtière.", 100, 130, 380),
        line("Il entre en vigueur aussitôt et vaut", 100, 160, 500),
        line("pour tout le royaume ainsi que pour", 100, 190, 500),
        line("Un retrait ouvre cet alinéa encore", 130, 220, 500),
        line("plus long que le précédent ne l'est", 100, 250, 500),
        line("Loin dessous commence une autre fin", 100, 330, 500),
    )
    assert recognition.markdown.split("\n\n") == [
        "Le présent décret fixe les règles\napplicables à la pêche côtière.",
        "Il entre en vigueur aussitôt et vaut\npour tout le royaume ainsi que pour",
        "Un retrait ouvre cet alinéa encore\nplus long que le précédent ne l'est",
        "Loin dessous commence une autre fin",
    ]
    assert recognition.text == recognition.markdown.replace("\n\n", "\n")


def test_a_ragged_margin_does_not_end_a_paragraph() -> None:
    recognition = read(
        line("Les dépenses qui résultent de", 100, 100, 400),
        line("l'application extraordinairement", 100, 130, 480),
        line("longue sont imputées au chapitre", 100, 160, 490),
    )
    assert "\n\n" not in recognition.markdown


def test_hyphens_at_line_ends_stay_as_they_were_read() -> None:
    recognition = read(line("la régle-", 100, 100, 400), line("mentation", 100, 130, 400))
    assert recognition.text == "la régle-\nmentation"


def test_cells_of_a_row_are_parted_by_tabs_and_near_pieces_by_spaces() -> None:
    recognition = read(
        line("La ligne", 100, 100, 200), line("1.000", 400, 100, 450), line("francs", 456, 100, 520)
    )
    assert recognition.text == "La ligne\t1.000 francs"


def test_arabic_rows_and_paragraphs_run_from_the_right() -> None:
    recognition = read(
        line("المادة الأولى", 600, 100, 900),
        line("يحدد هذا المرسوم القواعد المطبقة", 400, 130, 900),
        line("على الصيد في الموانئ", 400, 160, 900),
        line("رقم", 300, 100, 340),
        sheet=RTL,
    )
    assert recognition.text.split("\n")[0] == "المادة الأولى\tرقم"


def test_boxes_are_fractions_inside_the_image_even_where_the_engine_overshoots() -> None:
    recognition = read(line("au bord", -5, 990, 1010), line("point", 1000, 5, 1000))
    for block in recognition.blocks:
        x0, y0, x1, y1 = block.box
        assert 0 <= x0 < x1 <= 1
        assert 0 <= y0 < y1 <= 1


def test_confidence_weighs_words_by_their_characters() -> None:
    words = (ReadWord("abcdefgh", (0, 0, 80, 20), 1.0), ReadWord("ij", (90, 0, 110, 20), 0.5))
    line = ReadLine("abcdefgh ij", (0, 0, 110, 20), (0, 0, 110, 20), 0.75, words)
    assert recognition_of([line], SHEET, None, {}).confidence.mean == 0.9


def test_no_lines_are_an_empty_reading_whose_confidence_is_unknown() -> None:
    for sheet in (SHEET, Sheet(1, 1, keep_order=True)):
        recognition = recognition_of([], sheet, "fr", {})
        assert (recognition.text, recognition.markdown, recognition.blocks) == ("", "", ())
        assert recognition.confidence.mean is None


def test_an_order_that_is_known_is_kept() -> None:
    lines = [line("second", 100, 300, 400), line("first", 100, 100, 400)]
    assert recognition_of(lines, Sheet(1000, 1000, keep_order=True), None, {}).text == "second\nfirst"
