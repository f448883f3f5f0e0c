"""Every key of the screen one stands on, with what it does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from rich.table import Table
from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Label, Static

from bocr_tui.ui.widgets.tones import tone_style

if TYPE_CHECKING:
    from textual.screen import Screen

    from bocr_tui.ui.app import BocrApp


@dataclass(frozen=True)
class KeyHelp:
    """One thing to do: its keys as people write them, its name, a sentence."""

    keys: str
    title: str
    tooltip: str


def keys_of(screen: Screen[Any], app: BocrApp) -> list[KeyHelp]:
    """The keys that do something on `screen` now, those of one action together; those of the footer first.

    Ours have a tooltip; what the framework binds beside them is left out.
    """
    found: dict[str, tuple[list[str], str, str]] = {}
    actives = sorted(screen.active_bindings.values(), key=lambda active: not active.binding.show)
    for active in actives:
        binding = active.binding
        if binding.system or not binding.tooltip:
            continue
        keys, _, _ = found.setdefault(binding.action, ([], binding.description, binding.tooltip))
        key = app.get_key_display(binding)
        if key not in keys:
            keys.append(key)
    return [KeyHelp(" ".join(keys), title, tooltip) for keys, title, tooltip in found.values()]


class Help(ModalScreen[None]):
    """Shows the keys of the screen below, and what troubled the panel since it was opened."""

    BINDINGS: ClassVar = [Binding("escape,q,question_mark,enter", "leave", "Leave", show=False)]

    def __init__(self, keys: Sequence[KeyHelp], troubles: Sequence[str]) -> None:
        super().__init__()
        self._keys = keys
        self._troubles = troubles

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog wide"):
            with VerticalScroll():
                if self._troubles:
                    yield Label("What went wrong since the panel was opened", classes="dialog-title")
                    yield Static(Text("\n".join(self._troubles)), classes="dialog-troubles")
                yield Label("Keys", markup=False, classes="dialog-title")
                yield Static(self._table())
            yield Label("esc leaves", markup=False, classes="dialog-hint")

    def _table(self) -> Table:
        grid = Table.grid(padding=(0, 2))
        grid.add_column(no_wrap=True, style="bold", min_width=10)
        grid.add_column(no_wrap=True)
        grid.add_column()
        for key in self._keys:
            grid.add_row(Text(key.keys), Text(key.title), Text(key.tooltip, style=tone_style(self, "muted")))
        return grid

    def action_leave(self) -> None:
        self.dismiss(None)
