# ruff: noqa: S608 - SQL is put together here from our own names; every value is bound
"""From a filter and an order to SQL that an index answers.

`state IN (a, b) ORDER BY id` would sort, because an index holds the ids in order only within one state.
So each combination of states and classes becomes a branch that reads one run of an index in order, and
SQLite merges the branches (UNION ALL with an ORDER BY) without a temporary b-tree.
"""

from __future__ import annotations

import itertools
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from bocr_tui.catalog.words import PageState

PageOrder = Literal["place", "document", "failure", "confidence"]
"""place: as imported. document: by its name. failure: by class, those without one last. confidence: lowest
first, unknown last."""

DocumentOrder = Literal["name", "added", "state"]
BatchOrder = Literal["oldest", "newest", "state"]
JobOrder = Literal["newest", "oldest", "state"]

MOST_BRANCHES = 24
"""More combinations than this are asked for with IN and sorted: a merge of so many gains nothing."""

_ALL_STATES = tuple(str(state) for state in PageState)


@dataclass(frozen=True)
class PageFilter:
    """Which pages; empty: all. `failures` are classes. `text` is looked for in the document's name,
    whatever the case. `job_id`: the pages the job tried, or was given if it is its chain's first."""

    states: tuple[str, ...] = ()
    failures: tuple[str, ...] = ()
    document_id: int | None = None
    batch_id: int | None = None
    job_id: int | None = None
    engine: str | None = None
    text: str = ""


@dataclass(frozen=True)
class DocumentFilter:
    """Which documents; `text` is looked for in the name."""

    states: tuple[str, ...] = ()
    text: str = ""


@dataclass(frozen=True)
class BatchFilter:
    """Which batches; `text` is looked for in the name."""

    states: tuple[str, ...] = ()
    text: str = ""


@dataclass(frozen=True)
class JobFilter:
    """Which jobs; `text` is looked for in the token. `troubled`: lost, rejected, or ended otherwise than
    well."""

    states: tuple[str, ...] = ()
    troubled: bool = False
    batch_id: int | None = None
    chain_id: int | None = None
    text: str = ""


@dataclass(frozen=True)
class Query:
    """One statement whose first column is the id."""

    sql: str
    parameters: tuple[Any, ...] = ()


@dataclass(frozen=True)
class Condition:
    """A part of a WHERE clause and its values."""

    sql: str
    parameters: tuple[Any, ...] = ()


def fold(text: str) -> str:
    """Text for comparing names: one case, one Unicode form (macOS writes names decomposed)."""
    return unicodedata.normalize("NFKC", text).casefold()


def page_queries(wanted: PageFilter, order: PageOrder) -> list[Query]:
    """The statements that together give the ids of `wanted`, in order: run them one after the other."""
    if order == "document":
        return [_pages_by_name(wanted)]
    states = wanted.states
    if not states and (order == "confidence" or wanted.batch_id is not None or wanted.engine):
        states = _ALL_STATES  # the indexes hold these orders within a state
    groups = {"state": states, "failure": wanted.failures}
    common = _page_conditions(wanted)
    if order == "place":
        return [merged("page", _place_keys(wanted, states), groups, common)]
    column = "confidence" if order == "confidence" else "failure"
    place = ("id",) if states else ("document_id", "number")
    known = merged("page", (column, *place), groups, [*common, Condition(f"{column} IS NOT NULL")])
    unknown = merged("page", place, groups, [*common, Condition(f"{column} IS NULL")])
    return [known] if wanted.failures and column == "failure" else [known, unknown]


def _place_keys(wanted: PageFilter, states: Sequence[str]) -> tuple[str, ...]:
    if wanted.document_id is not None:
        return ("number",)
    by_document = wanted.text or (wanted.failures and not states)
    return ("document_id", "number") if by_document else ("id",)


def _page_conditions(wanted: PageFilter) -> list[Condition]:
    conditions = []
    for column in ("document_id", "batch_id", "engine"):
        value = getattr(wanted, column)
        if value is not None:
            conditions.append(Condition(f"{column} = ?", (value,)))
    if wanted.job_id is not None:
        conditions.append(Condition(f"id IN ({_PAGES_OF_JOB})", (wanted.job_id, wanted.job_id)))
    if wanted.text:
        names = "SELECT id FROM document WHERE instr(folded(name), ?) > 0"
        conditions.append(Condition(f"document_id IN ({names})", (fold(wanted.text),)))
    return conditions


_PAGES_OF_JOB = """
SELECT page_id FROM attempt WHERE job_id = ?
UNION
SELECT r.page_id FROM job AS j JOIN reservation AS r ON r.chain_id = j.chain_id
WHERE j.id = ? AND j.stage = (SELECT min(stage) FROM job WHERE chain_id = j.chain_id)
"""


def _pages_by_name(wanted: PageFilter) -> Query:
    """Documents in the order of their names, and of each its pages: a walk along two indexes."""
    conditions = _page_conditions(wanted)
    for column, values in (("state", wanted.states), ("failure", wanted.failures)):
        if values:
            conditions.append(_is_in(column, values))
    where = " AND ".join(_of_page(condition.sql) for condition in conditions)
    parameters = tuple(value for condition in conditions for value in condition.parameters)
    return Query(
        "SELECT page.id FROM document CROSS JOIN page ON page.document_id = document.id"
        f"{' WHERE ' + where if where else ''} ORDER BY document.name, document.id, page.number",
        parameters,
    )


def _of_page(sql: str) -> str:
    """Conditions begin with a column's name, which the join would make ambiguous."""
    return f"page.{sql}"


def document_queries(wanted: DocumentFilter, order: DocumentOrder) -> list[Query]:
    keys = {"name": ("name", "id"), "added": ("id",), "state": ("state", "name", "id")}[order]
    return [merged("document", keys, {"state": wanted.states}, _named("name", wanted.text))]


def batch_queries(wanted: BatchFilter, order: BatchOrder) -> list[Query]:
    keys = {"oldest": ("id",), "newest": ("id",), "state": ("state", "id")}[order]
    conditions = _named("name", wanted.text)
    return [merged("batch", keys, {"state": wanted.states}, conditions, backwards=order == "newest")]


def job_queries(wanted: JobFilter, order: JobOrder) -> list[Query]:
    keys = {"oldest": ("id",), "newest": ("id",), "state": ("state", "id")}[order]
    conditions = _named("token", wanted.text)
    if wanted.troubled:
        conditions.append(Condition("(state IN ('lost', 'rejected') OR cause <> 'ok')"))
    if wanted.chain_id is not None:
        conditions.append(Condition("chain_id = ?", (wanted.chain_id,)))
    if wanted.batch_id is not None:
        jobs = "SELECT job_id FROM job_batch WHERE batch_id = ?"
        conditions.append(Condition(f"id IN ({jobs})", (wanted.batch_id,)))
    return [merged("job", keys, {"state": wanted.states}, conditions, backwards=order == "newest")]


def _named(column: str, text: str) -> list[Condition]:
    return [Condition(f"instr(folded({column}), ?) > 0", (fold(text),))] if text else []


def _is_in(column: str, values: Sequence[str]) -> Condition:
    return Condition(f"{column} IN ({', '.join('?' * len(values))})", tuple(values))


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
        branches, common = [()], [*common, *(_is_in(column, values) for column, values in asked)]
        asked = []
    selects, parameters = [], []
    for branch in branches:
        conditions = [
            Condition(f"{column} = ?", (value,)) for (column, _), value in zip(asked, branch, strict=True)
        ]
        conditions += common
        where = " AND ".join(condition.sql for condition in conditions)
        selects.append(f"SELECT {columns} FROM {table}{' WHERE ' + where if where else ''}")
        parameters += [value for condition in conditions for value in condition.parameters]
    return Query(f"{' UNION ALL '.join(selects)} ORDER BY {order}", tuple(parameters))
