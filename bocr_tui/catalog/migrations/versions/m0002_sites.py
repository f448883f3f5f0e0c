"""Sites that are far away: what lies there, how they stand, and jobs submitted as chains."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_table(
        "site_document",
        sa.Column("site", sa.String(), nullable=False),
        sa.Column("document_id", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("path", sa.String(), nullable=False),
        sa.Column("problem", sa.String(), nullable=False),
        sa.Column("changed_at", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(["document_id"], ["document.id"]),
        sa.PrimaryKeyConstraint("site", "document_id"),
    )
    op.create_index("ix_site_document_state", "site_document", ["site", "state"], unique=False)
    op.create_table(
        "site_status",
        sa.Column("site", sa.String(), nullable=False),
        sa.Column("link", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("link_at", sa.Float(), nullable=False),
        sa.Column("next_try_at", sa.Float(), nullable=True),
        sa.Column("polled_at", sa.Float(), nullable=True),
        sa.Column("looked_at", sa.Float(), nullable=True),
        sa.Column("look_problem", sa.String(), nullable=False),
        sa.Column("uploading", sa.String(), nullable=False),
        sa.Column("upload_done_bytes", sa.Integer(), nullable=False),
        sa.Column("upload_total_bytes", sa.Integer(), nullable=False),
        sa.Column("upload_bytes_s", sa.Float(), nullable=False),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("site"),
    )
    op.add_column("source", sa.Column("site", sa.String(), nullable=False, server_default=""))
    op.add_column("job", sa.Column("round", sa.Integer(), nullable=False, server_default="1"))
    op.add_column("job", sa.Column("asks", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("job", sa.Column("exit_status", sa.Integer(), nullable=True))
    op.add_column("job", sa.Column("freed_at", sa.Float(), nullable=True))
