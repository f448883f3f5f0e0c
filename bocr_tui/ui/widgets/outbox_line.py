"""What waits to be sent and can still be taken back: a line over that of the keys, where no row is."""

from __future__ import annotations

from bocr_tui.ui.widgets.top_line import PartsLine


class OutboxLine(PartsLine):
    """There while something waits."""

    def tell(self, told: str) -> None:
        self.display = bool(told)
        self.show(((f" {told}", "accent"),), (("u takes it back ", "title"),))
