"""What every screen has: the two lines above, the keys below, and word of what changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Generic, TypeVar

from textual import on, work
from textual.binding import Binding
from textual.screen import Screen
from textual.widget import Widget

from bocr_tui.actions.action import Options, Selection
from bocr_tui.ui.acting import act
from bocr_tui.ui.watching import Sight
from bocr_tui.ui.widgets.tones import Part
from bocr_tui.ui.widgets.top_line import PartsLine, PlaceLine, TopLine

if TYPE_CHECKING:
    from bocr_tui.ui.app import BocrApp

Result = TypeVar("Result")


class PanelScreen(Screen[Result], Generic[Result]):
    """A screen that knows the panel, shows how the campaign stands, and hears when the catalog changed."""

    PLACE: ClassVar[str | None] = None
    """Which of the places this is or belongs to."""

    BINDINGS: ClassVar = [
        Binding("escape", "back", "Back", tooltip="To where you came from.", show=False),
        Binding("ctrl+r", "reread", "Read again", tooltip="Read the catalog again now.", show=False),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._change_seen = -1
        self._composed = False

    @property
    def panel(self) -> BocrApp:
        from bocr_tui.ui.app import BocrApp

        app = self.app
        assert isinstance(app, BocrApp)
        return app

    def on_mount(self) -> None:
        self._composed = True
        self.set_interval(1.0, self.tell_standing)
        self.call_after_refresh(self.tell_standing)

    def on_screen_resume(self) -> None:
        self.tell_standing()
        self.hear(self.panel.sight)

    def on_resize(self) -> None:
        self.call_after_refresh(self.tell_standing)

    def tell_standing(self) -> None:
        """Draw the top line anew, if anything in it changed."""
        for line in self.query(TopLine):
            line.tell(self.panel.standing())

    def tell_place_line(self, right: tuple[Part, ...], here: str | None = None) -> None:
        """Draw the second line. It may be gone already while the panel closes, and news still come."""
        for line in self.query(PlaceLine):
            line.tell(here or self.PLACE, right)

    def tell_line(self, selector: str, left: tuple[Part, ...], right: tuple[Part, ...] = ()) -> None:
        """Draw another line, if it is there."""
        for line in self.query(selector).results(PartsLine):
            line.show(left, right)

    def hear(self, sight: Sight) -> None:
        """The catalog was looked at; what is shown is read again only when it changed.

        A screen becomes the one that is seen before it has its widgets: then this comes too early.
        """
        if self._composed and sight.change != self._change_seen:
            self._change_seen = sight.change
            self.changed()

    def changed(self) -> None:
        """The catalog changed."""

    def selection(self) -> Selection:
        """What an action would act on: the marked rows, or the one under the cursor, with their states."""
        return Selection()

    async def perform(self, action_id: str, selection: Selection, options: Options | None = None) -> None:
        """Do an action of the registry. Screens that ask for something beside the selection do it here."""
        await act(self.panel, action_id, selection, options)

    @work(group="act")
    async def action_act(self, action_id: str) -> None:
        await self.perform(action_id, self.selection())

    def action_reread(self) -> None:
        self.changed()

    def action_back(self) -> None:
        if len(self.app.screen_stack) > 1:
            self.app.pop_screen()

    @on(PlaceLine.Chosen)
    def _go(self, message: PlaceLine.Chosen) -> None:
        self.panel.go(message.place)

    def shown(self, widget: Widget) -> bool:
        """Whether the width of the terminal leaves room for it."""
        return bool(widget.display) and widget.styles.display != "none" and widget.region.width > 0
