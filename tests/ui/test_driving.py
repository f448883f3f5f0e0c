"""What runs beside the panel: the driver, background work, and how they end."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

from bocr_tui.catalog.database import open_catalog
from bocr_tui.config.errors import UsageError
from bocr_tui.config.workspace import make_workspace
from bocr_tui.control.lease import DriverLease
from bocr_tui.ui.driving import Driving, Say
from tests.ui.campaign import build
from tests.ui.conftest import opened


async def test_the_panel_drives_and_stops_driving_when_it_is_left(tmp_path: Path) -> None:
    workspace = make_workspace(tmp_path / "w")
    open_catalog(workspace.catalog_path).close()
    async with opened(workspace, drive=True) as panel:
        await panel.until(lambda: panel.app.driving.driving is Driving.HERE)
        await panel.sees("w driving")
        await panel.press("q")
        await panel.until(lambda: not panel.app.is_running)
    catalog = open_catalog(workspace.catalog_path)
    DriverLease(catalog).take()  # would raise Busy if the panel still held it
    catalog.close()


async def test_a_workspace_that_another_process_drives_says_so(tmp_path: Path) -> None:
    workspace = make_workspace(tmp_path / "w")
    catalog = open_catalog(workspace.catalog_path)
    DriverLease(catalog).take()
    async with opened(workspace, drive=True) as panel:
        await panel.sees("driven by another process")
        assert panel.app.is_driven
    catalog.close()


async def test_what_runs_in_the_background_says_how_far_it_is_and_the_lists_fill(tmp_path: Path) -> None:
    workspace = make_workspace(tmp_path / "w")
    go_on = threading.Event()

    async def work(say: Say) -> None:
        say("importing 3 of 7")
        await asyncio.to_thread(go_on.wait, 20)
        build(workspace.root)

    async with opened(workspace, (120, 40), background=work) as panel:
        await panel.sees("importing 3 of 7")
        await panel.sees("There is no catalog yet")
        go_on.set()
        await panel.sees("b00001")
        await panel.until(lambda: not panel.app.activity)
        assert panel.toasts == []


async def test_an_error_of_the_background_is_told_and_kept(tmp_path: Path) -> None:
    async def refused(say: Say) -> None:
        raise UsageError("/nowhere does not exist.", "Name another folder.")

    async with opened(make_workspace(tmp_path / "w"), background=refused) as panel:
        await panel.until(lambda: panel.toasts)
        assert panel.toasts == ["/nowhere does not exist. Name another folder."]
        await panel.press("question_mark")
        await panel.sees("/nowhere does not exist.")


async def test_a_fault_of_the_background_is_told_and_the_panel_goes_on(tmp_path: Path) -> None:
    async def broken(say: Say) -> None:
        raise ZeroDivisionError("a fault")

    async with opened(make_workspace(tmp_path / "w"), background=broken) as panel:
        await panel.until(lambda: panel.toasts)
        assert "ZeroDivisionError: a fault" in panel.toasts[0]
        await panel.press("3")
        await panel.sees("Stage")


async def test_leaving_ends_the_background(tmp_path: Path) -> None:
    ended = threading.Event()

    async def endless(say: Say) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    async with opened(make_workspace(tmp_path / "w"), background=endless) as panel:
        await panel.until(lambda: panel.app.activity)
        await panel.press("q")
        await panel.until(lambda: not panel.app.is_running)
    assert ended.is_set()
