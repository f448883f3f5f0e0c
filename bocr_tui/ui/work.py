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


def end_work(node: DOMNode) -> None:
    """Cancel what runs for `node`: from its `_on_prune`, so that it ends before any of its children goes.

    Textual itself cancels it only after it took the children, and work that goes on until then looks for
    widgets that are no longer there.
    """
    node.workers.cancel_node(node)
