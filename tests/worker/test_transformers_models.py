"""Tiny models of the real architectures through the code of a child process, from an image to tokens."""

from __future__ import annotations

import itertools
import json
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers", minversion="4.57")

from bocr_worker.engines.base import EngineUnavailable, PageImage
from bocr_worker.engines.registry import all_engines
from bocr_worker.engines.vision.base import question_for
from bocr_worker.engines.vision.native import NativeCall
from bocr_worker.engines.vision.sampling import Sampling
from bocr_worker.engines.vision.versions import Versions
from bocr_worker.protocol.manifest import EngineOrder, Limits
from bocr_worker.runtimes.openai.answers import Completion
from bocr_worker.runtimes.openai.confidence import overall, place_tokens
from bocr_worker.runtimes.openai.reading import recognition_of
from bocr_worker.runtimes.registry import runtime_for
from bocr_worker.runtimes.transformers import child
from bocr_worker.runtimes.transformers.runtime import TransformersRuntime
from bocr_worker.runtimes.transformers.spelling import Spelling
from bocr_worker.runtimes.transformers.watching import NoRepeat, RowWatch
from bocr_worker.runtimes.transformers.wire import Answers, Late, Opening, Problem, Row
from tests.worker.tiny_engine import native_call, opening, picture, row
from tests.worker.tiny_models import ARCHITECTURES, is_known, make_tiny


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Makes each model once."""
    root = tmp_path_factory.mktemp("models")

    def folder(architecture: str) -> Path:
        if not is_known(architecture):
            pytest.skip(f"this release of transformers has no {architecture}")
        made = root / architecture
        return made if (made / "config.json").is_file() else make_tiny(architecture, made)

    return folder


def completions(*rows: Row) -> list[Completion]:
    said = child.read(rows)
    assert isinstance(said, Answers)
    found = [answer for answer in said.rows if isinstance(answer, Completion)]
    assert len(found) == len(rows), said.rows
    return found


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_two_pages_of_different_size_are_read_together(architecture: str, models: Any) -> None:
    told = child.load(opening(models(architecture), native_call(architecture)))
    assert told.takes_batches
    assert (told.device, told.dtype) == ("cpu", "float32")
    first, second = completions(row(max_tokens=4), row(size=(160, 80), max_tokens=9))
    for answer, most in ((first, 4), (second, 9)):
        assert answer.usage.completion_tokens is not None
        assert (
            answer.usage.completion_tokens == most if answer.finish == "length" else answer.finish == "stop"
        )
        assert answer.usage.prompt_tokens is not None
        assert answer.usage.prompt_tokens > 15, "the image has its tokens"
        assert answer.tokens is not None
        assert all(token.probability is not None and 0 < token.probability < 1 for token in answer.tokens)


ENGINES = [
    (name, spec.vision.native.model_types[0])
    for name, spec in sorted(all_engines().items())
    if spec.vision is not None and spec.vision.native is not None and spec.vision.native.model_types
]


@pytest.mark.parametrize(("name", "architecture"), ENGINES)
def test_every_engine_is_understood_by_a_model_of_its_type(name: str, architecture: str, models: Any) -> None:
    """Its way of asking, its options, its bounds on pixels and its parser."""
    runtime = runtime_for(
        all_engines()[name],
        EngineOrder(name, "transformers", options={"model": str(models(architecture)), "max_tokens": 5}),
        Limits(),
        cores=1,
    )
    assert isinstance(runtime, TransformersRuntime)
    engine = all_engines()[name].vision
    assert engine is not None
    image = PageImage(picture(300, 400), "png", 300, 400, 72)
    try:
        questions = [question_for(engine, image, {"prompt": prompt}, None) for prompt in engine.prompts]
    except EngineUnavailable as error:
        pytest.skip(str(error))
    child.load(replace(runtime.opening(1, "/nowhere"), device="cpu"))
    for question in questions:
        asked = replace(
            runtime.row_of(question, {"prompt": question.prompt}, 60.0), sampling=Sampling(max_tokens=5)
        )
        (answer,) = completions(asked)
        recognition = recognition_of(engine, question, answer)
        assert recognition.usage.completion_tokens == 5 or recognition.finish == "stop"
        assert recognition.confidence.mean is None or 0 < recognition.confidence.mean < 1


def test_a_model_that_names_itself_by_its_family_is_loaded_as_what_it_is(models: Any, tmp_path: Path) -> None:
    """LightOnOCR's config.json says `mistral3`, of which the automatic classes would make another model."""
    folder = Path(shutil.copytree(models("lighton_ocr"), tmp_path / "weights"))
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "model_type": "mistral3"}))
    engine = all_engines()["lightonocr"].vision
    assert engine is not None and engine.native is not None
    child.load(opening(models("lighton_ocr"), engine.native))
    (meant,) = completions(row(max_tokens=6))
    child.load(opening(folder, engine.native))
    (read,) = completions(row(max_tokens=6))
    assert (read.text, read.usage) == (meant.text, meant.usage)


@pytest.mark.parametrize("architecture", ["qwen3_vl", "glm_ocr", "internvl", "lighton_ocr"])
def test_a_page_reads_the_same_alone_and_beside_a_longer_one(architecture: str, models: Any) -> None:
    child.load(opening(models(architecture), native_call(architecture)))
    small, large = row(3, (64, 96)), row(4, (200, 240))
    (alone,) = completions(small)
    together, _ = completions(small, large)
    assert together.usage == alone.usage
    assert together.text == alone.text
    assert [token.probability for token in together.tokens or ()] == pytest.approx(
        [token.probability for token in alone.tokens or ()], abs=1e-4
    )


def test_probabilities_find_their_place_in_the_text(models: Any) -> None:
    child.load(opening(models("qwen2_5_vl"), native_call("qwen2_5_vl")))
    (answer,) = completions(row(max_tokens=12))
    assert answer.text and answer.tokens
    confidence = overall(place_tokens(answer.text, answer.tokens))
    assert confidence.mean is not None and 0 < confidence.mean < 1
    assert confidence.minimum is not None and confidence.minimum <= confidence.mean


def test_the_probabilities_are_those_of_the_chosen_tokens(models: Any) -> None:
    """By the library's own way of computing them, with every step's scores kept."""
    import torch

    from bocr_worker.runtimes.transformers.generating import prepare

    child.load(opening(models("qwen3_vl"), native_call("qwen3_vl")))
    (answer,) = completions(row(max_tokens=5))
    loaded = child._loaded
    assert loaded is not None
    inputs = prepare(loaded, [row()])
    with torch.inference_mode():
        out = loaded.model.generate(
            **inputs, max_new_tokens=5, do_sample=False, output_scores=True, return_dict_in_generate=True
        )
    scores = loaded.model.compute_transition_scores(out.sequences, out.scores, normalize_logits=True)
    mine = [token.probability for token in answer.tokens or ()]
    assert mine == pytest.approx(scores[0].exp().tolist()[: len(mine)], abs=1e-5)


def test_an_end_token_ends_the_answer_and_is_no_part_of_it(models: Any) -> None:
    """The model is made to write its end as the third token."""
    child.load(opening(models("qwen3_vl"), native_call("qwen3_vl")))
    loaded = child._loaded
    assert loaded is not None
    original = loaded.model.generate

    def forced(**inputs: Any) -> Any:
        return original(**inputs, forced_eos_token_id=None, suppress_tokens=None, **_forcing(loaded, 3))

    loaded.model.generate = forced
    (answer,) = completions(row(max_tokens=50))
    assert answer.finish == "stop"
    assert answer.usage.completion_tokens == 3
    assert len(answer.tokens or ()) == 2
    assert "<|im_end|>" not in answer.text


def _forcing(loaded: Any, step: int) -> dict[str, Any]:
    """Only the end may come at that step, and never before."""
    written = []

    def allowed(_: int, __: Any) -> list[int]:
        written.append(1)
        return [loaded.tokenizer.eos_token_id] if len(written) >= step else [65, 66]

    return {"prefix_allowed_tokens_fn": allowed}


def test_the_deadline_of_one_page_leaves_the_others_theirs(models: Any) -> None:
    child.load(opening(models("qwen3_vl"), native_call("qwen3_vl"), stop_loops=False))
    said = child.read((row(max_tokens=400, deadline_s=0.02), row(1, max_tokens=5)))
    assert isinstance(said, Answers)
    late, read = said.rows
    assert isinstance(late, Late) and 0 < late.tokens < 400
    assert isinstance(read, Completion) and read.usage.completion_tokens == 5


def test_a_loop_is_ended_long_before_its_limit(models: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Random weights run in circles by themselves. They are looked at more often than real ones, whose tokens
    are several characters long."""
    monkeypatch.setattr("bocr_worker.runtimes.openai.streaming._LOOK_EVERY", 300)
    child.load(opening(models("paddleocr_vl"), native_call("paddleocr_vl")))
    (answer,) = completions(row(max_tokens=7000))
    assert answer.finish == "aborted"
    assert answer.usage.completion_tokens is not None
    assert 350 < answer.usage.completion_tokens < 1200


def test_sampling_with_a_seed_draws_the_same_twice(models: Any) -> None:
    child.load(opening(models("qwen3_vl"), native_call("qwen3_vl")))
    warm = {"temperature": 1.0, "max_tokens": 12}
    (first,), (second,) = completions(row(seed=5, **warm)), completions(row(seed=5, **warm))
    (third,) = completions(row(seed=6, **warm))
    assert first.text == second.text
    assert first.text != third.text


def test_an_ngram_may_be_forbidden_to_come_again(models: Any) -> None:
    child.load(opening(models("paddleocr_vl"), native_call("paddleocr_vl")))
    asked = row(max_tokens=60)
    arguments = {"vllm_xargs": {"ngram_size": 2, "window_size": 50, "whitelist_token_ids": []}}
    (free,) = completions(asked)
    held = Row(asked.image, asked.text, "", asked.sampling, 60.0, arguments)
    (answer,) = completions(held)
    assert _longest_run(free) > 20, "left to itself it runs in circles"
    assert _longest_run(answer) <= 2


def _longest_run(answer: Completion) -> int:
    runs = itertools.groupby(token.spelled for token in answer.tokens or ())
    return max(len(list(run)) for spelled, run in runs if spelled)


def test_a_page_that_no_processor_takes_is_a_problem_of_that_page(models: Any) -> None:
    child.load(opening(models("qwen3_vl"), native_call("qwen3_vl")))
    said = child.read((Row(b"no image", "Read.", "", Sampling(max_tokens=3), 60.0),))
    assert isinstance(said, Answers)
    (problem,) = said.rows
    assert isinstance(problem, Problem) and problem.kind == "UnidentifiedImageError"


def test_what_may_not_follow_is_looked_for_in_the_window_alone() -> None:
    import torch

    def banned(ids: list[int], window: int, allowed: frozenset[int] = frozenset()) -> list[int]:
        no_repeat = NoRepeat([RowWatch(9, 9.0, ids=ids)], 3, window, allowed)
        scores = no_repeat(None, torch.zeros((1, 10)))
        return [number for number, score in enumerate(scores[0].tolist()) if score < 0]

    assert banned([1, 2, 3, 1, 2, 4, 1, 2], 50) == [3, 4]
    assert banned([1, 2, 3, 1, 2, 4, 1, 2], 5) == [4]
    assert banned([1, 2, 3, 1, 2, 4, 1, 2], 50, frozenset([3])) == [4]
    assert banned([1, 2], 50) == []


def test_pieces_of_characters_are_spelled_as_their_bytes(models: Any) -> None:
    child.load(opening(models("qwen3_vl"), native_call("qwen3_vl")))
    assert child._loaded is not None
    tokenizer = child._loaded.tokenizer
    text = "été, مرحبا\n"
    ids = tokenizer(text + "<|im_end|>").input_ids
    assert b"".join(Spelling(tokenizer).spelled(ids)) == f"{text}<|im_end|>".encode()


# -- what stands in the way of loading -----------------------------------------------------------------


def unavailable(asked: Opening) -> str:
    with pytest.raises(EngineUnavailable) as caught:
        child.load(asked)
    return str(caught.value)


def test_a_folder_that_is_not_there_is_named_with_the_next_step(tmp_path: Path) -> None:
    said = unavailable(opening(tmp_path / "nothing", native_call("qwen3_vl")))
    assert f"there is no folder {tmp_path}/nothing" in said
    assert "`model` in [sites.<site>.environments.tiny]" in said
    assert "no folder nobody/knows" in unavailable(
        opening(tmp_path, native_call("qwen3_vl"), model="nobody/knows")
    )


def test_an_empty_folder_is_no_model(tmp_path: Path) -> None:
    assert "config.json cannot be read" in unavailable(opening(tmp_path, native_call("qwen3_vl")))


def test_a_model_of_another_type_is_refused_by_name(models: Any) -> None:
    said = unavailable(opening(models("qwen3_vl"), native_call("glm_ocr")))
    assert "holds a model of type 'qwen3_vl'" in said
    assert "It reads glm_ocr." in said


def test_a_release_that_is_too_old_names_the_one_that_is_needed(models: Any) -> None:
    native = NativeCall(model_types=("qwen3_vl",), versions=Versions(since=(99, 0)))
    assert "It needs transformers 99.0 or later." in unavailable(opening(models("qwen3_vl"), native))


def test_a_type_that_the_library_does_not_know_names_what_it_was_written_with(
    models: Any, tmp_path: Path
) -> None:
    import json

    config = json.loads((models("qwen3_vl") / "config.json").read_text())
    config.update(model_type="qwen9_vl", transformers_version="9.1.0")
    (tmp_path / "config.json").write_text(json.dumps(config))
    said = unavailable(opening(tmp_path, NativeCall(model_types=("qwen9_vl",))))
    assert "does not know the model type 'qwen9_vl'" in said
    assert "9.1.0 or later" in said


def test_weights_that_are_missing_are_said_so(models: Any, tmp_path: Path) -> None:
    for file in models("qwen3_vl").iterdir():
        if file.suffix != ".safetensors":
            (tmp_path / file.name).write_bytes(file.read_bytes())
    said = unavailable(opening(tmp_path, native_call("qwen3_vl")))
    assert "cannot be loaded" in said and "whole" in said


def test_a_gpu_that_is_asked_for_and_not_there_is_no_silent_crawl(models: Any) -> None:
    import torch

    if torch.cuda.is_available():
        pytest.skip("there is a GPU here")
    assert "finds no GPU" in unavailable(opening(models("qwen3_vl"), native_call("qwen3_vl"), device="cuda"))


@pytest.mark.parametrize("architecture", ["qwen3_vl", "internvl"])
def test_a_broken_torchvision_is_as_good_as_none(architecture: str, models: Any, tmp_path: Path) -> None:
    """As the build for another torch breaks: on import, by an operator that does not exist."""
    broken = tmp_path / "path" / "torchvision"
    broken.mkdir(parents=True)
    (broken / "__init__.py").write_text("raise RuntimeError('operator torchvision::nms does not exist')")
    info = tmp_path / "path" / "torchvision-0.99.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: torchvision\nVersion: 0.99.0\n")
    code = (
        f"import sys; sys.path[:0] = {[str(tmp_path / 'path'), *sys.path]!r}\n"
        "from pathlib import Path\n"
        "from bocr_worker.runtimes.transformers import child\n"
        "from tests.worker.tiny_engine import native_call, opening, picture, row\n"
        f"child.load(opening(Path({str(models(architecture))!r}), native_call({architecture!r})))\n"
        "print(child.read((row(),)).rows[0].usage.completion_tokens)\n"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert shown.returncode == 0, shown.stderr
    assert shown.stdout.strip() == "6"
