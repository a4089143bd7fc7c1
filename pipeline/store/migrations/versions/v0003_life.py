"""Incidents that come back or are told again, and those of the whole platform."""

from alembic import op

from queries import sql

revision = "0003_life"
down_revision = "0002_strays"


def upgrade() -> None:
    """Run the revision's SQL."""
    op.execute(sql("ops/schema/0003_life"))
