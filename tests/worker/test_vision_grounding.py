"""DeepSeek-OCR's grounded answers, honest and hostile."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bocr_worker.engines.base import PageImage
from bocr_worker.engines.vision.base import Answer, Parsed
from bocr_worker.engines.vision.grounding import (
    MARKUP,
    BadMarkup,
    parse_grounding,
    read_boxes,
)
from bocr_worker.engines.vision.plain import plain_text
from bocr_worker.engines.vision.written import parse_markdown
from bocr_worker.protocol.results import PageResult, decode_result, encode_result

IMAGE = PageImage(b"", "png", 1000, 1400, 144)


def parsed(text: str, finish: str = "stop") -> Parsed:
    return parse_grounding(Answer(text, finish, IMAGE, "grounding"))


def piece(label: str, box: str, text: str) -> str:
    return f"<|ref|>{label}<|/ref|><|det|>{box}<|/det|>\n{text}\n\n"


PAGE = (
    piece("title", "[[120, 40, 880, 92]]", "# Journal officiel")
    + piece("image", "[[450, 100, 550, 180]]", "")
    + piece("text", "[[60, 200, 480, 700]]", "Le **Président** de la République,\nDécrète :")
    + piece(
        "table",
        "[[60, 720, 940, 900]]",
        "<table><tr><td>Nom</td><td>Âge</td></tr><tr><td>قانون</td></tr></table>",
    )
    + "<｜end▁of▁sentence｜>"
)


def test_a_page_is_blocks_with_places_in_order() -> None:
    read = parsed(PAGE).recognition
    assert read.markup_problem is None
    assert [block.label for block in read.blocks] == ["title", "image", "text", "table"]
    assert read.blocks[0].box == (0.12012, 0.04004, 0.88088, 0.09209)
    assert read.blocks[1].text == ""
    assert read.markdown.startswith(
        "# Journal officiel\n\nLe **Président** de la République,\nDécrète :\n\n<table>"
    )
    assert read.text == ("Journal officiel\n\nLe Président de la République,\nDécrète :\n\nNom\tÂge\nقانون")
    assert read.raw == PAGE
    assert "<|" not in read.text + read.markdown


def test_each_block_knows_where_its_text_stands_in_the_answer() -> None:
    found = parsed(PAGE)
    assert len(found.spans) == 4
    for block, (start, end) in zip(found.recognition.blocks, found.spans, strict=True):
        assert PAGE[start:end] == block.text


def test_lines_that_stand_in_the_label_are_text() -> None:
    answer = "".join(
        f"<|ref|>{line}<|/ref|><|det|>[[10, {place}, 900, {place + 20}]]<|/det|>\n"
        for place, line in ((10, "بلاغ عدد 7"), (40, "Article premier"), (70, "image"))
    )
    found = parsed(answer)
    assert [block.text for block in found.recognition.blocks] == ["بلاغ عدد 7", "Article premier", ""]
    assert [block.label for block in found.recognition.blocks] == ["line", "line", "image"]
    assert found.recognition.text == "بلاغ عدد 7\n\nArticle premier"
    assert answer[slice(*found.spans[1])] == "Article premier"


def test_a_line_in_the_label_with_text_after_it_loses_neither() -> None:
    read = parsed("<|ref|>Art. 1<|/ref|><|det|>[[1, 1, 9, 9]]<|/det|>\nest abrogé").recognition
    assert read.blocks[0].text == "Art. 1\nest abrogé"


def test_text_before_the_first_place_is_kept() -> None:
    read = parsed("Here it is:\n" + PAGE).recognition
    assert read.markdown.startswith("Here it is:\n\n# Journal officiel")
    assert len(read.blocks) == 4


def test_a_place_of_several_boxes_is_what_they_cover() -> None:
    read = parsed(piece("text", "[[10, 10, 20, 20], [30, 5, 40, 15]]", "x")).recognition
    assert read.blocks[0].box == (0.01001, 0.00501, 0.04004, 0.02002)


def test_nothing_at_all_is_an_empty_page_and_no_problem() -> None:
    for nothing in ("", " \n", "<｜end▁of▁sentence｜>"):
        read = parsed(nothing).recognition
        assert (read.text, read.blocks, read.markup_problem) == ("", (), None)


def test_text_without_any_place_is_no_grounded_answer_but_is_kept() -> None:
    read = parsed("Journal officiel").recognition
    assert read.markup_problem == "no text with a place: the answer is not grounded"
    assert read.text == "Journal officiel"


@pytest.mark.parametrize("cut", ["<|ref|>te", "<|ref|>text<|/ref|>", "<|ref|>text<|/ref|><|det|>[[60, 12"])
def test_an_answer_that_was_cut_off_is_no_bad_markup_and_one_that_was_not_is(cut: str) -> None:
    whole = PAGE.removesuffix("<｜end▁of▁sentence｜>")
    read = parsed(whole + cut, "length").recognition
    assert read.markup_problem is None
    assert len(read.blocks) == 4
    problem = parsed(whole + cut, "stop").recognition.markup_problem
    assert problem is not None and "a piece without a place" in problem


@pytest.mark.parametrize(
    "literal",
    [
        "__import__('os').system('true')",
        "[[1, 2, 3, 4]] + [[5]]",
        "[[1, 2, 3]]",
        "[[1, 2, 3, 4, 5]]",
        "[1, 2, 3, 4], 5",
        "[[[1, 2, 3, 4]]]",
        "[[5, 5, 5, 9]]",
        "[[9, 9, 5, 5]]",
        "[[0, 0, 5000, 5]]",
        "[[-1, 0, 5, 5]]",
        "[[0, 0, 1e999, 5]]",
        "[[0, 0, 99999999999999999999999999999999, 5]]",
        "[[07, 0, 9, 5]]",
        "[[٠, 0, 5, 5]]",
        "[]",
        "[[]]",
        "7",
        "",
        "(1, 2, 3, 4)",
        "[" * 1500 + "]" * 500,
        "-" * 1900 + "1",
        "[" + "[1, 2, 3, 4]," * 100 + "]",
        "[[1, 2, 3, 4]]" + " " * 2500,
        "[[1, 2, 3, 4][0]]",
        "[[1, 2, 3, 4 5]]",
        "[[True, 0, 5, 5]]",
        "{1, 2, 3, 4}",
    ],
)
def test_nothing_but_boxes_is_a_place(literal: str) -> None:
    with pytest.raises(BadMarkup):
        read_boxes(literal)
    read = parsed(piece("text", literal, "Loi")).recognition
    assert read.markup_problem is not None
    assert len(read.markup_problem) < 200


def test_a_box_may_come_without_its_list_and_at_the_very_edge() -> None:
    assert read_boxes("[0, 0, 999, 1000]") == ((0.0, 0.0, 1.0, 1.0),)
    assert read_boxes(" [[0.5, 1, 10.25, 20]]\n") == ((0.0005, 0.001, 0.01026, 0.02002),)


@pytest.mark.parametrize(
    "hostile",
    [
        "<|ref|>" * 100_000,
        "<|ref|>a<|/ref|><|det|>" * 40_000,
        piece("text", "[[1, 1, 9, 9]]", "x") * 20_000,
        "<|ref|>a<|/ref|><|det|>" + "[" * 500_000,
        "<" * 500_000,
        "![" * 200_000,
        "**" * 200_000,
        "&amp;" * 100_000 + "<td" * 100_000,
        "#" * 300_000,
        ("\n" * 3 + " ") * 100_000,
    ],
)
def test_no_answer_takes_long(hostile: str) -> None:
    began = time.process_time()
    for finish in ("stop", "length"):
        parsed(hostile, finish)
        parse_markdown(Answer(hostile, finish, IMAGE, "free"))
    assert time.process_time() - began < 2.0


@given(
    st.lists(
        st.sampled_from(
            [
                "<|ref|>",
                "<|/ref|>",
                "<|det|>",
                "<|/det|>",
                "[[1, 1, 9, 9]]",
                "text",
                "\n",
                "ا",
                "<td>",
                "\ud800",
            ]
        ),
        max_size=30,
    ),
    st.sampled_from(["stop", "length", "unknown"]),
)
def test_every_answer_becomes_a_recognition_that_can_be_stored(words: list[str], finish: str) -> None:
    found = parsed("".join(words), finish)
    read = found.recognition
    assert len(found.spans) == len(read.blocks)
    for block in read.blocks:
        x0, y0, x1, y1 = block.box
        assert 0 <= x0 < x1 <= 1 and 0 <= y0 < y1 <= 1
    line = encode_result(PageResult("a" * 64, 1, 1, True, read))
    assert decode_result(line, "here").recognition.finish == finish


def test_what_is_markup_is_told_from_what_is_text() -> None:
    bare = MARKUP.sub("", PAGE)
    assert "Journal officiel" in bare and "Décrète" in bare
    assert "det" not in bare and "120" not in bare
    line = "<|ref|>Article premier<|/ref|><|det|>[[1, 1, 9, 9]]<|/det|>"
    assert MARKUP.sub("", line) == "Article premier"


def test_plain_text_keeps_what_only_looks_like_markup() -> None:
    assert plain_text("a < b et c > d") == "a < b et c > d"
    assert plain_text("2 * 3 * 4, snake_case_name") == "2 * 3 * 4, snake_case_name"
    assert plain_text("# Titre\n\n\n\n## Sous-titre  \ntexte") == "Titre\n\nSous-titre\ntexte"
    assert plain_text("AT&amp;T ![un sceau](x.png)<br>fin") == "AT&T un sceau\nfin"
