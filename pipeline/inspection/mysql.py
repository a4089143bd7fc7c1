"""What MySQL and MariaDB say of themselves, of our user and of our queries' plans, for `check`."""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Self

import pymysql
from pymysql.cursors import DictCursor

from pipeline.errors import MinuteriskError, SourceChanged
from pipeline.errors.translate import source_errors
from pipeline.finding import Finding, failed
from pipeline.inspection.plans import (
    CONNECT_S,
    Shape,
    Statistics,
    lag_finding,
    plan_finding,
    pool_finding,
    rights_finding,
)
from pipeline.source.asked import has_query, read_query
from pipeline.source.mysql import connect_arguments
from pipeline.source.plan import plan_reason
from queries import sql

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import timedelta
    from pathlib import Path

    from pymysql.connections import Connection

    from pipeline.source.asked import Fence

#: What a reader may hold beside SELECT: it lets nobody write.
_HARMLESS = frozenset(
    {"SELECT", "USAGE", "SHOW VIEW", "PROCESS", "REPLICATION CLIENT", "BINLOG MONITOR", "SHOW DATABASES"}
    | {"REPLICA MONITOR", "SLAVE MONITOR"}
)
#: MariaDB's and MySQL's words for the same; a reader may rarely ask.
_REPLICA_STATUS = ("SHOW REPLICA STATUS", "SHOW SLAVE STATUS")
_LAG_COLUMNS = ("Seconds_Behind_Source", "Seconds_Behind_Master")
#: Rows that a table may have to be read whole without a word.
_FEW_ROWS = 50_000


class MySqlInspection:
    """One connection to a MySQL or MariaDB that is asked about."""

    def __init__(self, url: str, timeout: timedelta) -> None:
        self.url = url
        self._timeout = timeout
        self._connection: Connection[Any] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._connection is not None and self._connection.open:
            self._connection.close()

    def server(self) -> dict[str, Any]:
        """The row of queries/inspect/mysql/server.sql."""
        return self._ask(sql("inspect/mysql/server"))[0]

    def rights(self, server: Mapping[str, Any]) -> Finding:
        """Does the user hold more than a reader needs?"""
        grants = [str(next(iter(row.values()))) for row in self._ask("SHOW GRANTS")]
        return rights_finding(
            str(server["role"]), [more for grant in grants for more in _beyond_select(grant)]
        )

    def standby(self, server: Mapping[str, Any]) -> Finding:
        """A primary, or a replica and how far behind, as far as the user may know."""
        for statement in _REPLICA_STATUS:
            with suppress(pymysql.err.Error):
                rows = self._run(statement)
                if rows:
                    lag = next((rows[0][name] for name in _LAG_COLUMNS if name in rows[0]), None)
                    return lag_finding(None if lag is None else float(lag), paused=False)
                break
        if server["read_only"]:
            what = "the server is read_only: probably a replica, whose delay the user may not see"
            hint = "read the primary, or GRANT REPLICATION CLIENT so that the delay can be said"
            return Finding("standby", "note", what, hint)
        return Finding("standby", "ok", "nothing says that the source is a replica")

    def search(self, server: Mapping[str, Any]) -> Finding:  # noqa: ARG002 - asked alike in both dialects
        """How late a commit is certain to be found by the search for late commits."""
        what = "complete for transactions shorter than 5 minutes; later ones are found by reconciliation"
        return Finding("search", "note", what)

    def row_security(self) -> Finding:
        """There is none; a view that hides rows is the query's own choice."""
        return Finding("row_security", "ok", "this server has none")

    def pool(self, server: Mapping[str, Any], setting: str, *, refused: bool) -> Finding:
        """Is there a proxy between us and the server?"""
        between = self._connect().thread_id() != server["connection_id"]  # type: ignore[no-untyped-call]
        return pool_finding(setting, between=between, per_transaction=False, refused=refused)

    def plans(self, folder: Path, asks: Sequence[Shape], fence: Fence) -> Iterator[Finding]:
        """What the plan of each query says, at the spans that the pipeline asks for."""
        for shape in asks:
            if not has_query(folder, shape.query, "mysql"):
                continue
            try:
                yield self._plan(folder, shape, fence.clock)
            except MinuteriskError as error:
                yield failed("plans", error, "warning")

    def _plan(self, folder: Path, shape: Shape, clock: datetime) -> Finding:
        rows = self._ask(self._explain(folder, shape))
        reason = plan_reason(rows, "mysql")
        known = self._statistics(reason.sequential)
        has_index = any(row.get("possible_keys") for row in rows if row.get("type") == "ALL")
        return plan_finding(shape, reason, known, has_index=has_index, clock=clock)

    def _explain(self, folder: Path, shape: Shape) -> str:
        values = {"start": shape.start, "end": shape.end} if shape.given is None else shape.given
        given = {name: _as_given(value) for name, value in values.items()}
        text = read_query(folder, shape.query, "mysql")
        try:
            with source_errors(self.url):
                return f"EXPLAIN {self._connect().cursor().mogrify(text, given)}"
        except (KeyError, TypeError, ValueError) as error:
            msg = f"the extraction query {folder / shape.query}.sql cannot be filled in: {error}"
            raise SourceChanged(msg, "parameters are written %(name)s; a percent sign is %%") from error

    def _statistics(self, tables: Sequence[str]) -> list[Statistics]:
        """The server counts by itself; an alias is no table and has no row here."""
        if not tables:
            return []
        query = self._connect().cursor().mogrify(sql("inspect/mysql/statistics"), {"tables": list(tables)})
        rows = self._ask(query)
        return [
            Statistics(row["table_name"], 0 if estimate <= _FEW_ROWS else None, estimate, None, 0)
            for row in rows
            for estimate in [float(row["estimated_rows"] or 0)]
        ]

    def _ask(self, query: str) -> list[dict[str, Any]]:
        with source_errors(self.url):
            return self._run(query)

    def _run(self, query: str) -> list[dict[str, Any]]:
        with self._connect().cursor() as cursor:
            cursor.execute(query)
            return list(cursor.fetchall())

    def _connect(self) -> Connection[Any]:
        if self._connection is None:
            patience = self._timeout.total_seconds() + CONNECT_S
            connection: Connection[Any] = pymysql.connect(
                **connect_arguments(self.url),
                charset="utf8mb4",
                cursorclass=DictCursor,
                autocommit=True,
                connect_timeout=CONNECT_S,
                read_timeout=patience,
                write_timeout=patience,
                program_name="minuterisk",
            )
            self._connection = connection
            with connection.cursor() as cursor:
                cursor.execute("SET SESSION TRANSACTION READ ONLY")
                cursor.execute("SET SESSION time_zone = '+00:00'")
                seconds = int(self._timeout.total_seconds())
                for limit in (f"max_statement_time = {seconds}", f"max_execution_time = {1000 * seconds}"):
                    with suppress(pymysql.err.Error):  # each server knows one of them
                        cursor.execute(f"SET SESSION {limit}")
        return self._connection


def _as_given(value: object) -> object:
    """A parameter as the sources give it: times in UTC without their zone, and no empty list."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).replace(tzinfo=None)
    return [None] if value == [] else value


def _beyond_select(grant: str) -> Iterator[str]:
    """What a line of SHOW GRANTS gives that a reader does not need."""
    found = re.match(r"GRANT (?P<rights>.+?) ON (?P<where>.+?) TO ", grant)
    if found is None:
        return
    rights = re.sub(r"\([^)]*\)", "", found["rights"])  # columns
    more = [right.strip() for right in rights.split(",") if right.strip().upper() not in _HARMLESS]
    if more:
        yield f"{', '.join(more)} on {found['where']}"
    if grant.rstrip().endswith("WITH GRANT OPTION"):
        yield f"GRANT OPTION on {found['where']}"
