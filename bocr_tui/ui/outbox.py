"""Orders that wait a moment before they are carried out, so that one can be taken back.

An order in here exists nowhere else: no page has moved, nothing was written. Leaving the panel sends at once
what waits. A crash, or a machine that stops, drops it: the pages are then as they were before the key, which
is what an undo would have left. Nothing is ever half sent, because sending is one transaction.
"""

from __future__ import annotations

import math
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

from textual.dom import DOMNode
from textual.timer import Timer

from bocr_tui.actions.action import Action, Options, Selection
from bocr_tui.ui.work import begin

OUTBOX_S = 3.0
"""How long an order waits: long enough to notice a wrong key, and no longer."""

TICK_S = 0.25


@dataclass(frozen=True)
class Waiting:
    """One order, and when it is sent by the monotonic clock; never, while it is asked whether it can be."""

    action: Action
    selection: Selection
    options: Options
    due_at: float = math.inf

    @property
    def counts_down(self) -> bool:
        return self.due_at < math.inf

    @property
    def words(self) -> str:
        from bocr_tui.ui.acting import on_rows

        return f"{self.action.title}{on_rows(self.action, self.selection)}"


class Outbox:
    """Sends each order when its time has come; `changed` is called whenever what waits looks different."""

    def __init__(
        self, node: DOMNode, send: Callable[[Waiting], Awaitable[None]], changed: Callable[[], None]
    ) -> None:
        self._node = node
        self._send = send
        self._changed = changed
        self._waiting: list[Waiting] = []
        self._ticking: Timer | None = None
        self._number = 0

    def __len__(self) -> int:
        return len(self._waiting)

    def put(self, action: Action, selection: Selection, options: Options) -> Waiting:
        """Keep an order, to `count_down` or to `drop` it soon; an undo and leaving know of it from now on."""
        waiting = Waiting(action, selection, options)
        self._waiting.append(waiting)
        return waiting

    def count_down(self, waiting: Waiting, selection: Selection) -> None:
        """Let the order's time begin, for these of its rows; nothing if it was taken back meanwhile."""
        if waiting not in self._waiting:
            return
        due_at = time.monotonic() + OUTBOX_S
        at = self._waiting.index(waiting)
        self._waiting[at] = replace(waiting, selection=selection, due_at=due_at)
        if self._ticking is None:
            self._ticking = self._node.set_interval(min(TICK_S, OUTBOX_S / 2), self._tick)
        self._changed()

    def drop(self, waiting: Waiting) -> None:
        """Forget an order that cannot be sent."""
        if waiting in self._waiting:
            self._waiting.remove(waiting)
            self._rest()

    def holds(self, action: Action, selection: Selection) -> bool:
        """Whether one of these rows waits already for the same."""
        kind = str(action.selects)
        rows = set(getattr(selection, kind))
        return any(
            each.action is action and rows & set(getattr(each.selection, kind)) for each in self._waiting
        )

    def undo(self) -> Waiting | None:
        """Take the newest back; None when nothing waits."""
        if not self._waiting:
            return None
        taken = self._waiting.pop()
        self._rest()
        return taken

    def told(self) -> str:
        """What waits and for how long, in one line; empty when nothing does."""
        counting = [each for each in self._waiting if each.counts_down]
        if not counting:
            return ""
        seconds = int(max(0.0, counting[-1].due_at - time.monotonic())) + 1
        return f"{_named(counting)} in {seconds} s"

    @property
    def words(self) -> str:
        """What leaving would send; empty when that is nothing."""
        return _named(self._waiting) if self._waiting else ""

    def _tick(self) -> None:
        now = time.monotonic()
        due = [each for each in self._waiting if each.due_at <= now]
        self._waiting = [each for each in self._waiting if each.due_at > now]
        for each in due:
            self._number += 1
            begin(self._node, partial(self._send_one, each), group=f"outbox-{self._number}")
        self._rest()

    async def _send_one(self, waiting: Waiting) -> None:
        await self._send(waiting)

    def _rest(self) -> None:
        if not self._waiting and self._ticking is not None:
            self._ticking.stop()
            self._ticking = None
        self._changed()

    async def flush(self) -> None:
        """Send at once what waits, in order."""
        due, self._waiting = self._waiting, []
        self._rest()
        for each in due:
            await self._send(each)


def _named(waiting: Sequence[Waiting]) -> str:
    """The newest, and how many there are beside it."""
    more = f" (and {len(waiting) - 1} more)" if len(waiting) > 1 else ""
    return f"{waiting[-1].words}{more}"
