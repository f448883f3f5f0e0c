"""deepseek-ocr: how it is asked on each server and in process, and how its answers are read."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bocr_worker.engines.base import EngineSpec, PageImage
from bocr_worker.engines.deepseek_ocr import DEEPSEEK_OCR, DEEPSEEK_OCR_2, TABLE_CELLS
from bocr_worker.engines.registry import engine_named
from bocr_worker.engines.vision.base import Answer, VisionEngine, messages, option_names, question_for
from bocr_worker.engines.vision.sampling import OptionError
from bocr_worker.engines.vision.serving import flag_value, flags_for

IMAGE = PageImage(b"png", "png", 1190, 1684, 144)
BOTH = pytest.mark.parametrize("spec", [DEEPSEEK_OCR, DEEPSEEK_OCR_2], ids=lambda spec: spec.name)

GROUNDED = (
    "<|ref|>title<|/ref|><|det|>[[300, 60, 700, 96]]<|/det|>\n# الرائد الرسمي\n\n"
    "<|ref|>text<|/ref|><|det|>[[520, 120, 940, 400]]<|/det|>\nقرار من وزير المالية\n\n"
    "<|ref|>table<|/ref|><|det|>[[60, 420, 940, 800]]<|/det|>\n"
    "<table><tr><td>الاسم</td><td>1962</td></tr></table>"
)
END = "<｜end▁of▁sentence｜>"


def vision(spec: EngineSpec) -> VisionEngine:
    assert spec.vision is not None
    return spec.vision


@BOTH
def test_a_server_is_told_which_words_may_not_come_again(spec: EngineSpec) -> None:
    question = question_for(vision(spec), IMAGE, {}, (0, 18))
    assert question.fields == {
        "skip_special_tokens": False,
        "vllm_xargs": {"ngram_size": 20, "window_size": 50, "whitelist_token_ids": list(TABLE_CELLS)},
    }
    flags = flags_for(vision(spec).flags, (0, 18), 80.0)
    processor = flag_value(flags, "--logits_processors")
    assert processor == "vllm.model_executor.models.deepseek_ocr:NGramPerReqLogitsProcessor"
    assert "--no-enable-prefix-caching" in flags
    assert flag_value(flags, "--mm-processor-cache-gb") == "0"


@BOTH
def test_a_question_never_asks_for_more_than_the_model_holds(spec: EngineSpec) -> None:
    length = flag_value(flags_for(vision(spec).flags, None, None), "--max-model-len")
    assert length == "8192"
    sampling = question_for(vision(spec), IMAGE, {}, None).sampling
    assert sampling.temperature == 0
    assert sampling.max_tokens + 903 + 20 <= int(length)


def test_the_stretch_that_may_not_repeat_can_be_chosen_and_left_out() -> None:
    asked = question_for(vision(DEEPSEEK_OCR), IMAGE, {"ngram_size": 30, "window_size": 90}, None)
    assert asked.fields["vllm_xargs"]["window_size"] == 90
    assert "vllm_xargs" not in question_for(vision(DEEPSEEK_OCR), IMAGE, {"ngram_size": 0}, None).fields
    with pytest.raises(OptionError, match="ngram_size should be a whole number"):
        question_for(vision(DEEPSEEK_OCR), IMAGE, {"ngram_size": -1}, None)


@pytest.mark.parametrize(
    ("name", "prompt"),
    [
        ("markdown", "<|grounding|>Convert the document to markdown."),
        ("lines", "<|grounding|>OCR this image."),
        ("free", "Free OCR."),
    ],
)
def test_the_three_prompts_are_the_models_own(name: str, prompt: str) -> None:
    (message,) = messages(question_for(vision(DEEPSEEK_OCR), IMAGE, {"prompt": name}, None))
    assert message["content"][1]["text"] == prompt
    native = vision(DEEPSEEK_OCR).native
    assert native is not None and native.infer is not None
    assert native.infer.before + prompt == f"<image>\n{prompt}"


@pytest.mark.parametrize(
    ("mode", "sizes"),
    [
        ("gundam", (1024, 640, True)),
        ("tiny", (512, 512, False)),
        ("small", (640, 640, False)),
        ("base", (1024, 1024, False)),
        ("large", (1280, 1280, False)),
        (None, (1024, 640, True)),
    ],
)
def test_its_own_code_is_asked_in_a_mode_and_writes_nothing(
    mode: str | None, sizes: tuple[int, int, bool]
) -> None:
    native = vision(DEEPSEEK_OCR).native
    assert native is not None and native.infer is not None
    said = native.infer.keywords({"mode": mode} if mode else {})
    assert (said["base_size"], said["image_size"], said["crop_mode"]) == sizes
    assert said["eval_mode"] is True
    assert said["save_results"] is False


def test_an_unknown_mode_is_refused_with_the_nearest() -> None:
    with pytest.raises(OptionError, match=r"mode 'gundm' is unknown\. Did you mean 'gundam'"):
        question_for(vision(DEEPSEEK_OCR), IMAGE, {"mode": "gundm"}, None)
    assert "mode" in option_names(vision(DEEPSEEK_OCR))


@pytest.mark.parametrize(
    ("name", "version", "can"),
    [
        ("deepseek-ocr", (0, 8, 5), False),
        ("deepseek-ocr", (0, 11, 2), True),
        ("deepseek-ocr", (0, 29, 1), True),
        ("deepseek-ocr", (0, 30), False),
        ("deepseek-ocr-2", (0, 11, 2), False),
        ("deepseek-ocr-2", (0, 18, 0), True),
    ],
)
def test_only_servers_that_read_well_with_it_are_used(
    name: str, version: tuple[int, ...], *, can: bool
) -> None:
    assert vision(engine_named(name)).served_by.holds(version) is can


def test_a_grounded_answer_is_blocks_and_a_free_one_is_text() -> None:
    read = vision(DEEPSEEK_OCR).parse(Answer(GROUNDED, "stop", IMAGE, "markdown")).recognition
    assert [block.label for block in read.blocks] == ["title", "text", "table"]
    assert read.text == "الرائد الرسمي\n\nقرار من وزير المالية\n\nالاسم\t1962"
    free = vision(DEEPSEEK_OCR).parse(Answer(f"Article 1\n\nest abrogé.{END}", "stop", IMAGE, "free"))
    assert free.recognition.markdown == "Article 1\n\nest abrogé."
    assert free.recognition.blocks == ()


@pytest.mark.parametrize("prompt", ["markdown", "free"])
def test_without_a_word_on_its_end_an_answer_is_whole_if_it_says_so(prompt: str) -> None:
    parse = vision(DEEPSEEK_OCR).parse
    assert parse(Answer(GROUNDED + END + "\n", "unknown", IMAGE, prompt)).recognition.finish == "stop"
    assert parse(Answer(GROUNDED, "unknown", IMAGE, prompt)).recognition.finish == "length"
    assert parse(Answer(GROUNDED, "stop", IMAGE, prompt)).recognition.finish == "stop"
    assert parse(Answer(GROUNDED + END, "length", IMAGE, prompt)).recognition.finish == "length"


def test_a_place_that_would_be_code_is_not_run() -> None:
    text = "<|ref|>text<|/ref|><|det|>__import__('os').abort()<|/det|>\nArticle 1"
    read = vision(DEEPSEEK_OCR).parse(Answer(text, "stop", IMAGE, "markdown")).recognition
    assert read.markup_problem is not None
    assert "Article 1" in read.text


@given(
    st.text() | st.lists(st.sampled_from(["<|ref|>", "<|det|>", "[[", "1,", "]]", END, "ن"])).map("".join),
    st.sampled_from(["stop", "length", "unknown", ""]),
    st.sampled_from(["markdown", "lines", "free", "none of them"]),
)
def test_no_answer_makes_the_parser_raise(text: str, finish: str, prompt: str) -> None:
    found = vision(DEEPSEEK_OCR).parse(Answer(text, finish, IMAGE, prompt))
    assert found.recognition.raw == text
