"""Where an engine lives on a site, and what was found there."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from packaging.utils import canonicalize_name

from bocr_tui.config.errors import SiteError
from bocr_tui.config.model import EnvironmentConfig, SiteConfig
from bocr_tui.sites.transport.base import Transport
from bocr_worker.protocol.errors import ProtocolError
from bocr_worker.protocol.fields import Fields

PROBE_TIMEOUT_S = 180.0
"""Modules and conda on a busy network file system take half a minute; a worker's imports as long again."""
_GRACE_S = 15.0

OLDEST_PYTHON = (3, 10)
"""The worker's promise (tests/worker/test_old_python.py)."""


SPLIT = "split"
"""The name that the stage that draws pages goes by, where others have an engine's."""


def environment_of(config: SiteConfig, engine: str) -> EnvironmentConfig:
    """The environment configured for an engine; one that is nothing special for any other."""
    if engine == SPLIT and config.split is not None:
        return config.split.environment
    return config.environments.get(engine) or EnvironmentConfig()


def shell_lines(config: SiteConfig, engine: str) -> tuple[str, ...]:
    """What a job runs before its Python: the site's `setup`, then the environment's `activate`."""
    return (*config.setup, *environment_of(config, engine).activate)


def python_command(config: SiteConfig, engine: str) -> str:
    """The Python that runs the worker: the environment's, `python` once something is activated, the
    site's, this one on this machine, python3."""
    environment = environment_of(config, engine)
    if environment.python:
        return environment.python
    if environment.activate:
        return "python"
    return config.python or (sys.executable if config.transport == "local" else "python3")


@dataclass(frozen=True)
class ModelFacts:
    """A folder of weights. `pointers` are files that git-lfs has not fetched, `missing` those that its index
    names and that are not there; `model_type` is its config.json's own word."""

    path: str
    exists: bool
    has_config: bool
    weights: int
    weights_bytes: int
    pointers: int
    missing: int = 0
    model_type: str = ""


@dataclass(frozen=True)
class Fitness:
    """What the worker said of an environment's Python. `broken`: why it cannot draw pages there, `cause`:
    why the engine cannot run there, both empty when all is well. `known`: there is such an engine. `error`:
    why it said nothing at all. `imports`: by the name of a package that runs models, why it cannot be
    imported there, empty where it can; none where it was not tried."""

    broken: str = ""
    known: bool = True
    cause: str = ""
    needs: str = ""
    error: str = ""
    imports: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class EnvironmentFacts:
    """An environment's Python. `distributions` are versions by normalised package name, `libc` such as
    ("glibc", "2.17"), `platform` such as linux-x86_64. `failed` are the shell lines that ended with an
    error."""

    version: tuple[int, ...]
    implementation: str
    executable: str
    platform: str
    libc: tuple[str, ...]
    distributions: Mapping[str, str]
    stamps: Mapping[str, int]
    failed: tuple[str, ...] = ()
    model: ModelFacts | None = None
    fitness: Fitness | None = field(default=None, compare=False)

    @property
    def python(self) -> str:
        """`3.10`"""
        return f"{self.version[0]}.{self.version[1]}"


def environment_key(config: SiteConfig, engine: str, requirements: tuple[str, ...]) -> str:
    """What a site remembers an environment under: it changes with anything that the answer depends on."""
    asked = [
        shell_lines(config, engine),
        python_command(config, engine),
        environment_of(config, engine).vendor,
        requirements,
    ]
    return hashlib.sha256(json.dumps(asked).encode()).hexdigest()[:16]


async def probe_environment(
    transport: Transport,
    config: SiteConfig,
    engine: str,
    *,
    worker: str = "",
    vendor: str = "",
    asked_as: str = "",
    imports: bool = False,
) -> EnvironmentFacts:
    """Go into an engine's environment on the site, on the login node, as a job does. With `worker` (its
    folder below the root) that is asked too, after `asked_as` or the engine; `imports`: and it imports what
    runs models. Raises SiteError when there is no Python that can be asked."""
    lines = shell_lines(config, engine)
    order = {
        "lines": list(lines),
        "python": python_command(config, engine),
        "model": environment_of(config, engine).model,
        "engine": asked_as or engine,
        "worker": worker,
        "vendor": vendor,
        "imports": imports,
        "timeout_s": PROBE_TIMEOUT_S,
    }
    answer = await transport.call("probe_environment", order, timeout_s=PROBE_TIMEOUT_S + _GRACE_S)
    try:
        return _read(answer, lines, engine, str(order["python"]))
    except ProtocolError as error:
        raise SiteError(
            f"The environment for {engine} gave an answer that makes no sense: {error}.",
            "Look whether its shell lines start another program.",
        ) from error


def _read(answer: Any, lines: tuple[str, ...], engine: str, python: str) -> EnvironmentFacts:
    fields = Fields(answer, f"the environment for {engine}")
    failed = tuple(
        lines[number - 1]
        for number in fields.items("failed")
        if isinstance(number, int) and 1 <= number <= len(lines)
    )
    if answer.get("found") is None:
        raise _unreachable(fields, failed, engine, python)
    facts = Fields(answer["found"], fields.where)
    version = tuple(number for number in facts.items("version") if isinstance(number, int))
    if len(version) < 2:
        raise ProtocolError(fields.where, "version is none")
    return EnvironmentFacts(
        version=version,
        implementation=facts.text("implementation", max_length=40),
        executable=facts.text("executable", max_length=4096),
        platform=facts.text("platform", max_length=80),
        libc=facts.texts("libc"),
        distributions={
            canonicalize_name(name): version
            for name, version in facts.mapping("distributions").items()
            if isinstance(version, str)
        },
        stamps={path: time for path, time in facts.mapping("stamps").items() if isinstance(time, int)},
        failed=failed,
        model=_model(facts),
        fitness=_fitness(facts),
    )


def _unreachable(fields: Fields, failed: tuple[str, ...], engine: str, python: str) -> SiteError:
    where = f"The environment for {engine}"
    trouble, told = fields.text("trouble", "", max_length=40), _last_line(fields.text("told", ""))
    because = f" (`{failed[0]}` failed: {told})" if failed else f" ({told})" if told else ""
    if trouble == "late":
        cause, step = f"{where} did not answer within {PROBE_TIMEOUT_S:.0f} s{because}", "Is the site busy?"
    elif trouble == "no_python":
        cause, step = f"{where} has no {python}{because}", "Check its activate lines, or name its python."
    elif trouble == "old_python":
        cause, step = f"{where}: {python} there is too old{because}", "bocr's worker needs Python 3.10."
    else:
        cause, step = f"{where} ended before its Python was asked{because}", "Check setup and activate."
    return SiteError(f"{cause}.", step)


def _last_line(told: str) -> str:
    lines = [line.strip() for line in told.splitlines() if line.strip()]
    return lines[-1][:300] if lines else ""


def _model(facts: Fields) -> ModelFacts | None:
    record = facts.mapping("model", {})
    if not record:
        return None
    model = Fields(record, f"{facts.where}, its model")
    return ModelFacts(
        path=model.text("path"),
        exists=model.flag("exists"),
        has_config=model.flag("config"),
        weights=model.whole("weights"),
        weights_bytes=model.whole("weights_bytes"),
        pointers=model.whole("pointers"),
        missing=model.whole("missing", 0),
        model_type=model.text("model_type", "", max_length=80),
    )


def _fitness(facts: Fields) -> Fitness | None:
    record = facts.mapping("fitness", {})
    if not record:
        return None
    said = Fields(record, f"{facts.where}, its worker")
    error = _last_line(said.text("error", ""))
    if error:
        return Fitness(error=error)
    broken = said.text("broken", "")
    # What runs its model is looked at apart, by what the jobs would run it with.
    engine_well = said.flag("ok") or bool(broken) or said.flag("runtime_alone", False)
    return Fitness(
        broken=broken,
        known=bool(said.text("title", "")),
        cause="" if engine_well else said.text("cause", ""),
        needs="" if engine_well else said.text("needs", ""),
        imports={
            str(name)[:40]: _last_line(why)
            for name, why in said.mapping("imports", {}).items()
            if isinstance(why, str)
        },
    )
