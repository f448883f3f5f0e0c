"""Estimates come from what was measured, and from the engine that will read the language."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert

from bocr_tui.catalog import core
from bocr_tui.catalog.database import Catalog
from bocr_tui.config.model import Config, SiteConfig, StageConfig
from bocr_tui.planning.costs import SEED_CORE_S, SEED_FAILING_SHARE, Costs, EngineCost, pipeline_costs
from bocr_tui.planning.planner import plan
from bocr_worker.engines.base import EngineSpec, Reader
from tests.planning.archive import add_document, make_catalog

LATIN = EngineCost("rapidocr", page_s=2.0, processes=1, languages=frozenset({"fr", "en"}))
ANY = EngineCost("tesseract", page_s=0.5, processes=1, languages=None)
TWO_CORES = Config(pipeline=("rapidocr", "tesseract"), sites={"local": SiteConfig(cores=2)})


@pytest.fixture
def catalog(tmp_path: Path) -> Catalog:
    return make_catalog(tmp_path)


@pytest.fixture(autouse=True)
def two_engines(monkeypatch: pytest.MonkeyPatch) -> None:
    """Engines as the registry describes them, whatever is installed here."""

    def load(options: object, threads: int) -> Reader:
        raise AssertionError("planning loads no engine")

    def spec(name: str, languages: frozenset[str] | None) -> EngineSpec:
        return EngineSpec(name, name, languages, dpi=200, load=load, check=lambda: None)

    specs = {"rapidocr": spec("rapidocr", frozenset({"fr", "en"})), "tesseract": spec("tesseract", None)}
    monkeypatch.setattr("bocr_tui.planning.costs.engine_specs", lambda config: specs)


def add_attempts(catalog: Catalog, document_id: int, engine: str, outcomes: list[str]) -> None:
    with catalog.writing() as connection:
        run = connection.exec_driver_sql
        run(
            "INSERT OR IGNORE INTO chain (id, kind, site, state, pipeline, created_at)"
            " VALUES (1, '', '', 'live', '{}', 0)"
        )
        run(
            "INSERT OR IGNORE INTO job (id, chain_id, stage, try_number, engine, site, token, state, reason,"
            " pages, ok, failed, created_at, heartbeat)"
            " VALUES (1, 1, 1, 1, 'e', '', 'tokn', 'running', '', 0, 0, 0, 0, '{}')"
        )
        (page_id,) = run("SELECT min(id) FROM page WHERE document_id = ?", (document_id,)).one()
        run(
            "INSERT INTO attempt (page_id, job_id, number, outcome, evidence, last, variation, at, journal,"
            ' generation, "offset", engine, engine_version, weights, prompt_hash, settings_hash, render_hash)'
            " VALUES (?, 1, 1, ?, '{}', 1, 'plain', 0, ?, '', ?, ?, '', '', '', '', '')",
            [(page_id, outcome, f"{document_id}{engine}", n, engine) for n, outcome in enumerate(outcomes)],
        )


def test_a_page_costs_the_first_engine_and_a_share_of_the_second() -> None:
    costs = Costs((LATIN, ANY), failing_share=0.1)
    assert costs.page_s("fr") == pytest.approx(2.0 + 0.1 * 0.5)
    assert costs.page_s(None) == costs.page_s("fr")


def test_a_language_the_first_engine_cannot_read_costs_only_the_one_that_can() -> None:
    assert Costs((LATIN, ANY)).page_s("ar") == pytest.approx(0.5)


def test_a_language_that_no_engine_reads_costs_what_the_first_takes() -> None:
    assert Costs((LATIN,)).page_s("ar") == pytest.approx(2.0)


def test_processes_share_the_work() -> None:
    four = EngineCost("rapidocr", page_s=2.0, processes=4, languages=None)
    assert Costs((four,)).page_s(None) == pytest.approx(0.5)


def test_an_engine_that_takes_no_time_still_makes_batches(catalog: Catalog) -> None:
    with catalog.writing() as connection:
        connection.exec_driver_sql(
            "INSERT INTO engine_rate (engine, pages, seconds) VALUES ('noop', 5000, 0)"
        )
    add_document(catalog, "a.pdf", 30)
    made = plan(catalog, Config(pipeline=("noop",)), pages=10)
    assert len(made.batches) == 3
    assert made.estimated_s > 0


def test_before_anything_is_measured_rates_are_marked_as_estimates(catalog: Catalog) -> None:
    with catalog.reading() as connection:
        costs = pipeline_costs(connection, TWO_CORES)
    assert [(stage.engine, stage.page_s, stage.measured_pages) for stage in costs.stages] == [
        ("rapidocr", SEED_CORE_S["rapidocr"], 0),
        ("tesseract", SEED_CORE_S["tesseract"], 0),
    ]
    assert (costs.failing_share, costs.failing_measured) == (SEED_FAILING_SHARE, 0)


def test_a_measured_rate_replaces_the_estimate_once_there_are_enough_pages(catalog: Catalog) -> None:
    with catalog.writing() as connection:
        connection.exec_driver_sql(
            "INSERT INTO engine_rate (engine, pages, seconds)"
            " VALUES ('rapidocr', 100, 400.0), ('tesseract', 3, 99.0)"
        )
    with catalog.reading() as connection:
        first, second = pipeline_costs(connection, TWO_CORES).stages
    assert (first.page_s, first.measured_pages) == (4.0, 100)
    assert first.words == "measured on 100 pages of rapidocr elsewhere"
    assert (second.page_s, second.measured_pages) == (SEED_CORE_S["tesseract"], 0)


def add_job(catalog: Catalog, site: str, engine: str, pages: int, seconds: float) -> None:
    with catalog.writing() as connection:
        chain = connection.exec_driver_sql(
            "INSERT INTO chain (kind, site, state, pipeline, created_at)"
            " VALUES ('batch', ?, 'ended', '{}', 0)",
            (site,),
        ).lastrowid
        connection.execute(
            insert(core.job).values(
                chain_id=chain,
                stage=0,
                try_number=1,
                round=1,
                engine=engine,
                site=site,
                reason="",
                asks=0,
                token=f"b{chain}",
                state="finished",
                cause="ok",
                pages=pages,
                ok=pages,
                failed=0,
                heartbeat={},
                created_at=0.0,
                started_at=1000.0,
                ended_at=1000.0 + seconds,
            )
        )


def test_what_jobs_took_on_the_same_site_counts_before_all_else(catalog: Catalog) -> None:
    with catalog.writing() as connection:
        connection.exec_driver_sql(
            "INSERT INTO engine_rate (engine, pages, seconds) VALUES ('rapidocr', 100, 400.0)"
        )
    add_job(catalog, "local", "rapidocr", 20, 160.0)
    add_job(catalog, "local", "rapidocr", 10, 140.0)
    add_job(catalog, "local", "tesseract", 3, 99.0)
    add_job(catalog, "elsewhere", "rapidocr", 1000, 10.0)
    with catalog.reading() as connection:
        first, second = pipeline_costs(connection, TWO_CORES).stages
    assert (first.job_page_s, first.measured_pages) == (10.0, 30)
    assert first.words == "measured on 30 pages of rapidocr on this site"
    assert second.words == "a guess: tesseract has read too little to measure"


def test_a_guess_is_of_the_cores_that_read_a_page_together(
    catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    load: Any = None
    spec = EngineSpec(
        "rapidocr", "", None, dpi=200, load=load, check=lambda: None, processes_for=lambda cores: (1, cores)
    )
    monkeypatch.setattr("bocr_tui.planning.costs.engine_specs", lambda config: {"rapidocr": spec})
    with catalog.reading() as connection:
        (only,) = pipeline_costs(
            connection, Config(pipeline=("rapidocr",), sites={"local": SiteConfig(cores=2)})
        ).stages
    assert only.job_page_s == SEED_CORE_S["rapidocr"] / 2


def test_the_measured_share_of_failures_replaces_the_estimate(catalog: Catalog) -> None:
    document_id = add_document(catalog, "a.pdf", 1)
    add_attempts(catalog, document_id, "rapidocr", ["ok"] * 60 + ["failed"] * 20)
    with catalog.reading() as connection:
        costs = pipeline_costs(connection, TWO_CORES)
    assert costs.failing_share == pytest.approx(0.25)
    assert costs.failing_measured == 80


def test_pages_in_a_language_an_engine_cannot_read_are_not_its_failures(catalog: Catalog) -> None:
    french = add_document(catalog, "a.pdf", 1, language="fr")
    klingon = add_document(catalog, "b.pdf", 1, language="tlh")
    add_attempts(catalog, french, "rapidocr", ["ok"] * 95 + ["failed"] * 5)
    add_attempts(catalog, klingon, "rapidocr", ["failed"] * 100)
    with catalog.reading() as connection:
        costs = pipeline_costs(connection, TWO_CORES)
    assert costs.failing_share == pytest.approx(0.05)


def test_a_stage_says_its_own_number_of_processes(catalog: Catalog) -> None:
    config = Config(pipeline=(StageConfig(engine="rapidocr", processes=7),))
    with catalog.reading() as connection:
        assert pipeline_costs(connection, config).stages[0].processes == 7


def test_batches_are_levelled_by_time_when_documents_need_different_engines(catalog: Catalog) -> None:
    for number in range(20):
        add_document(catalog, f"fr{number}.pdf", 10, language="fr")
        add_document(catalog, f"xx{number}.pdf", 10, language="tlh")
    config = Config(
        pipeline=(StageConfig(engine="rapidocr", processes=1), StageConfig(engine="tesseract", processes=1))
    )
    made = plan(catalog, config, batches=4)
    lengths = [batch.estimated_s for batch in made.batches]
    assert max(lengths) <= 1.02 * min(lengths)
