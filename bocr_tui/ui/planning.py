"""What a plan is made from on the Plan screen, and its previews: asked in a thread, the latest one only."""

from __future__ import annotations

import asyncio
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

from bocr_tui.actions.action import CatalogHandle, Context, Options, Outcome, Selection
from bocr_tui.actions.registry import action_named

if TYPE_CHECKING:
    from bocr_tui.config.workspace import Workspace

Divide = Literal["pages", "documents", "batches"]

DIVIDE_WORDS: Mapping[Divide, str] = {
    "pages": "pages a batch",
    "documents": "documents a batch",
    "batches": "batches in all",
}

MOST_STAGES = 3
"""Stages that the form offers: one that reads, one that recovers, and one to spare."""

NAMES_IN_COMMAND = 3
"""Documents written out in a command that is shown; of more only the number is said."""


@dataclass(frozen=True)
class SiteChoice:
    """What the form needs of a configured site; `queue` and `walltime` empty: PBS decides."""

    has_queues: bool
    queue: str
    walltime: str
    engines: tuple[str, ...]


@dataclass(frozen=True)
class PlanFacts:
    """What the configuration offers. `unfit` is by site and engine why the engine cannot run there."""

    site: str
    sites: Mapping[str, SiteChoice]
    pages: int
    engines: tuple[str, ...]
    unfit: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


def plan_facts(workspace: Workspace) -> PlanFacts:
    """Read in a thread: pydantic and the engines take their time to load. Raises ConfigError."""
    from bocr_tui.config.engines import configured_stages
    from bocr_tui.control.engine_fitness import unfit
    from bocr_tui.control.wishes import known_engines

    config = workspace.config
    sites = {
        name: SiteChoice(
            site.scheduler == "pbs",
            site.pbs.queue,
            site.pbs.walltime,
            tuple(stage.engine for stage in configured_stages(config, site)),
        )
        for name, site in config.sites.items()
    }
    engines = tuple(known_engines())
    reasons = {
        name: {engine: why.words for engine, why in unfit(config, name, engines).items()} for name in sites
    }
    return PlanFacts(config.site, sites, config.planning.pages, engines, reasons)


@dataclass(frozen=True)
class Choices:
    """What a person has set; None and empty: as configured."""

    divide: Divide = "pages"
    size: int | None = None
    pages_per_document: int | None = None
    site: str | None = None
    stages: tuple[str, ...] = ()
    queue: str | None = None
    walltime: str | None = None

    @property
    def options(self) -> Options:
        """For planning and for submitting."""
        return Options(
            site=self.site,
            stages=self.stages,
            queue=self.queue,
            walltime=self.walltime,
            pages_per_document=self.pages_per_document,
            batch_pages=self.size if self.divide == "pages" else None,
            batch_documents=self.size if self.divide == "documents" else None,
            batches=self.size if self.divide == "batches" else None,
        )

    @property
    def needs_size(self) -> bool:
        """Only pages a batch have a default."""
        return self.size is None and self.divide != "pages"

    def on_site(self, name: str | None) -> Choices:
        """The same for another site: what was asked of the one before does not fit it."""
        return replace(self, site=name, stages=(), queue=None, walltime=None)


def plan_command(choices: Choices, documents: Sequence[str] | None) -> str:
    """The twin of P; `documents` are the names chosen, None: all there are."""
    words = action_named("workspace.plan").twin(Selection(), choices.options)
    if documents is None:
        return words
    named = "".join(f" --document {shlex.quote(name)}" for name in documents[:NAMES_IN_COMMAND])
    more = len(documents) - NAMES_IN_COMMAND
    return f"{words}{named}{f' … and {more:,} more' if more > 0 else ''}"


def submit_command(choices: Choices, batches: Sequence[str]) -> str:
    """The twin of s."""
    selection = Selection(batches=tuple(range(len(batches))))
    named = batches if len(batches) <= NAMES_IN_COMMAND else ()
    return action_named("batch.submit").twin(selection, choices.options, named)


class Previews:
    """Runs actions that change nothing, with a connection of their own. Raises BocrError."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._catalog = CatalogHandle(workspace.catalog_path, create=False)

    async def plan(self, choices: Choices, documents: Sequence[int] | None) -> Mapping[str, Any]:
        """What a plan of these documents (None: all) would make."""
        selection = Selection(documents=tuple(documents or ()))
        outcome = await self._run("workspace.plan", selection, replace(choices.options, act=False))
        return outcome.numbers

    async def submission(self, choices: Choices, batches: Sequence[int]) -> Outcome:
        """What a submission of these batches would do."""
        return await self._run("batch.foretell", Selection(batches=tuple(batches)), choices.options)

    async def script(self, choices: Choices, batch: int | None, stage: int) -> Outcome:
        """The script of a stage: of the batch's job if it has one."""
        batches = () if batch is None else (batch,)
        options = replace(choices.options, stage=stage)
        return await self._run("batch.script", Selection(batches=batches), options)

    async def _run(self, action_id: str, selection: Selection, options: Options) -> Outcome:
        context = Context(self._workspace, self._catalog, selection)
        return await asyncio.to_thread(action_named(action_id).run, context, options)

    async def close(self) -> None:
        await asyncio.to_thread(self._catalog.close)
