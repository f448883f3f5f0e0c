"""What happened to one job or one batch is asked of an index, however long the timeline is."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    for column in ("job_id", "batch_id"):
        op.create_index(
            f"ix_event_{column.removesuffix('_id')}",
            "event",
            [column],
            unique=False,
            sqlite_where=sa.text(f"{column} IS NOT NULL"),
        )
