"""Everything about one page: its row, its attempts, its file, and what was read. Asked for in threads."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bocr_tui.catalog.list_rows import AttemptRow, DocumentRow, PageRow, SourceRow
from bocr_tui.catalog.lists import Reader
from bocr_tui.ui.pictures import DPI, FarPage, PageFile
from bocr_tui.ui.reading import Lane, Reading


@dataclass(frozen=True)
class PageStory:
    """One page as the catalog tells it."""

    page: PageRow
    document: DocumentRow
    attempts: tuple[AttemptRow, ...]
    sources: tuple[SourceRow, ...]

    @property
    def best_attempt(self) -> int | None:
        """The index of the attempt whose text is the page's, or else of the last that left a text."""
        for index, attempt in enumerate(self.attempts):
            if attempt.id == self.page.accepted_attempt_id:
                return index
        left = [index for index, attempt in enumerate(self.attempts) if attempt.result_file]
        return left[-1] if left else (len(self.attempts) - 1 if self.attempts else None)

    def picture(self, dpi: int = DPI, *, fetch: bool = True) -> PageFile | FarPage | None:
        """Where the page's picture comes from; None when its file is nowhere."""
        return picture_of(self.sources, self.document, self.page.number, dpi, fetch=fetch)


def picture_of(
    sources: Sequence[SourceRow], document: DocumentRow, number: int, dpi: int = DPI, *, fetch: bool = True
) -> PageFile | FarPage | None:
    """A page of the first file that is here; otherwise of one that lies on a site."""
    for source in sources:
        path = Path(os.fsdecode(source.path))
        if not source.site and path.is_file():
            return PageFile(path, document.kind, number, dpi)
    if any(source.site and source.state == "present" for source in sources):
        return FarPage(document.id, number, dpi, fetch)
    return None


async def tell_page(reading: Reading, page_id: int) -> PageStory | None:
    """None when there is no such page. Raises CatalogError."""

    def ask(reader: Reader) -> PageStory | None:
        with reader.snapshot():
            pages = reader.pages.rows([page_id])
            if not pages:
                return None
            documents = reader.documents.rows([pages[0].document_id])
            return PageStory(
                pages[0],
                documents[0],
                tuple(reader.attempts(page_id)),
                tuple(reader.sources(pages[0].document_id)),
            )

    return await reading.ask(Lane.ROWS, ask)
