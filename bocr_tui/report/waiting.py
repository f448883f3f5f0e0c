"""What waits for a person: pages in no batch yet, and pages whose batch nobody has submitted.

Plain SQL and no library, so that both the quick lists and the catalog's own connections can ask.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bocr_tui.catalog.words import PageState

if TYPE_CHECKING:
    from bocr_tui.catalog.database import Catalog
    from bocr_tui.catalog.lists import Reader

UNSUBMITTED = (
    "state = 'planned' AND batch_id IS NOT NULL AND id NOT IN "
    "(SELECT page_id FROM reservation WHERE released_at IS NULL)"
)
"""Of `page`: planned, and in no chain. A submitted page stays planned until a driver has staged its job."""

_COUNT = (
    f"SELECT (SELECT count(*) FROM page WHERE state = '{PageState.NEW}'), "  # noqa: S608 - our own words
    f"(SELECT count(*) FROM page WHERE {UNSUBMITTED})"
)


@dataclass(frozen=True)
class Waiting:
    """Pages that nothing will read until a person says so."""

    new: int = 0
    unsubmitted: int = 0

    @property
    def next_step(self) -> str:
        """A sentence with the command, empty when nothing waits."""
        if self.unsubmitted:
            pages = "1 page is" if self.unsubmitted == 1 else f"{self.unsubmitted:,} pages are"
            return f"{pages} planned and not submitted: run `bocr submit` next."
        if self.new:
            pages = "1 page is" if self.new == 1 else f"{self.new:,} pages are"
            return f"{pages} new: run `bocr plan` next."
        return ""


def waiting_in(catalog: Catalog) -> Waiting:
    with catalog.reading() as connection:
        return Waiting(*connection.exec_driver_sql(_COUNT).one())


def waiting_seen_by(reader: Reader) -> Waiting:
    with reader.snapshot() as connection:
        return Waiting(*connection.execute(_COUNT).fetchone())
