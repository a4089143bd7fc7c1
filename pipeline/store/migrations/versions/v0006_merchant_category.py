"""The categories of merchants over time."""

from alembic import op

from queries import sql

revision = "0006_merchant_category"
down_revision = "0005_restored"


def upgrade() -> None:
    """Run the revision's SQL."""
    op.execute(sql("ops/schema/0006_merchant_category"))
