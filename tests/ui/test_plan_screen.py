"""The Plan screen: what would be made is shown before it is made, and what would be sent before that."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from sqlalchemy import update

from bocr_tui.catalog import core
from bocr_tui.config.workspace import Workspace
from bocr_tui.ui.planning import PlanFacts, plan_facts
from bocr_tui.ui.screens.asking import Confirm
from bocr_tui.ui.screens.entering import Paper
from bocr_tui.ui.screens.pages import PagesScreen
from bocr_tui.ui.screens.plan import PlanScreen
from bocr_tui.ui.widgets.form import Form
from bocr_tui.ui.widgets.key_line import KeyLine
from tests.cli.test_run import make_pdf
from tests.ui.campaign import Campaign, build
from tests.ui.conftest import Panel, opened
from tests.ui.test_commands import type_command
from tests.ui.test_hostile import NASTY, check

CONFIG = """\
[planning]
pages = 30
[sites.inpt]
transport = "ssh"
host = "login.inpt.example"
scheduler = "pbs"
[sites.inpt.pbs]
queue = "gpu_1d"
select = "1:ncpus=8:ngpus=2"
[sites.local]
"""


@pytest.fixture
def waiting(tmp_path: Path) -> Campaign:
    """Seven documents of twenty pages; each has sixteen new ones, and four in two planned batches."""
    made = build(
        tmp_path / "w", states=(*["new"] * 4, "planned"), attempts=False, batch_pages=70, names=NAMES
    )
    made.workspace.config_path.write_text(CONFIG, encoding="utf-8")
    with made.catalog.writing() as connection:
        connection.execute(update(core.page).where(core.page.c.state == "new").values(batch_id=None))
        connection.execute(update(core.batch).values(state="planned"))
    return made


NAMES = ("alpha.pdf", "beta.pdf", "gamma.pdf", "delta.pdf", "epsilon.pdf", "zeta.pdf", "eta.pdf")


async def on_plan(panel: Panel) -> PlanScreen:
    screen = PlanScreen()
    panel.app.push_screen(screen)
    await panel.until(lambda: panel.app.screen is screen and panel.ready)
    await panel.sees("all that is new")
    return screen


def states(campaign: Campaign) -> dict[str, int]:
    with campaign.catalog.reading() as connection:
        rows = connection.exec_driver_sql("SELECT state, count(*) FROM page GROUP BY state")
        return dict(map(tuple, rows))


def batches(campaign: Campaign) -> int:
    with campaign.catalog.reading() as connection:
        return int(connection.exec_driver_sql("SELECT count(*) FROM batch").scalar_one())


async def test_what_would_be_made_is_shown_and_follows_what_is_chosen(waiting: Campaign) -> None:
    async with opened(waiting.workspace, (120, 40)) as panel:
        await on_plan(panel)
        await panel.sees("4 batches of all that is new")
        assert "112" in panel.text and "7 documents" in panel.text
        await panel.press("space", "space")
        await panel.sees("2 batches of 2 marked documents")
        assert "bocr plan --document alpha.pdf" in panel.text
        await panel.press("escape")
        await panel.sees("4 batches of all that is new")
        await panel.press("slash", *"eta", "enter")
        await panel.sees("2 batches of documents with “eta”")
    assert (states(waiting), batches(waiting)) == ({"new": 112, "planned": 28}, 2)


async def test_values_are_typed_chosen_cycled_and_taken_back(waiting: Campaign) -> None:
    async with opened(waiting.workspace, (120, 40)) as panel:
        screen = await on_plan(panel)
        await panel.press("shift+tab")
        assert screen.query_one(Form).has_focus
        await panel.press("l", "l")
        await panel.sees("batches in all")
        await panel.sees("Say how many.")
        await panel.press("j", "enter")
        await panel.sees("enter takes it")
        await panel.press(*"no", "enter")
        await panel.sees("is no number")
        await panel.press("backspace", "backspace", "3", "enter")
        await panel.sees("3 batches of all that is new")
        assert "bocr plan --batches 3" in panel.text
        await panel.press("backspace")
        await panel.sees("Say how many.")


async def test_a_site_with_queues_asks_for_them_and_counts_gpu_hours(waiting: Campaign) -> None:
    async with opened(waiting.workspace, (120, 40)) as panel:
        await on_plan(panel)
        assert "Queue" not in panel.text and "GPU hours" not in panel.text
        await panel.press("shift+tab", "j", "j", "j", "h")
        await panel.sees("gpu_1d")
        await panel.sees("GPU hours")
        await panel.press("j", "j", "enter")
        await panel.sees("23:30:00")
        await panel.press(*"tomorrow", "enter")
        await panel.sees("This order: walltime")
        await panel.press(*["backspace"] * 8, *"10:00:00", "enter")
        await panel.press("tab", "tab")
        await panel.sees("bocr submit b00001 --site inpt")
        await panel.press("d")
        await panel.sees("bocr submit b00001 --site inpt --walltime 10:00:00 --dry-run")


async def test_planning_asks_with_the_count_and_the_command_and_leaves_all_as_it_is_by_default(
    waiting: Campaign,
) -> None:
    async with opened(waiting.workspace, (80, 24)) as panel:
        await on_plan(panel)
        await panel.press("P")
        await panel.until(lambda: isinstance(panel.app.screen, Confirm))
        await panel.sees("Make 4 batches?")
        await panel.sees("bocr plan")
        await panel.press("enter")
        await panel.sees("Nothing was done: all is left as it was.")
        assert batches(waiting) == 2
        await panel.press("P")
        await panel.agree()
        await panel.sees("6 batches")
        assert states(waiting) == {"planned": 140}
        await panel.sees("Every page is in a batch.")


async def test_submitting_tells_first_what_it_will_do(waiting: Campaign) -> None:
    async with opened(waiting.workspace, (120, 40)) as panel:
        await on_plan(panel)
        await panel.press("tab")
        await panel.sees("Submitting b00001")
        await panel.press("space")
        await panel.press("d")
        await panel.sees("Nothing was changed.")
        await panel.sees("bocr submit b00001 --dry-run")
        await panel.press("escape", "s")
        await panel.sees("Submit 1 batch?")
        await panel.sees("14 pages of 4 documents will be submitted")
        await panel.agree()
        await panel.until(lambda: any("14 pages submitted" in toast for toast in panel.toasts))
        await panel.sees("1 batch ")


async def test_the_script_is_shown_beside_the_plan_or_on_a_sheet_of_its_own(waiting: Campaign) -> None:
    async with opened(waiting.workspace, (200, 60)) as panel:
        await on_plan(panel)
        await panel.sees("Script of stage 1, rapidocr, on local")
        await panel.sees("#!/bin/sh")
        await panel.pilot.resize_terminal(80, 24)
        await panel.press("x")
        await panel.until(lambda: "which stage" in panel.text or "stands for" in panel.text)
        await panel.press("enter")
        await panel.sees("stands for the job's name")
        begins = [line[10:20] for line in panel.lines]
        await panel.press("l")
        await panel.until(lambda: [line[10:20] for line in panel.lines] != begins)
        await panel.press("h")
        await panel.until(lambda: [line[10:20] for line in panel.lines] == begins)
        await panel.press("G")
        await panel.sees('exit "$status"')


async def test_rows_open_into_their_pages(waiting: Campaign) -> None:
    async with opened(waiting.workspace) as panel:
        await on_plan(panel)
        await panel.press("enter")
        await panel.until(lambda: isinstance(panel.app.screen, PagesScreen) and panel.ready)
        await panel.sees("20 pages")


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60)], ids=str)
async def test_every_size_shows_lists_values_and_keys_whole(waiting: Campaign, size: tuple[int, int]) -> None:
    async with opened(waiting.workspace, size) as panel:
        await on_plan(panel)
        for words in ("Not planned yet", "Planned batch", "Divide by", "Stage 1", "alpha.pdf", "b00002"):
            assert words in panel.text
        keys = panel.app.screen.query_one(KeyLine)
        assert 0 < len(keys.keys) <= 8
        assert keys.fitting() == list(keys.keys)


async def test_without_a_catalog_or_with_a_broken_configuration_it_says_what_to_do(tmp_path: Path) -> None:
    from bocr_tui.config.workspace import make_workspace

    workspace = make_workspace(tmp_path / "empty")
    async with opened(workspace) as panel:
        panel.app.push_screen(PlanScreen())
        await panel.sees("There is no catalog yet")
        await panel.sees("bocr import")
    workspace = make_workspace(tmp_path / "broken")
    workspace.config_path.write_text("sites = 3\n", encoding="utf-8")
    async with opened(workspace) as panel:
        panel.app.push_screen(PlanScreen())
        await panel.sees("sites")
        # The path before it wraps the words wherever it ends.
        await panel.until(lambda: "See docs/configuration.md" in panel.text)


async def test_hostile_names_stay_text(tmp_path: Path) -> None:
    made = build(tmp_path / "w", states=("new",), attempts=False, names=NASTY, batch_pages=10**6)
    with made.catalog.writing() as connection:
        connection.execute(update(core.page).values(batch_id=None))
    async with opened(made.workspace, (120, 40)) as panel:
        await on_plan(panel)
        await panel.press("space", "space", "space", "d")
        await panel.sees("Nothing was changed.")
        check(panel.lines, 120)


async def test_import_and_export_that_are_typed_are_done_here_too(waiting: Campaign, tmp_path: Path) -> None:
    """They ask about no batch."""
    scans, there = tmp_path / "scans", tmp_path / "there"
    scans.mkdir()
    make_pdf(scans / "loi.pdf")
    async with opened(waiting.workspace, (120, 40)) as panel:
        await on_plan(panel)
        await type_command(panel, f"import {scans}")
        await panel.until(lambda: any("1 file added" in toast for toast in panel.toasts))
        assert not isinstance(panel.app.screen, Confirm)
        await panel.sees("loi.pdf")
        await type_command(panel, f"export {there}")
        await panel.until(lambda: any(f"written to {there}" in toast for toast in panel.toasts))
    assert set(states(waiting)) == {"new", "planned"}


async def test_options_that_are_typed_go_before_the_values_at_the_right(waiting: Campaign) -> None:
    async with opened(waiting.workspace, (120, 40)) as panel:
        before = batches(waiting)
        await on_plan(panel)
        await type_command(panel, "plan batches=2")
        await panel.until(lambda: batches(waiting) == before + 2)


async def test_a_script_that_was_typed_on_another_screen_is_shown_in_full(waiting: Campaign) -> None:
    async with opened(waiting.workspace, (120, 40)) as panel:
        await panel.go("batches")
        await type_command(panel, "script site=inpt")
        await panel.sees("#PBS -q gpu_1d")
        assert isinstance(panel.app.screen, Paper)


async def test_a_key_that_comes_before_the_configuration_is_read_waits_for_it(
    waiting: Campaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = threading.Event()

    def slowly(workspace: Workspace) -> PlanFacts:
        assert read.wait(30)
        return plan_facts(workspace)

    monkeypatch.setattr("bocr_tui.ui.screens.plan_view.plan_facts", slowly)
    async with opened(waiting.workspace) as panel:
        try:
            screen = PlanScreen()
            panel.app.push_screen(screen)
            await panel.until(lambda: panel.app.screen is screen and panel.ready)
            await panel.press("P")
            assert panel.app.screen is screen
            assert panel.toasts == []
        finally:
            read.set()
        await panel.until(lambda: isinstance(panel.app.screen, Confirm))
        assert batches(waiting) == 2


async def test_a_plan_is_taken_back_batch_by_batch_after_a_question_that_says_no_by_default(
    waiting: Campaign,
) -> None:
    async with opened(waiting.workspace, (120, 40)) as panel:
        await on_plan(panel)
        await panel.press("tab", "space", "U")
        await panel.sees("Unplan 1 batch?")
        await panel.sees("bocr unplan b00001")
        await panel.sees("14 pages would be new again.")
        await panel.press("enter")
        await panel.sees("Nothing was done: all is left as it was.")
        assert batches(waiting) == 2
        await panel.press("U")
        await panel.agree()
        await panel.sees("1 batch taken apart: 14 pages are new again.")
        assert (states(waiting), batches(waiting)) == ({"new": 126, "planned": 14}, 1)
        await panel.go("batches")
        await panel.sees("b00002")
        assert "b00001" not in panel.text
        await panel.press("U")
        await panel.sees("bocr unplan b00002")
        await panel.agree()
        await panel.until(lambda: batches(waiting) == 0)
        await panel.sees("No batch")
