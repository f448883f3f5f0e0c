"""What the tour says: a few cards, each with the keys it is about."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class TourKey:
    """A key as it is shown, what it does, and the place where a press of `pressed` does it (empty: anywhere).

    `pressed` is the key in Textual's words; a test presses none, but looks that each is bound there.
    """

    shown: str
    does: str
    pressed: tuple[str, ...]
    place: str = "pages"


@dataclass(frozen=True)
class Card:
    """One step of the tour."""

    title: str
    words: str
    keys: tuple[TourKey, ...]


CARDS = (
    Card(
        "Places",
        "Every page of your documents is accounted for: it is read, failed with a reason, given up on, or "
        "on its way. The second line names the places where you see that. Each has a number.",
        (
            TourKey("2", "the batches that pages are sent in", ("2",)),
            TourKey("3", "the jobs that read them", ("3",)),
            TourKey("4", "every page", ("4",)),
            TourKey("6", "every document", ("6",)),
        ),
    ),
    Card(
        "Moving",
        "Arrow keys work everywhere, and so do those of vi and the mouse.",
        (
            TourKey("j k", "down and up", ("j", "k")),
            TourKey("g G", "to the first and the last row", ("g", "G")),
            TourKey("enter", "into what the cursor is on", ("enter",)),
            TourKey("esc", "back", ("escape",)),
        ),
    ),
    Card(
        "Sending",
        "Documents are imported, pages are put into batches, and batches are submitted: as jobs on this "
        "machine, or on a cluster. Nothing is sent before you have seen what it would cost.",
        (
            TourKey("1", "the plan: what would be made and sent", ("1",)),
            TourKey("s", "submit the batch under the cursor", ("s",), "batches"),
            TourKey("2 then enter", "a batch's pages", ("2", "enter"), "batches"),
        ),
    ),
    Card(
        "What failed",
        "A page that failed keeps its class, its evidence and every attempt. From the first look at the "
        "panel to its image and reason are three keys.",
        (
            TourKey("f", "only the pages that failed", ("f",)),
            TourKey("/", "find: state=failed class=coverage", ("slash",)),
            TourKey("enter", "image, text and reason", ("enter",)),
        ),
    ),
    Card(
        "Doing something about it",
        "An action goes to the rows you marked, or to the one under the cursor. A resubmission waits three "
        "seconds, so that you can take it back; what cannot be taken back asks first.",
        (
            TourKey("space", "mark a row of the plan", ("space",), "plan"),
            TourKey("r", "resubmit", ("r",)),
            TourKey("u", "take a resubmission back", ("u",)),
            TourKey(":", "type a command, as on the command line", ("colon",)),
        ),
    ),
    Card(
        "Help",
        "A key that is dim does nothing here; pressed all the same, it says why. Jobs go on when you leave.",
        (
            TourKey("?", "every key of the screen you are on", ("question_mark",)),
            TourKey("ctrl+p", "find anything that can be done", ("ctrl+p",)),
            TourKey("q", "leave", ("q",)),
        ),
    ),
)
"""In the order in which they are shown."""
