"""[engines.<name>] of bocr.toml: a new model without code, from the file to the worker."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bocr_tui.config.engines import definition_of, engine_specs
from bocr_tui.config.errors import ConfigError
from bocr_tui.config.model import Config, parse_config
from bocr_tui.control.pipeline import Pipeline, build_pipeline
from bocr_worker.engines.base import EngineSpec, EngineUnavailable, PageImage
from bocr_worker.engines.registry import all_engines, engine_of
from bocr_worker.engines.vision.base import Answer, VisionEngine, question_for
from bocr_worker.engines.vision.defined import KEYS, DefinitionError, define
from bocr_worker.ladder import PLAIN
from bocr_worker.protocol.failures import FailureClass
from bocr_worker.protocol.manifest import EngineOrder, Manifest, dump_manifest, load_manifest
from bocr_worker.work import Ladder

IMAGE = PageImage(b"png", "png", 1654, 2339, 200)

OURS = """
pipeline = ["ours", "deepseek-free"]

[engines.ours]
title = "Our own model"
model = "archive/ocr-7b"
parser = "grounding"
dpi = 180
max_megapixels = 3.5
languages = ["fr", "ar"]
sampling = { temperature = 0.1, max_tokens = 6000 }
options = { server_flags = ["--max-model-len", "16384"] }

[engines.ours.prompts]
page = "Lis cette page."
lines = "Lis cette page ligne par ligne."

[engines.deepseek-free]
based_on = "deepseek-ocr"
runtime = "transformers"
prompts = { free = "Free OCR." }
"""


def vision(spec: EngineSpec) -> VisionEngine:
    assert spec.vision is not None
    return spec.vision


def config(text: str) -> Config:
    return parse_config(text, "bocr.toml")


def at_the_worker(order: EngineOrder) -> EngineSpec:
    """What the worker makes of an order that came through a manifest."""
    sent = dump_manifest(Manifest("tok123", 1, 0, order, ()))
    return engine_of(load_manifest(sent).engine)


def test_a_model_without_code_reads_as_it_was_told() -> None:
    first, _ = build_pipeline(config(OURS)).stages
    spec = at_the_worker(first.engine)
    assert (spec.name, spec.title, spec.runtime) == ("ours", "Our own model", "openai")
    assert (spec.dpi, spec.max_pixels, spec.languages) == (180, 3_500_000, {"fr", "ar"})
    assert vision(spec).models == ("archive/ocr-7b",)
    assert first.engine.options == {"server_flags": ["--max-model-len", "16384"]}
    question = question_for(vision(spec), IMAGE, {}, None)
    assert (question.text, question.sampling.temperature) == ("Lis cette page.", 0.1)
    again = question_for(vision(spec), IMAGE, {"prompt": "lines", "retry": 1}, None)
    assert (again.sampling.temperature, again.sampling.max_tokens) == (0.2, 6000)
    answer = "<|ref|>text<|/ref|><|det|>[[1, 1, 900, 90]]<|/det|>\nقرار"
    read = vision(spec).parse(Answer(answer, "stop", IMAGE, "page")).recognition
    assert [block.text for block in read.blocks] == ["قرار"]


def test_an_engine_based_on_another_changes_only_what_it_says() -> None:
    _, second = build_pipeline(config(OURS)).stages
    spec, base = at_the_worker(second.engine), all_engines()["deepseek-ocr"]
    assert (spec.name, second.engine.runtime) == ("deepseek-free", "transformers")
    assert vision(spec).prompts == {"free": "Free OCR."}
    assert vision(spec).flags == vision(base).flags
    assert (spec.dpi, spec.max_pixels) == (base.dpi, base.max_pixels)
    assert vision(spec).native == vision(base).native
    read = vision(spec).parse(Answer("Article 1", "stop", IMAGE, "free")).recognition
    assert read.markup_problem is None


def test_it_has_the_ladder_of_the_engine_that_it_is_based_on() -> None:
    text = (
        OURS + "\n[ladder.deepseek-ocr]\nempty = ['upright']\n[ladder.deepseek-free]\ncoverage = ['columns']"
    )
    _, second = build_pipeline(config(text)).stages
    assert [rung.name for rung in second.ladder[FailureClass.EMPTY]] == ["upright"]
    assert [rung.name for rung in second.ladder[FailureClass.COVERAGE]] == ["columns"]


def test_the_first_of_two_models_is_asked_anew_before_the_second_gets_the_page() -> None:
    first, second = build_pipeline(config('pipeline = ["chandra", "deepseek-ocr"]')).stages
    assert [rung.name for rung in first.ladder[FailureClass.REPETITION]] == ["plain", "again", "prompt-ocr"]
    assert FailureClass.TIMEOUT not in first.ladder and FailureClass.COVERAGE not in first.ladder
    assert [rung.name for rung in second.ladder[FailureClass.REPETITION]][:2] == ["plain", "prompt-free"]


def test_a_line_of_engines_is_sent_in_one_piece() -> None:
    text = """
    [engines.a]
    based_on = "rolmocr"
    title = "A"
    dpi = 100
    sampling = { temperature = 0.5, top_p = 0.9 }
    options = { stream = true, restarts = 1 }
    [engines.b]
    based_on = "a"
    sampling = { temperature = 0.7 }
    options = { restarts = 2 }
    """
    said = config(text)
    assert definition_of(said, "b") == {
        "based_on": "rolmocr",
        "dpi": 100,
        "sampling": {"temperature": 0.7, "top_p": 0.9},
    }
    (stage,) = build_pipeline(said, "b").stages
    assert stage.engine.options == {"stream": True, "restarts": 2}
    assert at_the_worker(stage.engine).title == "b"


def test_settings_for_an_engine_there_is_need_no_other_name() -> None:
    said = config("[engines.glm-ocr]\ndpi = 250\n[engines.tesseract]\noptions = { psm = 4 }")
    (stage,) = build_pipeline(said, "glm-ocr").stages
    assert at_the_worker(stage.engine).dpi == 250
    (stage,) = build_pipeline(said, "tesseract").stages
    assert (stage.engine.definition, stage.engine.options) == ({}, {"psm": 4})


def test_options_of_the_engine_yield_to_the_sites_model_and_to_the_stage() -> None:
    text = """
    pipeline = [{ engine = "glm-ocr", options = { restarts = 9 } }]
    [engines.glm-ocr]
    options = { restarts = 1, stream = true, model = "a" }
    [sites.local.environments.glm-ocr]
    model = "/data/glm"
    """
    (stage,) = build_pipeline(config(text)).stages
    assert stage.engine.options == {"restarts": 9, "stream": True, "model": "/data/glm"}


@pytest.mark.parametrize(
    ("text", "cause", "step"),
    [
        ("[engines.a]\nmodl = 'x'", "there is no setting engines.a.modl", "Did you mean model?"),
        ("[engines.a]\nsampling = {temprature = 1}", "engines.a.sampling.temprature", "temperature"),
        ("[engines.a]\nsampling = {temperature = 9}", "must be at most 2", ""),
        ("[engines.a]\nparser = 'markdwn'", "is none of", "Did you mean markdown?"),
        ("[engines.'a b']\nmodel = 'x'", "is no name for an engine", ""),
        ("[engines.a]\noptions = {at = 1999-01-01}", "cannot be sent to a worker", ""),
        (
            "[engines.a]\nsampling = {max_tokens = true}",
            "engines.a.sampling.max_tokens: must be a number",
            "",
        ),
    ],
)
def test_what_the_file_cannot_mean_is_refused_with_the_nearest(text: str, cause: str, step: str) -> None:
    with pytest.raises(ConfigError) as caught:
        config(text)
    assert cause in caught.value.cause
    assert step in caught.value.next_step


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("[engines.a]\nmodel = 'x'", "a.prompts: must be given where there is no based_on"),
        ("[engines.a]\nprompts = {p = 'x'}", "a.model: must be given"),
        ("[engines.a]\nbased_on = 'deepsek-ocr'", "no engine 'deepsek-ocr'. Did you mean 'deepseek-ocr'?"),
        ("[engines.a]\nbased_on = 'tesseract'", "tesseract is a library"),
        ("[engines.tesseract]\ndpi = 300", "tesseract is a library"),
        ("[engines.a]\nbased_on = 'b'\n[engines.b]\nbased_on = 'a'", "there is no engine"),
        ("[engines.a]\nbased_on = 'rolmocr'\nvllm_since = 'new'", "should be a version such as 0.18"),
        ("[engines.a]\nbased_on = 'rolmocr'\ndpi = 10", "a whole number from 40 to 1200"),
    ],
)
def test_what_makes_no_engine_is_refused_before_anything_is_ordered(text: str, cause: str) -> None:
    with pytest.raises(ConfigError) as caught:
        build_pipeline(config(text), "noop")
    assert cause in caught.value.cause


def test_an_engine_that_is_not_there_is_told_with_the_nearest_of_the_workspace() -> None:
    with pytest.raises(ConfigError) as caught:
        build_pipeline(config(OURS), "our")
    assert caught.value.next_step == "Did you mean ours?"


def test_a_worker_refuses_what_no_panel_of_its_version_sends() -> None:
    with pytest.raises(
        EngineUnavailable, match=r"its definition: x\.promts: is unknown\. Did you mean 'prompts'"
    ):
        engine_of(EngineOrder("x", definition={"model": "m", "promts": {}}))


def test_a_manifest_and_a_chain_of_before_load_all_the_same() -> None:
    order = EngineOrder("glm-ocr", "openai")
    record = json.loads(dump_manifest(Manifest("tok123", 1, 0, order, ())))
    del record["engine"]["definition"]
    assert load_manifest(json.dumps(record).encode()).engine == order
    pipeline = build_pipeline(Config(), "glm-ocr")
    stored = json.loads(json.dumps(pipeline.dump()))
    assert Pipeline.load(stored) == pipeline
    for stage in stored["stages"]:
        del stage["engine"]["definition"]
    assert Pipeline.load(stored) == pipeline


def test_another_prompt_under_the_same_name_is_another_reading() -> None:
    def settings(definition: dict[str, object]) -> str:
        manifest = Manifest("tok123", 1, 0, EngineOrder("ours", "openai", definition=definition), ())
        return Ladder(manifest).settings(PLAIN, _Document())  # type: ignore[arg-type]

    assert settings({"prompts": {"p": "a"}}) != settings({"prompts": {"p": "b"}})


class _Document:
    language = "fr"


_VALUES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9)
_ANYTHING = (
    _VALUES | st.lists(_VALUES, max_size=2) | st.dictionaries(st.text(max_size=9), _VALUES, max_size=2)
)


GLM = "pipeline = ['glm-ocr']\n[engines.glm-ocr]\n"


@pytest.mark.parametrize(
    ("text", "cause", "step"),
    [
        (GLM + "options = {modle = '/a'}", "[engines.glm-ocr.options] modle: ", "Did you mean model?"),
        (GLM + "options = {temperature = 99}", "[engines.glm-ocr.options] temperature: ", ""),
        (GLM + "options = {prompt = 3}", "[engines.glm-ocr.options] prompt: ", ""),
        (GLM + "options = {restarts = true}", "[engines.glm-ocr.options] restarts: ", ""),
        (GLM + "runtime = 'transformers'\noptions = {url = 'http://a'}", "glm-ocr.options] url: ", ""),
        (GLM + "runtime = 'vllm'\noptions = {command = ['a']}", "glm-ocr.options] command: ", ""),
        (
            "pipeline = ['rapidocr', {engine = 'glm-ocr', options = {max_token = 5}}]",
            "stage 2 of the pipeline, options max_token: ",
            "Did you mean max_tokens?",
        ),
        (
            "pipeline = [{engine = 'glm-ocr', runtime = 'vlm'}]",
            "stage 1 of the pipeline: there is no run",
            "",
        ),
        (
            "pipeline = ['a']\n[engines.a]\nbased_on = 'b'\n"
            "[engines.b]\nbased_on = 'chandra'\noptions = {prompt = 'ocr_layot'}",
            "[engines.b.options] prompt: prompt 'ocr_layot' is unknown",
            "Did you mean ocr_layout?",
        ),
        (
            "pipeline = ['glm-ocr']\n[ladder.glm-ocr]\nempty = [{options = {temprature = 1}}]",
            "the ladder of glm-ocr, rung ",
            "Did you mean temperature?",
        ),
        (
            "pipeline = ['tesseract']\n[engines.tesseract]\noptions = {psn = 6}",
            "[engines.tesseract.options] psn: the option 'psn' is unknown",
            "Did you mean psm?",
        ),
        (
            "pipeline = [{engine = 'tesseract', options = {psm = '6'}}]",
            "stage 1 of the pipeline, options psm: psm should be a whole number from 1 to 13",
            "",
        ),
        ("pipeline = [{engine = 'tesseract', options = {psm = 2}}]", "options psm: psm should be", ""),
        ("pipeline = [{engine = 'tesseract', options = {psm = 14}}]", "options psm: psm should be", ""),
        ("pipeline = [{engine = 'tesseract', options = {thresholding = 3}}]", "from 0 to 2", ""),
        ("pipeline = [{engine = 'tesseract', options = {timeout_s = 0}}]", "timeout_s should be", ""),
        ("pipeline = [{engine = 'rapidocr', options = {detect_dpi = true}}]", "detect_dpi should be", ""),
        ("pipeline = [{engine = 'rapidocr', options = {detect_dpi = 5}}]", "a number from 40 to 600", ""),
        (
            "pipeline = ['rapidocr']\n[ladder.rapidocr]\nempty = [{options = {detekt_dpi = 300}}]",
            "the ladder of rapidocr, rung ",
            "Did you mean detect_dpi?",
        ),
        (
            "pipeline = ['tesseract']\n[sites.local.environments.tesseract]\nmodel = '/data/x'",
            "the site's environment of tesseract, model: ",
            "",
        ),
        ("pipeline = [{engine = 'tesseract', runtime = 'openai'}]", "no vision-language model", ""),
        ("pipeline = [{engine = 'glm-ocr', runtime = 'local'}]", "which local cannot run", ""),
        (GLM + "vllm_since = '0.20'\nvllm_before = '0.18'", "glm-ocr.vllm_before: should be later than", ""),
    ],
)
def test_what_a_job_would_refuse_is_refused_before_it_is_ordered(text: str, cause: str, step: str) -> None:
    with pytest.raises(ConfigError) as caught:
        build_pipeline(config(text))
    assert cause in caught.value.cause
    assert step in caught.value.next_step


@pytest.mark.parametrize("name", sorted(all_engines()))
def test_every_engine_can_be_ordered_as_it_comes(name: str) -> None:
    assert build_pipeline(config(f"[engines.'{name}']\noptions = {{}}"), name).stages


@given(st.dictionaries(st.sampled_from([*KEYS, "other"]), _ANYTHING, max_size=5), st.booleans())
def test_any_definition_is_an_engine_or_refused_by_key(record: dict[str, object], based: bool) -> None:
    whole = {**record, "based_on": "qwen3-vl"} if based else record
    try:
        spec = define("x", whole, all_engines())
    except DefinitionError as error:
        assert error.key.startswith("x.")
    else:
        question_for(vision(spec), IMAGE, {}, None)


def test_engines_of_the_workspace_stand_beside_the_workers() -> None:
    assert {"ours", "deepseek-free", "tesseract"} <= engine_specs(config(OURS)).keys()
