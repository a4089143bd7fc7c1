"""Bring the operational database to the newest schema; runs at every start and changes nothing twice."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import text

from pipeline.errors import ConfigurationError
from pipeline.errors.translate import state_errors

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

#: Two processes that start together must not both create the schema ("schema" in ASCII).
_MIGRATION_LOCK = 0x736368656D61


def migrate(engine: Engine, url: str) -> None:
    """Run the missing revisions in one transaction, under a lock."""
    config = _config()
    with state_errors(url), engine.begin() as connection:
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _MIGRATION_LOCK})
        config.attributes["connection"] = connection
        _refuse_newer(current_revision(connection), config)
        command.upgrade(config, "head")


def newest_revision() -> str:
    """The revision this program needs."""
    return ScriptDirectory.from_config(_config()).get_current_head() or ""


def current_revision(connection: Connection) -> str | None:
    """The revision the database stands at; None when it is empty."""
    return MigrationContext.configure(
        connection, opts={"version_table": "schema_version"}
    ).get_current_revision()


def _refuse_newer(found: str | None, config: Config) -> None:
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if found is not None and found not in known:
        msg = f"the operational database stands at revision {found}, which this version does not know"
        raise ConfigurationError(
            msg, "install the newer minuterisk that made it, or set MINUTERISK_STATE_URL"
        )


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    return config
