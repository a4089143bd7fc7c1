"""Minutes with rows that nothing counts, and since when transactions have been open."""

from alembic import op

from queries import sql

revision = "0002_strays"
down_revision = "0001_foundation"


def upgrade() -> None:
    """Run the revision's SQL."""
    op.execute(sql("ops/schema/0002_strays"))
