"""The sites' screen: how each is connected, why not, what was sent there, and what a person can do."""

from __future__ import annotations

import time

import pytest
from sqlalchemy import select

from bocr_tui.catalog import core
from bocr_tui.control.requests import is_paused, pause_site
from bocr_tui.control.upload_rows import upload_paused
from bocr_tui.ui.screens.sites import SitesScreen
from bocr_tui.ui.widgets.log_view import LogView
from tests.ui.campaign import Campaign
from tests.ui.conftest import Panel, opened
from tests.ui.far_sites import add_sites, set_job, set_status, write_commands
from tests.ui.test_hostile import NASTY, check


@pytest.fixture
def far(campaign: Campaign) -> Campaign:
    add_sites(campaign)
    return campaign


async def on_site(panel: Panel, name: str) -> None:
    await panel.go("sites")
    await panel.until(lambda: panel.table.row_count == 3)
    while panel.table.current.name != name:
        await panel.press("j")


async def test_every_site_says_how_it_is_connected_what_it_does_and_why_it_does_not(far: Campaign) -> None:
    async with opened(far.workspace, (120, 40)) as panel:
        await on_site(panel, "box")
        rows = {line.split()[0]: line for line in panel.lines[3:6]}
        assert sorted(rows) == ["box", "inpt", "local"]
        assert "paused" in rows["box"] and "connected" in rows["inpt"] and "idle" in rows["local"]
        assert "1 running" in rows["inpt"] or "1 planned" in rows["inpt"]
        await panel.sees("The key of box.example is not known.")
        await panel.press("j")
        await panel.sees("login.inpt.example")
        assert "PBS, queue gpu_1d" in panel.text
        assert "work goes here" in panel.text


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60)], ids=str)
async def test_what_troubles_a_site_stands_in_the_top_line_of_every_screen(
    far: Campaign, size: tuple[int, int]
) -> None:
    async with opened(far.workspace, size) as panel:
        await panel.until(lambda: "box ‖ paused" in panel.lines[0])
        assert "✗ 21" in panel.lines[0] and "91/140" in panel.lines[0]
        set_status(far, "box", link="waiting", next_try_at=time.time() + 100, reason="The link was lost.")
        await panel.go("pages")
        await panel.until(lambda: "box ! retry in" in panel.lines[0])
        set_status(far, "box", link="connected", reason="")
        await panel.until(lambda: "box" not in panel.lines[0])
        assert "inpt ●" in panel.lines[0]


async def test_old_news_of_jobs_that_live_is_called_stale(far: Campaign) -> None:
    async with opened(far.workspace) as panel:
        set_status(far, "box", link="closed", reason="")
        set_status(far, "inpt", polled_at=time.time() - 300)
        await panel.until(lambda: "inpt ! stale 5 m" in panel.lines[0])
        set_job(far, 7, state="finished", ended_at=time.time())
        set_job(far, 8, state="finished", ended_at=time.time())
        await panel.until(lambda: "inpt" not in panel.lines[0])


async def test_uploads_say_how_far_they_are_and_can_be_paused(far: Campaign) -> None:
    set_status(
        far,
        "inpt",
        uploading="loi.pdf and 3 more",
        upload_done_bytes=250_000_000,
        upload_total_bytes=1_000_000_000,
        upload_bytes_s=5e6,
    )
    set_status(far, "box", link="closed", reason="")
    async with opened(far.workspace, (120, 40)) as panel:
        await panel.until(lambda: "↑ 25%" in panel.lines[0])
        await on_site(panel, "inpt")
        await panel.sees("250 MB of 1.0 GB")
        assert "loi.pdf and 3 more" in panel.text and "2 m 30 s" in panel.text
        await panel.press("w")
        await panel.sees("Paused; W resumes.")
        with far.catalog.reading() as connection:
            assert upload_paused(connection, "inpt")
        await panel.press("W")
        await panel.sees("250 MB of 1.0 GB")


async def test_a_site_is_paused_and_resumed_by_a_key(far: Campaign) -> None:
    async with opened(far.workspace) as panel:
        await on_site(panel, "inpt")
        await panel.press("r")
        await panel.until(lambda: "This site is not paused." in panel.toasts)
        await panel.press("p")
        await panel.until(lambda: panel.table.current.paused_at is not None)
        await panel.sees("r resumes")
        with far.catalog.reading() as connection:
            assert is_paused(connection, "inpt")
        await panel.press("r")
        await panel.until(lambda: panel.table.current.paused_at is None)
        with far.catalog.reading() as connection:
            kinds = connection.execute(select(core.request.c.kind)).scalars().all()
        assert kinds == ["resume_site"]


async def test_another_face_s_pause_is_seen(far: Campaign) -> None:
    async with opened(far.workspace) as panel:
        await on_site(panel, "local")
        assert "paused" not in panel.lines[5]
        pause_site(far.catalog, "local")
        await panel.until(lambda: "paused" in panel.lines[5])


async def test_the_commands_of_the_site_under_the_cursor_are_shown_and_followed(far: Campaign) -> None:
    write_commands(
        far,
        {"command": "pbs_look [2]"},
        {"site": "box", "command": "connect", "exit": 1, "problem": "refused"},
        {"command": "stage runs/b1 [4]", "exit": None, "problem": "the link was lost"},
    )
    async with opened(far.workspace) as panel:
        await on_site(panel, "inpt")
        await panel.sees("stage runs/b1 [4]  the link was lost")
        assert "pbs_look [2]" in panel.text and "connect" not in panel.lines[9]
        write_commands(far, {"command": "release b1", "exit": 35})
        await panel.sees("release b1")
        assert "exit 35" in panel.text
        await panel.press("tab", "slash", *"LOOK", "enter")
        await panel.until(lambda: panel.app.screen.query_one(LogView).found == 0)
        await panel.press("escape", "escape", "k")
        await panel.until(lambda: panel.table.current.name == "box")
        await panel.sees("connect  refused")


async def test_the_list_has_words_for_nothing_and_for_a_filter(campaign: Campaign) -> None:
    async with opened(campaign.workspace) as panel:
        await panel.go("sites")
        await panel.sees("1 site")
        await panel.press("slash", *"zz", "enter")
        await panel.sees("No sites with name “zz”.")
        await panel.press("escape", "f")
        await panel.sees("No sites with only those in trouble.")
        assert "No command was sent" in panel.text or "Commands sent" in panel.text


async def test_hostile_words_of_a_site_are_only_text(far: Campaign) -> None:
    evil = "\x1b[2J[red]x[/]\nline\u202e" + "z" * 500
    set_status(far, "box", reason=evil, look_problem=evil, facts={evil: evil, "deep": [evil]})
    write_commands(far, *({"site": "box", "command": name, "problem": name} for name in (*NASTY, evil)))
    for size in ((80, 24), (200, 60)):
        async with opened(far.workspace, size) as panel:
            await on_site(panel, "box")
            await panel.until(lambda panel=panel: panel.app.screen.query_one(LogView).seen.lines > 5)
            await panel.press("tab", "g")
            await panel.sees("[red]not red[/red].pdf")
            check(panel.lines, size[0])


async def test_the_autopilot_is_switched_by_a_key_and_stands_in_the_top_line(far: Campaign) -> None:
    async with opened(far.workspace) as panel:
        await panel.press("A")
        await panel.agree()
        await panel.until(lambda: panel.app.sight.autopilot.on)
        await panel.sees("autopilot")
        await panel.press("A")
        await panel.until(lambda: not panel.app.sight.autopilot.on)


async def test_the_doctor_checks_a_site_while_the_panel_goes_on(far: Campaign) -> None:
    async with opened(far.workspace, (120, 40)) as panel:
        await on_site(panel, "local")
        await panel.press("D")
        await panel.sees("Checks of local")
        await panel.sees("also runs a test job")
        assert "connection" in panel.text and "this machine" in panel.text
        await panel.press("escape")
        await panel.until(lambda: isinstance(panel.app.screen, SitesScreen))


async def test_a_doctor_that_cannot_begin_says_why(far: Campaign) -> None:
    async with opened(far.workspace) as panel:
        await on_site(panel, "local")
        pause_site(far.catalog, "gone")
        await panel.until(lambda: panel.table.row_count == 4)
        while panel.table.current.name != "gone":
            await panel.press("k")
        await panel.press("D")
        await panel.sees("There is no site gone.")
