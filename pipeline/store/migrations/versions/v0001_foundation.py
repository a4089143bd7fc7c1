"""Ledger, files, watermark, leader, incidents, outbox."""

from alembic import op

from queries import sql

revision = "0001_foundation"
down_revision = None


def upgrade() -> None:
    """Run the revision's SQL."""
    op.execute(sql("ops/schema/0001_foundation"))
