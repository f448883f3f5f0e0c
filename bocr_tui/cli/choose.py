"""Which documents and pages a person means, from what was typed."""

from __future__ import annotations

import os
import re
from array import array
from collections.abc import Iterable
from pathlib import Path

from bocr_tui.catalog.list_query import DocumentFilter, PageFilter
from bocr_tui.catalog.list_rows import DocumentRow
from bocr_tui.catalog.lists import Reader
from bocr_tui.catalog.words import PageState
from bocr_tui.config.errors import UsageError
from bocr_tui.intake.names import display_name
from bocr_tui.sites.documents import parse_site_path
from bocr_worker.protocol.failures import FailureClass

_HASH = re.compile(r"^[0-9a-f]{6,64}$")
_LISTED = 8
"""Candidates named when a name fits several documents."""


def documents_named(reader: Reader, said: str) -> list[DocumentRow]:
    """The documents meant by a name, a hash or its first characters (six at least), a path, or a part of
    a name that only fits one name; several when several have that name.

    Raises UsageError: none fits, or a part of a name fits several names.
    """
    said = display_name(os.fsencode(said)) if "/" not in said else said
    for ids in (_by_name(reader, said), _by_hash(reader, said), _by_path(reader, said)):
        if ids:
            return reader.documents.rows(ids)
    like = reader.documents.rows(reader.documents.ids(DocumentFilter(text=said), "name", limit=1000))
    names = sorted({row.name for row in like})
    if len(names) == 1:
        return like
    if not names:
        raise UsageError(f"There is no document {said!r}.", "`bocr documents` lists them.")
    shown = ", ".join(names[:_LISTED]) + (" and more" if len(names) > _LISTED else "")
    raise UsageError(f"{said!r} fits several documents: {shown}.", "Name one, by its name or its sha256.")


def document_named(reader: Reader, said: str) -> DocumentRow:
    """Like documents_named, and only one. Raises UsageError that lists the hashes to choose from."""
    found = documents_named(reader, said)
    if len(found) > 1:
        hashes = ", ".join(row.sha256[:12] for row in found[:_LISTED])
        raise UsageError(f"{len(found)} documents are named {said!r}.", f"Name one by its sha256: {hashes}.")
    return found[0]


def _ids(reader: Reader, sql: str, *parameters: object) -> list[int]:
    with reader.snapshot() as connection:
        return [row[0] for row in connection.execute(sql, parameters)]


def _by_name(reader: Reader, said: str) -> list[int]:
    return _ids(reader, "SELECT id FROM document WHERE name = ? ORDER BY id", said)


def _by_hash(reader: Reader, said: str) -> list[int]:
    if not _HASH.match(said):
        return []
    between = "SELECT id FROM document WHERE sha256 >= ? AND sha256 <= ? ORDER BY id LIMIT 1000"
    return _ids(reader, between, said, said.ljust(64, "f"))


def _by_path(reader: Reader, said: str) -> list[int]:
    if "/" not in said:
        return []
    sql = "SELECT DISTINCT document_id FROM source WHERE path IN (?, ?) AND document_id IS NOT NULL"
    if parse_site_path(os.fsencode(said)) is not None:
        return _ids(reader, sql, os.fsencode(said), os.fsencode(said))
    path = Path(said).absolute()
    return _ids(reader, sql, os.fsencode(path), os.fsencode(path.resolve()))


def states_named(names: Iterable[str]) -> tuple[str, ...]:
    """Raises UsageError for a word that is no page state."""
    known = {str(state) for state in PageState}
    return tuple(_known(name.replace("-", "_"), known, "page state") for name in names)


def classes_named(names: Iterable[str]) -> tuple[str, ...]:
    """Raises UsageError for a word that is no failure class."""
    known = {str(failure) for failure in FailureClass}
    return tuple(_known(name.replace("-", "_"), known, "failure class") for name in names)


def _known(name: str, known: set[str], thing: str) -> str:
    if name not in known:
        raise UsageError(f"There is no {thing} {name!r}.", f"There are: {', '.join(sorted(known))}.")
    return name


def page_number(said: str) -> int:
    """One page's number. Raises UsageError."""
    if not re.fullmatch(r"0*[1-9]\d{0,8}", said, re.ASCII):
        raise UsageError(f"{said!r} is no page number.", "Pages count from 1; see `bocr page --help`.")
    return int(said)


def numbers_in(said: str) -> frozenset[int]:
    """Page numbers out of `3`, `3,5` and `3-5,9`. Raises UsageError."""
    numbers: set[int] = set()
    for part in said.split(","):
        match = re.fullmatch(r"\s*(\d{1,7})\s*(?:-\s*(\d{1,7})\s*)?", part)
        first, last = (int(match[1]), int(match[2] or match[1])) if match else (0, 0)
        if not 1 <= first <= last:
            raise UsageError(f"{said!r} are no page numbers.", "Write them as 3 or 3,5 or 3-9.")
        numbers.update(range(first, last + 1))
    return frozenset(numbers)


def page_filters(
    reader: Reader,
    states: Iterable[str],
    classes: Iterable[str],
    document: str | None,
    engine: str | None,
) -> list[PageFilter]:
    """One filter, or one for each document of that name."""
    wanted = PageFilter(states_named(states), classes_named(classes), engine=engine)
    if document is None:
        return [wanted]
    return [
        PageFilter(wanted.states, wanted.failures, document_id=row.id, engine=engine)
        for row in documents_named(reader, document)
    ]


def page_ids(reader: Reader, filters: Iterable[PageFilter], numbers: frozenset[int] | None) -> array[int]:
    """The pages of these filters, only with these numbers unless None."""
    found: array[int] = array("q")
    for wanted in filters:
        ids = reader.pages.ids(wanted, "place")
        if numbers is None:
            found.extend(ids)
        else:
            found.extend(row.id for row in reader.pages.rows(ids) if row.number in numbers)
    return found
