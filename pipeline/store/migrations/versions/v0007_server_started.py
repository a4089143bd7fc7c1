"""Which start of the source's server a fence was read from."""

from alembic import op

from queries import sql

revision = "0007_server_started"
down_revision = "0006_merchant_category"


def upgrade() -> None:
    """Run the revision's SQL."""
    op.execute(sql("ops/schema/0007_server_started"))
