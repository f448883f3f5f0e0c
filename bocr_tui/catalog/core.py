"""The tables as SQLAlchemy Core sees them: what queries and bulk writes use."""

from __future__ import annotations

from sqlalchemy import Table
from sqlmodel import SQLModel

import bocr_tui.catalog.tables  # noqa: F401 - fills the metadata


def _table(name: str) -> Table:
    return SQLModel.metadata.tables[name]


document = _table("document")
source = _table("source")
batch = _table("batch")
page = _table("page")
chain = _table("chain")
job = _table("job")
job_batch = _table("job_batch")
reservation = _table("reservation")
attempt = _table("attempt")
journal_cursor = _table("journal_cursor")
result_cursor = _table("result_cursor")
site_document = _table("site_document")
site_status = _table("site_status")
engine_rate = _table("engine_rate")
language_vote = _table("language_vote")
request = _table("request")
event = _table("event")
setting = _table("setting")
