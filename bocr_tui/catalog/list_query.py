# ruff: noqa: S608 - SQL is put together here from our own names; every value is bound
"""From a filter and an order to SQL that an index answers.

`state IN (a, b) ORDER BY id` would sort, because an index holds the ids in order only within one state.
So each combination of states and classes becomes a branch that reads one run of an index in order, and
SQLite merges the branches (UNION ALL with an ORDER BY) without a temporary b-tree.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from bocr_tui.catalog.filter_language import Term
from bocr_tui.catalog.filter_sql import (
    BATCH_COLUMNS,
    DOCUMENT_COLUMNS,
    JOB_COLUMNS,
    NEVER,
    PAGE_COLUMNS,
    Condition,
    conditions,
    is_in,
)
from bocr_tui.catalog.filter_sql import fold as fold  # other lists look for it here
from bocr_tui.catalog.words import PageState

PageOrder = Literal["place", "document", "state", "failure", "confidence"]
"""place: as imported. document: by its name. state: by its name. failure: by class, those without one last.
confidence: lowest first, unknown last."""

DocumentOrder = Literal["name", "added", "state", "pages", "language"]
BatchOrder = Literal["oldest", "newest", "state", "name", "pages", "documents", "estimate"]
JobOrder = Literal["newest", "oldest", "state", "engine", "site", "pages", "failed"]

MOST_BRANCHES = 24
"""More combinations than this are asked for with IN and sorted: a merge of so many gains nothing."""

_ALL_STATES = tuple(str(state) for state in PageState)


@dataclass(frozen=True)
class PageFilter:
    """Which pages; empty: all. `failures` are classes. `text` is looked for in the document's name,
    whatever the case. `job_id`: the pages the job tried, or was given if it is its chain's first. `terms`
    must hold beside the rest, here and in the other filters."""

    states: tuple[str, ...] = ()
    failures: tuple[str, ...] = ()
    document_id: int | None = None
    batch_id: int | None = None
    job_id: int | None = None
    engine: str | None = None
    text: str = ""
    terms: tuple[Term, ...] = ()


@dataclass(frozen=True)
class DocumentFilter:
    """Which documents; `text` is looked for in the name."""

    states: tuple[str, ...] = ()
    text: str = ""
    terms: tuple[Term, ...] = ()


@dataclass(frozen=True)
class BatchFilter:
    """Which batches; `text` is looked for in the name."""

    states: tuple[str, ...] = ()
    text: str = ""
    terms: tuple[Term, ...] = ()


@dataclass(frozen=True)
class JobFilter:
    """Which jobs; `text` is looked for in the token. `troubled`: lost, rejected, or ended otherwise than
    well."""

    states: tuple[str, ...] = ()
    troubled: bool = False
    batch_id: int | None = None
    chain_id: int | None = None
    text: str = ""
    terms: tuple[Term, ...] = ()


@dataclass(frozen=True)
class Query:
    """One statement whose first column is the id."""

    sql: str
    parameters: tuple[Any, ...] = ()


def page_queries(wanted: PageFilter, order: PageOrder, *, backwards: bool = False) -> list[Query]:
    """The statements that together give the ids of `wanted`, in order: run them one after the other."""
    wanted, common = _lifted(wanted)
    common += _page_conditions(wanted)
    if order == "document":
        return [_pages_by_name(wanted, common, backwards)]
    states = wanted.states
    if not states and (order == "confidence" or wanted.batch_id is not None or wanted.engine):
        states = _ALL_STATES  # the indexes hold these orders within a state
    groups = {"state": states, "failure": wanted.failures}
    if order in ("place", "state"):
        keys = _place_keys(wanted, states) if order == "place" else ("state", "id")
        return [merged("page", keys, groups, common, backwards=backwards)]
    column = "confidence" if order == "confidence" else "failure"
    place = ("id",) if states else ("document_id", "number")
    is_known = Condition(f"{{p}}{column} IS NOT NULL")
    known = merged("page", (column, *place), groups, [*common, is_known], backwards=backwards)
    unknown = merged("page", place, groups, [*common, Condition(f"{{p}}{column} IS NULL")])
    return [known] if wanted.failures and column == "failure" else [known, unknown]


def page_where(wanted: PageFilter) -> tuple[list[str], tuple[Any, ...]]:
    """The clauses that pages must meet, and their values, where their order does not matter."""
    wanted, met = _lifted(wanted)
    met += _page_conditions(wanted)
    for column, values in (("state", wanted.states), ("failure", wanted.failures)):
        if values:
            met.append(is_in(column, values))
    return [each.on() for each in met], tuple(value for each in met for value in each.parameters)


def _lifted(wanted: PageFilter) -> tuple[PageFilter, list[Condition]]:
    """Terms that say what a field of the filter can say move there, where an index serves them; the others
    become conditions."""
    left = []
    for term in wanted.terms:
        if term.negated or term.field not in ("state", "class", "engine"):
            left.append(term)
        elif term.field == "engine":
            if wanted.engine is None and len(term.values) == 1:
                wanted = replace(wanted, engine=term.texts[0].lower().replace("-", "_"))
            else:
                left.append(term)
        else:
            before = wanted.states if term.field == "state" else wanted.failures
            both = tuple(each for each in term.texts if not before or each in before)
            if not both:
                return wanted, [NEVER]
            of_state = term.field == "state"
            wanted = replace(wanted, states=both) if of_state else replace(wanted, failures=both)
    return wanted, conditions(left, PAGE_COLUMNS)


def _place_keys(wanted: PageFilter, states: Sequence[str]) -> tuple[str, ...]:
    if wanted.document_id is not None:
        return ("number",)
    by_document = wanted.text or (wanted.failures and not states)
    return ("document_id", "number") if by_document else ("id",)


def _page_conditions(wanted: PageFilter) -> list[Condition]:
    found = [
        Condition(f"{{p}}{column} = ?", (value,))
        for column in ("document_id", "batch_id", "engine")
        if (value := getattr(wanted, column)) is not None
    ]
    if wanted.job_id is not None:
        found.append(Condition(f"{{p}}id IN ({_PAGES_OF_JOB})", (wanted.job_id, wanted.job_id)))
    if wanted.text:
        names = "SELECT id FROM document WHERE instr(folded(name), ?) > 0"
        found.append(Condition(f"{{p}}document_id IN ({names})", (fold(wanted.text),)))
    return found


_PAGES_OF_JOB = """
SELECT page_id FROM attempt WHERE job_id = ?
UNION
SELECT r.page_id FROM job AS j JOIN reservation AS r ON r.chain_id = j.chain_id
WHERE j.id = ? AND j.stage = (SELECT min(stage) FROM job WHERE chain_id = j.chain_id)
"""


def _pages_by_name(wanted: PageFilter, common: Sequence[Condition], backwards: bool) -> Query:
    """Documents in the order of their names, and of each its pages: a walk along two indexes. Few pages
    (those of a class) are sorted instead: most documents have none of them."""
    found = list(common)
    for column, values in (("state", wanted.states), ("failure", wanted.failures)):
        if values:
            found.append(is_in(column, values))
    where = " AND ".join(condition.on("page.") for condition in found)
    parameters = tuple(value for condition in found for value in condition.parameters)
    few = bool(wanted.failures) or bool(wanted.states and not set(wanted.states) & _MANY)
    tables = "page CROSS JOIN document" if few else "document CROSS JOIN page"
    way = " DESC" if backwards else ""
    return Query(
        f"SELECT page.id FROM {tables} ON page.document_id = document.id{' WHERE ' + where if where else ''}"
        f" ORDER BY document.name{way}, document.id{way}, page.number{way}",
        parameters,
    )


_MANY = frozenset(map(str, (PageState.OK, PageState.NEW, PageState.PLANNED, PageState.QUEUED)))
"""States in which most pages of an archive may be."""


def document_queries(wanted: DocumentFilter, order: DocumentOrder, *, backwards: bool = False) -> list[Query]:
    keys = {
        "name": ("name", "id"),
        "added": ("id",),
        "state": ("state", "name", "id"),
        "pages": ("page_count", "id"),
        "language": ("language", "id"),
    }[order]
    found = [*_named("name", wanted.text), *conditions(wanted.terms, DOCUMENT_COLUMNS)]
    return [merged("document", keys, {"state": wanted.states}, found, backwards=backwards)]


def batch_queries(wanted: BatchFilter, order: BatchOrder, *, backwards: bool = False) -> list[Query]:
    keys = {
        "oldest": ("id",),
        "newest": ("id",),
        "state": ("state", "id"),
        "name": ("name", "id"),
        "pages": ("pages", "id"),
        "documents": ("documents", "id"),
        "estimate": ("estimated_s", "id"),
    }[order]
    found = [*_named("name", wanted.text), *conditions(wanted.terms, BATCH_COLUMNS)]
    turned = backwards != (order == "newest")
    return [merged("batch", keys, {"state": wanted.states}, found, backwards=turned)]


def job_queries(wanted: JobFilter, order: JobOrder, *, backwards: bool = False) -> list[Query]:
    keys = ("id",) if order in ("newest", "oldest") else (order, "id")
    found = [*_named("token", wanted.text), *conditions(wanted.terms, JOB_COLUMNS)]
    if wanted.troubled:
        found.append(Condition("({p}state IN ('lost', 'rejected') OR {p}cause <> 'ok')"))
    if wanted.chain_id is not None:
        found.append(Condition("{p}chain_id = ?", (wanted.chain_id,)))
    if wanted.batch_id is not None:
        jobs = "SELECT job_id FROM job_batch WHERE batch_id = ?"
        found.append(Condition(f"{{p}}id IN ({jobs})", (wanted.batch_id,)))
    turned = backwards != (order == "newest")
    return [merged("job", keys, {"state": wanted.states}, found, backwards=turned)]


def _named(column: str, text: str) -> list[Condition]:
    return [Condition(f"instr(folded({{p}}{column}), ?) > 0", (fold(text),))] if text else []


def merged(
    table: str,
    keys: Sequence[str],
    groups: Mapping[str, Sequence[str]],
    common: Sequence[Condition],
    *,
    backwards: bool = False,
) -> Query:
    """Ids of the rows whose columns are among `groups` and that meet `common`, ordered by `keys`."""
    asked = [(column, tuple(dict.fromkeys(values))) for column, values in groups.items() if values]
    direction = " DESC" if backwards else ""
    columns = ", ".join(["id", *(key for key in keys if key != "id")])
    order = ", ".join(f"{key}{direction}" for key in keys)
    branches = list(itertools.product(*(values for _, values in asked)))
    if len(branches) > MOST_BRANCHES:
        branches, common = [()], [*common, *(is_in(column, values) for column, values in asked)]
        asked = []
    selects, parameters = [], []
    for branch in branches:
        met = [Condition(f"{column} = ?", (value,)) for (column, _), value in zip(asked, branch, strict=True)]
        met += common
        where = " AND ".join(condition.on() for condition in met)
        selects.append(f"SELECT {columns} FROM {table}{' WHERE ' + where if where else ''}")
        parameters += [value for condition in met for value in condition.parameters]
    return Query(f"{' UNION ALL '.join(selects)} ORDER BY {order}", tuple(parameters))
