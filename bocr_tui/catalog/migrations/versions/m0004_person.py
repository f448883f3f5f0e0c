"""What a person says of a page: which text it has, and texts of their own, which are of no job.

SQLite changes a column's nullability by copying the table: about ten seconds for a million attempts, once.
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.add_column("page", sa.Column("by_person", sa.Boolean(), nullable=False, server_default=sa.text("0")))
    with op.batch_alter_table("attempt") as attempt:
        attempt.alter_column("job_id", existing_type=sa.Integer(), nullable=True)
