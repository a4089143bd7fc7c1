"""The nightly measurement of the false-alarm budget."""

from alembic import op

from queries import sql

revision = "0004_null_day"
down_revision = "0003_life"


def upgrade() -> None:
    """Run the revision's SQL."""
    op.execute(sql("ops/schema/0004_null_day"))
