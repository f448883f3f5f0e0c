"""A person's word on a page: which attempt's text is the page's, or a text of their own.

Nothing is overwritten: a text that a person writes is an attempt more, of the engine `person`, with a results
file of its own below `results/person/`. As with every result the file is safe on disk before the catalog
names it. From then on no journal changes the page: `catalog.attempts` leaves it alone.
"""

from __future__ import annotations

import getpass
import os
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from bocr_tui.catalog import core
from bocr_tui.catalog.database import Catalog, now
from bocr_tui.catalog.results import ResultLocator, read_result
from bocr_tui.catalog.timeline import note
from bocr_tui.catalog.transitions import move_pages
from bocr_tui.catalog.words import PageState
from bocr_tui.config.errors import CatalogError, UsageError
from bocr_tui.control.batch_standing import settle_batches
from bocr_tui.control.written_text import recognition_of, to_edit
from bocr_worker.protocol.recognition import Recognition
from bocr_worker.protocol.results import PageResult, encode_result

PERSON = "person"
"""The engine of a text that a person wrote, and the folder of its results."""

MOST_CHARACTERS = 4_000_000
"""No page holds more; a file named by mistake may."""


@dataclass(frozen=True)
class Accepted:
    """What was done. `refused` names pages that have no text to accept, with the reason."""

    pages: int
    attempts: tuple[int, ...] = ()
    refused: tuple[tuple[int, str], ...] = ()


def accept(catalog: Catalog, results: Path, page_ids: Sequence[int], number: int | None = None) -> Accepted:
    """Make an attempt's text the page's, whatever was thought of it: attempt `number`, counted from 1 as they
    are listed; None: the last that left a text. The text is read and verified first.

    Raises UsageError, CatalogError where one page is named and has no such text."""
    if len(page_ids) == 1:
        return Accepted(1, (_accept_one(catalog, results, page_ids[0], number),))
    taken, refused = [], []
    for page_id in dict.fromkeys(page_ids):
        try:
            taken.append(_accept_one(catalog, results, page_id, number))
        except (UsageError, CatalogError) as error:  # noqa: PERF203 - one page at a time may be refused
            refused.append((page_id, error.cause))
    return Accepted(len(taken), tuple(taken), tuple(refused))


def write_text(catalog: Catalog, results: Path, page_id: int, text: str, number: int | None = None) -> int:
    """Keep a person's text as a new attempt and accept it. `number` is the attempt it was made from, counted
    from 1; None: the one `text_to_edit` gives. Returns the new attempt's id.

    Raises UsageError, CatalogError: no such page or attempt, a text without end, no room on the disk.
    """
    if len(text) > MOST_CHARACTERS:
        raise UsageError(f"That text has {len(text):,} characters: no page has.", "Name another file.")
    with catalog.reading() as connection:
        page, attempts = _page(connection, page_id), _attempts(connection, page_id)
    base = _base(page, attempts, number)
    before = None if base is None else _read(results, base)
    made = PageResult(page.sha256, page.number, 1, True, recognition_of(text, before))
    line = encode_result(made)
    locator = _keep(results, line)
    with catalog.writing() as connection:
        attempt_id = _insert_attempt(connection, page_id, base, before, locator)
        _take(connection, page_id, attempt_id, PERSON, None, None, tries=1)
        note(connection, "page", f"A person wrote the text of page {page.number} of {page.name}")
    return attempt_id


def text_to_edit(catalog: Catalog, results: Path, page_id: int, number: int | None = None) -> tuple[str, str]:
    """The text a person starts from, and the ending of a file that holds it; empty for a page that nobody has
    read. Raises UsageError, CatalogError."""
    with catalog.reading() as connection:
        page, attempts = _page(connection, page_id), _attempts(connection, page_id)
    base = _base(page, attempts, number)
    if base is None:
        return "", ".txt"
    return to_edit(_read(results, base))


def _accept_one(catalog: Catalog, results: Path, page_id: int, number: int | None) -> int:
    with catalog.reading() as connection:
        page, attempts = _page(connection, page_id), _attempts(connection, page_id)
    left = [attempt for attempt in attempts if attempt.result_file is not None]
    chosen = _numbered(attempts, number) if number is not None else (left[-1] if left else None)
    if chosen is None:
        raise UsageError("No attempt left a text that could be accepted.", "Edit the page, or resubmit it.")
    if chosen.result_file is None:
        raise UsageError(f"Attempt {number} left no text.", "Accept another, edit the page, or resubmit it.")
    _read(results, chosen)
    with catalog.writing() as connection:
        _take(connection, page_id, chosen.id, chosen.engine, chosen.confidence_mean, chosen.score)
        note(
            connection,
            "page",
            f"A person accepted what {chosen.engine} read on page {page.number} of {page.name}",
        )
    return int(chosen.id)


def _take(
    connection: Connection,
    page_id: int,
    attempt_id: int,
    engine: str,
    confidence: float | None,
    score: float | None,
    *,
    tries: int = 0,
) -> None:
    """The page is ok by this attempt, from whatever state it was in."""
    table = core.page
    move_pages(connection, [page_id], PageState.OK)
    connection.execute(
        update(table)
        .where(table.c.id == page_id)
        .values(
            accepted_attempt_id=attempt_id,
            by_person=True,
            failure=None,
            engine=engine,
            confidence=confidence,
            score=score,
            attempts=table.c.attempts + tries,
            changed_at=now(),
        )
    )
    batch = connection.execute(select(table.c.batch_id).where(table.c.id == page_id)).scalar()
    settle_batches(connection, [] if batch is None else [batch])


@dataclass(frozen=True)
class _Page:
    number: int
    accepted_attempt_id: int | None
    sha256: str
    name: str
    """The document's."""


def _page(connection: Connection, page_id: int) -> _Page:
    page, document = core.page.c, core.document.c
    columns = select(page.number, page.accepted_attempt_id, document.sha256, document.name)
    row = connection.execute(
        columns.join(core.document, document.id == page.document_id).where(page.id == page_id)
    ).first()
    if row is None:
        raise UsageError(f"There is no page {page_id}.", "`bocr pages` lists them.")
    return _Page(*row)


def _attempts(connection: Connection, page_id: int) -> Sequence[Row[Any]]:
    table = core.attempt
    return connection.execute(select(table).where(table.c.page_id == page_id).order_by(table.c.id)).all()


def _numbered(attempts: Sequence[Row[Any]], number: int) -> Row[Any]:
    if not 1 <= number <= len(attempts):
        raise UsageError(
            f"There is no attempt {number}: this page has {len(attempts)}.", "`bocr page` lists them."
        )
    return attempts[number - 1]


def _base(page: _Page, attempts: Sequence[Row[Any]], number: int | None) -> Row[Any] | None:
    """The attempt a person starts from: the one named, else the accepted one, else the last with a text."""
    if number is not None:
        chosen = _numbered(attempts, number)
        return chosen if chosen.result_file is not None else None
    left = [attempt for attempt in attempts if attempt.result_file is not None]
    accepted = [attempt for attempt in left if attempt.id == page.accepted_attempt_id]
    best = accepted or left
    return best[-1] if best else None


def _read(results: Path, attempt: Row[Any]) -> Recognition:
    locator = ResultLocator(
        attempt.result_file, attempt.result_offset, attempt.result_length, attempt.result_sha256
    )
    return read_result(results, locator).recognition


def _keep(results: Path, line: bytes) -> ResultLocator:
    """A new file with this result alone, safe on disk when this returns."""
    name = f"{PERSON}/{secrets.token_hex(8)}.jsonl"
    path = results / name
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("xb") as stream:
            stream.write(line)
            stream.flush()
            os.fsync(stream.fileno())
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as error:
        raise CatalogError(
            f"{path} cannot be written: {error.strerror or error}.", "Make room; nothing was changed."
        ) from None
    return ResultLocator(name, 0, len(line), sha256(line).hexdigest())


def _insert_attempt(
    connection: Connection,
    page_id: int,
    base: Row[Any] | None,
    before: Recognition | None,
    locator: ResultLocator,
) -> int:
    stem = locator.file.rsplit("/", 1)[-1].removesuffix(".jsonl")
    evidence = {"by": _user(), **({} if base is None else {"from_attempt": base.id, "from": base.engine})}
    made = connection.execute(
        insert(core.attempt).values(
            page_id=page_id,
            job_id=None,
            number=1,
            outcome="ok",
            failure=None,
            evidence=evidence,
            last=False,
            variation="typed" if base is None else "edited",
            language=None if before is None else before.language,
            at=now(),
            journal=f"{PERSON}/{stem}",
            generation=stem,
            offset=0,
            result_file=locator.file,
            result_offset=locator.offset,
            result_length=locator.length,
            result_sha256=locator.sha256,
            engine=PERSON,
            engine_version="",
            weights="",
            prompt_hash="",
            settings_hash="",
            render_hash="" if base is None else base.render_hash,
        )
    )
    key = made.inserted_primary_key
    assert key is not None
    return int(key[0])


def _user() -> str:
    try:
        return getpass.getuser()[:60]
    except (OSError, KeyError, ImportError):  # no name for this number, as in some containers
        return ""
