"""What the driver says, in words for a person; most of it is seen elsewhere and needs none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from bocr_tui.control.events import ControlEvent

Severity = Literal["information", "warning", "error"]


def words_of(event: ControlEvent, *, held: bool) -> tuple[str, Severity] | None:
    """None where nothing is to be told. `held`: a person paused the event's site, who need not be told."""
    from bocr_tui.control.events import AutopilotSaid, SiteMoved, Trouble
    from bocr_tui.ui.places import place_named

    if isinstance(event, Trouble):
        return f"{event.text} {event.next_step}".strip(), "warning"
    if isinstance(event, SiteMoved) and event.link == "paused" and not held:
        place = place_named("sites")
        key = place.key if place else ""
        return f"Site {event.site} is paused. {event.reason} {key}, then r resumes it.", "error"
    if isinstance(event, AutopilotSaid):
        return (f"The autopilot stopped: {event.text}" if event.stopped else event.text), "information"
    return None
