"""What a vision-language engine is to a runtime: a prompt, numbers, flags, and a parser.

An engine's file defines a `VisionEngine` beside its SPEC and names it there (`EngineSpec.vision`). All of it
is data and pure functions, so that any runtime (a server, a library in process) may carry it out.
"""

from __future__ import annotations

import base64
import difflib
import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from bocr_worker.engines.base import EngineUnavailable, PageImage, Reader
from bocr_worker.engines.vision.native import NativeCall
from bocr_worker.engines.vision.sampling import (
    SAMPLING_OPTIONS,
    OptionError,
    Sampling,
    sampling_from,
    whole_option,
)
from bocr_worker.engines.vision.serving import ServerFlag
from bocr_worker.engines.vision.versions import ANY, Version, Versions
from bocr_worker.protocol.recognition import Recognition


@dataclass(frozen=True)
class Answer:
    """What a model wrote. `finish` is `stop`, `length`, `unknown`, or another word of its server's;
    `prompt` the name of the prompt it was asked with."""

    text: str
    finish: str
    image: PageImage
    prompt: str


@dataclass(frozen=True)
class Parsed:
    """An answer understood. `spans` are, for each block of the recognition, where its text stands in the
    answer (first character, one past the last), so that the tokens' probabilities reach the block; empty
    where the parser cannot tell."""

    recognition: Recognition
    spans: tuple[tuple[int, int], ...] = ()


Options = Mapping[str, Any]

_NO_FIELDS: Callable[[Version | None, Options], dict[str, Any]] = lambda version, options: {}  # noqa: E731


@dataclass(frozen=True)
class VisionEngine:
    """`models` are the names its weights go by, the default first. `prompts` are texts by name, the default
    first. `parse` never raises on any answer: what it cannot read becomes `markup_problem`.

    `sampling(retry)` are the engine's numbers for its first try (0) and the following ones. `fields(version,
    options)` is what a request's body holds beyond them. `options` are the names that `fields` and `native`
    understand. `flags` start a server. `markup` matches what in an answer is no text of the page: its
    probabilities say nothing of the reading. `served_by` are the server's versions that can load the model;
    `native` is how transformers runs it, None where it cannot.
    """

    models: tuple[str, ...]
    prompts: Mapping[str, str]
    parse: Callable[[Answer], Parsed]
    sampling: Callable[[int], Sampling] = lambda retry: Sampling()
    fields: Callable[[Version | None, Options], dict[str, Any]] = _NO_FIELDS
    options: tuple[str, ...] = ()
    flags: tuple[ServerFlag, ...] = ()
    markup: re.Pattern[str] | None = None
    served_by: Versions = ANY
    system: str = ""
    native: NativeCall | None = None
    licence: str = ""
    """Of the weights, as their authors name it."""
    of_parts: frozenset[str] = frozenset()
    """Names of prompts that are made for a part of a page (a table, a formula): a person may choose one, no
    ladder does."""
    parameters_b: float = 0.0
    """Billions of parameters of the default model; at two bytes each, so many gigabytes of GPU memory twice
    over are its weights alone. 0 is unknown."""


@dataclass(frozen=True)
class Question:
    """One image and how the model is asked about it."""

    image: PageImage
    prompt: str
    system: str
    text: str
    sampling: Sampling
    fields: Mapping[str, Any]

    @property
    def prompt_hash(self) -> str:
        return hashlib.sha256(f"{self.system}\0{self.text}".encode()).hexdigest()[:16]


def question_for(
    engine: VisionEngine, image: PageImage, options: Options, version: Version | None
) -> Question:
    """`options` are those of the order with the variation's on top: `prompt` is a prompt's name, `retry`
    the engine's own numbers for a later try, the names of SAMPLING_OPTIONS change single numbers. Raises
    OptionError; options of other parts are not looked at."""
    name = options.get("prompt", next(iter(engine.prompts)))
    if not isinstance(name, str) or name not in engine.prompts:
        raise OptionError(f"prompt {str(name)[:40]!r} is unknown{nearest(str(name), engine.prompts)}")
    retry = whole_option("retry", options.get("retry", 0), 0, 100)
    sampling = sampling_from(engine.sampling(retry), options)
    return Question(
        image, name, engine.system, engine.prompts[name], sampling, engine.fields(version, options)
    )


def option_names(engine: VisionEngine) -> tuple[str, ...]:
    """Every option that decides how a page is read."""
    return ("prompt", "retry", *SAMPLING_OPTIONS, *engine.options)


def messages(question: Question) -> list[dict[str, Any]]:
    """In the form of a chat: the image, then the prompt, unless the model is asked with the image alone."""
    data = base64.b64encode(question.image.encoded).decode("ascii")
    image = {"type": "image_url", "image_url": {"url": f"data:image/{question.image.format};base64,{data}"}}
    text = [{"type": "text", "text": question.text}] if question.text else []
    asked = {"role": "user", "content": [image, *text]}
    return [{"role": "system", "content": question.system}, asked] if question.system else [asked]


def served_only(name: str) -> Callable[[Mapping[str, Any], int], Reader]:
    """The `load` of an engine that no child process can load."""

    def load(options: Mapping[str, Any], threads: int) -> Reader:
        raise EngineUnavailable(name, "it is a model behind a server", "Set its runtime to openai.")

    return load


def nearest(word: str, known: Mapping[str, Any] | tuple[str, ...]) -> str:
    """The end of a sentence about an unknown word."""
    close = difflib.get_close_matches(word[:80], sorted(known), n=1, cutoff=0.5)
    return f". Did you mean {close[0]!r}?" if close else f"; known: {', '.join(sorted(known))}"
