"""The line of keys at the bottom: what can be done here, and which of it not now.

One widget that draws one line. Textual's own footer is a widget for each key, made anew whenever the focus
moves: on a first screen that is more work than all the rest of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, NamedTuple

from rich.style import Style
from rich.text import Text
from textual import events
from textual.color import Color
from textual.widget import Widget

from bocr_tui.ui.safe_text import width_of

if TYPE_CHECKING:
    from textual.screen import Screen


class ShownKey(NamedTuple):
    """A key as people write it, with what it does; `pressed` is its name for the app."""

    pressed: str
    key: str
    description: str
    action: str
    enabled: bool
    tooltip: str

    @property
    def width(self) -> int:
        """Columns, with the blanks around both parts."""
        return width_of(self.key) + width_of(self.description) + 3


class KeyLine(Widget):
    """The keys that the screen's bindings show, as many as there is room for; a click presses one."""

    ALLOW_SELECT = False

    def __init__(self) -> None:
        super().__init__()
        self.keys: tuple[ShownKey, ...] = ()
        self._useless: Callable[[str], bool] = lambda _: False
        self.dimmed: tuple[ShownKey, ...] = ()
        """Those that do nothing now."""

    def on_mount(self) -> None:
        self.screen.bindings_updated_signal.subscribe(self, self._take)

    def _take(self, screen: Screen[Any]) -> None:
        """Called when the bindings that are in force may have changed."""
        if not self.is_attached or screen is not self.screen or not self.app.app_focus:
            return
        keys = tuple(_shown(screen))
        if keys != self.keys:
            self.keys = keys
            self.refresh()
        self._find_useless()

    def dim(self, useless: Callable[[str], bool]) -> None:
        """Dim the keys whose action does nothing now."""
        self._useless = useless
        self._find_useless()

    def _find_useless(self) -> None:
        dimmed = tuple(key for key in self.keys if not key.enabled or self._useless(key.action))
        if dimmed != self.dimmed:
            self.dimmed = dimmed
            self.refresh()

    def fitting(self) -> list[ShownKey]:
        """Those that there is room for, each whole; where it is not for all, the help is among them, which
        names the others."""
        room = self.size.width
        if sum(key.width for key in self.keys) <= room:
            return list(self.keys)
        last = [key for key in self.keys if key.action.endswith("help")][:1]
        room -= sum(key.width for key in last)
        shown = []
        for key in self.keys:
            if key not in last:
                room -= key.width
                if room < 0:
                    break
                shown.append(key)
        return shown + last

    def render(self) -> Text:
        colours = self.app.theme_variables
        bold = Style(color=Color.parse(colours["footer-key-foreground"]).rich_color, bold=True)
        plain = Style(color=Color.parse(colours["footer-description-foreground"]).rich_color)
        line = Text(end="", no_wrap=True)
        for key in self.fitting():
            faint = Style(dim=True) if key in self.dimmed else Style.null()
            line.append(f" {key.key} ", bold + faint)
            line.append(f"{key.description} ", plain + faint)
        return line

    def key_at(self, column: int) -> ShownKey | None:
        """Which key is drawn there."""
        for key in self.fitting():
            if column < key.width:
                return key
            column -= key.width
        return None

    def on_mouse_move(self, event: events.MouseMove) -> None:
        key = self.key_at(event.x)
        self.tooltip = key.tooltip if key is not None else None

    def on_mouse_down(self, event: events.MouseDown) -> None:
        key = self.key_at(event.x)
        if key is None:
            return
        if key.enabled:
            self.app.simulate_key(key.pressed)
        else:
            self.app.bell()


def _shown(screen: Screen[Any]) -> Iterable[ShownKey]:
    """The first key of each action that is to be shown."""
    seen = set()
    for _, binding, enabled, tooltip in screen.active_bindings.values():
        if binding.show and binding.action not in seen:
            seen.add(binding.action)
            yield ShownKey(
                binding.key,
                screen.app.get_key_display(binding),
                binding.description,
                binding.action,
                enabled,
                tooltip or binding.description,
            )
