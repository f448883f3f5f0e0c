"""Starting asynchronous work from a widget or the app."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from textual.dom import DOMNode
from textual.worker import Worker


def begin(
    node: DOMNode, work: Callable[[], Coroutine[Any, Any, None]], *, group: str, exclusive: bool = True
) -> None:
    """Run `work` on the loop for as long as `node` is there. Exclusive: what ran in the group is cancelled.

    A function is taken, not a coroutine, so that nothing is left unawaited when the node goes away first.
    """
    _: Worker[None] = node.run_worker(work, group=group, exclusive=exclusive)
