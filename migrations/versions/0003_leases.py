"""Which process looks after which chat."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Make the table, and an index by which a chat's letters are found."""
    op.create_table(
        "leases",
        sa.Column("name", sa.String(64), primary_key=True),
        sa.Column("owner", sa.String(32), nullable=False, index=True),
        sa.Column("until", sa.Float, nullable=False),
    )
    op.create_index("ix_inbox_chat", "inbox", ["chat"])


def downgrade() -> None:
    """Take them away."""
    op.drop_index("ix_inbox_chat", "inbox")
    op.drop_table("leases")
