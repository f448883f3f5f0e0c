"""Orders that ask for something beside bocr.toml: foretold, shown as a script, kept with their chain."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import update

from bocr_tui.actions.action import CatalogHandle, Context, Options, Outcome, Selection
from bocr_tui.actions.registry import action_named
from bocr_tui.catalog import core
from bocr_tui.config.errors import ConfigError, UsageError
from bocr_tui.config.model import SiteConfig
from bocr_tui.config.workspace import Workspace
from bocr_tui.control.jobs import living_jobs
from bocr_tui.control.orders import submit_batches
from bocr_tui.control.scripts import NO_TOKEN
from bocr_tui.control.staging import Stager
from bocr_tui.control.wishes import Wishes, gpus_of, wished, with_pbs
from bocr_tui.sites.site import open_site
from tests.ui.campaign import Campaign, build

CONFIG = """\
site = "here"
[sites.here]
scheduler = "pbs"
max_queued = 4
[sites.here.pbs]
queue = "gpu_1d"
select = "2:ncpus=8:ngpus=2"
walltime = "23:30:00"
[sites.here.environments.tesseract.pbs]
queue = "cpu"
[sites.far]
transport = "ssh"
host = "login.example"
[sites.local]
"""


@pytest.fixture
def campaign(tmp_path: Path) -> Iterator[Campaign]:
    """A batch of forty pages that are all planned and free."""
    made = build(tmp_path / "workspace", documents=2, states=("planned",), attempts=False)
    made.workspace.config_path.write_text(CONFIG, encoding="utf-8")
    with made.catalog.writing() as connection:
        connection.execute(update(core.batch).values(state="planned", estimated_s=7200.0))
        connection.exec_driver_sql("UPDATE source SET path = CAST('/nowhere/' || id AS BLOB)")
    yield made
    made.catalog.close()


def run(campaign: Campaign, action_id: str, options: Options, batches: tuple[int, ...] = (1,)) -> Outcome:
    handle = CatalogHandle(campaign.workspace.catalog_path)
    try:
        context = Context(Workspace(campaign.workspace.root), handle, Selection(batches=batches))
        return action_named(action_id).run(context, options)
    finally:
        handle.close()


def state_of(campaign: Campaign) -> list[tuple[object, ...]]:
    with campaign.catalog.reading() as connection:
        return [
            tuple(row)
            for table in ("batch", "chain", "job", "reservation", "event")
            for row in connection.exec_driver_sql(f"SELECT count(*), max(id) FROM {table}")
        ]


def test_a_dry_run_says_what_would_be_done_and_does_nothing(campaign: Campaign) -> None:
    before = state_of(campaign)
    told = run(campaign, "batch.foretell", Options(queue="long", stages=("tesseract", "rapidocr")))
    assert state_of(campaign) == before
    assert "40 pages of 2 documents would be submitted to here in 1 chain: tesseract, then" in told.text
    assert "2 jobs would go to PBS, 4 at most at once." in told.text
    assert "tesseract asks for queue long" in told.text
    assert "Nothing was changed." in told.text
    numbers = told.numbers
    assert (numbers["pages"], numbers["chains"], numbers["jobs"]) == (40, 1, 2)
    assert numbers["stages"][1]["walltime"] == "23:30:00"
    assert json.dumps(numbers)


def test_a_dry_run_counts_what_a_far_site_lacks(campaign: Campaign) -> None:
    numbers = run(campaign, "batch.foretell", Options(site="far")).numbers
    assert (numbers["uploads"], numbers["upload_bytes"], numbers["lost"]) == (2, 360_000, 0)
    with campaign.catalog.writing() as connection:
        connection.exec_driver_sql("UPDATE source SET state = 'missing' WHERE document_id = 2")
    told = run(campaign, "batch.foretell", Options(site="far"))
    assert (told.numbers["uploads"], told.numbers["lost"]) == (1, 1)
    assert not told.well


def test_gpu_hours_come_from_what_the_first_stage_asks_for(campaign: Campaign) -> None:
    assert run(campaign, "batch.foretell", Options(stages=("rapidocr",))).numbers["gpu_hours"] == 8.0
    assert run(campaign, "batch.foretell", Options(site="local")).numbers["gpu_hours"] is None
    assert gpus_of(SiteConfig(scheduler="pbs"), "rapidocr") is None


def test_pages_with_a_live_job_are_told_apart(campaign: Campaign) -> None:
    submit_batches(campaign.catalog, Workspace(campaign.workspace.root).config, [1])
    told = run(campaign, "batch.foretell", Options())
    assert told.count == 0
    assert "40 pages of them are with a live job already." in told.text


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (Options(site="gone"), "There is no site gone"),
        (Options(stages=("frob",)), "frob"),
        (Options(site="local", queue="long"), "Site local has no queues"),
        (Options(walltime="tomorrow"), "walltime"),
        (Options(queue="a b"), "queue"),
    ],
)
def test_what_does_not_fit_is_refused_in_words(campaign: Campaign, options: Options, words: str) -> None:
    for action in ("batch.foretell", "batch.submit"):
        with pytest.raises((ConfigError, UsageError), match=words):
            run(campaign, action, options)
    assert state_of(campaign)[1] == (0, None)


def test_an_engine_keeps_the_settings_of_its_own_stage(campaign: Campaign) -> None:
    text = '[[pipeline]]\nengine = "tesseract"\noptions = {psm = 6}\n' + CONFIG.replace('site = "here"', "")
    campaign.workspace.config_path.write_text('site = "here"\n' + text, encoding="utf-8")
    config = Workspace(campaign.workspace.root).config
    assert wished(config, Wishes(stages=("tesseract", "rapidocr"))).pipeline[0].options == {"psm": 6}
    assert wished(config, Wishes(stages=("rapidocr", "tesseract"))).pipeline[1].options == {}


async def test_the_script_that_is_shown_is_the_one_that_is_submitted(campaign: Campaign) -> None:
    """Byte for byte, but for the job's name, which is not known before."""
    options = Options(queue="long", walltime="10:00:00")
    shown = run(campaign, "batch.script", options)
    assert "#PBS -q long" in shown.text and "#PBS -l walltime=10:00:00" in shown.text
    assert NO_TOKEN in shown.text and "stands for the job's name" in shown.next_step
    run(campaign, "batch.submit", options)
    workspace = Workspace(campaign.workspace.root)
    with campaign.catalog.reading() as connection:
        jobs = [job for job in living_jobs(connection) if job.stage == 0]
    planned = run(campaign, "batch.script", Options())
    await Stager(campaign.catalog, open_site(workspace, "here"), lambda event: None).stage(jobs)
    lying = (workspace.root / "site" / "runs" / jobs[0].token / "job.sh").read_text()
    assert lying.rstrip("\n") == shown.text.replace(NO_TOKEN, jobs[0].token)
    assert planned.text == lying.rstrip("\n")
    again = run(campaign, "batch.script", Options())
    assert again.text == planned.text and "As it lies" in again.next_step


def test_the_drawing_job_keeps_its_own_queue() -> None:
    site = SiteConfig.model_validate(
        {"scheduler": "pbs", "pbs": {"queue": "gpu"}, "split": {"pbs": {"queue": "cpu"}}}
    )
    asked = with_pbs(site, {"queue": "long"})
    assert asked.pbs.queue == "long"
    assert asked.split is not None and asked.split.pbs.queue == "cpu"
