"""Whether all that a job may ask its model can be asked: known before the model is loaded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from bocr_worker.engines.base import EngineSpec, PageImage
from bocr_worker.engines.library_options import library_problem
from bocr_worker.engines.vision.base import VisionEngine, nearest, option_names, question_for
from bocr_worker.engines.vision.sampling import OptionError
from bocr_worker.protocol.manifest import EngineOrder, Limits, Manifest, Variation
from bocr_worker.runtimes.base import RuntimeBroken

_NO_IMAGE = PageImage(b"", "png", 1, 1, 72.0)


def check_questions(spec: EngineSpec, manifest: Manifest) -> None:
    """A wrong rung would else end the job when the first page comes to it, after hours. Raises RuntimeBroken
    for an option of the order or of a rung that cannot be meant, EngineUnavailable where the package that the
    prompts come from is missing.
    """
    for rung in _rungs(manifest):
        problem = _problem(spec, manifest.engine.options, rung)
        if problem:
            raise RuntimeBroken(f"engine {spec.name}, rung {rung.name!r}: {problem}")


def objection(spec: EngineSpec, order: EngineOrder, rung: Variation) -> str:
    """Why a job would refuse this order of a model, or this rung, before it reads a page; empty where it
    would not. For where jobs are ordered: of the prompts only the names are looked at, since their texts may
    come from a package that is not there."""
    from bocr_worker.runtimes.registry import runtime_for

    try:
        runtime_for(spec, order, Limits(), 1)
    except RuntimeBroken as error:
        return str(error).removeprefix(f"engine {spec.name}: ")
    if spec.vision is None:
        return _problem(spec, order.options, rung)
    named = replace(spec.vision, prompts=dict.fromkeys(spec.vision.prompts, ""))
    return _problem(replace(spec, vision=named), order.options, rung)


def _problem(spec: EngineSpec, options: Mapping[str, Any], rung: Variation) -> str:
    """`options` are the order's, its runtime's among them. Empty for none. Raises EngineUnavailable."""
    if spec.vision is None:
        return library_problem(spec, {**options, **rung.options})
    return _model_problem(spec.vision, options, rung)


def _model_problem(vision: VisionEngine, options: Mapping[str, Any], rung: Variation) -> str:
    names = option_names(vision)
    said = {name: value for name, value in options.items() if name in names}
    unknown = next((name for name in rung.options if name not in names), None)
    if unknown is not None:
        return f"the option {str(unknown)[:40]!r} is unknown{nearest(str(unknown), names)}"
    try:
        question_for(vision, _NO_IMAGE, {**said, **rung.options}, None)
    except OptionError as error:
        return str(error)
    return ""


def _rungs(manifest: Manifest) -> list[Variation]:
    return [*manifest.first, *(rung for rungs in manifest.ladder.values() for rung in rungs)]
