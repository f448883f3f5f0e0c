"""What this terminal can do: draw images, and put right-to-left text in order."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

import tomllib

if TYPE_CHECKING:
    from pathlib import Path

    from bocr_tui.ui.terminal_probe import Answers


class Images(StrEnum):
    """How page images are drawn."""

    AUTO = "auto"
    TGP = "tgp"
    SIXEL = "sixel"
    HALFCELL = "halfcell"
    OFF = "off"


IMAGES_VARIABLE = "BOCR_IMAGES"
BIDI_VARIABLE = "BOCR_BIDI"
"""Win over bocr.toml, for one terminal among several."""

CELL_PX = (10, 20)
"""Pixels of a cell where the terminal does not say: those of a VT340, which sixel terminals imitate."""

_CELL_RANGE_PX = range(3, 101)

_REORDERING = ("Apple_Terminal", "mintty", "mlterm")
"""TERM_PROGRAM of terminals that reorder: Terminal.app, mintty, mlterm."""


@dataclass(frozen=True)
class TerminalFacts:
    """`images` is never AUTO; `cell_px` width and height; `reorders_text`: the panel puts right-to-left text
    in order, because the terminal does not. `late`: the terminal has not yet answered what it was asked."""

    images: Images = Images.HALFCELL
    cell_px: tuple[int, int] = CELL_PX
    reorders_text: bool = False
    late: bool = False


@dataclass(frozen=True)
class Wanted:
    """What was configured: `images` of Images, `bidi` auto, terminal or panel."""

    images: Images = Images.AUTO
    bidi: str = "auto"


def read_wanted(config: Path, environment: Mapping[str, str] | None = None) -> Wanted:
    """`[panel]` of bocr.toml and the environment; what cannot be read is as if it were not there, since the
    whole file is checked elsewhere, with words."""
    environment = os.environ if environment is None else environment
    try:
        table = tomllib.loads(config.read_text(encoding="utf-8")).get("panel", {})
    except (OSError, ValueError):
        table = {}
    table = table if isinstance(table, dict) else {}
    images = environment.get(IMAGES_VARIABLE) or table.get("images")
    bidi = environment.get(BIDI_VARIABLE) or table.get("bidi")
    return Wanted(
        Images(images) if images in set(Images) else Images.AUTO,
        bidi if bidi in ("terminal", "panel") else "auto",
    )


def asks_terminal(wanted: Wanted) -> bool:
    """Whether the terminal has to be asked anything."""
    return wanted.images in (Images.AUTO, Images.TGP, Images.SIXEL)


def facts_of(
    wanted: Wanted, answers: Answers | None, environment: Mapping[str, str] | None = None
) -> TerminalFacts:
    """Decide; `answers` None: the terminal was not asked."""
    environment = os.environ if environment is None else environment
    images = wanted.images
    if images is Images.AUTO:
        images = Images.HALFCELL
        if answers is not None and (answers.kitty or answers.sixel):
            images = Images.TGP if answers.kitty else Images.SIXEL
    reorders = wanted.bidi == "panel" or (wanted.bidi == "auto" and not terminal_reorders(environment))
    cell = answers.cell_px if answers is not None else None
    sound = cell is not None and all(side in _CELL_RANGE_PX for side in cell)
    late = answers is not None and not answers.complete
    return TerminalFacts(images, cell if cell is not None and sound else CELL_PX, reorders, late)


def terminal_reorders(environment: Mapping[str, str]) -> bool:
    """Whether this terminal puts right-to-left text in order itself: those built on VTE and Konsole do, and
    the three above. Inside tmux and screen the outer terminal's name is not told, so it is no."""
    if environment.get("TMUX") or environment.get("STY"):
        return False
    if environment.get("VTE_VERSION") or environment.get("KONSOLE_VERSION"):
        return True
    named = (environment.get("TERM_PROGRAM", ""), environment.get("TERM", ""))
    return any(word in _REORDERING for word in named)
