"""A pane of words about one thing."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable

from rich.console import RenderableType
from rich.padding import Padding
from rich.table import Table
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.message import Message
from textual.widgets import Static

from bocr_tui.ui.widgets.tones import Part, toned_text

LABEL_CELLS = 14
"""As wide as the longest class of failure."""


class Facts(VerticalScroll, can_focus=False):
    """Headings, labelled facts and paragraphs, wrapped to the pane. Texts may be anything: they are cleaned
    and never read as markup."""

    class Appeared(Message):
        """There is room for it now, which there was not before."""

    def compose(self) -> ComposeResult:
        yield self._text

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._text = Static()
        self._paragraphs: tuple[Paragraph, ...] = ()

    def on_mount(self) -> None:
        # What is drawn holds its colours.
        self.app.theme_changed_signal.subscribe(self, lambda _: self.show(self._paragraphs))

    def on_show(self) -> None:
        self.post_message(self.Appeared())

    def show(self, paragraphs: Iterable[Paragraph]) -> None:
        """Replace what is shown."""
        self._paragraphs = tuple(paragraphs)
        grid = Table.grid(padding=(0, 1), expand=True)
        grid.add_column(ratio=1, overflow="fold")
        for paragraph in self._paragraphs:
            grid.add_row(paragraph.draw(self))
        self._text.update(grid)

    def say(self, text: str, tone: str = "muted") -> None:
        """Only one sentence."""
        self.show([Words(((text, tone),))])


class Paragraph(ABC):
    """Something that a Facts pane draws."""

    @abstractmethod
    def draw(self, pane: Facts) -> RenderableType: ...


class Words(Paragraph):
    """Text of one or more tones, wrapped."""

    def __init__(self, parts: Iterable[Part]) -> None:
        self.parts = tuple(parts)

    def draw(self, pane: Facts) -> RenderableType:
        alone = len(self.parts) == 1  # several stand in one line: none knows how much room it has
        return toned_text(pane, *self.parts, width=pane.content_size.width if alone else 0)


class Indented(Words):
    """The same, each of its lines some blanks further in."""

    def __init__(self, parts: Iterable[Part], cells: int) -> None:
        super().__init__(parts)
        self.cells = cells

    def draw(self, pane: Facts) -> RenderableType:
        return Padding(super().draw(pane), (0, 0, 0, self.cells))


class Heading(Words):
    """A line above what belongs together, with a blank line above itself."""

    def __init__(self, text: str) -> None:
        super().__init__((("\n" + text, "title"),))


class Labelled(Paragraph):
    """Facts with their names before them; the second column wraps on its own."""

    def __init__(self, facts: Iterable[tuple[str, str, str]], label_cells: int = LABEL_CELLS) -> None:
        self.facts = tuple(facts)
        """Name, text, tone."""
        self.label_cells = label_cells

    def draw(self, pane: Facts) -> Table:
        grid = Table.grid(padding=(0, 1), expand=True)
        grid.add_column(width=self.label_cells)
        grid.add_column(ratio=1, overflow="fold")
        room = pane.content_size.width - self.label_cells - 1
        for name, text, tone in self.facts:
            grid.add_row(toned_text(pane, (name, "muted")), toned_text(pane, (text, tone), width=room))
        return grid
