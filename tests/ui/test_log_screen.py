"""A job's log: followed, searched, hostile, huge, not there, stale."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from bocr_tui.control.requests import watched_logs
from bocr_tui.ui.screens.log import LogScreen
from bocr_tui.ui.widgets.log_view import LogView
from tests.ui.campaign import Campaign
from tests.ui.conftest import Panel, opened
from tests.ui.far_sites import add_sites, set_job, set_status, write_log
from tests.ui.test_hostile import check
from tests.ui.test_job_keys import on_job

RUNNING = 7
TOKEN = "b0004s1"


@pytest.fixture
def far(campaign: Campaign) -> Campaign:
    add_sites(campaign)
    return campaign


@pytest.fixture(autouse=True)
def looks_often_at_logs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bocr_tui.ui.widgets.log_view.LOOK_EVERY_S", 0.05)


def view(panel: Panel) -> LogView:
    return panel.app.screen.query_one(LogView)


async def on_log(panel: Panel, job_id: int = RUNNING) -> None:
    await on_job(panel, job_id)
    await panel.press("l")
    await panel.until(lambda: isinstance(panel.app.screen, LogScreen) and view(panel).loaded)


def numbered(first: int, last: int) -> bytes:
    return b"".join(b"line %05d\n" % number for number in range(first, last + 1))


def grow(path: Path, more: bytes) -> None:
    with path.open("ab") as log:
        log.write(more)


async def test_the_end_is_shown_and_followed_until_one_moves_away(far: Campaign) -> None:
    path = write_log(far, TOKEN, numbered(1, 1000))
    async with opened(far.workspace) as panel:
        await on_log(panel)
        await panel.sees("line 01000")
        assert "1,000 lines" in panel.text and "following" in panel.text
        grow(path, numbered(1001, 1010))
        await panel.sees("line 01010")
        await panel.press("k")
        await panel.sees("G to the end")
        grow(path, numbered(1011, 1200))
        await panel.sees("1,200 lines")
        assert "line 01200" not in panel.text and "line 01009" in panel.text
        await panel.press("G")
        await panel.sees("line 01200")
        assert "following" in panel.text
        await panel.press("g")
        await panel.sees("line 00001")


async def test_looking_at_a_log_asks_the_driver_for_it_and_an_ended_job_s_is_not_asked_for(
    far: Campaign,
) -> None:
    def watched() -> set[int]:
        with far.catalog.reading() as connection:
            return watched_logs(connection)

    async with opened(far.workspace) as panel:
        await on_log(panel)
        await panel.until(lambda: watched() == {RUNNING})
        await panel.press("escape")
        await on_log(panel, 1)
        await panel.sees("No job.log was fetched.")
        assert watched() == {RUNNING}


async def test_text_is_found_forwards_backwards_and_around(far: Campaign) -> None:
    lines = [b"error %d" % n if n % 100 == 50 else b"fine %d" % n for n in range(400)]
    write_log(far, TOKEN, b"\n".join(lines) + b"\n")
    async with opened(far.workspace) as panel:
        await on_log(panel)
        await panel.press("g", "slash", *"ERROR", "enter")
        await panel.sees("“ERROR” in line 51")
        assert "error 50" in panel.text
        for key, line in (("n", 151), ("n", 251), ("N", 151), ("N", 51)):
            await panel.press(key)
            await panel.sees(f"in line {line}")
        await panel.press("N")
        await panel.sees("in line 351, from the end")
        await panel.press("n")
        await panel.sees("in line 51, from the top")
        await panel.press("slash", *"xyz", "enter")
        await panel.until(lambda: view(panel).found is None)
        await panel.sees("is not in this log")
        await panel.press("escape")
        await panel.until(lambda: not view(panel).finding)
        assert isinstance(panel.app.screen, LogScreen)
        await panel.press("escape")
        await panel.until(lambda: not isinstance(panel.app.screen, LogScreen))


async def test_hostile_lines_are_only_text(far: Campaign) -> None:
    evil = [
        b"\x1b[2J\x1b[H[red]red[/]",
        b"\x9b31m\xff\xfe",
        "\u202egnp.exe".encode(),
        b"a\tb\x00c",
        b"\x1b[1mbold",
    ]
    write_log(far, TOKEN, b"\n".join([*evil, b"x" * 1_000_000, b"10%\r99%"]))
    for size in ((80, 24), (200, 60)):
        async with opened(far.workspace, size) as panel:
            await on_log(panel)
            await panel.sees("99%")
            check(panel.lines, size[0])
            assert "[red]red[/]" in panel.text and "10%" not in panel.text
            await panel.press("l", "l")
            check(panel.lines, size[0])


async def test_a_log_of_32_megabytes_is_at_its_end_and_at_its_start_at_once(far: Campaign) -> None:
    write_log(far, TOKEN, b"0123456789 " * 9 + b"\n" + numbered(1, 2_900_000)[: 32 * 1024 * 1024])
    async with opened(far.workspace, (200, 60)) as panel:
        began = time.process_time()
        await on_log(panel)
        await panel.until(lambda: view(panel).seen.lines > 2_000_000)
        for key in ("g", "G", "pageup", "pageup", "pagedown", "g"):
            await panel.press(key)
            await panel.until(lambda: "…" not in panel.text[:2000])
        assert "0123456789" in panel.text
        assert time.process_time() - began < 5.0  # 0.6 on the machine this was written on


async def test_a_log_that_begins_anew_is_shown_anew(far: Campaign) -> None:
    path = write_log(far, TOKEN, numbered(1, 500))
    async with opened(far.workspace) as panel:
        await on_log(panel)
        await panel.sees("line 00500")
        path.write_bytes(b"begun anew\n")
        await panel.sees("begun anew")
        assert "line 00500" not in panel.text


async def test_a_log_that_is_not_there_says_why(far: Campaign) -> None:
    set_job(far, 8, state="queued", reason="Not Running: no GPU is free")
    async with opened(far.workspace) as panel:
        await on_log(panel, 8)
        await panel.sees("The job has not started yet.")
        assert "no GPU is free" in panel.text
        await panel.press("escape")
        await on_log(panel)
        await panel.sees("Nothing drives the jobs now, so no log is fetched.")
        write_log(far, TOKEN, b"")
        await panel.sees("job.log is empty so far.")
        write_log(far, TOKEN, b"the server listens\n", "server.log")
        await panel.press("tab")
        await panel.sees("the server listens")


async def test_a_log_on_this_machine_is_read_where_the_job_writes_it(campaign: Campaign) -> None:
    with campaign.catalog.reading() as connection:
        token = connection.exec_driver_sql("SELECT token FROM job WHERE id = 1").scalar_one()
    set_job(campaign, 1, reason="the engine is not installed", site="local")
    run = campaign.workspace.root / "site" / "runs" / token
    async with opened(campaign.workspace) as panel:
        await on_log(panel, 1)
        await panel.sees("No job.log was fetched.")
        assert f"logs/{token}/job.log  of /" in panel.text
        assert "the engine is not installed" in panel.text
        await panel.press("escape")
        run.mkdir(parents=True)
        (run / "job.log").write_text("ended ok\n")
        await on_log(panel, 1)
        await panel.sees("ended ok")
        await panel.until(lambda: panel.lines[22].strip() == f"site/runs/{token}/job.log")
        await panel.press("tab")
        await panel.sees("The job wrote no server.log.")


async def test_a_log_that_cannot_be_read_says_so_and_is_read_when_it_can(far: Campaign) -> None:
    path = write_log(far, TOKEN, b"")
    path.unlink()
    path.mkdir()
    async with opened(far.workspace) as panel:
        await on_job(panel, RUNNING)
        await panel.press("l")
        await panel.sees("The log cannot be read")
        path.rmdir()
        path.write_bytes(b"readable again\n")
        await panel.sees("readable again")


async def test_a_living_job_s_log_that_nobody_fetches_is_called_stale(far: Campaign) -> None:
    import os

    path = write_log(far, TOKEN, b"one line\n")
    os.utime(path, (time.time() - 4000, time.time() - 4000))
    set_status(far, "inpt", polled_at=time.time() - 300)
    async with opened(far.workspace) as panel:
        await on_log(panel)
        await panel.sees("stale 5 m")
        set_job(far, RUNNING, state="finished", cause="error", ended_at=time.time())
        await panel.until(lambda: "! error" in panel.lines[1])
        await panel.until(lambda: "stale" not in panel.lines[2])


async def test_a_narrow_terminal_shows_what_is_further_right(far: Campaign) -> None:
    write_log(far, TOKEN, b"left" + b" " * 100 + b"right\n")
    async with opened(far.workspace) as panel:
        await on_log(panel)
        await panel.sees("left")
        await panel.press("l", "l", "l")
        await panel.sees("right")
        assert "left" not in panel.text
        await panel.press("h", "h", "h")
        await panel.sees("left")


async def test_a_job_that_was_not_submitted_has_no_log(far: Campaign) -> None:
    set_job(far, 8, state="planned")
    async with opened(far.workspace) as panel:
        await on_job(panel, 8)
        await panel.press("l")
        await panel.until(lambda: any("never started" in toast for toast in panel.toasts))
        assert not isinstance(panel.app.screen, LogScreen)
