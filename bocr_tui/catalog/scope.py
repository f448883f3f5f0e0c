"""A part of the catalog, as conditions of a statement."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, func, select, true

from bocr_tui.catalog import core
from bocr_tui.catalog.words import READABLE


@dataclass(frozen=True)
class Scope:
    """Which documents and pages are meant; both None: all there are.

    With `document_ids` alone the pages are those of the readable ones among them, with `page_ids` too just
    these pages.
    """

    document_ids: Sequence[int] | None = None
    page_ids: Sequence[int] | None = None

    def page_condition(self) -> ColumnElement[bool]:
        """For a statement over `page`. The ids travel as one JSON value, so their number has no limit."""
        if self.page_ids is not None:
            return core.page.c.id.in_(_listed(self.page_ids))
        if self.document_ids is None:
            return true()
        document = core.document
        readable = select(document.c.id).where(
            document.c.id.in_(_listed(self.document_ids)), document.c.state.in_(sorted(map(str, READABLE)))
        )
        return core.page.c.document_id.in_(readable)

    def document_condition(self) -> ColumnElement[bool]:
        """For a statement over `document`."""
        if self.document_ids is not None:
            return core.document.c.id.in_(_listed(self.document_ids))
        if self.page_ids is not None:
            owners = select(core.page.c.document_id).where(core.page.c.id.in_(_listed(self.page_ids)))
            return core.document.c.id.in_(owners)
        return true()


def _listed(ids: Sequence[int]) -> Any:
    return select(func.json_each(json.dumps(list(ids))).table_valued("value").c.value)
