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

SEED_CORE_S = {"rapidocr": 5.8, "tesseract": 2.5}
"""Seconds a page takes one core before anything is measured. Guesses, said to be so: what a job took for the
fifteen sample pages on two cores of a virtual machine that did other things beside, times two."""

_SEED_OTHERS_CORE_S = 5.0

_MOST_THREADS = 4
"""Threads of one process that share a page well."""

_SEED_VISION_S = 45.0
"""A page of a model that reads many at a time: between a small model's few seconds and Chandra's 60, as its
authors published them for one H100 with 96 pages in flight."""

SEED_FAILING_SHARE = 0.05
"""Share of its pages that a stage leaves to the next, before anything is measured: an estimate."""

_PAGES_BELIEVED = 10
"""Readings after which a measured rate replaces the estimate."""

_RECENT_JOBS = 500
"""What a site's jobs took is the mean of so many last ones."""

_JOBS_OF_SITE = """
SELECT engine, total(ok + failed), total(ended_at - started_at) FROM (
  SELECT engine, ok, failed, started_at, ended_at FROM job
  WHERE site = ? AND ok + failed > 0 AND ended_at > started_at ORDER BY id DESC LIMIT ?
) GROUP BY engine
"""

_VERDICTS_BELIEVED = 50
"""Verdicts after which a measured share of failures replaces the estimate."""

_RECENT_ATTEMPTS = 20_000
"""Failures are counted over this many last attempts: older ones were other documents, other settings."""

_LEAST_PAGE_S = 0.001
"""No page is free: an engine that does nothing must not make batches of no length."""


@dataclass(frozen=True)
class EngineCost:
    """One stage's engine. `page_s` is what a page takes one of its `processes`; `languages` None: all.

    `measured_pages` 0 says that `page_s` is a guess; `measured_here` that it is of jobs on this site, with
    their start and all they did beside reading, and not of the engine alone, wherever it ran.
    """

    engine: str
    page_s: float
    processes: int
    languages: frozenset[str] | None
    measured_pages: int = 0
    measured_here: bool = False

    @property
    def words(self) -> str:
        """What `page_s` rests on."""
        if not self.measured_pages:
            return f"a guess: {self.engine} has read too little to measure"
        pages = f"{self.measured_pages:,} pages of {self.engine}"
        return f"measured on {pages} {'on this site' if self.measured_here else 'elsewhere'}"

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
    of_site = {
        engine: (int(pages), seconds)
        for engine, pages, seconds in connection.exec_driver_sql(_JOBS_OF_SITE, (config.site, _RECENT_JOBS))
    }
    specs = engine_specs(config)
    stages = tuple(
        _engine_cost(
            StageConfig(engine=stage) if isinstance(stage, str) else stage, specs, cores, measured, of_site
        )
        for stage in config.pipeline or DEFAULT_PIPELINE
    )
    share, verdicts = _failing_share(connection, stages[0])
    return Costs(stages, share, verdicts)


Measured = Mapping[str, tuple[int, float]]
"""By engine: pages, and the seconds they took."""


def _engine_cost(
    stage: StageConfig, specs: Mapping[str, EngineSpec], cores: int, measured: Measured, of_site: Measured
) -> EngineCost:
    spec = specs.get(stage.engine)
    offered, threads = spec.processes_for(cores) if spec else (1, 1)
    processes = stage.processes or max(1, offered)
    languages = spec.languages if spec else None
    pages, seconds = of_site.get(stage.engine, (0, 0.0))
    if pages >= _PAGES_BELIEVED:
        return EngineCost(stage.engine, processes * seconds / pages, processes, languages, pages, True)
    pages, seconds = measured.get(stage.engine, (0, 0.0))
    if pages >= _PAGES_BELIEVED:
        return EngineCost(stage.engine, seconds / pages, processes, languages, pages)
    return EngineCost(stage.engine, _seed_s(stage.engine, spec, threads), processes, languages)


def _seed_s(engine: str, spec: EngineSpec | None, threads: int) -> float:
    if spec is not None and spec.vision is not None:
        return _SEED_VISION_S
    return SEED_CORE_S.get(engine, _SEED_OTHERS_CORE_S) / max(1, min(threads, _MOST_THREADS))


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
