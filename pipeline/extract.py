"""The trade database, read and nothing else: rows and snapshot together, few connections, short queries.

Everything is read through the queries in one folder (`MINUTERISK_SOURCE_QUERIES`); another company's
table means another folder, not other code. At most two connections are held: one of ADBC for rows
(Arrow, no Python object per row), one of psycopg for the handful of merchants an incident names.
"""

from __future__ import annotations

from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Self

import polars as pl

from pipeline.categories import conform_categories
from pipeline.errors import SourceChanged
from pipeline.payouts import require_columns
from pipeline.pg_session import fetch_at_most, few_rows, open_few, open_rows, snapshot
from pipeline.pg_values import read_as_text_what_does_not_fit
from pipeline.schema import conform_source, unfit_columns
from pipeline.source import AT_RISK_S, Changed, Extracted, Fence, failures_of, has_query, read_query
from pipeline.translate import source_errors

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from datetime import date
    from pathlib import Path

    import adbc_driver_postgresql.dbapi as adbc

    from pipeline.errors import MinuteriskError
    from pipeline.minute import Span
    from pipeline.pg_session import Few
    from pipeline.source import KnownMinute

#: Transaction ids on disk have 32 bits and wrap.
XID_WRAP = 2**32


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
        self._rows: adbc.Connection | None = None
        self._few: Few | None = None
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

    def extract(self, span: Span, at_most: int | None = None) -> Extracted:
        """Rows of `span` with the fence of the very snapshot they come from."""
        with self._snapshot() as cursor:
            fence = self._fence(cursor)
            given = self._fetch(cursor, "transactions", span.start, span.end, at_most=at_most)
            rows = conform_source(given, "transactions.sql")
        self._merchant_is_text = rows.schema["merchant_id"] == pl.String
        return Extracted(rows, fence.xmin, fence.clock, unfit_columns(given, "transactions.sql"))

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
    ) -> list[dict[str, Any]]:
        """Rows of `at_risk` for a few merchants, values as they come."""
        ids: list[Any] = list(merchants) if self._merchant_is_text else [int(m) for m in merchants]
        parameters = {"merchants": ids, "today": today, "cancelable_days": cancelable_days, "moment": moment}
        query = str(self._queries / "at_risk.sql")
        return self._few_rows(self._query("at_risk"), parameters, lambda given: require_columns(given, query))

    def categories(self) -> pl.DataFrame | None:
        """Every merchant's category (CATEGORY) where it is known; None where there is no such query."""
        if not has_query(self._queries, "categories", "postgresql"):
            return None
        with self._snapshot() as cursor:
            given = self._fetch(cursor, "categories")
        return conform_categories(given, str(self._queries / "categories.sql"))

    def check(self) -> None:
        """Read nothing, but prove that everything that is counted can be read; raises what is wrong."""
        for name in ("fence", "transactions", "changed", "totals"):
            self._query(name)
        with self._snapshot() as cursor:
            clock = self._fence(cursor).clock
            self._fetch(cursor, "changed", clock, 0)
            rows = self._fetch(cursor, "transactions", clock, clock)
            checked = conform_source(rows, str(self._queries / "transactions.sql"))
            self._fetch(cursor, "totals", clock, clock)  # after the columns: it fails less clearly by them
        self._merchant_is_text = checked.schema["merchant_id"] == pl.String

    def check_ornaments(self) -> dict[str, MinuteriskError]:
        """What is wrong with the queries that nothing is counted by, by query."""
        moment = datetime.now(UTC)
        return failures_of(
            {
                "at_risk": lambda: self.payouts([], moment.date(), 1, moment),
                # Read, it may look at the whole table.
                "without_time": lambda: self._few_rows(f"EXPLAIN {self._query('without_time')}"),
            }
        )

    def _query(self, name: str) -> str:
        return read_query(self._queries, name, "postgresql")

    def _fence(self, cursor: adbc.Cursor) -> Fence:
        row = self._fetch(cursor, "fence").row(0, named=True)
        started = row.get("started")  # a company's own query may be older than this column
        return Fence(
            row["xmin"], row["xmax"], row["clock"].astimezone(UTC), started and started.astimezone(UTC)
        )

    def _fetch(
        self, cursor: adbc.Cursor, name: str, *parameters: datetime | int, at_most: int | None = None
    ) -> pl.DataFrame:
        if at_most is None:
            cursor.execute(self._query(name), list(parameters) or None)
            table = cursor.fetch_arrow_table()
        else:
            table = fetch_at_most(cursor.connection, self._query(name), parameters, at_most)
        if len(set(table.column_names)) < len(table.column_names):
            msg = f"the extraction query {self._queries / f'{name}.sql'} gives a column twice"
            raise SourceChanged(msg, f"it gives {', '.join(table.column_names)}: give each its own name")
        frame = pl.from_arrow(table)
        return frame if isinstance(frame, pl.DataFrame) else frame.to_frame()

    @contextmanager
    def _snapshot(self) -> Iterator[adbc.Cursor]:
        """One REPEATABLE READ, READ ONLY transaction; after an error the connections are given up."""
        with source_errors(self.url):
            try:
                with snapshot(self._row_connection(), self._timeout) as cursor:
                    yield cursor
            except BaseException:
                self.close()
                raise

    def _row_connection(self) -> adbc.Connection:
        if self._rows is None:
            self._rows = open_rows(self.url)
        return self._rows

    def _few_rows(
        self,
        query: str,
        parameters: Mapping[str, Any] | None = None,
        check: Callable[[list[str]], None] = lambda _: None,
    ) -> list[dict[str, Any]]:
        """The rows of a small query; `check` sees the names of its columns before their values are read."""
        with source_errors(self.url):
            try:
                limit = min(self._timeout, timedelta(seconds=AT_RISK_S))
                with few_rows(self._small_connection(), limit) as connection:
                    cursor = connection.execute(query.encode(), parameters)
                    check([column.name for column in cursor.description or ()])
                    return cursor.fetchall()
            except BaseException:
                few, self._few = self._few, None  # the rows' own connection is none the worse for it
                if few is not None:
                    few.close()
                raise

    def _small_connection(self) -> Few:
        if self._few is None:
            self._few = open_few(self.url)
            read_as_text_what_does_not_fit(self._few)
        return self._few
