"""Everything about one page: its row, its attempts, its file, and what was read. Asked for in threads."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bocr_tui.catalog.list_rows import AttemptRow, DocumentRow, PageRow, SourceRow
from bocr_tui.catalog.lists import Reader
from bocr_tui.config.errors import BocrError
from bocr_tui.ui.pictures import DPI, FarPage, PageFile
from bocr_tui.ui.reading import Lane, Reading
from bocr_tui.ui.widgets.text_pane import ReadLine

Box = tuple[float, float, float, float]


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


@dataclass(frozen=True)
class Read:
    """What one attempt read: its lines with their boxes. `trouble` says why there is nothing."""

    lines: tuple[ReadLine, ...] = ()
    trouble: str = ""


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


async def read_attempt(results: Path, attempt: AttemptRow) -> Read:
    """The text of an attempt, verified. Never raises: what is wrong is told in its place."""
    if attempt.result_file is None:
        return Read(trouble="This attempt left no text.")
    try:
        return await asyncio.to_thread(_read, results, attempt)
    except BocrError as error:
        return Read(trouble=str(error))


def _read(results: Path, attempt: AttemptRow) -> Read:
    from bocr_tui.catalog.results import ResultLocator, read_result

    locator = ResultLocator(
        attempt.result_file or "",
        attempt.result_offset or 0,
        attempt.result_length or 0,
        attempt.result_sha256 or "",
    )
    seen = read_result(results, locator).recognition
    if seen.blocks:
        lines = tuple(ReadLine(block.text, block.confidence, block.box, block.label) for block in seen.blocks)
    else:
        lines = tuple(ReadLine(line) for line in seen.text.splitlines() if line.strip())
    return Read(lines, "" if lines else "Nothing was read: the page counts as blank.")
