"""Money at risk may be not known."""

from alembic import op

from queries import sql

revision = "0009_unknown_money"
down_revision = "0008_alarm"


def upgrade() -> None:
    """Run the revision's SQL."""
    op.execute(sql("ops/schema/0009_unknown_money"))
