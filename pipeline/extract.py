"""The trade database, read and nothing else: rows and snapshot together, few connections, short queries.

Everything is read through the queries in one folder (`MINUTERISK_SOURCE_QUERIES`); another company's
table means another folder, not other code. At most two connections are held: one of ADBC for rows
(Arrow, no Python object per row), one of psycopg for the handful of merchants an incident names.
"""

from __future__ import annotations

import json
import re
from contextlib import contextmanager
from datetime import UTC
from typing import TYPE_CHECKING, Any, Self

import adbc_driver_postgresql.dbapi as adbc
import polars as pl
import psycopg
from psycopg.rows import dict_row

from pipeline.amounts import DEFAULT_CURRENCY
from pipeline.answers import changed_around, conform_answer, differing
from pipeline.arrow_rows import plain_frame
from pipeline.categories import conform_categories
from pipeline.errors import MinuteriskError, SourceValueWrong
from pipeline.halve import read_around, totals_around
from pipeline.schema import conform_source
from pipeline.source import Changed, Extracted, Fence, Payout, Unreadable, has_query, read_query
from pipeline.translate import is_value_error, source_errors

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import date, datetime, timedelta
    from pathlib import Path

    from pipeline.minute import Span
    from pipeline.source import KnownMinute

#: Transaction ids on disk have 32 bits and wrap.
XID_WRAP = 2**32
#: Rows of some ids, in whatever type the ids are; a list is one parameter as JSON.
_AMONG = 'given."transaction_id"::text = ANY (ARRAY(SELECT jsonb_array_elements_text($3::text::jsonb)))'
#: One transaction, one snapshot: the fence and the rows can never disagree.
_BEGIN = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY"
_PROMISE = (
    "PostgreSQL: a commit is found however long its transaction was open, as long as its rows lie inside"
    " the look-back; reconciliation finds what is older"
)
_PROMISE_BY_TOTALS = (
    "PostgreSQL, without the transactions' ids: complete for transactions shorter than the look-back;"
    " what commits later is found by reconciliation, hourly and daily"
)


class Source:
    """A trade database behind a role that may only SELECT."""

    promise = _PROMISE  # until `check` or `changed` has seen that the query gives less

    def __init__(self, url: str, queries: Path, timeout: timedelta, currency: str = DEFAULT_CURRENCY) -> None:
        self.url = url
        self._currency = currency
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
        other = Source(self.url, self._queries, self._timeout, self._currency)
        other._merchant_is_text = self._merchant_is_text
        other.promise = self.promise
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
        unreadable: tuple[Unreadable, ...] = ()
        try:
            with self._reading() as reading:
                fence = reading.fence()
                given = reading.rows(span.start, span.end)
        except SourceValueWrong as error:
            given, fence, unreadable = read_around(self._reading, span, error)
        rows = conform_source(given, str(self._queries / "transactions.sql"), self._currency)
        self._merchant_is_text = rows.schema["merchant_id"] == pl.String
        return Extracted(rows, fence.xmin, fence.clock, unreadable)

    def fence(self) -> Fence:
        """The snapshot of this moment."""
        with self._snapshot() as cursor:
            return self._fence(cursor)

    def changed(self, since: Fence, look_back: Span, known: Mapping[datetime, KnownMinute]) -> Changed:
        """Minutes with rows of transactions that had not ended when the minute was read.

        Where the query does not say which transactions those are (a view has no xmin), minutes that got rows
        lately are counted by the source and compared with the ledger, as with MySQL.
        """
        fence = None
        try:
            with self._snapshot() as cursor:
                fence = self._fence(cursor)
                found = self._answer(cursor, "changed", look_back.start, since.xmin % XID_WRAP)
        except SourceValueWrong as error:
            return changed_around(error, fence or self.fence(), look_back, known, self.totals)
        self._promise_by(found)
        if "newest" not in found.columns:
            return Changed(differing(found["minute"].to_list(), known, self.totals), fence)
        minutes = (
            row["minute"]
            for row in found.iter_rows(named=True)
            if row["minute"] not in known or row["newest"] >= known[row["minute"]].xmin - since.xmin
        )
        return Changed(tuple(minutes), fence)

    def _promise_by(self, changed: pl.DataFrame) -> None:
        self.promise = _PROMISE if "newest" in changed.columns else _PROMISE_BY_TOTALS

    def totals(self, span: Span) -> pl.DataFrame:
        """Rows, cancels and amount (text: it may leave 64 bits) per minute, counted by the source itself.

        A minute whose totals hold a value that cannot be read has null in each.
        """
        return totals_around(self._totals, span)

    def _totals(self, start: datetime, end: datetime) -> pl.DataFrame:
        with self._snapshot() as cursor:
            return self._answer(cursor, "totals", start, end)

    def rows_without_time(self) -> int:
        """Transactions that no minute will ever count because their time is missing."""
        with self._snapshot() as cursor:
            return int(self._answer(cursor, "without_time")["rows"][0])

    def payouts(
        self, merchants: Sequence[str], today: date, cancelable_days: int, moment: datetime
    ) -> dict[str, Payout]:
        """Names and payouts of a few merchants; those the source does not know are left out."""
        ids: list[Any] = list(merchants) if self._merchant_is_text else [int(m) for m in merchants]
        parameters = {"merchants": ids, "today": today, "cancelable_days": cancelable_days, "moment": moment}
        found = self._few_rows(self._query("at_risk"), parameters)
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
            self._promise_by(self._answer(cursor, "changed", clock, 0))
            rows = self._fetch(cursor, "transactions", clock, clock)
            checked = conform_source(rows, str(self._queries / "transactions.sql"), self._currency)
            self._answer(cursor, "totals", clock, clock)  # after the columns: it fails less clearly by them
        self._merchant_is_text = checked.schema["merchant_id"] == pl.String
        self.payouts([], clock.date(), 1, clock)
        self._few_rows(f"EXPLAIN {self._query('without_time')}")  # read, it may look at the whole table

    def _query(self, name: str) -> str:
        return read_query(self._queries, name, "postgresql")

    def _fence(self, cursor: adbc.Cursor) -> Fence:
        row = self._answer(cursor, "fence").row(0, named=True)
        started = row.get("started")  # a company's own query may be older than this column
        return Fence(
            row["xmin"], row["xmax"], row["clock"].astimezone(UTC), started and started.astimezone(UTC)
        )

    def _answer(self, cursor: adbc.Cursor, name: str, *parameters: datetime | int) -> pl.DataFrame:
        """What a query beside `transactions` gives, in the columns and types that it must give."""
        return conform_answer(self._fetch(cursor, name, *parameters), name, self._queries / f"{name}.sql")

    def _fetch(self, cursor: adbc.Cursor, name: str, *parameters: datetime | int) -> pl.DataFrame:
        return self._run(cursor, name, self._query(name), parameters)

    def _run(
        self, cursor: adbc.Cursor, name: str, text: str, parameters: Sequence[datetime | int | str]
    ) -> pl.DataFrame:
        cursor.execute(text, list(parameters[: _parameters_of(text)]) or None)
        return plain_frame(cursor.fetch_arrow_table(), self._queries / f"{name}.sql")

    @contextmanager
    def _reading(self) -> Iterator[_Reading]:
        """One snapshot of the rows."""
        with self._snapshot() as cursor:
            yield _Reading(self, cursor)

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
            except BaseException as error:
                self._after_error(error)
                raise

    def _after_error(self, error: BaseException) -> None:
        """A wrong value or answer says nothing against the connection, and many are met in a row."""
        ours = isinstance(error, MinuteriskError) or is_value_error(error)
        if ours and self._rows is not None:
            self._rows.rollback()
        else:
            self.close()

    def _row_connection(self) -> adbc.Connection:
        if self._rows is None:
            self._rows = adbc.connect(self.url, autocommit=False)
            with self._rows.cursor() as cursor:
                cursor.execute(f"SET statement_timeout = {self._timeout_ms}")
                cursor.execute("SET application_name = 'minuterisk'")
            self._rows.commit()
        return self._rows

    def _few_rows(self, query: str, parameters: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
        with source_errors(self.url):
            try:
                return self._small_connection().execute(query.encode(), parameters).fetchall()
            except psycopg.Error:
                self.close()
                raise

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


class _Reading:
    """The rows of one snapshot."""

    def __init__(self, source: Source, cursor: adbc.Cursor) -> None:
        self._source = source
        self._cursor = cursor

    def fence(self) -> Fence:
        """The snapshot."""
        return self._source._fence(self._cursor)  # noqa: SLF001 - a part of the source

    def names(self, moment: datetime) -> list[str]:
        """The columns that the query gives, by the names that it gives them."""
        self._cursor.execute(self._text, [moment, moment])
        return list(self._cursor.fetch_arrow_table().column_names)

    def rows(
        self,
        start: datetime,
        end: datetime,
        columns: Sequence[str] = (),
        ids: Sequence[str] | None = None,
    ) -> pl.DataFrame:
        """Rows of [start, end), of some columns alone, or of some ids alone."""
        if not columns and ids is None:
            return self._ask(self._text, start, end)
        chosen = ", ".join(f'given."{name}"' for name in columns) or "given.*"
        text = f"SELECT {chosen} FROM (\n{self._text}\n) AS given"  # noqa: S608 - the company's own query
        if ids is None:
            return self._ask(text, start, end)
        return self._ask(f"{text} WHERE {_AMONG}", start, end, json.dumps(list(ids)))

    def count(self, start: datetime, end: datetime) -> int:
        """How many rows there are; the server computes no column for it."""
        text = f"SELECT count(*) AS rows FROM (\n{self._text}\n) AS given"  # noqa: S608 - the company's own query
        return int(self._ask(text, start, end)["rows"][0])

    @property
    def _text(self) -> str:
        return self._source._query("transactions").rstrip().rstrip(";")  # noqa: SLF001 - a part of the source

    def _ask(self, text: str, *parameters: datetime | str) -> pl.DataFrame:
        return self._source._run(self._cursor, "transactions", text, parameters)  # noqa: SLF001 - a part of it


def _parameters_of(text: str) -> int:
    """How many parameters a query takes: the largest number it names outside its comments."""
    return max((int(n) for n in re.findall(r"\$(\d+)", re.sub("--.*", "", text))), default=0)
