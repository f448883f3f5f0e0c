"""The environments: their Python and packages, the models' folders, and whether the worker starts there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from packaging.utils import canonicalize_name

from bocr_tui.config.check import BAD, DOUBTFUL, GOOD, Check
from bocr_tui.sites.doctor.ways import Way
from bocr_tui.sites.environments import OLDEST_PYTHON, EnvironmentFacts, Fitness, ModelFacts
from bocr_tui.sites.vendor import Lack
from bocr_worker.engines.vision.fitting import RUNS_BY, fit_of

TELLING = (
    "vllm",
    "torch",
    "transformers",
    "openai",
    "chandra-ocr",
    "rapidocr",
    "onnxruntime",
    "pypdfium2",
    "pillow",
    "numpy",
)
"""Packages whose versions decide what an engine does, where they are there."""

LITTLE_WEIGHTS_BYTES = 1_000_000


def environment_checks(
    engine: str, facts: EnvironmentFacts, lack: Lack, vendor: str | None
) -> Iterator[Check]:
    """`vendor` is the folder that was brought ("" for none), None where nothing has been brought yet."""
    name = f"environment {engine}"
    for line in facts.failed:
        yield Check(
            name, DOUBTFUL, f"the line `{line}` ended with an error", "Try it there in a login shell."
        )
    said = f"Python {'.'.join(map(str, facts.version))} at {facts.executable}"
    if facts.version < OLDEST_PYTHON:
        step = "Name a Python of 3.10 or later in its `python`, or activate another environment."
        yield Check(name, BAD, f"{said} is too old for bocr's worker", step)
        return
    yield Check(name, GOOD, f"{said}; {_versions(facts)}")
    if lack.unfit:
        step = "Its own packages come first: another environment is needed."
        yield Check(name, BAD, f"too old: {', '.join(lack.unfit)}", step)
    if lack.missing and vendor is None:
        step = "bocr brings it in a folder of its own before the first job, or now: bocr doctor SITE."
        yield Check(name, DOUBTFUL, f"lacks {', '.join(lack.missing)}", step)
    elif lack.missing:
        yield Check(name, GOOD, f"what it lacks ({', '.join(lack.missing)}) lies in {vendor}")


def _versions(facts: EnvironmentFacts) -> str:
    there = [(name, facts.distributions.get(canonicalize_name(name))) for name in TELLING]
    found = [f"{name} {version}" for name, version in there if version]
    return ", ".join(found) or "none of the packages that bocr knows"


def model_checks(engine: str, model: ModelFacts | None, ways: Sequence[Way] = ()) -> Iterator[Check]:
    """Of the folder of weights, where one is configured; of a model that a job loads, where none is."""
    name = f"model {engine}"
    if model is None:
        loaded = next((way for way in ways if not way.server and not way.model), None)
        if loaded is not None:
            said = f"no folder is named: {loaded.vision.models[0]} is looked for in the cache of its own hub"
            step = "Nothing is downloaded by a job. Name the folder: `model` of its environment."
            yield Check(name, DOUBTFUL, said, step)
        return
    unlike = _unlike(model, ways)
    if not model.exists:
        yield Check(
            name,
            BAD,
            f"there is no folder {model.path}",
            "Mend `model` of its environment, or bring it there.",
        )
    elif model.pointers:
        said = f"{model.path}: git-lfs never fetched {model.pointers} of {model.weights} files of weights"
        yield Check(name, BAD, said, "There: git lfs pull")
    elif not model.weights or model.weights_bytes < LITTLE_WEIGHTS_BYTES:
        yield Check(name, DOUBTFUL, f"{model.path} holds no weights", "Is it the right folder?")
    elif not model.has_config:
        yield Check(name, DOUBTFUL, f"{model.path} has no config.json", "Is it the right folder?")
    elif model.missing:
        said = f"{model.path}: its index names {model.missing} files of weights that are not there"
        yield Check(name, BAD, said, "Copy or fetch the rest of it.")
    elif unlike:
        said = f"{model.path} holds a model of type {model.model_type}; {engine} reads {unlike}"
        yield Check(name, DOUBTFUL, said, "Is it the right folder?")
    else:
        yield Check(name, GOOD, f"{model.path}: {model.weights} files, {model.weights_bytes / 1e9:.1f} GB")


def _unlike(model: ModelFacts, ways: Sequence[Way]) -> str:
    """The types that the engine reads, where the folder's is another. A model that runs by its own code may
    be of any."""
    for way in ways:
        native = way.vision.native
        if native is None or native.infer is not None or not model.model_type or not native.model_types:
            continue
        if model.model_type not in native.model_types:
            return " or ".join(native.model_types)
    return ""


def runtime_checks(engine: str, ways: Sequence[Way], facts: EnvironmentFacts) -> Iterator[Check]:
    """Whether what the jobs would run its model with is there, of a release that can, and comes up."""
    imports = facts.fitness.imports if facts.fitness is not None else {}

    def installed(package: str) -> str | None:
        version = facts.distributions.get(package)
        return "" if version is None and imports.get(package) == "" else version

    for way in ways:
        name = f"runtime {engine}"
        if way.server:
            yield Check(name, GOOD, f"its pages are sent to {way.server}")
            continue
        if way.runtime not in RUNS_BY:
            continue
        fit = fit_of(way.vision, way.runtime, way.trusts_code, installed)
        trouble = next((imports[package] for package in RUNS_BY[way.runtime] if imports.get(package)), "")
        if fit.cause:
            yield Check(name, BAD, fit.cause, fit.needs)
        elif trouble:
            said = f"{fit.said} can run it, but does not come up on the login node: {trouble}"
            yield Check(
                name, DOUBTFUL, said, "Try the import on a computing node, which may have what it misses."
            )
        else:
            yield Check(name, GOOD, f"{fit.said} can run {way.vision.models[0]}")


def worker_checks(engine: str, fitness: Fitness | None, *, is_engine: bool) -> Iterator[Check]:
    """Of what the worker said in the environment. `is_engine` False: a name that no engine has, such as
    that of the stage that draws pages."""
    name = f"worker {engine}"
    if fitness is None or fitness.error:
        said = fitness.error if fitness else "it was not asked"
        yield Check(name, BAD, f"does not start there: {said}", "Look into the environment's Python.")
        return
    if fitness.broken:
        yield Check(name, BAD, fitness.broken, "Mend it there, or use another environment.")
        return
    if is_engine and not fitness.known:
        said = f"draws pages there; this version of bocr has no engine {engine}"
        yield Check(name, DOUBTFUL, said, "Leave it out of the pipeline until there is one.")
    elif is_engine and fitness.cause:
        said = f"draws pages there; the engine cannot run on the login node: {fitness.cause}"
        yield Check(name, DOUBTFUL, said, f"{fitness.needs.rstrip('.')}. A computing node may have it.")
    else:
        yield Check(name, GOOD, "starts there and can draw pages")
