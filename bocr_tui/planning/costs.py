"""What a page costs: seconds from measured rates, by the engines that will read it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection

from bocr_tui.config.engines import engine_specs
from bocr_tui.config.model import Config, StageConfig
from bocr_worker.engines.base import EngineSpec

DEFAULT_PIPELINE = ("rapidocr", "tesseract")
"""What an empty `pipeline` stands for."""

SEED_RATES_S = {"rapidocr": 2.5, "tesseract": 0.9}
"""Seconds a page takes one process before anything is measured. Estimates, said to be so."""

_SEED_OTHERS_S = 2.0

_SEED_VISION_S = 45.0
"""A page of a model that reads many at a time: between a small model's few seconds and Chandra's 60, as its
authors published them for one H100 with 96 pages in flight."""

SEED_FAILING_SHARE = 0.05
"""Share of its pages that a stage leaves to the next, before anything is measured: an estimate."""

_PAGES_BELIEVED = 10
"""Readings after which a measured rate replaces the estimate."""

_VERDICTS_BELIEVED = 50
"""Verdicts after which a measured share of failures replaces the estimate."""

_RECENT_ATTEMPTS = 20_000
"""Failures are counted over this many last attempts: older ones were other documents, other settings."""

_LEAST_PAGE_S = 0.001
"""No page is free: an engine that does nothing must not make batches of no length."""


@dataclass(frozen=True)
class EngineCost:
    """One stage's engine. `page_s` is what a page takes one of its `processes`; `languages` None: all.

    `measured_pages` 0 says that `page_s` is an estimate.
    """

    engine: str
    page_s: float
    processes: int
    languages: frozenset[str] | None
    measured_pages: int = 0

    @property
    def job_page_s(self) -> float:
        """Seconds of a job's time a page takes, all its processes busy."""
        return max(_LEAST_PAGE_S, self.page_s) / self.processes

    def reads(self, language: str | None) -> bool:
        return language is None or self.languages is None or language in self.languages


@dataclass(frozen=True)
class Costs:
    """The pipeline's engines in order, and the share of pages that goes on to the next one."""

    stages: tuple[EngineCost, ...]
    failing_share: float = SEED_FAILING_SHARE
    failing_measured: int = 0
    """Verdicts the share was measured from; 0: it is an estimate."""

    def page_s(self, language: str | None) -> float:
        """Seconds of a job's time for one page of a document in this language (None: unknown).

        The first stage reads it unless it cannot read the language; then the first that can. The stage after
        that one reads the share that fails.
        """
        place = next((place for place, stage in enumerate(self.stages) if stage.reads(language)), 0)
        later = next((stage for stage in self.stages[place + 1 :] if stage.reads(language)), None)
        return self.stages[place].job_page_s + (self.failing_share * later.job_page_s if later else 0.0)


def pipeline_costs(connection: Connection, config: Config) -> Costs:
    """The configured pipeline's costs, from this catalog's measurements where there are enough."""
    site = config.sites.get(config.site)
    cores = (site.cores if site else 0) or os.cpu_count() or 1
    measured = {
        engine: (pages, seconds)
        for engine, pages, seconds in connection.exec_driver_sql(
            "SELECT engine, pages, seconds FROM engine_rate"
        )
    }
    specs = engine_specs(config)
    stages = tuple(
        _engine_cost(StageConfig(engine=stage) if isinstance(stage, str) else stage, specs, cores, measured)
        for stage in config.pipeline or DEFAULT_PIPELINE
    )
    share, verdicts = _failing_share(connection, stages[0])
    return Costs(stages, share, verdicts)


def _engine_cost(
    stage: StageConfig, specs: Mapping[str, EngineSpec], cores: int, measured: dict[str, tuple[int, float]]
) -> EngineCost:
    spec = specs.get(stage.engine)
    seed_s = _SEED_VISION_S if spec is not None and spec.vision is not None else _SEED_OTHERS_S
    pages, seconds = measured.get(stage.engine, (0, 0.0))
    believed = pages >= _PAGES_BELIEVED
    return EngineCost(
        engine=stage.engine,
        page_s=seconds / pages if believed else SEED_RATES_S.get(stage.engine, seed_s),
        processes=stage.processes or _processes(spec, cores),
        languages=spec.languages if spec else None,
        measured_pages=pages if believed else 0,
    )


def _processes(spec: EngineSpec | None, cores: int) -> int:
    return max(1, spec.processes_for(cores)[0]) if spec else 1


def _failing_share(connection: Connection, stage: EngineCost) -> tuple[float, int]:
    """How much of what this stage could read it left to the next, and how many verdicts say so.

    Pages in a language it cannot read are not its failures: they are counted as the next stage's work.
    """
    rows = connection.exec_driver_sql(
        "SELECT document.language, recent.outcome = 'ok', count(*) FROM"
        " (SELECT page_id, outcome, engine, last FROM attempt ORDER BY id DESC LIMIT ?) AS recent"
        " JOIN page ON page.id = recent.page_id JOIN document ON document.id = page.document_id"
        " WHERE recent.engine = ? AND (recent.last OR recent.outcome = 'ok') GROUP BY 1, 2",
        (_RECENT_ATTEMPTS, stage.engine),
    ).all()
    ok = sum(count for language, good, count in rows if good and stage.reads(language))
    failed = sum(count for language, good, count in rows if not good and stage.reads(language))
    if ok + failed < _VERDICTS_BELIEVED:
        return SEED_FAILING_SHARE, 0
    return failed / (ok + failed), ok + failed
