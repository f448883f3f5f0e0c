"""bocr.toml: every setting, its default and its meaning."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Annotated, Any, Literal

import tomllib
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)

from bocr_tui.config.errors import ConfigError
from bocr_tui.config.explaining import explain, nearest
from bocr_tui.config.themes import THEMES


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


def _one_line(line: str) -> str:
    if any(character in line for character in "\n\r\0"):
        raise ValueError("a line for the shell is one line")
    return line


def _sendable(options: dict[str, Any]) -> dict[str, Any]:
    try:
        json.dumps(options, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise ValueError(f"holds a value that cannot be sent to a worker: {error}") from None
    return options


ShellLine = Annotated[str, AfterValidator(_one_line)]

ENGINE_NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,39}$"
SITE_NAME = r"^[A-Za-z0-9][A-Za-z0-9_-]{0,39}$"
_NAME = r"^([A-Za-z0-9_.@+][A-Za-z0-9_.@+-]*)?$"
"""Queues, accounts and users: what a `#PBS` line takes as it is."""


class LanguageRule(_Table):
    """The language of every document imported from below a folder; binding, as if a person had said it."""

    root: str
    """A folder; relative to the workspace, or on a site: `site:NAME:/path`."""
    language: str = Field(pattern=r"^[a-z]{2,3}$", examples=["fr"])
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
        return _sendable(options)


class SamplingConfig(_Table):
    """How a model picks its words. What is left out is as the engine has it."""

    temperature: float | None = Field(default=None, ge=0, le=2)
    """0 reads a page the same way every time."""
    top_p: float | None = Field(default=None, gt=0, le=1)
    max_tokens: int | None = Field(default=None, ge=1, le=200_000)
    """The longest answer."""
    seed: int | None = Field(default=None, ge=0)
    top_k: int | None = Field(default=None, ge=1)
    repetition_penalty: float | None = Field(default=None, ge=0.1, le=2)

    @field_validator("*", mode="before")
    @classmethod
    def _number(cls, value: Any) -> Any:
        """Python takes true for 1."""
        if isinstance(value, bool):
            raise ValueError("must be a number, not true or false")
        return value


class EngineConfig(_Table):
    """An engine of your own, or other settings for one that bocr has; docs/engines.md shows examples."""

    based_on: str = ""
    """The engine that it is like; empty: the one of its own name, or none."""
    title: str = ""
    """How it is shown."""
    model: ShellLine = ""
    """The model's name or folder. A site's environment may name another folder."""
    prompts: dict[str, str] = Field(default_factory=dict)
    """By name, the default first."""
    parser: Literal["", "markdown", "text", "grounding", "html"] = ""
    """The form of its answers: Markdown, plain text, DeepSeek-OCR's marks, or HTML with data-bbox."""
    sampling: SamplingConfig = SamplingConfig()
    """For the first try; later ones differ from it as the engine has it."""
    dpi: int = Field(default=0, ge=0, le=1200)
    """The resolution that pages are drawn at; 0: the engine's."""
    max_megapixels: float = Field(default=0.0, ge=0, le=100)
    """The largest image that it is given; 0: the engine's."""
    languages: tuple[str, ...] = ()
    """ISO 639 codes of what it reads; empty: as the engine it is based on, or everything."""
    runtime: Literal["", "openai", "vllm", "transformers"] = ""
    """Where a stage names none; empty: the engine's."""
    vllm_since: str = ""
    """The first release of vLLM that serves it well, such as 0.18; empty: as the engine has it."""
    vllm_before: str = ""
    """The first release that does not any more."""
    options: dict[str, Any] = Field(default_factory=dict)
    """Engine options of all its stages; a stage's own win."""

    @field_validator("options")
    @classmethod
    def _plain(cls, options: dict[str, Any]) -> dict[str, Any]:
        return _sendable(options)


class PbsConfig(_Table):
    """What a PBS job asks for."""

    queue: str = Field(default="", pattern=_NAME, examples=["gpu_1d"])
    """Empty: the server's default."""
    select: str = Field(
        default="", pattern=r"^[A-Za-z0-9_.:=+-]*$", examples=["1:ncpus=20:mem=180gb:ngpus=1"]
    )
    """Such as 1:ncpus=20:mem=180gb:ngpus=1."""
    walltime: str = Field(default="", pattern=r"^([0-9]{1,4}:[0-5][0-9]:[0-5][0-9])?$", examples=["23:30:00"])
    """Hours:minutes:seconds; empty: the queue's default."""
    account: str = Field(default="", pattern=_NAME, examples=["ocr-2026"])
    """Who pays (qsub -A); empty: nobody is named."""
    project: str = Field(default="", pattern=_NAME, examples=["archive"])
    """qsub -P; empty: none."""
    directives: tuple[str, ...] = ()
    """More options of qsub, one a line, such as "-l place=excl" or "-p 10"; only those that cannot change
    whose job it is, what it runs or where its files go."""

    @field_validator("directives")
    @classmethod
    def _allowed(cls, directives: tuple[str, ...]) -> tuple[str, ...]:
        for directive in directives:
            if not _DIRECTIVE.fullmatch(directive):
                raise ValueError(
                    f"{directive!r} is none of: -l NAME=VALUE (but select, nodes and walltime), -p NUMBER, "
                    "-m LETTERS, -M ADDRESS, -W group_list=GROUP, -W x=VALUE"
                )
        return directives


_DIRECTIVE = re.compile(
    r"-l (?!(select|nodes|walltime)=)\w+=[\w.:=+@-]+|-p -?\d{1,4}|-m [abenj]+|-M [\w.@+-]+"
    r"|-W (x|group_list)=[\w.:=+@-]+",
    re.ASCII,
)


class EnvironmentConfig(_Table):
    """Where an engine lives on a site."""

    activate: tuple[ShellLine, ...] = ()
    """Shell lines after the site's `setup`, such as "source activate khalil_vllm"."""
    python: ShellLine = ""
    """The Python there, a command or a path; empty: python3, or python once something is activated."""
    model: ShellLine = ""
    """The folder of the model's weights; `~` and variables are of the site."""
    vendor: bool = True
    """Whether bocr may bring, in a folder of its own, what this environment lacks."""
    pbs: PbsConfig | None = None
    """Instead of the site's, for this engine's jobs."""


class SplitConfig(_Table):
    """A job before the others that draws the pages, on processors, so that none waits for that."""

    pbs: PbsConfig = PbsConfig()
    environment: EnvironmentConfig = EnvironmentConfig()
    dpi: int = Field(default=0, ge=0, le=600)
    """0: what the first reading stage asks for; images of another resolution would not be used."""


class SiteConfig(_Table):
    """Where jobs run: a transport, a scheduler, a folder."""

    transport: Literal["local", "ssh"] = "local"
    """How files and commands get there."""
    scheduler: Literal["direct", "pbs"] = "direct"
    """Who starts jobs there."""
    host: str = Field(default="", pattern=r"^([A-Za-z0-9_.:\[][A-Za-z0-9_.:@%\[\]-]*)?$", examples=["inpt"])
    """For ssh: a name of ~/.ssh/config, or a host."""
    user: str = Field(default="", pattern=_NAME, examples=["reader"])
    """Empty: as ~/.ssh/config says, or the user here."""
    port: int = Field(default=0, ge=0, le=65535)
    """0: as ~/.ssh/config says, or 22."""
    root: ShellLine = Field(default="site", min_length=1, examples=["/scratch/reader/bocr"])
    """The site's folder; relative to the workspace for transport local, to the home folder for ssh; `~` and
    variables are of the site."""
    slots: int = Field(default=1, ge=1, le=1000)
    """Jobs that a `direct` site runs at once."""
    max_queued: int = Field(default=8, ge=1, le=10_000)
    """Jobs that bocr keeps with a scheduler at once, waiting and running."""
    python: ShellLine = ""
    """The Python that runs the worker (3.10 or later) where an engine's environment names none; empty: the
    panel's own for transport local, python3 for ssh."""
    cores: int = Field(default=0, ge=0)
    """Cores a job may use; 0: all it gets."""
    setup: tuple[ShellLine, ...] = ()
    """Shell lines at the start of every job, such as "module load anaconda3"."""
    environments: dict[str, EnvironmentConfig] = Field(default_factory=dict)
    """By engine."""
    packages_from: Literal["here", "site", "either"] = "either"
    """Which pip fetches what an environment lacks: this machine's, the environment's own on the site, or the
    first of the two that can. It is never installed into the environment."""
    pipeline: tuple[str | StageConfig, ...] = ()
    """The stages on this site; empty: the workspace's."""
    documents: Literal["upload", "in_place"] = "upload"
    """For ssh: whether documents of this machine are copied to the site, or lie there at the same paths."""
    upload_mb_s: float = Field(default=0.0, ge=0)
    """Megabytes a second at most for uploading documents; 0: no limit."""
    poll_s: float = Field(default=0.0, ge=0)
    """Seconds between two looks at running jobs' journals; 0: 5 over ssh, 0.4 here."""
    look_s: float = Field(default=0.0, ge=0)
    """Seconds between two questions to the scheduler at least; 0: 30. It waits longer where nothing
    moves."""
    pbs: PbsConfig = PbsConfig()
    """What its jobs ask for, with scheduler pbs."""
    pbs_exec: ShellLine = ""
    """PBS's folder; empty: as /etc/pbs.conf on the site says."""
    split: SplitConfig | None = None
    """A job on processors alone that draws the pages first; left out: each job draws its own."""

    @model_validator(mode="after")
    def _complete(self) -> SiteConfig:
        if self.transport == "ssh" and not self.host:
            raise ValueError("an ssh site needs host, a name of ~/.ssh/config or a host")
        return self


class PlanningConfig(_Table):
    """How pages become batches."""

    pages: int = Field(default=200, ge=1)
    """About so many pages a batch, when neither pages nor documents are asked for."""


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


class AutopilotConfig(_Table):
    """What the autopilot does by itself."""

    retries: int = Field(default=1, ge=0, le=20)
    """Times it resubmits a page that failed."""
    pool_pages: int = Field(default=200, ge=1)
    """Failed pages it waits for before it resubmits them together; fewer when nothing else is left."""
    stop_after_failed_jobs: int = Field(default=3, ge=1)
    """Jobs in a row that end in error without reading a page: then it stops."""
    stop_below_ok: float = Field(default=0.2, ge=0, le=1)
    """It stops when fewer than this share of the last 500 pages were read."""


class PanelConfig(_Table):
    """How the panel looks and what it may do."""

    theme: str = Field(default="bocr-dark", pattern=r"^[a-z0-9-]{1,40}$", examples=["bocr-light"])
    """The theme's name; the panel's settings list those there are."""
    images: Literal["auto", "tgp", "sixel", "halfcell", "off"] = "auto"
    """How page images are drawn: auto asks the terminal, tgp is kitty's protocol, halfcell works anywhere."""
    bidi: Literal["auto", "terminal", "panel"] = "auto"
    """Who puts text written from the right in order: auto knows the terminals that do it themselves."""
    read_only: bool = False
    """Whether the panel refuses every action that changes anything, as --readonly does for one call."""
    keymap: str = ""
    """A TOML file of keys; relative to the workspace. Empty: the keys that the panel comes with."""

    @field_validator("theme")
    @classmethod
    def _known_theme(cls, theme: str) -> str:
        if theme not in THEMES:
            near = nearest(theme, THEMES)
            known = f"the nearest is {near}" if near else f"there are {', '.join(THEMES)}"
            raise ValueError(f"there is no theme {theme!r}; {known}")
        return theme


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
    """By name. There is always `local`, this machine, unless the file says otherwise of it."""
    language_rules: tuple[LanguageRule, ...] = ()
    planning: PlanningConfig = PlanningConfig()
    limits: LimitsConfig = LimitsConfig()
    autopilot: AutopilotConfig = AutopilotConfig()
    panel: PanelConfig = PanelConfig()
    engines: dict[str, EngineConfig] = Field(default_factory=dict)
    """By name: engines of your own, and settings for those there are."""
    ladder: dict[str, dict[str, Any]] = Field(default_factory=dict)
    """What a stage tries on a page that failed: [ladder.<engine>] <failure class> = [rungs]."""

    @field_validator("engines")
    @classmethod
    def _engines_named(cls, engines: dict[str, EngineConfig]) -> dict[str, EngineConfig]:
        for name in engines:
            if not re.fullmatch(ENGINE_NAME, name):
                raise ValueError(f"{name!r} is no name for an engine: letters, digits, . - and _, at most 40")
        return engines

    @field_validator("sites")
    @classmethod
    def _named(cls, sites: dict[str, SiteConfig]) -> dict[str, SiteConfig]:
        for name in sites:
            if not re.fullmatch(SITE_NAME, name):
                raise ValueError(f"{name!r} is no name for a site: letters, digits, - and _, at most 40")
        return sites if "local" in sites else {"local": SiteConfig(), **sites}


def config_schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of bocr.toml, for editors."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **Config.model_json_schema(),
        "title": "bocr.toml",
    }


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
        raise explain(error, Config, where) from None


def load_config(path: Path) -> Config:
    """Read a workspace's bocr.toml. Raises ConfigError."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} cannot be read: {error}.", "Mend it or run `bocr init`.") from None
    return parse_config(text, str(path))
