"""How fast pages were read in the last hours is asked of an index alone."""

from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_index("ix_attempt_at", "attempt", ["at", "last", "outcome", "completion_tokens"], unique=False)
