"""Engines that answer at once, inside the worker's own process.

For an engine that costs less than sending it the image does (0.3 ms for 120 kB through a pipe). There is no
deadline and nothing to kill: an engine that may hang or crash belongs into `local`.
"""

from __future__ import annotations

from bocr_worker.engines.base import Ask, EngineSpec, Reader
from bocr_worker.protocol.failures import FailureClass
from bocr_worker.protocol.manifest import EngineOrder
from bocr_worker.protocol.recognition import Recognition
from bocr_worker.runtimes.base import AskFailed, EngineIdentity, RuntimeBroken


class InlineRuntime:
    """One reader, called directly."""

    def __init__(self, spec: EngineSpec, order: EngineOrder, cores: int) -> None:
        self.spec = spec
        self._order = order
        self._slots = max(2, cores)
        self._reader: Reader | None = None

    @property
    def slots(self) -> int:
        """More than one, so that a page being recorded does not hold up the next."""
        return self._slots

    async def start(self) -> EngineIdentity:
        """Raises EngineUnavailable."""
        self._reader = self.spec.load(self._order.options, 1)
        return EngineIdentity(self._reader.version, self._reader.weights)

    async def ask(self, ask: Ask, deadline_s: float) -> Recognition:
        if self._reader is None:
            raise RuntimeBroken(f"engine {self.spec.name} is not running")
        try:
            return self._reader.read(ask)
        except Exception as error:
            cause = f"{self.spec.name} failed on this page: {type(error).__name__}"
            raise AskFailed(FailureClass.TRANSPORT, cause, str(error)[:2000]) from error

    async def close(self) -> None:
        self._reader = None
