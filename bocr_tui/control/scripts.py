"""The job script of a stage: of a job that there is, or of one that an order would make."""

from __future__ import annotations

import json
from dataclasses import dataclass

from sqlalchemy import Connection

from bocr_tui.catalog.database import Catalog
from bocr_tui.config.errors import UsageError
from bocr_tui.config.model import Config, SiteConfig
from bocr_tui.config.workspace import Workspace
from bocr_tui.control.pipeline import Pipeline, build_pipeline
from bocr_tui.control.wishes import with_pbs
from bocr_tui.sites.deploy import worker_folder
from bocr_tui.sites.scheduler.base import ScriptOrder
from bocr_tui.sites.scheduler.direct import DirectScheduler
from bocr_tui.sites.scheduler.pbs.script import render_script
from bocr_tui.sites.site import site_root
from bocr_tui.sites.transport.local import LocalTransport

NO_TOKEN = "btoken00000000"  # noqa: S105 - a job's name
"""Stands where a job's name will be: it gets one when it is ordered."""

STAGED = "As it lies in the job's run folder."
TO_COME = f"{NO_TOKEN} stands for the job's name, which it gets when it is submitted."
LACKS = "Where the environment lacks something, --vendor is added: that is looked up when the job is staged."


@dataclass(frozen=True)
class JobScript:
    """`stage` counts from 1, of `stages`; `token` is the job's name, or NO_TOKEN; `remarks` say in sentences
    what is not certain yet."""

    site: str
    engine: str
    stage: int
    stages: int
    token: str
    text: str
    remarks: tuple[str, ...] = ()


def script_to_be(workspace: Workspace, config: Config, stage: int) -> JobScript:
    """Of `stage` (from 1) of an order under `config`, as `wished` made it. Raises UsageError, ConfigError."""
    pipeline = build_pipeline(config, site=config.site)
    engine = _engine(pipeline, stage)
    text, remarks = _rendered(workspace, config.sites[config.site], engine, NO_TOKEN)
    return JobScript(config.site, engine, stage, len(pipeline.stages), NO_TOKEN, text, (TO_COME, *remarks))


def script_of_batch(
    workspace: Workspace, catalog: Catalog, config: Config, batch_id: int, stage: int
) -> JobScript:
    """Of the batch's newest job of that stage; of one to be made where there is none. Raises UsageError,
    ConfigError."""
    with catalog.reading() as connection:
        found = _job(connection, batch_id, stage)
    if found is None:
        return script_to_be(workspace, config, stage)
    token, engine, site, pipeline = found
    if site not in workspace.config.sites:
        raise UsageError(f"There is no site {site} any more.", "Its job's script lies in its run folder.")
    place = workspace.config.sites[site]
    lying = _lying(workspace, place, token)
    if lying is not None:
        return JobScript(site, engine, stage, len(pipeline.stages), token, lying, (STAGED,))
    text, remarks = _rendered(workspace, with_pbs(place, pipeline.pbs), engine, token)
    return JobScript(site, engine, stage, len(pipeline.stages), token, text, remarks)


def _engine(pipeline: Pipeline, stage: int) -> str:
    if not 1 <= stage <= len(pipeline.stages):
        there = "only one stage" if len(pipeline.stages) == 1 else f"{len(pipeline.stages)} stages"
        raise UsageError(f"There is no stage {stage}: the pipeline has {there}.", "Stages count from 1.")
    return pipeline.stages[stage - 1].engine.name


def _job(connection: Connection, batch_id: int, stage: int) -> tuple[str, str, str, Pipeline] | None:
    row = connection.exec_driver_sql(
        "SELECT j.token, j.engine, j.site, c.pipeline FROM job_batch b JOIN job j ON j.id = b.job_id"
        " JOIN chain c ON c.id = j.chain_id WHERE b.batch_id = ? AND j.stage = ? ORDER BY j.id DESC LIMIT 1",
        (batch_id, stage - 1),
    ).first()
    return None if row is None else (row[0], row[1], row[2], Pipeline.load(json.loads(row[3])))


def _lying(workspace: Workspace, site: SiteConfig, token: str) -> str | None:
    """The script of a job staged on this machine."""
    if site.transport != "local":
        return None
    path = site_root(workspace, site) / "runs" / token / "job.sh"
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None


def _rendered(workspace: Workspace, site: SiteConfig, engine: str, token: str) -> tuple[str, tuple[str, ...]]:
    order = ScriptOrder(token, engine, worker_folder(), site)
    templates = (workspace.root / "job_templates",)
    if site.scheduler == "pbs":
        made = render_script(order, templates)
    else:
        made = DirectScheduler(LocalTransport(site_root(workspace, site)), templates).script(order)
    own = site.transport == "local" and engine not in site.environments and not site.python
    return made.decode(errors="replace"), () if own else (LACKS,)
