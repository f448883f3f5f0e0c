"""Answers in HTML with places: what Qwen's models write of a page, honest and hostile."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bocr_worker.engines.base import PageImage
from bocr_worker.engines.qwen_vl import parse_qwen2_5, parse_qwen3
from bocr_worker.engines.vision.base import Answer, Parsed
from bocr_worker.engines.vision.placed_html import MARKUP, parse_placed_html
from bocr_worker.engines.vision.resizing import snapped_size
from bocr_worker.protocol.results import PageResult, decode_result, encode_result

IMAGE = PageImage(b"", "png", 1240, 1754, 150)

PAGE = """```html
<html><body>
<h1 data-bbox="120 40 880 92">Journal officiel</h1>
<div class="image" data-bbox="450 100 550 180"><img data-bbox="450 100 550 180" alt="Armoiries"/></div>
<p data-bbox="60 200 480 260">Le Pr&eacute;sident de la R&#233;publique,<br>Décrète : 3 &lt; 5</p>
<p dir="rtl" data-bbox="520 200 940 260">قرار من وزير الداخلية مؤرخ في 12 جانفي 1962</p>
<ol data-bbox="60 270 480 330"><li data-bbox="60 270 480 300">est nommé ;</li><li>est abrogé.</li></ol>
<table data-bbox="60 720 940 900" style="color:red"><tr><td colspan="2">Nom</td></tr>\
<tr><td>قانون</td><td>7</td></tr></table>
<p>sans place</p>
</body></html>
```"""


def parsed(text: str, finish: str = "stop") -> Parsed:
    return parse_placed_html(Answer(text, finish, IMAGE, "html"), (1000, 1000))


def test_a_page_is_blocks_with_places_in_order() -> None:
    read = parsed(PAGE).recognition
    assert read.markup_problem is None
    assert [block.label for block in read.blocks] == [
        *("section-header", "image", "text", "text", "list", "table"),
    ]
    assert read.blocks[0].box == (0.12, 0.04, 0.88, 0.092)
    assert read.markdown == "\n\n".join(
        [
            "# Journal officiel",
            "Le Président de la République,\nDécrète : 3 < 5",
            "قرار من وزير الداخلية مؤرخ في 12 جانفي 1962",
            "1. est nommé ;\n\n1. est abrogé.",
            '<table><tr><td colspan="2">Nom</td></tr><tr><td>قانون</td><td>7</td></tr></table>',
            "sans place",
        ]
    )
    assert "Nom\nقانون\t7" in read.text
    assert read.raw == PAGE


def test_each_block_knows_where_it_was_written() -> None:
    found = parsed(PAGE)
    assert len(found.spans) == len(found.recognition.blocks)
    first, last = found.spans[0]
    assert PAGE[first:last].startswith('<h1 data-bbox="120 40 880 92">Journal officiel')
    first, last = found.spans[3]
    assert "وزير الداخلية" in PAGE[first:last]
    assert "Journal" not in PAGE[first:last]


def test_probabilities_of_tags_say_nothing_of_the_reading() -> None:
    assert MARKUP.sub("", '<p data-bbox="1 2 3 4">Art. 1</p><br/>') == "Art. 1"


def test_an_answer_that_was_cut_off_keeps_what_was_read() -> None:
    at = PAGE.index("قانون") + 3
    read = parsed(PAGE[:at], "length").recognition
    assert read.markup_problem is None
    assert read.blocks[-1].label == "table"
    assert read.blocks[-1].text.endswith("<td>قان</td></tr></table>")


@pytest.mark.parametrize(
    ("place", "words"),
    [
        ("1 2 3", "no four numbers"),
        ("", "no four numbers"),
        ("one two three four", "no four numbers"),
        ("10 10 2000 20", "outside the image"),
        ("-400 10 200 20", "outside the image"),
        ("500 10 100 20", "ends before it starts"),
        ("10 10 10 10", "ends before it starts"),
    ],
)
def test_a_place_that_cannot_be_is_a_problem_and_its_text_is_kept(place: str, words: str) -> None:
    read = parsed(f'<p data-bbox="{place}">Article premier</p>').recognition
    assert read.markup_problem is not None
    assert words in read.markup_problem
    assert read.text == "Article premier"
    assert read.blocks == ()


def test_a_place_a_little_beyond_the_edge_is_cut_to_it() -> None:
    (block,) = parsed('<p data-bbox="0 -4 1010 30">x</p>').recognition.blocks
    assert block.box == (0.0, 0.0, 1.0, 0.03)


def test_text_without_any_place_is_not_what_was_asked_for_but_is_kept() -> None:
    read = parsed("# Journal officiel").recognition
    assert read.markup_problem is not None
    assert read.text == "Journal officiel"
    assert parsed(" \n").recognition.markup_problem is None


def test_scripts_and_styles_are_no_text() -> None:
    read = parsed('<style>p{}</style><script>alert(1)</script><p data-bbox="1 1 9 9">x</p>').recognition
    assert read.markdown == "x"


def test_places_of_qwen2_5_are_pixels_of_the_image_that_it_saw() -> None:
    width, height = snapped_size((1240, 1754), 28, 512 * 28 * 28, 2048 * 28 * 28)
    assert (width % 28, height % 28) == (0, 0)
    assert width * height <= 2048 * 28 * 28
    text = f'<p data-bbox="0 0 {width // 2} {height}">x</p>'
    (block,) = parse_qwen2_5(Answer(text, "stop", IMAGE, "html")).recognition.blocks
    assert block.box == (0.0, 0.0, pytest.approx(0.5, abs=0.01), 1.0)


def test_comments_with_places_are_no_text_of_a_page_in_markdown() -> None:
    text = "<!-- Image (10, 20, 300, 400) -->\n# Titre\n<!-- Table (1, 2, 3, 4) -->\n| a | b |"
    read = parse_qwen3(Answer(text, "stop", IMAGE, "markdown")).recognition
    assert read.markdown == "# Titre\n| a | b |"


@given(
    st.tuples(st.integers(1, 30_000), st.integers(1, 30_000)).filter(lambda size: max(size) / min(size) < 100)
)
def test_a_size_is_always_within_its_bounds(size: tuple[int, int]) -> None:
    width, height = snapped_size(size, 28, 512 * 28 * 28, 2048 * 28 * 28)
    assert width % 28 == height % 28 == 0
    assert min(width, height) >= 28
    assert width * height <= 2048 * 28 * 28 or min(width, height) == 28


_MARKS = [
    *("<p>", "</p>", '<p data-bbox="1 2 3 4">', "<table>", "<td>", "</table>", "<!--", "-->", "<![CDATA["),
    *("<?", "<!DOCTYPE", "&#x110000;", "&", "<", ">", "```", "```html\n", "\n", "نص", " ", "\ud800"),
    *('<img data-bbox="1 1 9 9">', "<script>", "</html>", "<h2 data-bbox='9 9 99 99'/>"),
]


@given(st.lists(st.sampled_from(_MARKS) | st.text(max_size=8), max_size=30).map("".join))
def test_no_answer_makes_the_parser_raise(hostile: str) -> None:
    for parse in (parse_qwen3, parse_qwen2_5):
        for prompt in ("html", "markdown", "text"):
            found = parse(Answer(hostile, "stop", IMAGE, prompt))
            assert all(0 <= first <= last <= len(hostile) for first, last in found.spans)
            assert len(found.spans) in (0, len(found.recognition.blocks))
            line = encode_result(PageResult("a" * 64, 1, 1, True, found.recognition))
            assert decode_result(line, "here").recognition.finish == "stop"


@pytest.mark.parametrize(
    "mark", ["<!--", "<p>", '<p data-bbox="1 2 3 4">', "<", "</", "<![", "&", "<a b='", "</p>", " a='"]
)
def test_no_loop_of_marks_takes_long(mark: str) -> None:
    began = time.process_time()
    parsed(mark * (100_000 // len(mark)))
    parsed('<p data-bbox="1 2 3 4">' + mark * (100_000 // len(mark)))
    assert time.process_time() - began < 4.0
