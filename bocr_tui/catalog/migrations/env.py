"""Alembic's way in: always the connection that `database` hands over."""

from alembic import context
from sqlmodel import SQLModel

import bocr_tui.catalog.tables  # noqa: F401 - fills the metadata

config = context.config
connection = config.attributes["connection"]
context.configure(connection=connection, target_metadata=SQLModel.metadata, render_as_batch=True)
context.run_migrations()
