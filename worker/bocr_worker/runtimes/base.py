"""The one small interface between the feed and whatever answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from bocr_worker.engines.base import Ask
from bocr_worker.protocol.failures import FailureClass
from bocr_worker.protocol.recognition import Recognition


class AskFailed(Exception):
    """This page got no answer. `failure` is its class; `cause` a sentence; `detail` the evidence.

    `charged` False means that the page is not to blame and may be asked again; `died` that the engine went
    while it had the page.
    """

    def __init__(
        self,
        failure: FailureClass,
        cause: str,
        detail: str = "",
        *,
        charged: bool = True,
        died: bool = False,
    ) -> None:
        super().__init__(cause)
        self.failure = failure
        self.cause = cause
        self.detail = detail
        self.charged = charged
        self.died = died


class RuntimeBroken(Exception):
    """The engine cannot go on at all: the job ends with this cause, its pages uncharged."""


@dataclass(frozen=True)
class EngineIdentity:
    """For the provenance: known once the engine is loaded."""

    version: str
    weights: str


class Runtime(Protocol):
    """Asked by the feed from one asyncio loop, at most `slots` questions at a time."""

    @property
    def slots(self) -> int: ...

    async def start(self) -> EngineIdentity:
        """Load the engine. Raises RuntimeBroken (or EngineUnavailable) with the cause."""
        ...

    async def ask(self, ask: Ask, deadline_s: float) -> Recognition:
        """Raises AskFailed for this page, RuntimeBroken for all. Cancellation stops the work."""
        ...

    async def close(self) -> None:
        """Stop everything that was started; no process survives."""
        ...


@runtime_checkable
class Elastic(Protocol):
    """A runtime whose `slots` change while it runs: servers come up and go down, and are found to take more
    or less."""

    @property
    def most_slots(self) -> int:
        """What `slots` may ever come to."""
        ...

    def on_change(self, listener: Callable[[], None]) -> None:
        """Call it, from the loop, whenever `slots` may be another number."""
        ...


@runtime_checkable
class Telling(Protocol):
    """A runtime that has more to say of itself than its answers."""

    @property
    def facts(self) -> Mapping[str, float]:
        """For heartbeats and the job's last word: names and plain numbers, few of both."""
        ...
