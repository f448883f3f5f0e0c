"""What keys do to the catalog, and what is said about it afterwards."""

from __future__ import annotations

from sqlalchemy import select

from bocr_tui.catalog import core
from bocr_tui.catalog.words import PageState
from bocr_tui.ui.screens.asking import Confirm
from tests.ui.campaign import Campaign
from tests.ui.conftest import Panel, opened


def state_of(campaign: Campaign, page_id: int) -> str:
    with campaign.catalog.reading() as connection:
        return str(connection.execute(select(core.page.c.state).where(core.page.c.id == page_id)).scalar())


async def on_a_page(panel: Panel, page_id: int) -> None:
    await panel.go("pages")
    assert panel.table.go_to(page_id)
    await panel.until(lambda: panel.table.current is not None)


async def test_r_resubmits_the_page_under_the_cursor_at_once_and_says_so(campaign: Campaign) -> None:
    page_id = campaign.ids("failed")[0]
    async with opened(campaign.workspace) as panel:
        await on_a_page(panel, page_id)
        await panel.press("r")
        await panel.until(lambda: panel.toasts)
        assert panel.toasts[0].startswith("1 page resubmitted.")
        await panel.until(lambda: panel.table.current is not None and panel.table.current.held)
        assert panel.table.current_id == page_id
        assert "in retry" in panel.text
    with campaign.catalog.reading() as connection:
        live = core.reservation.c.released_at.is_(None) & (core.reservation.c.page_id == page_id)
        chain = connection.execute(select(core.reservation.c.chain_id).where(live)).scalar_one()
        job = connection.execute(select(core.job).where(core.job.c.chain_id == chain)).one()
        assert (job.pages, job.stage, job.state) == (1, 0, "planned")


async def test_the_same_key_works_on_the_page_s_own_screen(campaign: Campaign) -> None:
    page_id = campaign.ids("gave_up")[0]
    async with opened(campaign.workspace) as panel:
        await on_a_page(panel, page_id)
        await panel.press("enter")
        await panel.sees("Why it failed")
        await panel.press("r")
        await panel.sees("· in retry")
    assert state_of(campaign, page_id) == PageState.FAILED


async def test_a_page_that_cannot_be_resubmitted_says_why(campaign: Campaign) -> None:
    async with opened(campaign.workspace) as panel:
        await on_a_page(panel, campaign.ids("running")[0])
        await panel.press("r")
        await panel.until(lambda: panel.toasts)
        assert "can be resubmitted" in panel.toasts[0]
        await panel.press("question_mark")
        await panel.sees("What went wrong")


async def test_a_refusal_by_the_catalog_is_told_with_its_reason(campaign: Campaign) -> None:
    held = campaign.ids("failed")[-1]
    async with opened(campaign.workspace) as panel:
        await on_a_page(panel, held)
        await panel.press("r")
        await panel.until(lambda: panel.toasts)
        assert panel.toasts[0].startswith("Refused: ")
    assert state_of(campaign, held) == PageState.FAILED


async def test_ignoring_a_page_that_is_read_says_that_its_text_leaves_the_export(campaign: Campaign) -> None:
    async with opened(campaign.workspace) as panel:
        await on_a_page(panel, campaign.ids("ok")[0])
        await panel.press("i")
        await panel.sees("1 page of these is read: its text leaves the export")


async def test_ignoring_asks_first_and_enter_leaves_it_as_it_is(campaign: Campaign) -> None:
    page_id = campaign.ids("failed")[0]
    async with opened(campaign.workspace) as panel:
        await on_a_page(panel, page_id)
        await panel.press("i")
        await panel.until(lambda: isinstance(panel.app.screen, Confirm))
        await panel.press("enter")
        await panel.sees("Nothing was done: all is left as it was.")
        assert state_of(campaign, page_id) == PageState.FAILED
        await panel.press("i")
        await panel.agree()
        await panel.sees("– ignored")
    assert state_of(campaign, page_id) == PageState.IGNORED


async def test_ctrl_c_says_how_one_leaves(shared_campaign: Campaign) -> None:
    async with opened(shared_campaign.workspace) as panel:
        await panel.press("ctrl+c")
        await panel.sees("q leaves the panel")


async def test_cancelling_a_job_asks_first_then_leaves_a_request_for_the_driver(campaign: Campaign) -> None:
    async with opened(campaign.workspace) as panel:
        await panel.go("jobs")
        await panel.press("j", "c")
        await panel.agree()
        await panel.until(lambda: panel.toasts)
        assert "2 jobs asked to stop" in panel.toasts[0]  # the one that waits for it goes with it
    with campaign.catalog.reading() as connection:
        asked = connection.execute(select(core.request.c.kind)).scalars().all()
    assert asked == ["cancel", "cancel"]


async def test_a_broken_configuration_is_told_and_not_a_crash(campaign: Campaign) -> None:
    campaign.workspace.config_path.write_text("pipelin = 3\n", encoding="utf-8")
    async with opened(campaign.workspace) as panel:
        await on_a_page(panel, campaign.ids("failed")[0])
        await panel.press("r")
        await panel.until(lambda: panel.toasts)
        assert "there is no setting pipelin" in panel.toasts[0]
        assert "Did you mean pipeline?" in panel.toasts[0]
