"""What is wrong now, for the page, `check --live` and the log."""

from alembic import op

from queries import sql

revision = "0008_alarm"
down_revision = "0007_server_started"


def upgrade() -> None:
    """Run the revision's SQL."""
    op.execute(sql("ops/schema/0008_alarm"))
