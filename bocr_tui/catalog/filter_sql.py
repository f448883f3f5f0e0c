# ruff: noqa: S608 - SQL is put together here from our own names; every value is bound
"""From the terms of a filter to conditions of SQL."""

from __future__ import annotations

import time
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from bocr_tui.catalog.filter_language import TEXT, Term


class Condition(NamedTuple):
    """A part of a WHERE clause and its values. Its columns are written `{p}column`, because in a join they
    need their table's name before them."""

    sql: str
    parameters: tuple[Any, ...] = ()

    def on(self, prefix: str = "") -> str:
        """The clause with `prefix` before its columns."""
        return self.sql.replace("{p}", prefix)


NEVER = Condition("0")


def fold(text: str) -> str:
    """Text for comparing names: one case, one Unicode form (macOS writes names decomposed)."""
    return unicodedata.normalize("NFKC", text).casefold()


def is_in(column: str, values: Sequence[Any]) -> Condition:
    return Condition(f"{{p}}{column} IN ({', '.join('?' * len(values))})", tuple(values))


_JOB_IDS = "SELECT id FROM job WHERE {}"
_OF_JOBS = (
    "{p}id IN (SELECT page_id FROM attempt WHERE job_id IN ({jobs}) UNION SELECT r.page_id FROM job AS j "
    "JOIN reservation AS r ON r.chain_id = j.chain_id WHERE j.id IN ({jobs}) "
    "AND j.stage = (SELECT min(stage) FROM job WHERE chain_id = j.chain_id))"
)

_HOLDS = "instr(folded({}), ?) > 0"
"""A name that holds a text, whatever the case; needs the Reader's function."""

_BY_NAME = {
    "doc": f"{{p}}document_id IN (SELECT id FROM document WHERE {_HOLDS.format('name')})",
    TEXT: f"{{p}}document_id IN (SELECT id FROM document WHERE {_HOLDS.format('name')})",
    "batch": f"{{p}}batch_id IN (SELECT id FROM batch WHERE {_HOLDS.format('name')})",
    "job": _OF_JOBS.replace("{jobs}", _JOB_IDS.format(_HOLDS.format("token"))),
}

Columns = Mapping[str, str]
"""Field → column, or for names → a whole clause with as many `?` as texts it takes."""

PAGE_COLUMNS: Columns = {
    "state": "state",
    "class": "failure",
    "engine": "engine",
    "conf": "confidence",
    "page": "number",
    "tries": "attempts",
    "changed": "changed_at",
    "lang": "(SELECT language FROM document WHERE id = {p}document_id)",
    **_BY_NAME,
}
DOCUMENT_COLUMNS: Columns = {
    "state": "state",
    "lang": "language",
    "pages": "page_count",
    "added": "added_at",
    "doc": _HOLDS.format("{p}name"),
    TEXT: _HOLDS.format("{p}name"),
    "reason": _HOLDS.format("{p}reason"),
}
BATCH_COLUMNS: Columns = {
    "state": "state",
    "pages": "pages",
    "documents": "documents",
    "created": "created_at",
    "batch": _HOLDS.format("{p}name"),
    TEXT: _HOLDS.format("{p}name"),
}
JOB_COLUMNS: Columns = {
    "state": "state",
    "cause": "cause",
    "engine": "engine",
    "site": "site",
    "stage": "stage + 1",
    "failed": "failed",
    "pages": "pages",
    "submitted": "submitted_at",
    "job": _HOLDS.format("{p}token"),
    TEXT: _HOLDS.format("{p}token"),
    "id": _HOLDS.format("coalesce({p}scheduler_id, '')"),
    "reason": _HOLDS.format("{p}reason"),
    "batch": "{p}id IN (SELECT jb.job_id FROM job_batch AS jb JOIN batch AS b ON b.id = jb.batch_id "
    f"WHERE {_HOLDS.format('b.name')})",
}


def conditions(terms: Sequence[Term], columns: Columns) -> list[Condition]:
    """The conditions that the terms make. Ages are counted from now."""
    return [_condition(term, columns[term.field]) for term in terms]


def _condition(term: Term, column: str) -> Condition:
    made = _any([_one(term, column, value) for value in term.values])
    # What is unknown is not what is asked for, so that the negation of it holds.
    return Condition(f"NOT coalesce({made.sql}, 0)", made.parameters) if term.negated else made


def _any(made: Sequence[Condition]) -> Condition:
    if len(made) == 1:
        return made[0]
    joined = " OR ".join(each.sql for each in made)
    return Condition(f"({joined})", tuple(value for each in made for value in each.parameters))


def _one(term: Term, column: str, value: str | float | tuple[float, float]) -> Condition:
    if term.kind == "name":
        return Condition(column, (fold(str(value)),) * column.count("?"))
    name = column if "{p}" in column or " " in column else f"{{p}}{column}"
    if isinstance(value, tuple):
        return Condition(f"{name} BETWEEN ? AND ?", value)
    if term.kind == "age":
        turned = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}[term.operator]
        return Condition(f"{name} {turned} ?", (time.time() - float(value),))
    if term.kind == "open":
        low = str(value).lower()
        return Condition(f"{name} IN (?, ?, ?)", (str(value), low, low.replace("-", "_")))
    return Condition(f"{name} {'=' if term.operator == ':' else term.operator} ?", (value,))
