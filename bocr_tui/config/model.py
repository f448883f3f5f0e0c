"""bocr.toml: every setting, its default and its meaning."""

from __future__ import annotations

import difflib
import json
from pathlib import Path
from typing import Any, Literal

import tomllib
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from bocr_tui.config.errors import ConfigError


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class LanguageRule(_Table):
    """The language of every document imported from below a folder; binding, as if a person had said it."""

    root: str
    """A folder; relative to the workspace."""
    language: str = Field(pattern=r"^[a-z]{2,3}$")
    """An ISO 639 code, such as fr or ar."""


class StageConfig(_Table):
    """One stage of the pipeline."""

    engine: str
    """An engine's name; `bocr doctor` lists them."""
    runtime: str = ""
    """Empty: the engine's own."""
    processes: int = Field(default=0, ge=0, le=4096)
    """Engine processes; 0: from the cores there are."""
    threads: int = Field(default=0, ge=0, le=4096)
    options: dict[str, Any] = Field(default_factory=dict)
    """Engine options of this stage: texts, finite numbers, lists, tables."""

    @field_validator("options")
    @classmethod
    def _plain(cls, options: dict[str, Any]) -> dict[str, Any]:
        try:
            json.dumps(options, allow_nan=False)
        except (TypeError, ValueError) as error:
            raise ValueError(f"holds a value that cannot be sent to a worker: {error}") from None
        return options


class SiteConfig(_Table):
    """Where jobs run: a transport, a scheduler, a folder."""

    transport: Literal["local"] = "local"
    """How files and commands get there."""
    scheduler: Literal["direct"] = "direct"
    """Who starts jobs there."""
    root: str = "site"
    """The site's folder; relative to the workspace for transport local."""
    slots: int = Field(default=1, ge=1, le=1000)
    """Jobs that a `direct` site runs at once."""
    python: str = ""
    """The Python that runs the worker (3.10 or later); empty: the panel's own."""
    cores: int = Field(default=0, ge=0)
    """Cores a job may use; 0: all the machine has."""


class PlanningConfig(_Table):
    """How pages become batches."""

    pages: int = Field(default=200, ge=1)
    """Pages a batch, when neither pages nor documents are asked for."""


class LimitsConfig(_Table):
    """What a page may cost before it is given up on."""

    render_deadline_s: float = Field(default=120.0, gt=0)
    render_memory_mb: int = Field(default=700, ge=64)
    max_megapixels: float = Field(default=25.0, gt=0)
    engine_deadline_s: float = Field(default=300.0, gt=0)
    attempts: int = Field(default=6, ge=1, le=100)
    """Attempts on one page in one job, whatever the ladder says."""
    job_tries: int = Field(default=3, ge=1, le=100)
    """Times a stage is started again when its job dies without finishing a single page more."""


class Config(_Table):
    """The whole of bocr.toml."""

    languages: tuple[str, ...] = ("fr", "ar")
    """Languages a document may be in when nothing says which, the likeliest first."""
    pipeline: tuple[str | StageConfig, ...] = ()
    """The stages in order, each an engine's name or a table; empty: rapidocr, then tesseract where it is
    installed (otherwise rapidocr again with another preparation)."""
    site: str = "local"
    """The site that work goes to when none is named."""
    sites: dict[str, SiteConfig] = Field(default_factory=lambda: {"local": SiteConfig()})
    language_rules: tuple[LanguageRule, ...] = ()
    planning: PlanningConfig = PlanningConfig()
    limits: LimitsConfig = LimitsConfig()
    ladder: dict[str, dict[str, Any]] = Field(default_factory=dict)
    """What a stage tries on a page that failed: [ladder.<engine>] <failure class> = [rungs]."""


def parse_config(text: str, where: str) -> Config:
    """Raises ConfigError that names the key, the problem, and the nearest key there is."""
    try:
        record = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{where} is no valid TOML: {error}.", "Mend that line.") from None
    except RecursionError:
        raise ConfigError(f"{where} is nested too deeply.", "Mend it.") from None
    try:
        return Config.model_validate(record)
    except ValidationError as error:
        raise _explain(error, where) from None


def load_config(path: Path) -> Config:
    """Read a workspace's bocr.toml. Raises ConfigError."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} cannot be read: {error}.", "Mend it or run `bocr init`.") from None
    return parse_config(text, str(path))


def _explain(error: ValidationError, where: str) -> ConfigError:
    # Of a value that may be of several kinds, the deepest error is about the kind that was meant.
    first = max(error.errors(), key=lambda entry: len(entry["loc"]))
    location = [str(part) for part in first["loc"] if part not in ("str", StageConfig.__name__)]
    key = ".".join(location)
    if first["type"] != "extra_forbidden":
        return ConfigError(f"{where}: {key}: {first['msg']}.", "See docs/configuration.md.")
    near = difflib.get_close_matches(location[-1], _keys_beside(location), n=1)
    hint = f"Did you mean {near[0]}?" if near else "See docs/configuration.md."
    return ConfigError(f"{where}: there is no setting {key}.", hint)


def _keys_beside(location: list[str]) -> list[str]:
    tables: dict[str, type[BaseModel]] = {
        "sites": SiteConfig,
        "planning": PlanningConfig,
        "limits": LimitsConfig,
        "language_rules": LanguageRule,
        "pipeline": StageConfig,
    }
    table = tables.get(location[0], Config) if len(location) > 1 else Config
    return list(table.model_fields)
