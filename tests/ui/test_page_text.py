"""A page's text on the screen: cleaned, wrapped, rendered, marked where it is doubtful, and fast."""

from __future__ import annotations

import time
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from bocr_tui.ui.bidi import as_seen
from bocr_tui.ui.comparing import MOST_WORDS, compare
from bocr_tui.ui.page_read import read_of
from bocr_tui.ui.rendered import Span, rendered
from bocr_tui.ui.safe_text import clean
from bocr_tui.ui.terminal_facts import terminal_reorders
from bocr_tui.ui.text_layout import ReadLine, clean_with, lay_out, wrapped
from bocr_worker.protocol.recognition import Block, Recognition, Word

BOX = (0.1, 0.1, 0.9, 0.2)


def seen(text: str, *, right: bool = True) -> str:
    return "".join(each.character for each in as_seen(text, right))


def marked(line: ReadLine, look: str = "doubt") -> list[str]:
    return [line.text[span.start : span.end] for span in line.spans if span.look == look]


def test_arabic_is_put_in_the_order_it_is_seen_in_with_its_letters_joined() -> None:
    assert seen("سلام") == "\ufee1\ufefc\ufeb3", "the form of seen, then lam-alef, then meem, from the right"
    assert seen("باب 12 (1447)") == "(1447) 12 \ufe8f\ufe8e\ufe91"
    assert seen("Loi باب n° 3", right=False) == "Loi \ufe8f\ufe8e\ufe91 n° 3"
    assert seen("Loi n° 3", right=False) == "Loi n° 3"


def test_marks_stay_on_their_letter_and_take_no_column() -> None:
    muhammad = "\u0645\u064f\u062d\u064e\u0645\u064e\u0651\u062f"
    assert seen(muhammad) == "\ufeaa\ufee4\u064e\u0651\ufea4\u064e\ufee3\u064f"
    assert cell_len(seen(muhammad)) == 4


@given(st.text("abc 12٣ابتلا()-.,%\u064e", max_size=30), st.booleans())
def test_no_letter_is_lost_when_a_line_is_put_in_order(text: str, right: bool) -> None:
    places = [each.place for each in as_seen(text, right)]
    assert len(places) == len(set(places))
    joined_alefs = len(text) - len(places)
    assert joined_alefs <= text.count("لا")


def test_the_terminals_that_reorder_by_themselves_are_known() -> None:
    assert terminal_reorders({"VTE_VERSION": "7600"})
    assert terminal_reorders({"TERM_PROGRAM": "Apple_Terminal"})
    assert not terminal_reorders({"TERM": "xterm-kitty"})
    assert not terminal_reorders({"VTE_VERSION": "7600", "TMUX": "/tmp/x"})


@given(st.text(max_size=120), st.integers(4, 40))
def test_wrapped_pieces_fit_and_lose_nothing_but_the_blank_they_break_at(text: str, width: int) -> None:
    text = clean(text)
    pieces = wrapped(text, width)
    assert all(cell_len(text[start:end]) <= width for start, end in pieces)
    for (_, end), (start, _) in pairwise(pieces):
        assert text[end:start] in ("", " ")
    assert pieces[0][0] == 0 and pieces[-1][1] == len(text)


@given(st.text(max_size=60), st.integers(0, 60), st.integers(0, 60))
def test_a_span_marks_the_same_letters_after_cleaning(text: str, first: int, second: int) -> None:
    start, end = sorted((min(first, len(text)), min(second, len(text))))
    cleaned, spans = clean_with(text, (Span(start, end, "doubt"),))
    for span in spans:
        assert cleaned[span.start : span.end].rstrip() == clean(text[start:end]).rstrip() or not span.look
    assert not set(cleaned) & set(map(chr, (*range(32), *range(127, 160))))


def test_markdown_is_rendered_and_what_is_no_markdown_is_left_alone() -> None:
    text, spans = rendered("# Dahir n° 1\n\n- **Article** premier\n1 < 2 et a_b_c, 3 * 4\n&amp; <sup>1</sup>")
    assert text == "Dahir n° 1\n\n• Article premier\n1 < 2 et a_b_c, 3 * 4\n& 1"
    assert [text[each.start : each.end] for each in spans] == ["Dahir n° 1", "Article"]


def test_tables_of_both_kinds_stand_in_columns() -> None:
    pipes, _ = rendered("| Nom | Âge |\n|---|---:|\n| Mohammed | 7 |")
    assert pipes.split("\n") == ["Nom      │ Âge", "Mohammed │ 7"]
    tags, _ = rendered(
        "<table><tr><th>Nom</th><th>Âge</th></tr><tr><td>Ali<br>B.</td><td>7</td></tr></table>"
    )
    assert tags.strip("\n").split("\n") == ["Nom    │ Âge", "Ali B. │ 7"]


@pytest.mark.parametrize(
    "hostile", ["<" * 50_000, "**" * 30_000, "|" * 40_000, "<table>" * 9_000, "#" * 50_000]
)
def test_markup_that_goes_on_forever_does_not(hostile: str) -> None:
    began = time.process_time()
    rendered(hostile)
    assert time.process_time() - began < 1.0


def test_unsure_words_are_marked_in_their_block() -> None:
    words = (Word("Dahir", BOX, 0.99), Word("n°", BOX, 0.3), Word("1-58", BOX, 0.55), Word("gone", BOX, 0.1))
    read = read_of(Recognition("Dahir n° 1-58", "Dahir n° 1-58", (Block("Dahir n° 1-58", BOX, words=words),)))
    assert marked(read.lines[0]) == ["n°", "1-58"]


def test_what_a_model_doubted_is_marked_in_its_raw_answer_and_found_again_in_the_text() -> None:
    raw = '<div data-label="Text"><b>Dahir</b> n° 1-58-261</div>\n<div>Fin &amp; suite</div>'
    at, other = raw.index("1-58"), raw.index("Fin")
    extra = {
        "doubtful": [[at, at + 8, 0.3], [other, other + 15, 0.2], [5, 3, 0.1], ["x"], None, [0, 10**9, 0.1]]
    }
    blocks = (Block("**Dahir** n° 1-58-261", BOX, "text"), Block("Fin & suite", BOX, "text"))
    read = read_of(Recognition("Dahir n° 1-58-261\nFin & suite", "", blocks, raw=raw, extra=extra))
    assert [marked(line) for line in read.lines] == [["1-58-261"], ["Fin & suite"]]
    assert [marked(line) for line in read.raw] == [["1-58-261"], ["Fin &amp; suite"]]
    assert read.raw_is == "raw answer"


def test_a_hundred_thousand_lines_and_a_line_of_25_000_characters_are_laid_out() -> None:
    many = lay_out([ReadLine(f"ligne {number} المادة") for number in range(100_000)], 60)
    assert len(many.drawn) == 100_000 and many.lines_of(99_999) == range(99_999, 100_000)
    long = lay_out([ReadLine("لا" * 12_500), ReadLine("x" * 40_000)], 50)
    assert len(long.lines_of(0)) == 500
    assert "10,000 more characters are not shown" in long.drawn[-1].text
    assert all(cell_len(each.text) <= 50 for each in long.drawn)


def test_two_readings_are_compared_word_by_word() -> None:
    made = compare("Dahir n° 1\nArticle premier\nFin", "Dahir n° 7\nArticle premier ter\n\nFin")
    assert [marked(line, "gone") for line in made.left] == [["1"], [], []]
    assert [marked(line, "new") for line in made.right] == [["7"], ["ter"], [], []]
    assert made.across == (0, 1, 3)
    assert made.places == ((0, 0), (2, 1))
    assert made.same == pytest.approx(5 / 7)
    assert compare("", "").same == 1.0


def test_long_readings_are_compared_line_by_line_and_endless_ones_not_at_all() -> None:
    lines = [f"ligne {number} de la page" for number in range(MOST_WORDS // 3)]
    made = compare("\n".join(lines), "\n".join([*lines[:10], "autre", *lines[10:]]))
    assert made.places == ((10, 10),)
    began = time.process_time()
    endless = compare("a\n" * 100_000, "b\n" * 100_000)
    assert endless.same is None and time.process_time() - began < 3.0
