"""What the threads beside the panel tell it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.message import Message

from bocr_tui.ui.driving import DrivingState, WorkEnded

if TYPE_CHECKING:
    from bocr_tui.control.events import ControlEvent


class DrivingChanged(Message):
    """Who drives changed, or why nobody does."""

    def __init__(self, state: DrivingState) -> None:
        super().__init__()
        self.state = state


class DriverSaid(Message):
    """The driver told of something."""

    def __init__(self, event: ControlEvent) -> None:
        super().__init__()
        self.event = event


class ActivitySaid(Message):
    """What runs in the background is at this point."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = text


class ActivityEnded(Message):
    """What ran in the background is over."""

    def __init__(self, ended: WorkEnded) -> None:
        super().__init__()
        self.ended = ended
