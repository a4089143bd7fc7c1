"""The trade database, read and nothing else: rows and snapshot together, few connections, short queries.

Everything is read through the queries in one folder (`MINUTERISK_SOURCE_QUERIES`); another company's
table means another folder, not other code. At most two connections are held: one of ADBC for rows
(Arrow, no Python object per row), one of psycopg for the handful of merchants an incident names.
"""

from __future__ import annotations

from contextlib import contextmanager
from datetime import UTC
from typing import TYPE_CHECKING, Any, Self

import adbc_driver_postgresql.dbapi as adbc
import polars as pl
import psycopg
from psycopg.rows import dict_row, tuple_row

from pipeline.categories import conform_categories
from pipeline.errors import SourceChanged
from pipeline.plan import PlanReason, plan_reason
from pipeline.schema import conform_source
from pipeline.source import Changed, Extracted, Fence, Payout, has_query, read_query
from pipeline.translate import source_errors

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import date, datetime, timedelta
    from pathlib import Path

    from pipeline.minute import Span
    from pipeline.source import KnownMinute

#: Transaction ids on disk have 32 bits and wrap.
XID_WRAP = 2**32
#: So long a plan is waited for, which only explains a failure.
_PLAN_MS = 2000
#: One transaction, one snapshot: the fence and the rows can never disagree.
_BEGIN = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY"


class Source:
    """A trade database behind a role that may only SELECT."""

    promise = (
        "PostgreSQL: a commit is found however long its transaction was open, as long as its rows lie inside"
        " the look-back; reconciliation finds what is older"
    )

    def __init__(self, url: str, queries: Path, timeout: timedelta) -> None:
        self.url = url
        self._queries = queries
        self._timeout = timeout
        self._timeout_ms = int(timeout.total_seconds() * 1000)
        self._rows: adbc.Connection | None = None
        self._few: psycopg.Connection[dict[str, Any]] | None = None
        self._merchant_is_text = True

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def again(self) -> Source:
        """The same database through connections of its own, for another thread."""
        other = Source(self.url, self._queries, self._timeout)
        other._merchant_is_text = self._merchant_is_text
        return other

    def close(self) -> None:
        """Give the connections back; the next read opens new ones."""
        rows, few, self._rows, self._few = self._rows, self._few, None, None
        for connection in (rows, few):
            if connection is not None:
                connection.close()

    def clock(self) -> datetime:
        """The source's clock: only it decides which minute is due."""
        with self._snapshot() as cursor:
            return self._fence(cursor).clock

    def extract(self, span: Span) -> Extracted:
        """Rows of `span` with the fence of the very snapshot they come from."""
        with self._snapshot() as cursor:
            fence = self._fence(cursor)
            rows = conform_source(
                self._fetch(cursor, "transactions", span.start, span.end), "transactions.sql"
            )
        self._merchant_is_text = rows.schema["merchant_id"] == pl.String
        return Extracted(rows, fence.xmin, fence.clock)

    def fence(self) -> Fence:
        """The snapshot of this moment."""
        with self._snapshot() as cursor:
            return self._fence(cursor)

    def changed(self, since: Fence, look_back: Span, known: Mapping[datetime, KnownMinute]) -> Changed:
        """Minutes with rows of transactions that had not ended when the minute was read."""
        with self._snapshot() as cursor:
            fence = self._fence(cursor)
            found = self._fetch(cursor, "changed", look_back.start, since.xmin % XID_WRAP)
        minutes = (
            row["minute"]
            for row in found.iter_rows(named=True)
            if row["minute"] not in known or row["newest"] >= known[row["minute"]].xmin - since.xmin
        )
        return Changed(tuple(minutes), fence)

    def totals(self, span: Span) -> pl.DataFrame:
        """Rows, cancels and amount (text: it may leave 64 bits) per minute, counted by the source itself."""
        with self._snapshot() as cursor:
            return self._fetch(cursor, "totals", span.start, span.end)

    def rows_without_time(self) -> int:
        """Transactions that no minute will ever count because their time is missing."""
        with self._snapshot() as cursor:
            return int(self._fetch(cursor, "without_time")["rows"][0])

    def payouts(
        self, merchants: Sequence[str], today: date, cancelable_days: int, moment: datetime
    ) -> dict[str, Payout]:
        """Names and payouts of a few merchants; those the source does not know are left out."""
        ids: list[Any] = list(merchants) if self._merchant_is_text else [int(m) for m in merchants]
        parameters = {"merchants": ids, "today": today, "cancelable_days": cancelable_days, "moment": moment}
        found = self._few_rows("at_risk", self._query("at_risk"), parameters)
        return {
            r["merchant_id"]: Payout(r["merchant_name"], r["settled_through"], r["paid_out"]) for r in found
        }

    def categories(self) -> pl.DataFrame | None:
        """Every merchant's category (CATEGORY) where it is known; None where there is no such query."""
        if not has_query(self._queries, "categories", "postgresql"):
            return None
        with self._snapshot() as cursor:
            given = self._fetch(cursor, "categories")
        return conform_categories(given, str(self._queries / "categories.sql"))

    def check(self) -> None:
        """Read nothing, but prove that everything can be read; raises ConfigurationError or SourceChanged."""
        for name in ("fence", "transactions", "changed", "totals", "without_time", "at_risk"):
            self._query(name)
        with self._snapshot() as cursor:
            clock = self._fence(cursor).clock
            self._fetch(cursor, "changed", clock, 0)
            rows = self._fetch(cursor, "transactions", clock, clock)
            checked = conform_source(rows, str(self._queries / "transactions.sql"))
            self._fetch(cursor, "totals", clock, clock)  # after the columns: it fails less clearly by them
        self._merchant_is_text = checked.schema["merchant_id"] == pl.String
        self.payouts([], clock.date(), 1, clock)
        self._few_rows(
            "without_time", f"EXPLAIN {self._query('without_time')}"
        )  # read, it may look at the whole table

    def _file(self, name: str) -> Path:
        return self._queries / f"{name}.sql"

    def _query(self, name: str) -> str:
        return read_query(self._queries, name, "postgresql")

    def _fence(self, cursor: adbc.Cursor) -> Fence:
        row = self._fetch(cursor, "fence").row(0, named=True)
        started = row.get("started")  # a company's own query may be older than this column
        return Fence(
            row["xmin"], row["xmax"], row["clock"].astimezone(UTC), started and started.astimezone(UTC)
        )

    def _fetch(self, cursor: adbc.Cursor, name: str, *parameters: datetime | int) -> pl.DataFrame:
        query = self._query(name)
        with source_errors(self.url, self._file(name), lambda: self._plan(query, parameters)):
            cursor.execute(query, list(parameters) or None)
            table = cursor.fetch_arrow_table()
        if len(set(table.column_names)) < len(table.column_names):
            msg = f"the extraction query {self._queries / f'{name}.sql'} gives a column twice"
            raise SourceChanged(msg, f"it gives {', '.join(table.column_names)}: give each its own name")
        frame = pl.from_arrow(table)
        return frame if isinstance(frame, pl.DataFrame) else frame.to_frame()

    @contextmanager
    def _snapshot(self) -> Iterator[adbc.Cursor]:
        """One REPEATABLE READ, READ ONLY transaction; after an error the connection is given up."""
        with source_errors(self.url):
            try:
                connection = self._row_connection()
                with connection.cursor() as cursor:
                    cursor.execute(_BEGIN)
                    yield cursor
                connection.rollback()  # nothing to commit: the transaction only read
            except BaseException:
                self.close()
                raise

    def _row_connection(self) -> adbc.Connection:
        if self._rows is None:
            self._rows = adbc.connect(self.url, autocommit=False)
            with self._rows.cursor() as cursor:
                cursor.execute(f"SET statement_timeout = {self._timeout_ms}")
                cursor.execute("SET application_name = 'minuterisk'")
            self._rows.commit()
        return self._rows

    def _few_rows(
        self, name: str, query: str, parameters: Mapping[str, Any] | None = None
    ) -> list[dict[str, Any]]:
        with source_errors(self.url, self._file(name), lambda: self._plan(query, parameters)):
            try:
                return self._small_connection().execute(query.encode(), parameters).fetchall()
            except psycopg.Error:
                self.close()
                raise

    def _plan(self, query: str, parameters: Sequence[Any] | Mapping[str, Any] | None) -> PlanReason:
        """Why `query` takes long, asked after it did; nothing of it runs, and nobody waits long for it."""
        connection = self._small_connection()
        asked = f"EXPLAIN (FORMAT JSON) {query}".encode()
        numbered = not isinstance(parameters, dict)  # $1 and not %(name)s
        with connection.transaction(force_rollback=True):
            connection.execute(f"SET LOCAL statement_timeout = {_PLAN_MS}")
            kind = psycopg.RawCursor if numbered else psycopg.Cursor
            with kind(connection, row_factory=tuple_row) as cursor:
                row = cursor.execute(asked, parameters).fetchone()
        return plan_reason(row and row[0], "postgresql")

    def _small_connection(self) -> psycopg.Connection[dict[str, Any]]:
        if self._few is None:
            self._few = psycopg.connect(
                self.url,
                autocommit=True,
                row_factory=dict_row,
                application_name="minuterisk",
                connect_timeout=10,
            )
            self._few.read_only = True
            self._few.execute(f"SET statement_timeout = {self._timeout_ms}")
        return self._few
