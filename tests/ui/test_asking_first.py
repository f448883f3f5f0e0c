"""What is asked before it is done, what can be taken back, and what a read-only panel refuses."""

from __future__ import annotations

import asyncio
import os

import pytest
from sqlalchemy import delete, insert, select

from bocr_tui.actions.action import CatalogHandle, Context, Options, Selection
from bocr_tui.actions.costs import costs
from bocr_tui.actions.registry import action_named
from bocr_tui.catalog import core
from bocr_tui.catalog.words import PageState
from bocr_tui.control.lease import DriverLease
from bocr_tui.ui.app import BocrApp
from bocr_tui.ui.doing import Doer
from bocr_tui.ui.driving import Driving
from bocr_tui.ui.screens.asking import Confirm
from bocr_tui.ui.widgets.outbox_line import OutboxLine
from tests.ui.campaign import Campaign
from tests.ui.conftest import Panel, opened
from tests.ui.test_acting import on_a_page, state_of
from tests.ui.test_commands import type_command

READ_ALREADY = (
    "Refused: it is read already; name an engine to read it again. w asks which, or :resubmit engine=NAME."
)


def live_pages(campaign: Campaign) -> set[int]:
    """Pages that a chain holds."""
    reservation = core.reservation.c
    with campaign.catalog.reading() as connection:
        held = select(reservation.page_id).where(reservation.released_at.is_(None))
        return set(connection.execute(held).scalars())


@pytest.fixture
def slowly(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is sent by itself."""
    monkeypatch.setattr("bocr_tui.ui.outbox.OUTBOX_S", 600.0)


async def resubmit(panel: Panel, page_id: int) -> None:
    await on_a_page(panel, page_id)
    await panel.press("r")
    await panel.sees("Resubmit 1 page in")


@pytest.mark.usefixtures("slowly")
async def test_u_takes_a_resubmission_back_and_nothing_happened(campaign: Campaign) -> None:
    page_id, before = campaign.ids("failed")[0], live_pages(campaign)
    async with opened(campaign.workspace) as panel:
        await resubmit(panel, page_id)
        assert "u takes it back" in panel.lines[-1], "over the keys, where it hides no row"
        await panel.press("r")
        await panel.until(lambda: any("waits to be sent already" in toast for toast in panel.toasts))
        await panel.press("u")
        await panel.until(lambda: any("Taken back: Resubmit 1 page" in toast for toast in panel.toasts))
        await panel.until(lambda: not panel.app.screen.query_one(OutboxLine).display)
        await panel.press("u")
        await panel.until(lambda: any("no undo now" in toast for toast in panel.toasts))
    assert live_pages(campaign) == before
    assert state_of(campaign, page_id) == PageState.FAILED


def test_reading_again_costs_what_pages_cost_so_far(campaign: Campaign) -> None:
    action, options = action_named("page.resubmit"), Options()
    handle = CatalogHandle(campaign.workspace.catalog_path)
    context = Context(campaign.workspace, handle, Selection(pages=tuple(range(1, 101))))
    with campaign.catalog.writing() as connection:
        connection.execute(delete(core.engine_rate))
    assert costs(action, context, options) == (
        "How long that takes is not known: nothing like it was read yet.",
    )
    rates = [
        {"engine": "slow", "pages": 10, "seconds": 120.0},
        {"engine": "fast", "pages": 30, "seconds": 40.0},
    ]
    with campaign.catalog.writing() as connection:
        connection.execute(insert(core.engine_rate), rates)
    (both,) = costs(action, context, options)
    assert both == "About 7 min of engine time, at 4.0 s a page as measured here."
    (slow,) = costs(action, context, Options(engine="slow"))
    assert slow == "About 20 min of engine time, at 12.0 s a page as measured here."
    handle.close()


async def test_a_submission_says_beforehand_what_it_would_do(campaign: Campaign) -> None:
    async with opened(campaign.workspace) as panel:
        await panel.until(lambda: panel.table.current is not None)
        await panel.press("j", "j")
        await panel.press("s")
        await panel.sees("Submit 1 batch?")
        await panel.sees("bocr submit b00003")
        await panel.sees("2 pages of 2 documents would be submitted to local")


@pytest.mark.usefixtures("slowly")
async def test_what_waits_is_seen_on_every_screen_and_sent_when_the_panel_is_left(campaign: Campaign) -> None:
    page_id = campaign.ids("failed")[0]
    async with opened(campaign.workspace) as panel:
        await resubmit(panel, page_id)
        await panel.go("documents")
        await panel.sees("Resubmit 1 page in")
        assert page_id not in live_pages(campaign)
        await panel.press("q", "q")
        await panel.until(lambda: page_id in live_pages(campaign))


@pytest.mark.usefixtures("slowly")
async def test_what_cannot_be_resubmitted_is_said_before_anything_waits(campaign: Campaign) -> None:
    read, before = campaign.ids("ok")[0], live_pages(campaign)
    async with opened(campaign.workspace) as panel:
        await on_a_page(panel, read)
        await panel.press("r")
        await panel.until(lambda: panel.toasts == [READ_ALREADY])
        assert not len(panel.app.outbox)
        await type_command(panel, "resubmit engine=tesserakt")
        await panel.until(
            lambda: "There is no engine of this name: tesserakt. Did you mean tesseract?" in panel.toasts
        )
        await type_command(panel, "resubmit site=nowhere")
        await panel.until(lambda: any("There is no site nowhere." in toast for toast in panel.toasts))
        assert not len(panel.app.outbox)
    assert live_pages(campaign) == before


@pytest.mark.usefixtures("slowly")
async def test_of_marked_pages_those_wait_that_can_be_resubmitted(campaign: Campaign) -> None:
    async with opened(campaign.workspace) as panel:
        for page_id in (campaign.ids("failed")[0], campaign.ids("ok")[0]):
            await on_a_page(panel, page_id)
            await panel.press("space")
        await panel.press("r")
        await panel.sees("Resubmit 1 page in")
        assert panel.toasts == [READ_ALREADY]


@pytest.mark.usefixtures("slowly")
async def test_an_order_outlives_the_screen_it_was_given_on(
    campaign: Campaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = asyncio.Event()

    async def never_answered(*_: object) -> None:
        asked.set()
        await asyncio.Event().wait()

    monkeypatch.setattr(Doer, "foresee", never_answered)
    async with opened(campaign.workspace) as panel:
        await on_a_page(panel, campaign.ids("failed")[0])
        await panel.press("enter")
        await panel.sees("Why it failed")
        await panel.press("r")
        await asked.wait()
        await panel.press("escape")
        await panel.sees("Resubmit 1 page in")


async def test_a_confirm_says_how_many_what_it_costs_and_the_command(campaign: Campaign) -> None:
    async with opened(campaign.workspace) as panel:
        await panel.go("jobs")
        await panel.press("j", "c")
        await panel.until(lambda: isinstance(panel.app.screen, Confirm))
        await panel.sees("Cancel 1 job?")
        await panel.sees("pages in 1 job.")
        row = next(line for line in panel.lines if "bocr cancel b" in line)
        await panel.press("c")
        await panel.until(lambda: panel.app.clipboard.startswith("bocr cancel b"))
        assert panel.app.clipboard in row
        await panel.press("y", "r", "enter")
        await panel.until(lambda: not isinstance(panel.app.screen, Confirm))
    with campaign.catalog.reading() as connection:
        assert connection.execute(select(core.request.c.kind)).scalars().all() == []


async def test_a_read_only_panel_says_that_another_process_drives_and_leaves_it_the_lease(
    campaign: Campaign,
) -> None:
    lease = DriverLease(campaign.catalog)
    lease.take()
    async with opened(campaign.workspace, (120, 40), read_only=True) as panel:
        await panel.until(lambda: "driven by another process" in panel.lines[0])
        assert f"Process {os.getpid()} on" in panel.app.driving.detail
        lease.take()  # it is ours still


async def test_a_served_panel_blames_no_option_that_nobody_typed(
    campaign: Campaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEXTUAL_DRIVER", "textual.drivers.web_driver:WebDriver")
    panel = BocrApp(campaign.workspace, drive=False, read_only=True)
    assert "bocr serve --write" in panel.read_only and "--readonly" not in panel.read_only


async def test_a_read_only_panel_says_so_and_refuses_whatever_changes_something(campaign: Campaign) -> None:
    page_id = campaign.ids("failed")[0]
    async with opened(campaign.workspace, (120, 40), drive=True, read_only=True) as panel:
        await panel.until(lambda: "read-only" in panel.lines[0])
        assert panel.app.driving.driving is Driving.NOBODY
        await on_a_page(panel, page_id)
        await panel.press("r")
        await panel.until(lambda: any("opened with --readonly" in toast for toast in panel.toasts))
        await panel.press("i")
        await panel.pilot.pause()
        assert not isinstance(panel.app.screen, Confirm)
    assert state_of(campaign, page_id) == PageState.FAILED


async def test_the_configuration_makes_a_panel_read_only_too(campaign: Campaign) -> None:
    with campaign.workspace.config_path.open("a", encoding="utf-8") as file:
        file.write("\n[panel]\nread_only = true\n")
    async with opened(campaign.workspace) as panel:
        await panel.until(lambda: "read-only" in panel.lines[0])
        await panel.press("s")
        await panel.until(lambda: any("bocr.toml says read_only" in toast for toast in panel.toasts))
