"""Drawing pages of documents that are still what the manifest says."""

from __future__ import annotations

import asyncio

from bocr_worker.protocol.manifest import DocumentOrder
from bocr_worker.render.page import RenderedPage, RenderOrder
from bocr_worker.render.pool import RenderPool
from bocr_worker.work import Documents


class Drawing:
    """The render pool, and the documents' guard before and after it."""

    def __init__(self, documents: Documents, renderers: RenderPool, deadline_s: float) -> None:
        self._documents = documents
        self._renderers = renderers
        self._deadline_s = deadline_s

    def path(self, document: DocumentOrder) -> str:
        return self._documents.path(document)

    async def draw(self, document: DocumentOrder, order: RenderOrder) -> RenderedPage:
        """Raises RenderFailed for this page, RendererBroken for all, JobStops."""
        if not self._documents.is_unchanged(document):
            await asyncio.to_thread(self._documents.check, document)
        rendered = await self._renderers.render(order, self._deadline_s)
        if not self._documents.is_unchanged(document):
            # It was exchanged while it was drawn: what was drawn may be of either.
            await asyncio.to_thread(self._documents.check, document)
            rendered = await self._renderers.render(order, self._deadline_s)
        return rendered
