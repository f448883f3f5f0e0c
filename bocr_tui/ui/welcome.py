"""What `bocr` shows where there is no workspace: what can be begun here. It makes nothing by itself.

The person's choice is what `choose` returns; whoever called it carries it out.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import ClassVar

from rich.text import Text
from textual import on, work
from textual.app import App, ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.widgets import Label, OptionList, Static
from textual.widgets.option_list import Option

from bocr_tui.config.errors import BocrError, UsageError
from bocr_tui.config.workspace import (
    CONFIG_NAME,
    DEFAULT_FOLDER,
    DEMO_FOLDER,
    find_workspace,
    workspaces_in,
)
from bocr_tui.ui.safe_text import clean
from bocr_tui.ui.screens.entering import Enter
from bocr_tui.ui.screens.tour import Tour
from bocr_tui.ui.theme import DARK, OWN, tone_variables
from bocr_tui.ui.widgets.tones import tone_style

MOST_OFFERED = 3
"""Workspaces of this folder that have a line each; the others are opened by name."""

WHAT_BOCR_IS = (
    "bocr reads whole archives: from folders of PDFs and images to text, every page accounted for. What it "
    "knows of your documents lies in a workspace, a folder with {config} and a catalog. "
)


class Begin(StrEnum):
    """What to do first."""

    DEMO = "demo"
    MAKE = "make"
    OPEN = "open"


@dataclass(frozen=True)
class Choice:
    """`folder` is the workspace to be: made for DEMO and MAKE, found for OPEN."""

    begin: Begin
    folder: Path


class Welcome(App[Choice | None]):
    """A list of what can be begun in `here`; ends with a Choice, or with None when the person leaves."""

    CSS_PATH: ClassVar = ["panel.tcss", "interaction.tcss", "opened.tcss", "welcome.tcss"]
    TITLE = "bocr"
    ENABLE_COMMAND_PALETTE = False

    BINDINGS: ClassVar = [
        *(Binding(str(at + 1), f"near({at})", "Open", show=False) for at in range(MOST_OFFERED)),
        Binding("d", "demo", "Demo", show=False),
        Binding("i", "make", "Make", show=False),
        Binding("o", "open", "Open", show=False),
        Binding("t,f1,question_mark", "tour", "Tour", show=False),
        Binding("j", "turn(1)", "Down", show=False),
        Binding("k", "turn(-1)", "Up", show=False),
        Binding("q,ctrl+q", "leave", "Leave", show=False),
        Binding("escape,ctrl+c", "stay", "Stay", show=False),
    ]

    def __init__(self, here: Path) -> None:
        super().__init__()
        self._here = here
        self._near = workspaces_in(here)[:MOST_OFFERED]

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return tone_variables(self.current_theme)

    def compose(self) -> ComposeResult:
        with Vertical(id="welcome"):
            yield Label("bocr", classes="dialog-title")
            where = f"{clean(str(self._here))} {'holds one' if self._near else 'has none'}."
            yield Static(Text(WHAT_BOCR_IS.format(config=CONFIG_NAME) + where), id="welcome-words")
            yield OptionList(*self._options(), id="choices")
            yield Label(
                "a letter or enter chooses, q leaves; nothing is made before",
                classes="dialog-hint",
                markup=False,
            )

    def _options(self) -> list[Option]:
        found = [
            (
                f"near({at})",
                str(at + 1),
                f"Open {clean(path.name)}",
                "The workspace that lies in this folder.",
            )
            for at, path in enumerate(self._near)
        ]
        lines = (
            *found,
            ("demo", "d", "Try it", f"Read the sample pages on this machine, in ./{DEMO_FOLDER}."),
            ("make", "i", "Make a workspace", "In this folder, or another that you name."),
            ("open", "o", "Open a workspace", "That lies in another folder."),
            ("tour", "t", "Take the tour", "What the panel shows, and its keys: a minute."),
            ("leave", "q", "Leave", "`bocr --help` lists the commands."),
        )
        return [Option(self._line(key, title, says), id=name) for name, key, title, says in lines]

    def _line(self, key: str, title: str, says: str) -> Text:
        text = Text(f" {key} ", tone_style(self.screen, "title"))
        text.append(f" {title}\n", tone_style(self.screen, "strong"))
        return text.append(f"    {says}", tone_style(self.screen, "muted"))

    def on_load(self) -> None:
        for theme in OWN:
            self.register_theme(theme)
        self.theme = DARK.name

    def on_mount(self) -> None:
        self.query_one(OptionList).focus()

    @on(OptionList.OptionSelected)
    async def _chosen(self, event: OptionList.OptionSelected) -> None:
        await self.run_action(str(event.option_id))

    def action_turn(self, step: int) -> None:
        choices = self.query_one(OptionList)
        if step > 0:
            choices.action_cursor_down()
        else:
            choices.action_cursor_up()

    def action_near(self, at: int) -> None:
        if at < len(self._near):
            self.exit(Choice(Begin.OPEN, self._near[at].resolve()))

    def action_demo(self) -> None:
        self.exit(Choice(Begin.DEMO, self._here / DEMO_FOLDER))

    @work
    async def action_make(self) -> None:
        hint = f"{CONFIG_NAME} and a catalog are made there; your documents stay where they are."
        said = await self.push_screen_wait(
            Enter("Make a workspace in", str(self._here), hint, self._may_be_made)
        )
        if said is not None:
            self.exit(Choice(Begin.MAKE, self._path(said)))

    @work
    async def action_open(self) -> None:
        hint = f"A folder with {CONFIG_NAME}, or one that holds {DEFAULT_FOLDER}."
        known = str(self._near[0]) if self._near else ""
        said = await self.push_screen_wait(Enter("Open the workspace in", known, hint, self._found))
        if said is not None:
            self.exit(Choice(Begin.OPEN, self._found(said)))

    def action_tour(self) -> None:
        self.push_screen(Tour())

    def action_leave(self) -> None:
        self.exit(None)

    def action_stay(self) -> None:
        """What people press to go back from a dialog, perhaps once too often."""
        self.notify("There is nothing to go back to; q leaves.", markup=False)

    def _path(self, said: str) -> Path:
        return self._here / Path(said).expanduser()

    def _may_be_made(self, said: str) -> None:
        """Raises UsageError where no folder can be."""
        if not said:
            raise UsageError("A workspace is a folder.", "Type its name.")
        path = self._path(said)
        try:
            blocked = path.exists() and not path.is_dir()
        except (OSError, ValueError) as error:
            raise UsageError(f"This cannot be looked at: {error}.", "") from None
        if blocked:
            raise UsageError(f"{path} is a file.", "Name a folder.")

    def _found(self, said: str) -> Path:
        """The workspace's folder. Raises UsageError when there is none."""
        if not said:
            raise UsageError("Which folder?", "Type its name.")
        path = self._path(said)
        try:
            inside = path / DEFAULT_FOLDER
            found = find_workspace(named=inside if (inside / CONFIG_NAME).is_file() else path)
        except BocrError:
            raise UsageError(f"{path} is no workspace: it has no {CONFIG_NAME}.", "Name another.") from None
        except (OSError, ValueError) as error:
            raise UsageError(f"This cannot be looked at: {error}.", "") from None
        assert found is not None
        return found.root


def choose(here: Path) -> Choice | None:
    """Ask what to begin in the folder `here`. None: the person left. It makes nothing."""
    return Welcome(here).run()
