"""Until when a forgotten state may have told people."""

from alembic import op

from queries import sql

revision = "0005_restored"
down_revision = "0004_null_day"


def upgrade() -> None:
    """Run the revision's SQL."""
    op.execute(sql("ops/schema/0005_restored"))
