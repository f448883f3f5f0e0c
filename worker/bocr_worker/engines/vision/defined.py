"""Engines that are made of settings: `[engines.<name>]` of bocr.toml, as the manifest brings it.

Either another engine with some things changed (`based_on`), or a model with a prompt and a parser. The panel
checks a definition before it orders anything, and the worker makes the same engine of it again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from bocr_worker.engines.base import EngineSpec
from bocr_worker.engines.vision.base import Answer, Parsed, VisionEngine, nearest
from bocr_worker.engines.vision.grounding import ended, parse_grounding
from bocr_worker.engines.vision.native import NativeCall
from bocr_worker.engines.vision.placed_html import parse_placed_html
from bocr_worker.engines.vision.sampling import SAMPLING_OPTIONS, OptionError, Sampling, sampling_from
from bocr_worker.engines.vision.spec import missing_for, vision_spec
from bocr_worker.engines.vision.versions import Version, Versions, parse_version, show_version
from bocr_worker.engines.vision.written import parse_markdown, parse_text

Parser = Callable[[Answer], Parsed]


def _parse_grounding(answer: Answer) -> Parsed:
    return parse_grounding(ended(answer))


def _parse_html(answer: Answer) -> Parsed:
    return parse_placed_html(answer, (1000, 1000))


PARSERS: Mapping[str, Parser] = {
    "markdown": parse_markdown,
    "text": parse_text,
    "grounding": _parse_grounding,
    "html": _parse_html,
}
"""By the form that a model answers in: Markdown, plain text, DeepSeek-OCR's marks, HTML with `data-bbox` in
thousandths of the image."""

WITH_PLACES = frozenset(["grounding", "html"])

KEYS = (
    *("based_on", "title", "model", "prompts", "parser", "sampling", "dpi", "max_pixels", "languages"),
    *("runtime", "vllm_since", "vllm_before"),
)
_RUNTIMES = ("openai", "vllm", "transformers")
_MOST_PROMPTS, _LONGEST_PROMPT = 50, 20_000
_DPI = (40, 1200)
_PIXELS = (10_000, 100_000_000)

DEFAULT_DPI, DEFAULT_PIXELS = 200, 4_000_000
"""Of an engine that is based on none: about an A4 page at that resolution."""


class DefinitionError(ValueError):
    """A definition that cannot be meant. `key` is its path below `[engines]`."""

    def __init__(self, key: str, problem: str) -> None:
        super().__init__(f"{key}: {problem.rstrip('.')}.")
        self.key = key
        self.problem = problem


@dataclass(frozen=True)
class _Numbers:
    """An engine's numbers with a definition's on top: all of them for the first try; for later ones only how
    long an answer may be, so that they still differ from it."""

    base: Callable[[int], Sampling]
    said: Mapping[str, Any]

    def __call__(self, retry: int) -> Sampling:
        said = self.said if retry == 0 else {k: v for k, v in self.said.items() if k not in _VARIED}
        return sampling_from(self.base(retry), said)


_VARIED = ("temperature", "top_p", "top_k", "seed")


def _usual(retry: int) -> Sampling:
    return Sampling(temperature=min(0.2 * retry, 0.8), top_p=0.95 if retry else 1.0)


def define(name: str, record: Mapping[str, Any], known: Mapping[str, EngineSpec]) -> EngineSpec:
    """`known` are the engines that it may be based on; one of its own name is what it is based on if it
    says nothing. Raises DefinitionError that names the key."""
    for key in record:
        if key not in KEYS:
            raise DefinitionError(f"{name}.{key}"[:100], f"is unknown{nearest(str(key), KEYS)}")
    base = _base(name, record, known)
    vision = _vision(name, record, base)
    spec = base or vision_spec(name, name, vision, dpi=DEFAULT_DPI, max_pixels=DEFAULT_PIXELS)
    languages = _texts(name, record, "languages")
    parser = record.get("parser")
    return replace(
        spec,
        name=name,
        title=_text(name, record, "title", spec.title if base is None or base.name == name else name),
        dpi=_whole(name, record, "dpi", spec.dpi, _DPI),
        max_pixels=_whole(name, record, "max_pixels", spec.max_pixels, _PIXELS),
        languages=frozenset(languages) if languages else spec.languages,
        runtime=_one_of(name, record, "runtime", _RUNTIMES, spec.runtime),
        gives_boxes=parser in WITH_PLACES if parser else spec.gives_boxes,
        check=partial(missing_for, name, vision),
        vision=vision,
    )


def _base(name: str, record: Mapping[str, Any], known: Mapping[str, EngineSpec]) -> EngineSpec | None:
    models = [each for each, spec in known.items() if spec.vision is not None]
    wanted = _text(name, record, "based_on", name if name in known else "")
    if not wanted:
        for key in ("model", "prompts"):
            if key not in record:
                raise DefinitionError(f"{name}.{key}", "must be given where there is no based_on")
        return None
    if wanted not in known:
        raise DefinitionError(
            f"{name}.based_on", f"there is no engine {wanted[:40]!r}{nearest(wanted, tuple(models))}"
        )
    if known[wanted].vision is None:
        raise DefinitionError(f"{name}.based_on", f"{wanted} is a library, which takes options alone")
    return known[wanted]


def _vision(name: str, record: Mapping[str, Any], base: EngineSpec | None) -> VisionEngine:
    prompts = _prompts(name, record)
    parser = _one_of(name, record, "parser", tuple(PARSERS), "")
    vision = base.vision if base is not None else None
    if vision is None:
        vision = VisionEngine(
            models=(), prompts=prompts, parse=parse_markdown, sampling=_usual, native=NativeCall()
        )
    model = _text(name, record, "model", "")
    return replace(
        vision,
        models=(model,) if model else vision.models,
        prompts=prompts or vision.prompts,
        of_parts=frozenset() if prompts else vision.of_parts,
        parse=PARSERS[parser] if parser else vision.parse,
        sampling=_sampling(name, record, vision),
        served_by=_served_by(name, record, vision.served_by),
    )


def _served_by(name: str, record: Mapping[str, Any], base: Versions) -> Versions:
    since, before = _version(name, record, "vllm_since"), _version(name, record, "vllm_before")
    if since and before and since >= before:
        problem = f"should be later than vllm_since, which is {show_version(since)}"
        raise DefinitionError(f"{name}.vllm_before", problem)
    return Versions(since or base.since, before or base.before)


def _prompts(name: str, record: Mapping[str, Any]) -> dict[str, str]:
    prompts = record.get("prompts", {})
    if not isinstance(prompts, Mapping) or len(prompts) > _MOST_PROMPTS:
        raise DefinitionError(f"{name}.prompts", "should be a table of prompts by name")
    for key, text in prompts.items():
        if not isinstance(text, str) or len(text) > _LONGEST_PROMPT:
            raise DefinitionError(
                f"{name}.prompts.{str(key)[:40]}", f"should be a text of at most {_LONGEST_PROMPT} characters"
            )
    if "prompts" in record and not prompts:
        raise DefinitionError(f"{name}.prompts", "holds no prompt")
    return {str(key): str(text) for key, text in prompts.items()}


def _sampling(name: str, record: Mapping[str, Any], vision: VisionEngine) -> Callable[[int], Sampling]:
    said = record.get("sampling", {})
    if not isinstance(said, Mapping):
        raise DefinitionError(f"{name}.sampling", "should be a table of numbers")
    for key in said:
        if key not in SAMPLING_OPTIONS:
            raise DefinitionError(
                f"{name}.sampling.{str(key)[:40]}", f"is unknown{nearest(str(key), SAMPLING_OPTIONS)}"
            )
    try:
        sampling_from(vision.sampling(0), said)
    except OptionError as error:
        raise DefinitionError(f"{name}.sampling", str(error)) from None
    return _Numbers(vision.sampling, dict(said)) if said else vision.sampling


def _text(name: str, record: Mapping[str, Any], key: str, default: str) -> str:
    value = record.get(key, default)
    if not isinstance(value, str) or len(value) > 4096 or "\0" in value:
        raise DefinitionError(f"{name}.{key}", f"should be a text, not {str(value)[:40]!r}")
    return value


def _texts(name: str, record: Mapping[str, Any], key: str) -> tuple[str, ...]:
    value = record.get(key, ())
    if not isinstance(value, (list, tuple)) or not all(isinstance(each, str) for each in value):
        raise DefinitionError(f"{name}.{key}", f"should be a list of texts, not {str(value)[:40]!r}")
    return tuple(value)


def _whole(name: str, record: Mapping[str, Any], key: str, default: int, bounds: tuple[int, int]) -> int:
    value, (least, most) = record.get(key, default), bounds
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise DefinitionError(
            f"{name}.{key}", f"should be a whole number from {least} to {most}, not {str(value)[:40]!r}"
        )
    return value


def _one_of(name: str, record: Mapping[str, Any], key: str, words: tuple[str, ...], default: str) -> str:
    value = record.get(key, default)
    if value != default and value not in words:
        raise DefinitionError(f"{name}.{key}", f"{str(value)[:40]!r} is unknown{nearest(str(value), words)}")
    return str(value)


def _version(name: str, record: Mapping[str, Any], key: str) -> Version | None:
    said = _text(name, record, key, "")
    if not said:
        return None
    version = parse_version(said)
    if version is None:
        raise DefinitionError(f"{name}.{key}", f"should be a version such as 0.18, not {said[:40]!r}")
    return version
