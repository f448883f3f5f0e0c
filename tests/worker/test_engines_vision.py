"""What holds for every engine that is a vision-language model."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bocr_worker.engines import got_ocr2
from bocr_worker.engines.base import EngineSpec, EngineUnavailable, PageImage
from bocr_worker.engines.registry import all_engines, engine_named
from bocr_worker.engines.vision.base import Answer, VisionEngine, messages, question_for
from bocr_worker.engines.vision.native import Asking
from bocr_worker.engines.vision.sampling import OptionError
from bocr_worker.engines.vision.serving import flag_value, flags_for
from bocr_worker.engines.vision.versions import NONE

IMAGE = PageImage(b"png", "png", 1654, 2339, 200)


def has_its_prompts(spec: EngineSpec) -> bool:
    """Chandra's come with a package of its own, of which one version at most is installed."""
    try:
        return spec.vision is not None and bool(dict(spec.vision.prompts))
    except EngineUnavailable:
        return False


VISION = {name: spec for name, spec in all_engines().items() if has_its_prompts(spec)}
EACH = pytest.mark.parametrize("spec", VISION.values(), ids=VISION.keys())

WANTED = (
    *("deepseek-ocr", "deepseek-ocr-2", "glm-ocr", "qwen2.5-vl", "qwen3-vl", "got-ocr2", "internvl"),
    *("rolmocr", "paddleocr-vl", "lightonocr"),
)


def vision(spec: EngineSpec) -> VisionEngine:
    assert spec.vision is not None
    return spec.vision


def test_every_engine_is_there_under_its_name() -> None:
    assert set(WANTED) <= set(VISION)


@EACH
def test_it_names_a_model_a_licence_and_a_size(spec: EngineSpec) -> None:
    engine = vision(spec)
    assert engine.models and all("/" in model for model in engine.models)
    assert spec.runtime in ("openai", "transformers")
    if spec.name in WANTED:
        assert engine.licence and engine.parameters_b > 0


@EACH
def test_each_of_its_prompts_can_be_asked(spec: EngineSpec) -> None:
    for name in vision(spec).prompts:
        (message,) = messages(question_for(vision(spec), IMAGE, {"prompt": name, "retry": 1}, None))[-1:]
        assert message["content"][0]["type"] == "image_url"
        assert json.dumps(message)


@EACH
def test_a_later_try_is_another_try(spec: EngineSpec) -> None:
    first = question_for(vision(spec), IMAGE, {}, None).sampling
    again = question_for(vision(spec), IMAGE, {"retry": 1}, None).sampling
    late = question_for(vision(spec), IMAGE, {"retry": 99}, None).sampling
    assert again.temperature > first.temperature
    assert late.temperature <= 1


@EACH
def test_an_answer_fits_into_what_its_server_holds(spec: EngineSpec) -> None:
    engine = vision(spec)
    if engine.served_by == NONE:
        assert engine.flags == ()
        return
    length = flag_value(flags_for(engine.flags, None, None), "--max-model-len")
    if length is not None:
        assert question_for(engine, IMAGE, {}, None).sampling.max_tokens < int(length)


@EACH
def test_a_larger_gpu_serves_no_fewer_pages_at_a_time(spec: EngineSpec) -> None:
    at_once = [
        int(flag_value(flags_for(vision(spec).flags, None, gib), "--max-num-seqs") or 0)
        for gib in (None, 16.0, 24.0, 40.0, 80.0)
    ]
    assert at_once == sorted(at_once)


ANSWERS = [
    "",
    "```markdown\n# Journal officiel\n\nArt. 1. — Le décret est abrogé.\n```",
    "بلاغ عدد 7 لسنة 1962\n\n| الاسم | العدد |\n|---|---|\n| محمد | 7 |",
    "<table><tr><td>Nom</td><td>Âge</td></tr></table>",
    "\\begin{tabular}{|l|l|}\\hline Nom & 7 \\\\ \\hline\\end{tabular}",
]


@EACH
@pytest.mark.parametrize("text", ANSWERS)
def test_real_looking_answers_keep_their_words(spec: EngineSpec, text: str) -> None:
    for prompt in vision(spec).prompts:
        read = vision(spec).parse(Answer(text, "stop", IMAGE, prompt)).recognition
        for word in ("officiel", "abrogé", "بلاغ", "محمد", "Âge"):
            assert (word in read.text) == (word in text)
        assert "```" not in read.markdown or read.markup_problem
        assert read.raw == text


@given(text=st.text(), finish=st.sampled_from(["stop", "length", "unknown"]))
def test_no_answer_makes_a_parser_raise(text: str, finish: str) -> None:
    for spec in VISION.values():
        for prompt in vision(spec).prompts:
            vision(spec).parse(Answer(text, finish, IMAGE, prompt))


def test_a_page_that_begins_with_code_of_its_own_keeps_its_fences() -> None:
    parse = vision(engine_named("glm-ocr")).parse
    text = "```\nSELECT 1\n```\n\nLe reste de la page."
    assert parse(Answer(text, "stop", IMAGE, "text")).recognition.markdown == text
    cut = parse(Answer("```markdown\n# Titre\nle dé", "length", IMAGE, "text")).recognition
    assert cut.markdown == "# Titre\nle dé"


def test_the_processor_of_got_ocr2_makes_its_prompt() -> None:
    native = vision(got_ocr2.SPEC).native
    assert native is not None and native.asking is Asking.PROCESSOR
    assert native.processor_options({}) == {"format": True, "crop_to_patches": False}
    assert native.processor_options({"prompt": "text", "crop_to_patches": True}) == {
        "format": False,
        "crop_to_patches": True,
    }
    with pytest.raises(OptionError, match="crop_to_patches"):
        native.processor_options({"crop_to_patches": 1})


def test_lightonocr_is_asked_with_the_image_alone() -> None:
    (message,) = messages(question_for(vision(engine_named("lightonocr")), IMAGE, {}, None))
    assert [part["type"] for part in message["content"]] == ["image_url"]


@EACH
def test_what_cannot_run_here_says_what_it_needs(spec: EngineSpec, monkeypatch: Any) -> None:
    monkeypatch.setattr("bocr_worker.engines.vision.spec.find_spec", lambda name: None)
    missing = spec.check()
    if spec.name in WANTED:
        assert missing is not None
        assert "GPU" in missing.needs and "transformers" in missing.needs
