"""Pictures of every screen for the documentation: `make pictures`.

Lists come from a staged campaign, pages from the sample pages, which are read here by the real engines.
python -m tests.ui.pictures FOLDER writes FOLDER/NAME-80x24.svg and FOLDER/NAME-200x60.svg.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bocr_tui.config.workspace import Workspace
from bocr_tui.ui.app import BocrApp
from bocr_tui.ui.places import place_named
from bocr_tui.ui.welcome import Welcome
from bocr_tui.ui.widgets.picture_view import PictureView
from tests.ui.conftest import Panel
from tests.ui.one_night import add_one_night
from tests.ui.staged import SAMPLE, picture, staged, standing_clock

SIZES = ((80, 24), (200, 60))
README_SIZE = (120, 36)
SETTLES_S = 1.5

ROOT = Path(__file__).parents[2]

WORK = Path("/tmp/bocr-pictures")
"""Stands in a picture as the path of a scan, so it is the same everywhere."""


@dataclass(frozen=True)
class Shot:
    """A screen, and the keys to it from the first frame; left out where its `place` is not there."""

    name: str
    keys: tuple[str, ...]
    place: str = ""
    shows_page: bool = False


SHOTS = (
    Shot("plan", ("1",), "plan"),
    Shot("batches", ("2",)),
    Shot("jobs", ("3",)),
    Shot("pages", ("4",)),
    Shot("pages-failed", ("4", "f")),
    Shot("page-map", ("4", "M")),
    Shot("documents", ("6",)),
    Shot("sites", ("7",)),
    Shot("settings", ("8",), "settings"),
    Shot("help", ("4", "question_mark")),
    Shot("palette", ("4", "ctrl+p")),
    Shot("command", ("4", "colon", *"resub")),
    Shot("tour", ("f1",)),
)

HEALTH_SHOTS = (Shot("health", ("5",), "health"),)

TRIED_TWICE = ("4", "slash", *"tries>1", "space", *"lang", "colon", *"ar", "enter", "enter")
"""To the first page in Arabic that the first engine failed on, in whatever order files were imported."""
PAGE_SHOTS = (
    Shot("page", TRIED_TWICE, shows_page=True),
    Shot("compare", (*TRIED_TWICE, "C"), shows_page=True),
)


async def shoot(
    workspace: Workspace,
    folder: Path,
    shots: Sequence[Shot] = SHOTS,
    sizes: Sequence[tuple[int, int]] = SIZES,
) -> list[Path]:
    """Write the pictures; returns their paths."""
    written = []
    for size in sizes:
        for shot in shots:
            if shot.place and place_named(shot.place) is None:
                continue
            app = BocrApp(workspace, drive=False)
            async with app.run_test(size=size, notifications=True) as pilot:
                panel = Panel(app, pilot)
                await panel.go("batches")
                for key in shot.keys:
                    await panel.press(key)
                    await pilot.pause(0.2)
                await _settled(panel, shot)
                written.append(_write(folder, shot.name, size, picture(app)))
    return written


async def _settled(panel: Panel, shot: Shot) -> None:
    if shot.shows_page:
        await panel.until(lambda: all(not view.loading for view in panel.app.screen.query(PictureView)))
        await panel.pilot.pause(SETTLES_S)
    await panel.pilot.pause(SETTLES_S)


async def shoot_welcome(folder: Path) -> list[Path]:
    """The first run. Its folder is named, and need not be there."""
    written = []
    for size in SIZES:
        app = Welcome(Path("/home/reader/archive"))
        async with app.run_test(size=size) as pilot:
            await pilot.pause()
            written.append(_write(folder, "welcome", size, picture(app)))
    return written


def _write(folder: Path, name: str, size: tuple[int, int], svg: str) -> Path:
    path = folder / f"{name}-{size[0]}x{size[1]}.svg"
    path.write_text(_of_no_machine(svg), encoding="utf-8")
    return path


def _of_no_machine(svg: str) -> str:
    """With invented paths in the place of this machine's, each as long as the one that it stands for."""
    for here in (sys.executable, str(ROOT)):
        svg = svg.replace(here, ("/home/reader/" + "archive/" * len(here))[: len(here) - 1] + "s")
    return svg


async def everything(folder: Path, work: Path) -> list[Path]:
    scan = work / "scans" / "gazette-1959.jpg"
    scan.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(SAMPLE, scan)
    campaign = staged(work / "archive", scan)
    try:
        written = [*await shoot(campaign.workspace, folder), *await shoot_welcome(folder)]
        add_one_night(campaign)
        return [*written, *await shoot(campaign.workspace, folder, HEALTH_SHOTS)]
    finally:
        campaign.catalog.close()


def read_samples(work: Path) -> Workspace:
    """The demonstration's workspace, with nothing drawn."""
    demo = [sys.executable, "-m", "bocr_tui.cli.main", "demo"]
    subprocess.run(demo, cwd=work, stdin=subprocess.DEVNULL, check=True)
    return Workspace(work / "demo-workspace")


async def pages(workspace: Workspace, folder: Path) -> list[Path]:
    """Pages that two engines have read."""
    return [
        *await shoot(workspace, folder, PAGE_SHOTS),
        *await shoot(workspace, folder, PAGE_SHOTS[:1], [README_SIZE]),
    ]


def main(words: Sequence[str]) -> int:
    folder = Path(words[0])
    folder.mkdir(parents=True, exist_ok=True)
    os.environ["XDG_CONFIG_HOME"] = "/nonexistent"
    WORK.mkdir()
    try:
        with standing_clock():
            written = asyncio.run(everything(folder, WORK))
        written += asyncio.run(pages(read_samples(WORK), folder))
    finally:
        shutil.rmtree(WORK)
    sys.stdout.write(f"{len(written)} pictures in {folder}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
