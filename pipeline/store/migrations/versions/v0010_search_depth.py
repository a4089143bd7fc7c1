"""Minutes that only may differ wait to be read again, beside those that do."""

from alembic import op

from queries import sql

revision = "0010_search_depth"
down_revision = "0009_unknown_money"


def upgrade() -> None:
    """Run the revision's SQL."""
    op.execute(sql("ops/schema/0010_search_depth"))
