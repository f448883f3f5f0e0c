"""What is tried on a page that failed: in order, each once, and never without end."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

from bocr_worker.engines.base import PageImage
from bocr_worker.engines.registry import all_engines
from bocr_worker.engines.vision.base import option_names, question_for
from bocr_worker.ladder import (
    DEFAULT_LADDER,
    PLAIN,
    PREPARATIONS,
    LadderError,
    early_rungs,
    next_variation,
    parse_ladder,
    rungs,
    settings_hash,
)
from bocr_worker.prepare.registry import all_steps
from bocr_worker.protocol.failures import FailureClass
from bocr_worker.protocol.manifest import Variation

ENGINES = sorted({*DEFAULT_LADDER, *all_engines(), "any-other"})


def names(engine: str, failure: FailureClass | None, overrides: Any = None) -> list[str]:
    return [variation.name for variation in rungs(engine, failure, overrides)]


def test_every_engine_has_an_answer_to_every_class() -> None:
    for engine in ENGINES:
        for failure in FailureClass:
            tried = {settings_hash(engine, {}, rung, ("fr",)) for rung in rungs(engine, failure)}
            assert len(tried) == len(rungs(engine, failure)) <= 6


def test_every_preparation_that_can_be_named_exists() -> None:
    assert set(PREPARATIONS) == set(all_steps())
    used = {
        step
        for policy in DEFAULT_LADDER.values()
        for r in policy.values()
        for v in r
        for step in v.preparations
    }
    assert used <= set(PREPARATIONS)


def test_an_unread_page_is_read_plainly() -> None:
    assert rungs("tesseract", None) == (PLAIN,)


def test_tesseract_goes_from_plain_to_columns_to_finer() -> None:
    for failure in (FailureClass.COVERAGE, FailureClass.CHARSET, FailureClass.TRUNCATED):
        assert names("tesseract", failure) == ["plain", "columns", "fine"]


def test_rapidocr_recovers_from_itself_by_resolution_then_preparation() -> None:
    assert names("rapidocr", FailureClass.COVERAGE) == ["plain", "fine", "clean", "columns"]


def test_chandra_is_asked_warmer_then_without_layout_before_the_page_is_drawn_anew() -> None:
    for engine in ("chandra", "chandra-1"):
        assert names(engine, FailureClass.REPETITION) == ["plain", "again", "prompt-ocr", "warmer", "columns"]
        assert names(engine, FailureClass.INVALID_MARKUP) == ["plain", "again", "prompt-ocr", "columns"]
        assert names(engine, FailureClass.TRUNCATED) == ["plain", "prompt-ocr", "columns", "again"]
        assert names(engine, FailureClass.COVERAGE)[:3] == ["plain", "columns", "fine"]


def test_deepseek_is_asked_without_grounding_before_anything_else() -> None:
    for failure in (FailureClass.REPETITION, FailureClass.INVALID_MARKUP, FailureClass.EMPTY):
        assert names("deepseek-ocr", failure)[:3] == ["plain", "prompt-free", "again"]


def test_no_page_of_text_is_asked_for_as_if_it_were_a_formula_or_a_chart() -> None:
    assert names("glm-ocr", FailureClass.REPETITION) == [
        "plain",
        "again",
        "prompt-markdown",
        "warmer",
        "columns",
    ]
    assert names("paddleocr-vl", FailureClass.REPETITION) == ["plain", "again", "warmer", "columns"]
    for engine, spec in all_engines().items():
        asked = {rung.options.get("prompt") for failure in FailureClass for rung in rungs(engine, failure)}
        assert not asked & {"table", "formula", "chart"}, engine
        assert spec.vision is None or spec.vision.of_parts < set(spec.vision.prompts)


def test_every_rung_of_a_model_is_a_question_that_its_engine_understands() -> None:
    image = PageImage(b"", "png", 100, 100, 72)
    for engine, spec in all_engines().items():
        if spec.vision is None:
            continue
        vision = replace(spec.vision, prompts=dict.fromkeys(spec.vision.prompts, "Read."))
        for failure in FailureClass:
            for rung in rungs(engine, failure):
                assert set(rung.options) <= set(option_names(vision))
                question_for(vision, image, rung.options, None)


def test_a_model_is_asked_once_or_twice_anew_before_the_next_stage_gets_the_page() -> None:
    early = [rung.name for rung in early_rungs("chandra", FailureClass.REPETITION)]
    assert early == ["plain", "again", "prompt-ocr"]
    for failure in (FailureClass.TIMEOUT, FailureClass.COVERAGE, FailureClass.ROTATION, FailureClass.RENDER):
        assert early_rungs("chandra", failure) == ()
    assert all(early_rungs("tesseract", failure) == () for failure in FailureClass)


def test_what_is_said_of_a_model_counts_in_every_stage() -> None:
    said = parse_ladder({"chandra": {"repetition": [], "timeout": ["plain", "columns"]}})
    assert early_rungs("chandra", FailureClass.REPETITION, said) == ()
    assert [rung.name for rung in early_rungs("chandra", FailureClass.TIMEOUT, said)] == ["plain", "columns"]
    assert early_rungs("chandra", FailureClass.EMPTY, said) == early_rungs("chandra", FailureClass.EMPTY)


def test_a_model_of_the_configuration_is_asked_with_its_own_prompts() -> None:
    base = all_engines()["qwen3-vl"]
    assert base.vision is not None
    mine = replace(base, name="mine", vision=replace(base.vision, prompts={"page": "Read.", "bare": "Text."}))
    tried = [rung.options for rung in rungs("mine", FailureClass.EMPTY, None, mine)]
    assert {"prompt": "bare"} in tried
    one = replace(mine, vision=replace(base.vision, prompts={"page": "Read."}))
    assert not any("prompt" in rung.options for rung in rungs("mine", FailureClass.EMPTY, None, one))


def test_a_turned_page_is_turned_and_not_read_lying_once_more() -> None:
    for engine in ENGINES:
        turns = rungs(engine, FailureClass.ROTATION)
        assert [variation.preparations[0] for variation in turns] == ["upright", "rotate-270", "rotate-180"]


def test_a_page_that_cannot_be_drawn_is_not_tried_again() -> None:
    said = parse_ladder({"tesseract": {"default": ["plain"]}})
    assert all(rungs(engine, FailureClass.RENDER) == () for engine in ENGINES)
    assert rungs("tesseract", FailureClass.RENDER, said) == ()


def test_each_rung_is_tried_once_and_then_there_is_none() -> None:
    offered = rungs("tesseract", FailureClass.COVERAGE)
    tried: set[str] = set()
    order = []
    while (variation := next_variation(offered, tried, "tesseract", {"psm": 3}, ("ar",))) is not None:
        tried.add(settings_hash("tesseract", {"psm": 3}, variation, ("ar",)))
        order.append(variation.name)
    assert order == ["plain", "columns", "fine"]


def test_the_same_settings_under_another_name_are_the_same_attempt() -> None:
    plain = settings_hash("tesseract", {}, PLAIN, ("fr",))
    assert settings_hash("tesseract", {}, Variation("other"), ("fr",)) == plain
    assert next_variation((Variation("other"),), {plain}, "tesseract", {}, ("fr",)) is None


def test_whatever_changes_the_reading_changes_the_hash() -> None:
    hashes = {
        settings_hash("tesseract", {}, PLAIN, ("fr",)),
        settings_hash("rapidocr", {}, PLAIN, ("fr",)),
        settings_hash("tesseract", {"psm": 6}, PLAIN, ("fr",)),
        settings_hash("tesseract", {}, Variation(dpi=300), ("fr",)),
        settings_hash("tesseract", {}, Variation(preparations=("deskew", "columns")), ("fr",)),
        settings_hash("tesseract", {}, Variation(preparations=("columns", "deskew")), ("fr",)),
        settings_hash("tesseract", {}, Variation(options={"psm": 6}), ("fr",)),
        settings_hash("tesseract", {}, PLAIN, ("ar",)),
        settings_hash("tesseract", {}, PLAIN, ("fr", "ar")),
    }
    assert len(hashes) == 9


def test_a_hash_is_the_same_in_every_process_and_version() -> None:
    variation = Variation("fine", 300, ("deskew",), {"b": 2, "a": "é"})
    assert settings_hash("tesseract", {"x": 1}, variation, ("ar", "fr")) == "999dad44999f61c6"


def test_where_a_model_is_served_is_no_setting_and_which_model_is() -> None:
    here = settings_hash("chandra", {"prompt": "ocr"}, PLAIN, ())
    there = {"prompt": "ocr", "url": "http://n7:8000", "servers": 2, "server_flags": ["--seed", "1"]}
    assert settings_hash("chandra", there, PLAIN, ()) == here
    assert settings_hash("chandra", {"prompt": "ocr", "model": "other"}, PLAIN, ()) != here


OPTIONS = st.dictionaries(
    st.text(max_size=8), st.integers() | st.text(max_size=8) | st.booleans(), max_size=4
)


@given(OPTIONS, OPTIONS)
def test_the_order_of_options_is_no_setting(options: dict[str, Any], more: dict[str, Any]) -> None:
    one = settings_hash("e", options, Variation(options=more), ())
    turned = settings_hash(
        "e", dict(reversed(options.items())), Variation(options=dict(reversed(more.items()))), ()
    )
    assert one == turned
    assert len(one) == 16


CONFIGURED = """
[tesseract]
coverage = ["plain", "deskew+columns", { dpi = 400, preparations = ["illumination"], options = { psm = 6 } }]
default = [{ name = "mine", dpi = 250 }]
first = [{ options = { psm = 1 } }]
render = []
"""


def test_a_configured_ladder_replaces_the_default_class_by_class() -> None:
    said = parse_ladder(tomllib.loads(CONFIGURED), engines=("tesseract", "rapidocr"))
    assert rungs("tesseract", FailureClass.COVERAGE, said) == (
        PLAIN,
        Variation("deskew+columns", None, ("deskew", "columns")),
        Variation("illumination+400dpi+psm", 400, ("illumination",), {"psm": 6}),
    )
    assert rungs("tesseract", FailureClass.EMPTY, said) == (Variation("mine", 250),)
    assert rungs("tesseract", None, said) == (Variation("psm", options={"psm": 1}),)
    assert rungs("rapidocr", FailureClass.EMPTY, said) == rungs("rapidocr", FailureClass.EMPTY)


@pytest.mark.parametrize(
    ("said", "key", "nearest"),
    [
        ({"teseract": {}}, "teseract", "tesseract"),
        ({"tesseract": {"coverag": []}}, "tesseract.coverag", "coverage"),
        ({"tesseract": {"empty": ["colums"]}}, "tesseract.empty[0]", "columns"),
        ({"tesseract": {"empty": ["plain", "deskew+rotat-90"]}}, "tesseract.empty[1]", "rotate-90"),
        ({"tesseract": {"empty": [{"preparation": []}]}}, "tesseract.empty[0].preparation", "preparations"),
        (
            {"tesseract": {"empty": [{"preparations": ["deskw"]}]}},
            "tesseract.empty[0].preparations",
            "deskew",
        ),
        ({"tesseract": {"empty": [{"preparations": "deskew"}]}}, "tesseract.empty[0].preparations", None),
        ({"tesseract": {"empty": [{"dpi": 9000}]}}, "tesseract.empty[0].dpi", None),
        ({"tesseract": {"empty": [{"dpi": True}]}}, "tesseract.empty[0].dpi", None),
        ({"tesseract": {"empty": [{"options": 3}]}}, "tesseract.empty[0].options", None),
        ({"tesseract": {"empty": [{"name": 3}]}}, "tesseract.empty[0].name", None),
        ({"tesseract": {"empty": "plain"}}, "tesseract.empty", None),
        ({"tesseract": {"empty": ["plain"] * 21}}, "tesseract.empty", None),
        ({"tesseract": {"first": []}}, "tesseract.first", None),
        ({"tesseract": []}, "tesseract", None),
    ],
)
def test_a_ladder_that_cannot_be_meant_is_refused_by_its_key(
    said: dict[str, Any], key: str, nearest: str | None
) -> None:
    with pytest.raises(LadderError) as refused:
        parse_ladder(said, engines=("tesseract", "rapidocr"))
    assert (refused.value.key, refused.value.nearest) == (key, nearest)
    assert str(refused.value).startswith(key)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=12), inner, max_size=3),
    max_leaves=12,
)


@given(
    st.dictionaries(st.text(max_size=8), st.dictionaries(st.sampled_from(["empty", "x"]), JSON, max_size=2))
)
def test_anything_in_the_configuration_is_read_or_refused_by_name(said: dict[str, Any]) -> None:
    try:
        parse_ladder(said)
    except LadderError as refused:
        assert refused.key
