"""Chandra: its answers become blocks and markdown, whatever is in them; prompts come from its package."""

from __future__ import annotations

import subprocess
import sys
import time
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bocr_worker.engines import chandra
from bocr_worker.engines.base import EngineSpec, EngineUnavailable, PageImage
from bocr_worker.engines.chandra_answers import parse_chandra, read_place
from bocr_worker.engines.chandra_package import load_package
from bocr_worker.engines.registry import all_engines
from bocr_worker.engines.vision.base import Answer, Parsed, question_for
from bocr_worker.engines.vision.layout_html import DEEPEST, MOST_CHARACTERS, MOST_TAGS, read_layout
from bocr_worker.engines.vision.serving import flags_for
from bocr_worker.engines.vision.versions import ANY, Versions, parse_version
from bocr_worker.protocol.manifest import EngineOrder
from bocr_worker.render.drawn import fit
from bocr_worker.runtimes.openai.runtime import OpenAiRuntime

IMAGE = PageImage(b"", "png", 1600, 2200, 192)

PAGE = """
<div data-label="Page-Header" data-bbox="100 20 900 50">JOURNAL OFFICIEL</div>
<div data-label="Section-Header" data-bbox="100 80 900 120"><h2>Décret n° 12</h2></div>
<div data-label="Text" data-bbox="100 140 900 300"><p>Article 1<sup>er</sup>. Le ministre<br/>
signe &amp; publie.</p><p>Fait à Rabat.</p></div>
<div data-label="Table" data-bbox="100 320 900 500"><table border="1"><tr><th>Ville</th><th>Prix</th></tr>
<tr><td>Fès</td><td>12</td></tr></table></div>
<div data-label="Image" data-bbox="100 520 500 700"><img alt="Un sceau rond"/></div>
"""


def installed() -> EngineSpec | None:
    """The engine whose package is installed here; one of the two at most can be."""
    try:
        version = parse_version(metadata.version("chandra-ocr"))
    except metadata.PackageNotFoundError:
        return None
    return chandra.CHANDRA_2 if Versions(since=(0, 2)).holds(version) else chandra.CHANDRA_1


SPEC = installed()
with_package = pytest.mark.skipif(SPEC is None, reason="chandra-ocr is not installed")
without_package = pytest.mark.skipif(SPEC is not None, reason="chandra-ocr is installed")


def parsed(text: str, finish: str = "stop", prompt: str = "ocr_layout") -> Parsed:
    """As if the package gave up on every answer."""
    return parse_chandra(Answer(text, finish, IMAGE, prompt), 1000, lambda safe_html: "")


def problem(text: str, **how: Any) -> str | None:
    return parsed(text, **how).recognition.markup_problem


def div(place: str | None, inside: str = "x") -> str:
    box = "" if place is None else f' data-bbox="{place}"'
    return f'<div data-label="Text"{box}>{inside}</div>'


def test_both_models_are_engines() -> None:
    assert all_engines()["chandra"].vision is chandra.CHANDRA_2.vision
    assert all_engines()["chandra-1"].vision is chandra.CHANDRA_1.vision


def test_blocks_come_with_labels_boxes_text_and_order() -> None:
    recognition = parsed(PAGE).recognition
    assert recognition.markup_problem is None
    assert [block.label for block in recognition.blocks] == [
        *("page-header", "section-header", "text", "table", "image"),
    ]
    assert recognition.blocks[1].box == (0.1, 0.08, 0.9, 0.12)
    assert recognition.blocks[2].text == "Article 1er. Le ministre\nsigne & publie.\n\nFait à Rabat."
    assert recognition.blocks[3].text == "Ville\tPrix\nFès\t12"
    assert recognition.blocks[4].text == "Un sceau rond"
    assert recognition.text.startswith("JOURNAL OFFICIEL\n\nDécret n° 12\n\nArticle")


def test_spans_are_where_each_block_stands_in_the_answer() -> None:
    seen = parsed(PAGE)
    assert [PAGE[start:end] for start, end in seen.spans][:2] == ["JOURNAL OFFICIEL", "<h2>Décret n° 12</h2>"]
    assert len(seen.spans) == len(seen.recognition.blocks)


@pytest.mark.parametrize("place", ["100 200 300 400", "[100, 200, 300, 400]", " 100, 200, 300, 400 "])
def test_both_spellings_of_a_place_are_read(place: str) -> None:
    assert read_place(place, 1000) == (0.1, 0.2, 0.3, 0.4)
    assert read_place("[0, 0, 1024, 1024]", 1024) == (0.0, 0.0, 1.0, 1.0)


@pytest.mark.parametrize(
    ("place", "words"),
    [
        (None, "a block without a place"),
        ("", "no four whole numbers"),
        ("100 200 300", "no four whole numbers: 100 200 300"),
        ("100 200 300 400 500", "no four whole numbers"),
        ("1.5 2 3 4", "no four whole numbers"),
        ("a b c d", "no four whole numbers"),
        ("__import__('os')", "no four whole numbers"),
        ("-1 0 10 10", "outside of 0 to 1000"),
        ("0 0 1001 10", "outside of 0 to 1000"),
        ("300 200 100 400", "ends before it starts"),
        ("300 200 300 400", "ends before it starts"),
        ("100 400 300 400", "ends before it starts"),
    ],
)
def test_a_place_that_is_none_fails_the_page(place: str | None, words: str) -> None:
    assert words in str(problem(div("1 2 3 4") + div(place)))


@pytest.mark.parametrize(
    "text", ["Only words.", "<p>a</p>", "<div>a</div>", "<div data-bbox='1 2 3 4'>x</div>", "{}"]
)
def test_an_answer_without_a_block_at_the_top_is_no_markup(text: str) -> None:
    seen = parsed(text).recognition
    assert seen.markup_problem == "no block with a label at the top"
    assert seen.text, "what was read is kept all the same"


def test_an_element_around_all_blocks_takes_none_away() -> None:
    for before, after in (("<div>", "</div>"), ("<html><body>", "</body></html>")):
        seen = parsed(before + div("1 2 30 40", "un") + div("1 50 30 60", "deux") + after).recognition
        assert ([block.text for block in seen.blocks], seen.markup_problem) == (["un", "deux"], None)


def test_an_answer_that_was_cut_off_is_truncated_and_not_invalid() -> None:
    whole = div("1 2 30 40", "Un mot")
    for rest in (
        '<div data-label="Te',
        '<div data-label="Text" data-bbox="1 2',
        '<div data-label="Text">',
        "<p",
    ):
        assert problem(whole + rest, finish="length") is None
    assert problem('<div data-label="Te', finish="length") is None
    assert problem(div("9 9 1 1") + whole + "<div", finish="length"), "a whole block is judged all the same"
    cut = parsed(
        whole + '<div data-label="Text" data-bbox="1 50 30 60"><p>Et enc', finish="length"
    ).recognition
    assert cut.text == "Un mot\n\nEt enc"
    assert len(cut.blocks) == 2


def test_an_empty_answer_is_left_to_the_verdict() -> None:
    assert problem("") is None
    assert problem(" \n") is None


def test_a_page_that_the_model_calls_blank_has_no_text_and_no_blocks() -> None:
    blank = parsed('<div data-label="Blank-Page" data-bbox="0 0 1000 1000">Nothing here</div>').recognition
    assert (blank.text, blank.blocks, blank.markup_problem) == ("", (), None)


def test_text_outside_of_all_blocks_is_text_of_the_page() -> None:
    seen = parsed("Avant " + div("1 2 30 40", "dedans") + "<p>après</p>").recognition
    assert seen.text == "Avant\n\ndedans\n\naprès"
    assert seen.markup_problem is None
    assert len(seen.blocks) == 1


def test_a_fence_around_the_answer_is_no_text() -> None:
    seen = parsed(f"```html\n{div('1 2 30 40', 'Un')}\n```").recognition
    assert (seen.text, seen.markup_problem) == ("Un", None)


def test_the_prompt_without_layout_gives_text_without_blocks() -> None:
    seen = parsed("<h1>Titre</h1><p>Un</p><p>deux", prompt="ocr").recognition
    assert (seen.text, seen.blocks, seen.markup_problem) == ("Titre\n\nUn\n\ndeux", (), None)


def test_what_only_looks_like_a_tag_is_text() -> None:
    assert parsed(div("1 2 30 40", "a < b, c <5 & x > y")).recognition.text == "a < b, c <5 & x > y"


def test_what_a_parser_is_given_is_closed_shallow_and_harmless() -> None:
    hostile = (
        '<div data-label="Text" data-bbox="1 2 30 40"><script>alert(1)</script><style>p{}</style>'
        '<a href="javascript:x()" onclick="y()">un</a><a href="https://example.org/?a=1">deux</a>'
        '<!-- <b> --><![CDATA[x]]><td colspan="2" style="z">trois<b>'
    )
    safe = read_layout(hostile).html
    assert safe == (
        '<div data-label="Text" data-bbox="1 2 30 40"><a>un</a><a href="https://example.org/?a=1">deux</a>'
        '<td colspan="2">trois<b></b></td></div>'
    )


def test_nesting_without_end_is_flat_beyond_a_depth() -> None:
    safe = read_layout(div("1 2 30 40", "<b>" * 2500 + "fond")).html
    assert safe.count("<b>") == safe.count("</b>") == DEEPEST - 1
    assert "fond" in safe


def test_an_answer_larger_than_any_page_is_not_parsed_and_keeps_its_text() -> None:
    many = parsed(div("1 2 30 40", "<b>x</b>" * MOST_TAGS)).recognition
    assert "tags, more than any page's" in str(many.markup_problem)
    assert many.text == "x" * MOST_TAGS
    long = parsed(div("1 2 30 40", "mot " * MOST_CHARACTERS)).recognition
    assert "characters, more than any page's" in str(long.markup_problem)
    assert len(long.text) > 25_000, "so that the verdict can call it runaway"


@pytest.mark.parametrize(
    "unit", ["<", "<a", "<a ", "<!--", "<!", "</", '<a b="', "&", "<p>", "<div>", "<li", "< >"]
)
def test_no_answer_takes_longer_than_its_length(unit: str) -> None:
    began = time.process_time()
    read_layout(unit * (MOST_CHARACTERS // len(unit)))
    assert time.process_time() - began < 4


MARKS = st.lists(
    st.sampled_from(
        ["<div", ' data-label="Text"', ' data-bbox="1 2 30 40"', ">", "</div>", "<p>", "</p>", "<td>", "<",
         "&lt;", "x", "</table>", "<br/>", "<!--", "-->", "<script>", "</script>", '"', "\n", "ا", "```",
         "<img alt='a'>"]
    ),
    max_size=40,
).map("".join)  # fmt: skip


@settings(max_examples=300)
@given(MARKS | st.text(max_size=60), st.sampled_from(["stop", "length"]))
def test_no_answer_breaks_the_parser_and_every_span_lies_in_it(text: str, finish: str) -> None:
    seen = parsed(text, finish=finish)
    assert len(seen.spans) == len(seen.recognition.blocks)
    assert all(0 <= start <= end <= len(text) for start, end in seen.spans)
    assert all(0 <= edge <= 1 for block in seen.recognition.blocks for edge in block.box)
    safe = read_layout(text).html
    assert read_layout(safe).html == safe, "what is safe stays as it is"


# -- how it is asked and served --------------------------------------------------------------------------


def test_the_first_try_is_greedy_and_each_model_has_its_own_later_ones() -> None:
    for number, temperatures in ((chandra.CHANDRA_1, [0, 0.3, 0.3]), (chandra.CHANDRA_2, [0, 0.2, 0.4])):
        assert number.vision is not None
        tries = [number.vision.sampling(retry) for retry in range(3)]
        assert [each.temperature for each in tries] == pytest.approx(temperatures)
        assert [each.top_p for each in tries] == [0.1, 0.95, 0.95]
        assert {each.max_tokens for each in tries} == {12384}
    assert chandra.sampling_2(9).temperature == 0.8


@pytest.mark.parametrize(
    ("gpu_gib", "at_once"), [(79.6, "64"), (44.9, "32"), (39.4, "32"), (22.5, "16"), (None, "16")]
)
def test_a_server_takes_as_many_pages_at_once_as_its_gpu_holds(gpu_gib: float | None, at_once: str) -> None:
    for spec in (chandra.CHANDRA_1, chandra.CHANDRA_2):
        assert spec.vision is not None
        words = flags_for(spec.vision.flags, (0, 20), gpu_gib)
        assert words[words.index("--max-num-seqs") + 1] == at_once
        longest = int(words[words.index("--max-model-len") + 1])
        assert longest >= chandra.MOST_PIXELS // 32**2 + 1300 + chandra.MOST_TOKENS


def test_the_older_server_loads_the_older_model_alone() -> None:
    assert chandra.CHANDRA_1.vision is not None and chandra.CHANDRA_2.vision is not None
    assert chandra.CHANDRA_1.vision.served_by.holds((0, 11, 2))
    assert not chandra.CHANDRA_2.vision.served_by.holds((0, 11, 2))


def test_a_page_is_drawn_at_192_dpi_and_not_too_small() -> None:
    spec = chandra.CHANDRA_2
    a4 = fit(595.3, 841.9, spec.dpi, spec.max_pixels, spec.least_side_px)
    assert (a4.dpi, a4.capped) == (192, False)
    slip = fit(200, 400, spec.dpi, spec.max_pixels, spec.least_side_px)
    assert min(slip.width_px, slip.height_px) == 1024
    broadsheet = fit(1200, 1700, spec.dpi, spec.max_pixels, spec.least_side_px)
    assert broadsheet.capped and broadsheet.width_px * broadsheet.height_px <= 6_291_456


# -- its package -----------------------------------------------------------------------------------------


@with_package
def test_the_prompts_are_the_packages_own() -> None:
    assert SPEC is not None and SPEC.vision is not None
    from chandra.prompts import OCR_LAYOUT_PROMPT, OCR_PROMPT

    assert question_for(SPEC.vision, IMAGE, {}, None).text == OCR_LAYOUT_PROMPT
    assert question_for(SPEC.vision, IMAGE, {"prompt": "ocr"}, None).text == OCR_PROMPT


@with_package
def test_the_scale_of_the_places_is_the_one_that_the_prompt_names() -> None:
    assert SPEC is not None and SPEC.vision is not None
    scale = 1000 if SPEC is chandra.CHANDRA_2 else 1024
    assert f"0-{scale}" in SPEC.vision.prompts["ocr_layout"]
    corner = SPEC.vision.parse(Answer(div(f"0 0 {scale} {scale}"), "stop", IMAGE, "ocr_layout")).recognition
    assert corner.blocks[0].box == (0, 0, 1, 1)
    beyond = SPEC.vision.parse(Answer(div(f"0 0 {scale + 1} 9"), "stop", IMAGE, "ocr_layout")).recognition
    assert beyond.markup_problem


@with_package
def test_the_markdown_is_the_packages_own_with_heads_and_without_dead_links() -> None:
    assert SPEC is not None and SPEC.vision is not None
    markdown = SPEC.vision.parse(Answer(PAGE, "stop", IMAGE, "ocr_layout")).recognition.markdown
    assert markdown.startswith("JOURNAL OFFICIEL")
    assert "## Décret n° 12" in markdown
    assert "Article 1<sup>er" in markdown and "signe & publie." in markdown
    assert '<table border="1"><tr><th>Ville</th><th>Prix</th></tr>' in markdown
    assert "![Un sceau rond]()" in markdown and ".webp" not in markdown


@with_package
def test_the_deepest_and_widest_answers_are_converted_in_seconds() -> None:
    assert SPEC is not None and SPEC.vision is not None
    wide = "<table>" + ("<tr>" + "<td>12</td>" * 20 + "</tr>") * 60 + "</table>"
    for inside in ("<b><i>" * 40 + "fond", wide):
        seen = SPEC.vision.parse(Answer(div("1 2 30 40", inside), "stop", IMAGE, "ocr_layout")).recognition
        assert seen.markdown and "markdown" not in seen.extra
        assert seen.markup_problem is None


@with_package
def test_a_package_of_the_other_model_is_refused_by_name() -> None:
    with pytest.raises(EngineUnavailable, match="It needs chandra-ocr==9 in its environment"):
        load_package("chandra", Versions(since=(9,)), "chandra-ocr==9")


@with_package
def test_no_framework_is_loaded_with_it() -> None:
    code = (
        "import sys; from bocr_worker.engines.chandra import SPECS;"
        "print(sum('chandra-ocr' in str(s.check()) for s in SPECS),"
        "*[m for m in ('torch', 'transformers', 'openai', 'streamlit', 'pypdfium2') if m in sys.modules])"
    )
    shown = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert shown.stdout.strip() == "1"


def test_a_markdown_that_the_package_could_not_make_is_the_text_and_says_so() -> None:
    seen = parsed(div("1 2 30 40", "Un mot")).recognition
    assert seen.markdown == "Un mot"
    assert "plain text" in seen.extra["markdown"]


@without_package
def test_without_its_package_the_engine_says_what_is_missing() -> None:
    for spec, wanted in ((chandra.CHANDRA_2, "chandra-ocr>=0.2"), (chandra.CHANDRA_1, "chandra-ocr>=0.1.8")):
        missing = spec.check()
        assert missing is not None
        assert wanted in missing.needs and "let bocr bring it" in missing.needs


async def test_without_its_package_no_server_is_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nowhere(name: str) -> str:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "version", nowhere)
    spec = chandra.spec_of("other", "Another", "chandra-ocr>=7", ANY, 1000, models=("m",))
    runtime = OpenAiRuntime(spec, EngineOrder("other"), tmp_path)
    with pytest.raises(EngineUnavailable, match="there is no chandra-ocr"):
        await runtime.start()
    assert not list(tmp_path.iterdir()), "a server would have had a log"
