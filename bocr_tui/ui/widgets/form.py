"""A few named values, one a line, changed in place: enter asks, left and right go through choices."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.text import Text
from textual import on
from textual.binding import Binding
from textual.message import Message
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from bocr_tui.ui.binding_ids import with_ids
from bocr_tui.ui.safe_text import clean, fit
from bocr_tui.ui.widgets.tones import tone_style

LABEL_CELLS = 12


@dataclass(frozen=True)
class Field:
    """One line. `set_here` False: the value is the one that is configured, or none is needed. `trouble` is
    why the value will not do, beside it."""

    id: str
    label: str
    value: str
    set_here: bool = False
    trouble: str = ""


class Form(OptionList):
    """Shows fields; says which is to be changed. What a change means is for the screen to know."""

    DEFAULT_CSS = """
    Form {
        background: $surface;
        border: none;
        &:focus { background-tint: transparent; border: none; }
        & > .option-list--option-highlighted { background: $cursor-row-blurred; text-style: none; }
        &:focus > .option-list--option-highlighted { background: $cursor-row; text-style: bold; }
    }
    """

    BINDINGS: ClassVar = with_ids(
        "form",
        [
            Binding("j", "cursor_down", "Down", show=False, tooltip="To the next value."),
            Binding("k", "cursor_up", "Up", show=False, tooltip="To the value before."),
            Binding("l,right", "cycle(1)", "Next choice", show=False, tooltip="The next of the choices."),
            Binding("h,left", "cycle(-1)", "Choice before", show=False, tooltip="The one before."),
            Binding("backspace,delete", "reset", "Reset", show=False, tooltip="What is configured again."),
        ],
    )

    class Changing(Message):
        """A value is to be changed: by asking (`step` 0), to the next or the one before of its choices, or
        back to what is configured (`step` None)."""

        def __init__(self, field: str, step: int | None) -> None:
            super().__init__()
            self.field = field
            self.step = step

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id, compact=True)
        self._fields: tuple[Field, ...] = ()

    def on_mount(self) -> None:
        # What is drawn holds its colours.
        self.app.theme_changed_signal.subscribe(self, lambda _: self._draw_again())

    def _draw_again(self) -> None:
        for number, field in enumerate(self._fields):
            self.replace_option_prompt_at_index(number, self._line(field))

    def show(self, fields: Sequence[Field]) -> None:
        """Draw these; the cursor stays on its line."""
        new = tuple(fields)
        if [field.id for field in new] != [field.id for field in self._fields]:
            held = self.highlighted
            self.clear_options()
            self.add_options([Option(self._line(field), id=field.id) for field in new])
            self.highlighted = min(held or 0, len(new) - 1) if new else None
        else:
            for number, (old, field) in enumerate(zip(self._fields, new, strict=True)):
                if old != field:
                    self.replace_option_prompt_at_index(number, self._line(field))
        self._fields = new

    def _line(self, field: Field) -> Text:
        line = Text(no_wrap=True, overflow="ellipsis")
        line.append(fit(clean(field.label), LABEL_CELLS) + " ", tone_style(self, "muted"))
        line.append(clean(field.value), tone_style(self, "accent" if field.set_here else "plain"))
        if field.trouble:
            line.append(f"  {clean(field.trouble)}", tone_style(self, "failed"))
        return line

    def _changing(self, step: int | None) -> None:
        if self.highlighted is not None:
            self.post_message(self.Changing(self._fields[self.highlighted].id, step))

    @on(OptionList.OptionSelected)
    def _selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self._changing(0)

    def action_cycle(self, step: int) -> None:
        self._changing(step)

    def action_reset(self) -> None:
        self._changing(None)
