"""Keys one after the other: each is looked at when all that the one before it did is done.

The toolkit gives a key to what has the focus the moment the key comes. What the key before it leads to, a
line to type in or another screen, may then still be on its way, and the rest of what was typed quickly, or
came in one piece over a slow line, would go where one no longer is. What is pasted waits like a key, and what
is clicked after keys that wait comes after them.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from contextlib import suppress

from textual import events
from textual.app import App
from textual.dom import DOMNode
from textual.widgets import Input

from bocr_tui.ui.work import begin

PATIENCE_S = 2.0
"""How long a key waits at most for what the one before it leads to, whatever holds that up."""

LEAVES = "ctrl+q"
"""Waits behind no keys that a screen does not answer."""

QUIET_TURNS = 3
"""Turns of the loop without a message on the way: work that a key began has then taken its first step."""

QUICK_TURNS, TURN_S = 100, 0.005
"""So many turns are taken at once; what takes longer is looked at now and then."""


_WAITING = (events.Key, events.Paste)
_IN_LINE = (events.MouseDown, events.MouseUp, events.MouseScrollDown, events.MouseScrollUp)


class HoldsKeys:
    """A widget that still does what a key asked of it, though no message is on its way."""

    holds_keys: bool = False


class KeysInOrder(App[None]):
    """An app that takes keys one at a time."""

    def __init__(self) -> None:
        super().__init__()
        self._held_keys: deque[events.Event] = deque()
        """Keys, and what else a person did, that came while others were not done with, the oldest first."""
        self._key_sent: events.Key | None = None
        """The key that went down to the focus and has not come back."""

    async def on_event(self, event: events.Event) -> None:
        """A key comes here twice: from the terminal, and back from the focus, where nothing took it. Only
        then its binding acts; where one has left meanwhile, nothing does."""
        if isinstance(event, events.Key) and event.is_forwarded:
            if self.screen_stack:
                await super().on_event(event)
            if event is self._key_sent:
                self._key_sent = None
        elif not self._waits(event):
            await super().on_event(event)
        elif not self._held_keys and not self.message_queue_size and self._keys_rest():
            await self._send_key(event)
        else:
            self._held_keys.append(event)
            if len(self._held_keys) == 1:
                begin(self, self._send_held_keys, group="keys", exclusive=False)

    def _waits(self, event: events.Event) -> bool:
        """Whether it is looked at after what came before it."""
        return not event.is_forwarded and (
            isinstance(event, _WAITING) or (bool(self._held_keys) and isinstance(event, _IN_LINE))
        )

    async def _send_key(self, event: events.Event) -> None:
        """Letters typed in a field stay there, in their order; every other key comes back."""
        stays = not isinstance(event, events.Key) or (event.is_printable and isinstance(self.focused, Input))
        await super().on_event(event)
        self._key_sent = event if isinstance(event, events.Key) and event.is_forwarded and not stays else None

    async def _send_held_keys(self) -> None:
        while self._held_keys:
            if not await self._until_keys_rest():
                self._leave_first()
            await self._send_key(self._held_keys[0])
            self._held_keys.popleft()

    def _leave_first(self) -> None:
        """Forget the keys before the one to leave with, where there is one."""
        leaving = next((at for at, key in enumerate(self._held_keys) if _leaves(key)), 0)
        for _ in range(leaving):
            self._held_keys.popleft()

    async def _until_keys_rest(self) -> bool:
        """Whether they do, or it took too long."""
        ends, turns, quiet = time.monotonic() + PATIENCE_S, 0, 0
        while quiet < QUIET_TURNS and (left_s := ends - time.monotonic()) > 0:
            turns += 1
            await asyncio.sleep(0 if turns < QUICK_TURNS else TURN_S)
            if quiet == QUIET_TURNS - 1:
                await self._catch_up(left_s)
            quiet = quiet + 1 if self._keys_rest() else 0
        return quiet == QUIET_TURNS

    async def _catch_up(self, longest_s: float) -> None:
        """Wait until the app has done what it was told before now; news that stream in hold no key up."""
        done = asyncio.Event()
        if self.call_later(done.set):
            with suppress(TimeoutError):
                await asyncio.wait_for(done.wait(), longest_s)

    def _keys_rest(self) -> bool:
        """Whether nothing is on its way from the focus up to here."""
        if self._key_sent is not None or not self.screen_stack or not self.screen.is_mounted:
            return False
        node: DOMNode | None = self.focused or self.screen
        while node is not None and node is not self:
            if node.message_queue_size or (isinstance(node, HoldsKeys) and node.holds_keys):
                return False
            node = node.parent
        return True


def _leaves(event: events.Event) -> bool:
    return isinstance(event, events.Key) and event.key == LEAVES
