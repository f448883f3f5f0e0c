"""A batch of questions through a native model's `generate`."""

from __future__ import annotations

import inspect
import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bocr_worker.engines.vision.native import Asking, NativeCall
from bocr_worker.engines.vision.sampling import Sampling
from bocr_worker.protocol.recognition import Usage
from bocr_worker.runtimes.openai.answers import Completion
from bocr_worker.runtimes.openai.confidence import Token
from bocr_worker.runtimes.openai.streaming import LoopWatch
from bocr_worker.runtimes.transformers.spelling import Spelling
from bocr_worker.runtimes.transformers.watching import (
    LATE,
    Confidences,
    NoRepeat,
    RowWatch,
    Watch,
)
from bocr_worker.runtimes.transformers.wire import Late, Row, RowAnswer


@dataclass
class Model:
    """What is loaded: the model, and what prepares its input. `processor` is None on the remote-code path."""

    model: Any
    tokenizer: Any
    processor: Any
    native: NativeCall
    spelling: Spelling
    logprobs: bool
    stop_loops: bool

    def decode(self, ids: list[int]) -> str:
        keep = self.native.keep_special
        text: str = self.tokenizer.decode(
            ids, skip_special_tokens=not keep, clean_up_tokenization_spaces=False
        )
        return text

    def watch(self, rows: Sequence[Row], ends: frozenset[int]) -> tuple[Watch, list[Any]]:
        """The stopping criterion of these rows and the logits processors that belong to it."""
        watched = [
            RowWatch(
                row.sampling.max_tokens,
                row.deadline_s,
                loops=LoopWatch() if self.stop_loops else None,
            )
            for row in rows
        ]
        confidences = Confidences() if self.logprobs else None
        processors: list[Any] = [confidences] if confidences is not None else []
        no_repeat = no_repeat_of(rows[0].fields, watched)
        if no_repeat is not None:
            processors.append(no_repeat)
        return Watch(watched, ends, self.decode, confidences, self.native.stops), processors

    def answer(self, row: RowWatch, prompt_tokens: int, ends: frozenset[int]) -> RowAnswer:
        if row.finish == LATE:
            return Late(len(row.ids))
        ids = row.ids[:-1] if row.ids and row.ids[-1] in ends else row.ids
        text = self.decode(ids)
        for stop in self.native.stops:
            text = text.split(stop, 1)[0]
        tokens = None
        if row.probabilities:
            spelled = self.spelling.spelled(ids)
            tokens = tuple(map(Token, spelled, row.probabilities))
        return Completion(text, row.finish or "unknown", Usage(prompt_tokens, len(row.ids)), tokens)


def no_repeat_of(fields: Mapping[str, Any], rows: Sequence[RowWatch]) -> NoRepeat | None:
    """From the arguments that DeepSeek-OCR's processor has on a server (`vllm_xargs`)."""
    said = fields.get("vllm_xargs")
    if not isinstance(said, Mapping) or not said.get("ngram_size"):
        return None
    allowed = said.get("whitelist_token_ids") or ()
    if isinstance(allowed, str):
        allowed = [word for word in allowed.strip("[]").split(",") if word.strip()]
    size = int(said["ngram_size"])
    window = int(said.get("window_size") or 100)
    return NoRepeat(rows, size, window, frozenset(int(number) for number in allowed))


def sampling_keywords(sampling: Sampling) -> dict[str, Any]:
    """As `generate` names them. Greedy decoding is told so with all the numbers of the other way unset."""
    said = sampling.fields()
    penalty = {name: said[name] for name in ("repetition_penalty",) if name in said}
    if sampling.temperature <= 0:
        return {"do_sample": False, "temperature": None, "top_p": None, "top_k": None, **penalty}
    return {
        "do_sample": True,
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        # Unless it is told otherwise the library draws from the 50 likeliest words; servers do not.
        "top_k": said.get("top_k", 0),
        **penalty,
    }


def generate(loaded: Model, rows: Sequence[Row]) -> tuple[RowAnswer, ...]:
    """The rows are of one kind (batches.Asked.kind). Raises what the library raises."""
    import torch

    inputs = without_strangers(loaded.model, prepare(loaded, rows))
    inputs = inputs.to(loaded.model.device, dtype=loaded.model.dtype)
    lengths = inputs["attention_mask"].sum(dim=1).tolist()
    ends = ends_of(loaded.model, loaded.tokenizer)
    watch, processors = loaded.watch(rows, ends)
    sampling = rows[0].sampling
    if sampling.seed is not None:
        torch.manual_seed(sampling.seed % (1 << 63))
    with torch.inference_mode():
        loaded.model.generate(
            **inputs,
            **dict(loaded.native.generate_options),
            **sampling_keywords(sampling),
            max_new_tokens=max(row.sampling.max_tokens for row in rows),
            stopping_criteria=criteria_list([watch]),
            logits_processor=processors_list(processors),
            pad_token_id=pad_of(loaded.tokenizer, ends),
        )
    return tuple(
        loaded.answer(row, int(length), ends)
        for row, length in zip(watch.rows, lengths)  # noqa: B905 - Python 3.10, and of one length
    )


def prepare(loaded: Model, rows: Sequence[Row]) -> Any:
    """Tensors for the model, padded on the left: answers begin where prompts end."""
    native, processor = loaded.native, loaded.processor
    images = [opened(row.image) for row in rows]
    loaded.tokenizer.padding_side = "left"
    said = {**dict(rows[0].processor_options)}
    if native.asking is Asking.PROCESSOR:
        return processor(images=images, padding=True, return_tensors="pt", **said)
    texts = [asked_text(loaded, row) for row in rows]
    return processor(text=texts, images=images, padding=True, return_tensors="pt", **said)


def without_strangers(model: Any, inputs: Any) -> Any:
    """Some tokenizers give `token_type_ids` to models that refuse them."""
    if "token_type_ids" in inputs and "token_type_ids" not in inspect.signature(model.forward).parameters:
        del inputs["token_type_ids"]
    return inputs


def asked_text(loaded: Model, row: Row) -> str:
    native = loaded.native
    if native.asking is Asking.TEXT:
        return f"{native.text_before}{row.text}{native.text_after}"
    asked: list[dict[str, Any]] = [
        {"role": "user", "content": [{"type": "image"}, {"type": "text", "text": row.text}]}
    ]
    if row.system:
        asked.insert(0, {"role": "system", "content": [{"type": "text", "text": row.system}]})
    text: str = loaded.processor.apply_chat_template(asked, tokenize=False, add_generation_prompt=True)
    return text


def opened(encoded: bytes) -> Any:
    """The image in colour: what every processor takes."""
    from PIL import Image

    with Image.open(io.BytesIO(encoded)) as image:
        return image.convert("RGB")


def ends_of(model: Any, tokenizer: Any) -> frozenset[int]:
    """The tokens that end an answer: those of the generation's configuration, else the tokenizer's."""
    said = getattr(getattr(model, "generation_config", None), "eos_token_id", None)
    if said is None:
        said = tokenizer.eos_token_id
    many = said if isinstance(said, (list, tuple)) else [said]
    return frozenset(int(number) for number in many if number is not None)


def pad_of(tokenizer: Any, ends: frozenset[int]) -> int:
    found = tokenizer.pad_token_id
    return int(found) if found is not None else min(ends, default=0)


def criteria_list(criteria: list[Any]) -> Any:
    from transformers import StoppingCriteriaList

    return StoppingCriteriaList(criteria)


def processors_list(processors: list[Any]) -> Any:
    from transformers import LogitsProcessorList

    return LogitsProcessorList(processors)


def pages_that_fit(free_bytes: int, cache_bytes_a_token: int, tokens: int) -> int:
    """A start: what does not fit after all halves it."""
    if cache_bytes_a_token <= 0 or tokens <= 0:
        return 1
    return max(1, math.floor(_SHARE_FOR_CACHE * free_bytes / (cache_bytes_a_token * tokens)))


_SHARE_FOR_CACHE = 0.6
"""Of the memory that the weights left; the rest is for images being encoded and for what a larger cache is
copied into. A guess on the safe side: no figure was measured."""
