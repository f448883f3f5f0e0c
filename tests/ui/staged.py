"""A panel that looks the same every time: the clock stands, names are short, pictures can be compared."""

from __future__ import annotations

import asyncio
import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Any
from unittest.mock import patch

from textual.app import App

from bocr_tui.config.errors import CatalogError
from bocr_tui.ui.reading import Reading
from bocr_tui.ui.watching import Sight
from bocr_tui.ui.widgets.virtual_table import VirtualTable
from tests.ui.campaign import START, Campaign, build

NOW = START + 7200.0
"""Two hours after the campaign's first page."""

STALE_S = 4.0

SAMPLE = Path(__file__).parents[2] / "samples" / "pages" / "BN1984_4_1345a_default.jpg"

_FONTS = re.compile(r"@font-face\s*\{[^}]*\}\s*")
_UNIQUE = re.compile(r"terminal-\d+")


@contextmanager
def standing_clock() -> Iterator[None]:
    """The time of day is NOW in UTC for as long as this lasts; what measures spans goes on."""
    before = os.environ.get("TZ")
    os.environ["TZ"] = "UTC"
    time.tzset()
    try:
        with patch("time.time", lambda: NOW):
            yield
    finally:
        os.environ.pop("TZ")
        if before is not None:
            os.environ["TZ"] = before
        time.tzset()


@contextmanager
def standing_ages() -> Iterator[None]:
    """What is stale has been so for STALE_S, however long the machine takes; what is not is live."""

    def stale_s(sight: Sight, _: float) -> float | None:
        return STALE_S if sight.trouble is not None and sight.seen_at is not None else None

    since = property(
        lambda table: time.monotonic() - STALE_S if table.trouble else None, lambda table, _: None
    )
    with (
        patch.object(Sight, "stale_s", stale_s),
        patch.object(VirtualTable, "trouble_since", since, create=True),
    ):
        yield


def staged(root: Path, scan: Path = SAMPLE) -> Campaign:
    """A campaign whose first document is an image that is there."""
    return build(root, file=scan, kind="image")


def picture(app: App[Any]) -> str:
    """What is on the screen as an SVG: without fonts of other servers, the same for the same screen."""
    svg = _FONTS.sub("", app.export_screenshot(title="bocr", simplify=True))
    return "\n".join(line.rstrip() for line in _UNIQUE.sub("t", svg).splitlines()) + "\n"


class ListState(StrEnum):
    """The four that every list has beside showing rows."""

    LOADING = "loading"
    EMPTY = "empty"
    ERROR = "error"
    STALE = "stale"


@contextmanager
def catalog_that(state: ListState) -> Iterator[None]:
    """The catalog's questions are never answered, or fail."""

    async def never(*_: object) -> None:
        await asyncio.Event().wait()

    async def fails(*_: object) -> None:
        raise CatalogError("The catalog cannot be read: disk I/O error.", "Check the disk.")

    with patch.object(Reading, "ask", never if state is ListState.LOADING else fails):
        yield
