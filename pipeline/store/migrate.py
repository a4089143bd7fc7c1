"""Bring the operational database to the newest schema; runs at every start and changes nothing twice.

A revision is a file of queries/ops/schema, and is called like it; they follow one another by their numbers.
"""

from __future__ import annotations

from types import ModuleType
from typing import TYPE_CHECKING

from alembic.runtime.migration import MigrationContext, MigrationStep
from alembic.script.base import Script
from alembic.script.revision import RevisionMap
from sqlalchemy import text

from pipeline.amounts import DEFAULT_CURRENCY
from pipeline.errors import ConfigurationError
from pipeline.errors.translate import state_errors
from queries import FOLDER, sql

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

#: Two processes that start together must not both create the schema ("schema" in ASCII).
_MIGRATION_LOCK = 0x736368656D61
_VERSION_TABLE = "schema_version"


def migrate(engine: Engine, url: str, currency: str = DEFAULT_CURRENCY, until: str | None = None) -> None:
    """Run the missing revisions, up to `until` where it is given, in one transaction and under a lock.

    `currency` is that of money which earlier versions kept without saying.
    """
    with state_errors(url), engine.begin() as connection:
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _MIGRATION_LOCK})
        given = {"currency": currency}
        connection.execute(text("SELECT set_config('minuterisk.currency', :currency, true)"), given)
        known, current = revisions(), current_revision(connection)
        _refuse_newer(current, known)
        _run(connection, known, current, until or known[-1])


def revisions() -> list[str]:
    """Every revision that this program knows, oldest first."""
    return sorted(path.stem for path in (FOLDER / "ops" / "schema").glob("*.sql"))


def newest_revision() -> str:
    """The revision this program needs."""
    return revisions()[-1]


def current_revision(connection: Connection) -> str | None:
    """The revision the database stands at; None when it is empty."""
    return MigrationContext.configure(
        connection, opts={"version_table": _VERSION_TABLE}
    ).get_current_revision()


def _run(connection: Connection, known: list[str], current: str | None, until: str) -> None:
    scripts = [_script(connection, *pair) for pair in zip(known, [None, *known], strict=False)]
    in_order = RevisionMap(lambda: scripts)
    missing = {script.revision for script in in_order.iterate_revisions(until, current)}
    steps = [MigrationStep.upgrade_from_script(in_order, s) for s in scripts if s.revision in missing]
    opts = {"version_table": _VERSION_TABLE, "fn": lambda *_: steps}
    MigrationContext.configure(connection, opts=opts).run_migrations()


def _script(connection: Connection, revision: str, before: str | None) -> Script:
    """A revision as Alembic knows it: a module."""
    module = ModuleType(revision)
    vars(module).update(
        revision=revision,
        down_revision=before,
        upgrade=lambda: connection.execute(text(sql(f"ops/schema/{revision}"))),
    )
    return Script(module, revision, f"{revision}.sql")


def _refuse_newer(found: str | None, known: list[str]) -> None:
    if found is not None and found not in known:
        msg = f"the operational database stands at revision {found}, which this version does not know"
        raise ConfigurationError(
            msg, "install the newer minuterisk that made it, or set MINUTERISK_STATE_URL"
        )
