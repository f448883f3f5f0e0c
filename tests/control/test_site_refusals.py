"""What one job's refusal, or a full disk, must not keep from being done on a site."""

from __future__ import annotations

import pytest

from bocr_tui.config.errors import ConfigError, SiteError
from bocr_tui.control import carrying
from bocr_tui.control.events import Trouble
from bocr_tui.control.orders import submit_batches
from bocr_tui.control.requests import request
from bocr_tui.sites.scheduler.base import JobView, Rejected, ScriptOrder
from bocr_tui.sites.transport.base import TransportLost
from tests.control.puppet import Puppet, Stage
from tests.papers import make_pdf

RUNNING, HELD = JobView("running"), JobView("held")
NOT_YOURS = "PBS does not delete job 1.pbs: qdel: Unauthorized Request 1.pbs."


async def test_a_job_that_cannot_be_stopped_keeps_no_other_from_being_followed(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(carrying, "REFUSED_AGAIN_S", 0.0)
    await stage.ticks(2)
    first, second = stage.tokens()
    stage.see(RUNNING, RUNNING)
    await stage.ticks(1)
    stage.puppet.refuse_stop = NOT_YOURS
    request(stage.campaign.catalog, "cancel", [1])
    stage.report(second, "ok")
    await stage.ticks(4)
    assert stage.states()[1] == "finished"
    told = [event for event in stage.told if isinstance(event, Trouble) and event.text == NOT_YOURS]
    assert len(told) == 2, "once for each of the two jobs that the cancel is about"
    assert len(stage.puppet.of("stop")) > 2, "it is asked again all the same"
    stage.report(first, "partial")
    stage.see(JobView("ended", "ok"), JobView("ended", "ok"))
    await stage.ticks(2)
    assert stage.states() == ["cancelled", "finished"]


async def test_a_link_that_is_lost_while_a_job_is_stopped_is_the_site_s_trouble(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    await stage.ticks(2)
    stage.see(RUNNING, HELD)
    await stage.ticks(1)

    async def lost(*_: object, **__: object) -> None:
        raise TransportLost("The link is down.")

    monkeypatch.setattr(stage.puppet, "stop", lost)
    request(stage.campaign.catalog, "cancel", [1])
    await stage.ticks(1)
    assert stage.campaign.rows("SELECT link FROM site_status") == [("waiting",)]


async def _order_more(stage: Stage) -> None:
    """Another chain, while the first one runs."""
    await stage.ticks(2)
    stage.see(RUNNING, HELD)
    await stage.ticks(1)
    batch = stage.campaign.add(make_pdf(stage.root.parent / "b.pdf", 2), 2)
    submit_batches(stage.campaign.catalog, stage.campaign.config, [batch])


@pytest.mark.parametrize("kind", [SiteError, ConfigError])
async def test_where_nothing_can_be_staged_what_runs_is_followed_on(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, kind: type[SiteError]
) -> None:
    await _order_more(stage)

    def full(self: Puppet, order: ScriptOrder) -> bytes:
        raise kind("The disk quota is used up.", "Free space there.")

    monkeypatch.setattr(Puppet, "script", full)
    await stage.ticks(2)
    stage.report(stage.tokens()[0], "ok")
    await stage.ticks(2)
    assert stage.states()[0] == "finished", "it ended while nothing could be staged"
    ((link, reason),) = stage.campaign.rows("SELECT link, reason FROM site_status")
    assert link == "connected" and "quota" in str(reason)
    told = [event for event in stage.told if isinstance(event, Trouble) and "quota" in event.text]
    assert len(told) == 1
    monkeypatch.undo()
    stage.again()
    await stage.ticks(3)
    assert stage.states()[2:] == ["submitted", "submitted"]


async def test_a_job_that_was_refused_ends_even_where_another_cannot_be_released(stage: Stage) -> None:
    await _order_more(stage)
    stage.puppet.refusals = [Rejected("qsub: Unknown queue")]
    stage.puppet.refuse_release = "PBS does not release job 1.pbs: qrls: Unauthorized Request."
    with stage.campaign.catalog.writing() as connection:
        connection.exec_driver_sql("UPDATE job SET freed_at = NULL")
    await stage.ticks(3)
    assert stage.states()[2] == "rejected"


@pytest.mark.parametrize(
    ("line", "cause"),
    [
        ("=>> PBS: job killed: walltime 130 exceeded limit 120", "walltime"),
        ("=>> PBS: job killed: mem 9000kb exceeded limit 8000kb", "memory"),
        ("a page that says: =>> PBS: job killed: walltime 130 exceeded limit 120", None),
    ],
)
@pytest.mark.parametrize(
    "view", [JobView("unknown"), JobView("ended", "error", "its shell was killed by signal 15", 271)]
)
async def test_what_pbs_wrote_into_the_output_is_the_cause_where_it_says_none(
    stage: Stage, view: JobView, line: str, cause: str | None
) -> None:
    """Without a history PBS knows an ended job no more; some sites' say 271 of every end."""
    await stage.ticks(2)
    token = stage.tokens()[0]
    (stage.root / "runs" / token / "pbs.log").write_text(f"motd\n{line}\nbye\n")
    stage.report(token, "partial")
    stage.see(view, HELD)
    await stage.ticks(2)
    ((found, status),) = stage.campaign.rows("SELECT cause, exit_status FROM job WHERE id = 1")
    assert (found, status) == (cause or "partial", view.exit_status)
