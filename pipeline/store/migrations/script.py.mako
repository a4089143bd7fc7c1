"""${message}"""

from alembic import op

from queries import sql

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}


def upgrade() -> None:
    """Run the revision's SQL."""
    op.execute(sql("ops/schema/${up_revision}"))
