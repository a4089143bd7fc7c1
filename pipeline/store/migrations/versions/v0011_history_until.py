"""Where the history of the first start ends."""

from alembic import op

from queries import sql

revision = "0011_history_until"
down_revision = "0010_search_depth"


def upgrade() -> None:
    """Run the revision's SQL."""
    op.execute(sql("ops/schema/0011_history_until"))
