"""What every screen has: the two lines above, the keys below, and word of what changed."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

from textual import on, work
from textual.app import App
from textual.binding import Binding
from textual.screen import Screen
from textual.widget import Widget

from bocr_tui.actions.action import Options, Selection
from bocr_tui.actions.registry import action_named
from bocr_tui.config.errors import UsageError
from bocr_tui.ui.acting import act
from bocr_tui.ui.binding_ids import context_of, with_ids
from bocr_tui.ui.watching import Sight
from bocr_tui.ui.widgets.key_line import KeyLine
from bocr_tui.ui.widgets.outbox_line import OutboxLine
from bocr_tui.ui.widgets.tones import Part
from bocr_tui.ui.widgets.top_line import PartsLine, PlaceLine, TopLine
from bocr_tui.ui.widgets.virtual_table import VirtualTable
from bocr_tui.ui.work import end_work

if TYPE_CHECKING:
    from bocr_tui.ui.app import BocrApp

Result = TypeVar("Result")
Line = TypeVar("Line", bound=Widget)

_ACT = re.compile(r"act\('([\w.]+)'\)")
"""A binding of an action of the registry."""


def width_class(app: App[Any]) -> str:
    """The class that a screen has for the terminal's width of now; empty where the app has none."""
    fitting = [name for width, name in app.HORIZONTAL_BREAKPOINTS or () if app.size.width >= width]
    return fitting[-1] if fitting else ""


class PanelScreen(Screen[Result], Generic[Result]):
    """A screen that knows the panel, shows how the campaign stands, and hears when the catalog changed."""

    PLACE: ClassVar[str | None] = None
    """Which of the places this is or belongs to."""

    BINDINGS: ClassVar = with_ids(
        "panel",
        [
            Binding("escape", "back", "Back", tooltip="To where you came from.", show=False),
            Binding("ctrl+r", "reread", "Read again", tooltip="Read the catalog again now.", show=False),
        ],
    )

    is_root = False
    """Whether this is a place's own screen, which remembers how it was left."""

    def __init_subclass__(cls, **given: Any) -> None:
        """Give every key a name, which keymap, help and documentation go by."""
        if "BINDINGS" in vars(cls):
            cls.BINDINGS = with_ids(context_of(cls.__name__), vars(cls)["BINDINGS"])
        super().__init_subclass__(**given)

    def __init__(self) -> None:
        # The width's class from the beginning: adding it to a screen that is there styles everything anew.
        super().__init__(classes=width_class(self.app))
        self._change_seen = -1
        self._composed = False

    @property
    def panel(self) -> BocrApp:
        from bocr_tui.ui.app import BocrApp

        app = self.app
        assert isinstance(app, BocrApp)
        return app

    def on_mount(self) -> None:
        """Called for every class that has one, and by those that must come after it: works once."""
        if self._composed:
            return
        self._composed = True
        if self.is_root:
            self.panel.memory.meet(self)
        self.set_interval(1.0, self.tell_standing)
        self.call_after_refresh(self.tell_standing)

    def _on_prune(self) -> None:
        end_work(self)

    def on_screen_resume(self) -> None:
        self.tell_standing()
        self.tell_outbox(self.panel.outbox.told())
        self.hear(self.panel.sight)

    def on_resize(self) -> None:
        self.call_after_refresh(self.tell_standing)

    def tell_standing(self) -> None:
        """Draw the top line anew, if anything in it changed, and dim the keys that do nothing now."""
        for line in self.lines(TopLine):
            line.tell(self.panel.standing())
        self.tell_keys()

    def lines(self, kind: type[Line]) -> Iterator[Line]:
        """Its lines of a kind; none while it opens or closes. Asked for every second: no query of the style
        sheet's kind, which looks at every widget."""
        return (each for each in self.children if isinstance(each, kind))

    def tell_outbox(self, told: str) -> None:
        """Show what waits to be sent, over the line of keys: all of them go on, and no row is hidden."""
        lines = self.query(OutboxLine)
        if told and not lines:
            self.mount(line := OutboxLine())
            line.tell(told)
        for each in lines:
            each.tell(told)

    @on(VirtualTable.Highlighted)
    def tell_keys(self) -> None:
        """A key that does nothing now is dim, and says why when it is pressed all the same."""
        for line in self.lines(KeyLine):
            line.dim(self._does_nothing)

    def _does_nothing(self, binding_action: str) -> bool:
        found = _ACT.match(binding_action)
        return found is not None and self.why_not(found[1]) is not None

    def tell_place_line(self, right: tuple[Part, ...], here: str | None = None) -> None:
        """Draw the second line. It may be gone already while the panel closes, and news still come."""
        for line in self.lines(PlaceLine):
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

    def why_not(self, action_id: str) -> str | None:
        """Why an action of the registry cannot be done to what is selected; None if it can."""
        return self.panel.doer.why_not(action_named(action_id), self.selection())

    def acted(self, action_id: str) -> None:
        """An action was done to the selection, or is going to be: marks have served."""

    def to_copy(self) -> str:
        """What y copies: of a list, the row under the cursor; empty where there is nothing."""
        return next((table.current_text for table in self.query(VirtualTable)), "")

    def remember(self) -> dict[str, Any]:
        """What `recall` brings back after a restart: plain JSON, and little of it."""
        return {}

    def recall(self, state: dict[str, Any]) -> None:
        """Be as when `remember` said this; called before anything is shown. May raise: then nothing is."""

    def filter_by(self, text: str) -> None:
        """Show only what fits. Raises UsageError."""
        raise UsageError("There is nothing to filter here.", "")

    def filter_words(self) -> Sequence[str]:
        """What may be typed after `:filter`."""
        return ()

    def filter_help(self) -> Sequence[tuple[str, str]]:
        """What a filter can ask here: how it is typed, and what stands after it."""
        return ()

    def sort_by(self, text: str) -> None:
        """Order what is shown. Raises UsageError."""
        raise UsageError("There is nothing to sort here.", "")

    def sort_words(self) -> Sequence[str]:
        """What may be typed after `:sort`."""
        return ()

    async def perform(self, action_id: str, selection: Selection, options: Options | None = None) -> None:
        """Do an action of the registry. Screens that ask for something beside the selection do it here."""
        if await act(self.panel, action_id, selection, options):
            self.acted(action_id)

    @work(group="act")
    async def action_act(self, action_id: str) -> None:
        await self.perform(action_id, self.selection())

    def action_reread(self) -> None:
        self.changed()

    def action_back(self) -> None:
        if self.maximized is not None:
            self.minimize()
        elif len(self.app.screen_stack) > 1:
            self.app.pop_screen()

    @on(PlaceLine.Chosen)
    async def _go(self, message: PlaceLine.Chosen) -> None:
        await self.panel.action_go(message.place)

    def shown(self, widget: Widget) -> bool:
        """Whether the width of the terminal leaves room for it."""
        return bool(widget.display) and widget.styles.display != "none" and widget.region.width > 0
