"""Drawing pages of documents that are still what the manifest says."""

from __future__ import annotations

import asyncio
from pathlib import Path

from bocr_worker.protocol.manifest import DocumentOrder
from bocr_worker.render.ahead import base_name, drawing_key
from bocr_worker.render.page import RenderedPage, RenderOrder
from bocr_worker.render.pool import RenderPool
from bocr_worker.render.task import RENDER_VERSION
from bocr_worker.work import Documents


class Drawing:
    """The render pool, and the documents' guard before and after it. `split` is the site's folder of pages
    that were drawn ahead."""

    def __init__(self, documents: Documents, renderers: RenderPool, deadline_s: float, split: Path) -> None:
        self._documents = documents
        self._renderers = renderers
        self._deadline_s = deadline_s
        self._split = split
        self._was_split: dict[str, bool] = {}

    def path(self, document: DocumentOrder) -> str:
        return self._documents.path(document)

    def ahead(self, document: DocumentOrder, order: RenderOrder, *limits: int) -> tuple[str, ...]:
        """Where this page may lie drawn ahead: under the order's own limit of pixels, or one of `limits`.
        Nowhere, when there is something to prepare or no page of the document was drawn ahead."""
        if order.preparations or not self.was_split(document):
            return ()
        return self.places(document, order, *limits)

    def was_split(self, document: DocumentOrder) -> bool:
        """Looked up once a document."""
        if document.sha256 not in self._was_split:
            self._was_split[document.sha256] = (self._split / document.sha256).is_dir()
        return self._was_split[document.sha256]

    def places(self, document: DocumentOrder, order: RenderOrder, *limits: int) -> tuple[str, ...]:
        """The files of a page that is drawn without preparations, without their suffix."""
        keys = [
            drawing_key(order.kind, order.dpi, max_pixels, RENDER_VERSION, order.least_side_px)
            for max_pixels in dict.fromkeys((order.max_pixels, *limits))
        ]
        return tuple(base_name(self._split, document.sha256, order.page, key) for key in keys)

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
