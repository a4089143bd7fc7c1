"""What PostgreSQL says of itself, of our role and of our queries' plans: the questions of `check`.

Every question runs in a READ ONLY transaction of its own, with the timeout set for that transaction alone, so
nothing stays behind in a session or in a pool of them. Nothing here runs a query of the pipeline: plans are
asked for by EXPLAIN without ANALYZE.
"""

from __future__ import annotations

from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Self

import psycopg
from psycopg.rows import tuple_row
from psycopg.types.numeric import Int8

from pipeline.errors import MinuteriskError
from pipeline.errors.translate import source_errors, state_errors
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
from pipeline.source.plan import plan_reason
from pipeline.source.postgresql_reading import parameters_of
from pipeline.source.postgresql_session import few_rows, open_few
from queries import sql

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime
    from pathlib import Path

    from pipeline.source.asked import Fence
    from pipeline.source.postgresql_session import Few

_ATTRIBUTES = ("superuser", "createdb", "createrole", "replication", "bypassrls")
_RIGHTS = {"inserts": "INSERT", "updates": "UPDATE", "deletes": "DELETE", "truncates": "TRUNCATE"}
_XID_WRAP = 2**32
#: So often two clients ask in turn whether they share a server's process.
_TURNS = 3


class PostgresInspection:
    """One connection to a PostgreSQL that is asked about; another short one to find a pooler."""

    def __init__(self, url: str, timeout: timedelta, *, ours: bool = False) -> None:
        self.url = url
        self._timeout = timeout
        self._errors = state_errors if ours else source_errors
        self._connection: Few | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._connection is not None:
            self._connection.close()

    def server(self) -> dict[str, Any]:
        """The row of queries/inspect/postgresql/server.sql."""
        return self._ask("server")[0]

    def rights(self, server: Mapping[str, Any]) -> Finding:
        """Does the role hold more than a reader needs?"""
        more = [name for name in _ATTRIBUTES if server[name]]
        if not server["superuser"]:  # who may do everything has every right on every table
            tables = self._ask("rights")
            more += [f"{_words(table)} {table['relation']}" for table in tables]
            if tables and tables[0]["relations"] > len(tables):
                more.append(f"and of {tables[0]['relations'] - len(tables)} more")
        return rights_finding(str(server["role"]), more)

    def standby(self, server: Mapping[str, Any]) -> Finding:
        """A primary, or a standby and how far behind."""
        if not server["standby"]:
            return Finding("standby", "ok", "the source is a primary")
        return lag_finding(server["lag_s"], paused=server["replay_paused"])

    def search(self, server: Mapping[str, Any]) -> Finding:
        """How late a commit is certain to be found by the search for late commits."""
        numbers = {"reads_all_stats": server["reads_all_stats"]}
        if server["reads_all_stats"]:
            what = "exact: the role sees since when the oldest transaction is open (pg_read_all_stats)"
            return Finding("search", "ok", what, numbers=numbers)
        what = "a late commit is found within 20 s; within 70 s where it idled before its first write"
        hint = f"optional: GRANT pg_read_all_stats TO {server['role']} makes every search exact"
        return Finding("search", "note", what, hint, numbers)

    def row_security(self) -> Finding:
        """Are rows hidden from the role?"""
        hidden = [row["relation"] for row in self._ask("row_security")]
        if not hidden:
            return Finding("row_security", "ok", "no row is hidden from the role by a policy")
        what = f"row security hides rows of {', '.join(hidden)} from the role"
        hint = (
            "only what its policies show is counted: give the role a policy of all rows, if that is not meant"
        )
        return Finding("row_security", "warning", what, hint, {"tables": hidden})

    def pool(self, server: Mapping[str, Any], setting: str, *, refused: bool) -> Finding:
        """Is there a pooler between us and the server?"""
        with self._errors(self.url):
            between = self._connect().info.backend_pid != server["backend_pid"]
            shared = self._shares_process()
        return pool_finding(setting, between=between or shared, per_transaction=shared, refused=refused)

    def plans(self, folder: Path, asks: Sequence[Shape], fence: Fence) -> Iterator[Finding]:
        """What the plan of each query says, at the spans that the pipeline asks for."""
        for shape in asks:
            if not has_query(folder, shape.query, "postgresql"):
                continue
            query = read_query(folder, shape.query, "postgresql")
            try:
                yield self._plan(shape, query, self._parameters(shape, query, fence.xmin), fence.clock)
            except MinuteriskError as error:
                yield failed("plans", error, "warning")

    def _plan(self, shape: Shape, query: str, given: Any, clock: datetime) -> Finding:  # noqa: ANN401 - a query's own
        reason = plan_reason(self._explain(query, given), "postgresql")
        has_index = True
        if reason.sequential:
            without = self._explain(query, given, "SET LOCAL enable_seqscan = off")
            has_index = not plan_reason(without, "postgresql").sequential
        known = self._statistics(reason.sequential)
        return plan_finding(shape, reason, known, has_index=has_index, clock=clock)

    def _statistics(self, tables: Sequence[str]) -> list[Statistics]:
        rows = self._ask("statistics", tables=list(tables)) if tables else []
        return [
            Statistics(
                row["table"],
                max(row["bytes"], row["known_bytes"]),
                row["estimated_rows"] if row["estimated_rows"] >= 0 else None,
                row["analyzed_at"],
                row["changed_since"],
            )
            for row in rows
        ]

    def _parameters(self, shape: Shape, query: str, xmin: int) -> Any:  # noqa: ANN401 - a query's own
        if shape.given is not None:
            return dict(shape.given)
        if shape.since_fence:
            given = [shape.start, Int8(xmin % _XID_WRAP), shape.end, shape.end + timedelta(minutes=5)]
            return given[: parameters_of(query)]
        return [shape.start, shape.end] if shape.takes_span else None

    def _explain(self, query: str, given: Any, setting: str = "") -> object:  # noqa: ANN401 - a query's own
        with self._transaction() as connection:
            if setting:
                connection.execute(setting.encode())
            named = isinstance(given, dict)
            statement = f"EXPLAIN (FORMAT JSON) {query}".encode()
            if named:
                with connection.cursor(row_factory=tuple_row) as cursor:
                    row = cursor.execute(statement, given).fetchone()
            else:
                with psycopg.RawCursor(connection, row_factory=tuple_row) as raw:
                    row = raw.execute(statement, given).fetchone()
        return row[0] if row else None

    def _shares_process(self) -> bool:
        """Two connected clients never share a process, unless a pooler lends it by transaction."""
        with psycopg.connect(
            self.url, autocommit=True, connect_timeout=CONNECT_S, prepare_threshold=None
        ) as other:
            pids: dict[str, set[int]] = {"one": set(), "other": set()}
            for _ in range(_TURNS):
                for name, connection in (("one", self._connect()), ("other", other)):
                    row = connection.execute("SELECT pg_backend_pid() AS pid").fetchone()
                    pid = row["pid"] if isinstance(row, dict) else row[0] if row else 0
                    pids[name].add(pid)
        return bool(pids["one"] & pids["other"]) or any(len(found) > 1 for found in pids.values())

    def _ask(self, name: str, **given: object) -> list[dict[str, Any]]:
        with self._transaction() as connection:
            return connection.execute(sql(f"inspect/postgresql/{name}").encode(), given or None).fetchall()

    @contextmanager
    def _transaction(self) -> Iterator[Few]:
        with self._errors(self.url):
            connection = self._connect()
            with few_rows(connection, self._timeout):
                yield connection

    def _connect(self) -> Few:
        if self._connection is None:
            self._connection = open_few(self.url)
        return self._connection


def _words(table: Mapping[str, Any]) -> str:
    if table["owns"]:
        return "owner of"
    return f"{', '.join(word for name, word in _RIGHTS.items() if table[name])} on"
