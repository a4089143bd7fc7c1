"""The trade database when it is MySQL or MariaDB: the same questions as PostgreSQL, one promise weaker.

InnoDB lets nobody see which transaction wrote a row, so late commits are found by looking back: minutes with
rows written since then are counted by the source and compared with the ledger. A transaction that stays open
longer than the look-back escapes this, and the reconciliation finds it.

Everything runs on one connection, in a READ ONLY transaction whose snapshot is taken at its start. The
session is in UTC; a TIMESTAMP then is certain, a DATETIME only where the query says that it holds UTC.
"""

from __future__ import annotations

import re
import ssl
from contextlib import contextmanager
from datetime import UTC, timedelta
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import parse_qsl, unquote, urlsplit

import polars as pl
import pymysql

from pipeline.amounts import DEFAULT_CURRENCY
from pipeline.answers import ANSWERS, changed_around, conform_answer, differing
from pipeline.categories import conform_categories
from pipeline.errors import ConfigurationError, SourceChanged, SourceValueWrong
from pipeline.halve import read_around, totals_around
from pipeline.mysql_rows import TEXT_ONLY, fetch
from pipeline.schema import conform_source
from pipeline.settings import mask_url
from pipeline.source import Changed, Extracted, Fence, Payout, Unreadable, has_query, read_query
from pipeline.translate import is_value_error, source_errors

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from datetime import date, datetime
    from pathlib import Path

    from pymysql.connections import Connection

    from pipeline.minute import Span
    from pipeline.source import KnownMinute

#: The snapshot is taken here, not at the first read; a table that is not InnoDB has none and is refused.
_BEGIN = "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY"
_SESSION = (
    "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ",
    "SET SESSION TRANSACTION READ ONLY",
    "SET SESSION time_zone = '+00:00'",
)
#: A statement reads at most this much, so that the timeout bounds a query and never a day of history.
_STATEMENT_SPAN = timedelta(hours=1)
#: Tables that no snapshot covers, of those that we may read.
_WITHOUT_SNAPSHOTS = (
    "SELECT table_name, engine FROM information_schema.tables"
    " WHERE table_type = 'BASE TABLE' AND engine NOT IN ('InnoDB', 'ROCKSDB')"
)
_GIVEN = {"at_risk": ("merchant_id", "merchant_name", "settled_through", "paid_out")}
#: How long past its own timeout a silent server is waited for.
_PATIENCE_S = 10


class MySqlSource:
    """A MySQL or MariaDB trade database behind a user that may only SELECT."""

    promise = (
        "MySQL/MariaDB: complete for transactions shorter than the look-back (5 minutes);"
        " what commits later is found by reconciliation, hourly and daily"
    )

    def __init__(self, url: str, queries: Path, timeout: timedelta, currency: str = DEFAULT_CURRENCY) -> None:
        self.url = url
        self._currency = currency
        self._queries = queries
        self._timeout = timeout
        self._connection: Connection[Any] | None = None
        self._merchant_is_text = True

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def again(self) -> MySqlSource:
        """The same database through a connection of its own, for another thread."""
        other = MySqlSource(self.url, self._queries, self._timeout, self._currency)
        other._merchant_is_text = self._merchant_is_text
        return other

    def close(self) -> None:
        """Give the connection back; the next read opens a new one."""
        connection, self._connection = self._connection, None
        if connection is not None and connection.open:
            connection.close()

    def clock(self) -> datetime:
        """The source's clock: only it decides which minute is due."""
        return self.fence().clock

    def fence(self) -> Fence:
        """The clock of this moment; there are no transaction ids to go with it."""
        with self._snapshot() as ask:
            return _fence(ask)

    def extract(self, span: Span) -> Extracted:
        """Rows of `span` from one snapshot."""
        unreadable: tuple[Unreadable, ...] = ()
        try:
            with self._reading() as reading:
                fence = reading.fence()
                given = reading.rows(span.start, span.end)
        except SourceValueWrong as error:
            given, fence, unreadable = read_around(self._reading, span, error)
        rows = conform_source(given, str(self._queries / "transactions.sql"), self._currency)
        self._merchant_is_text = rows.schema["merchant_id"] == pl.String
        return Extracted(rows, 0, fence.clock, unreadable)

    def changed(self, since: Fence, look_back: Span, known: Mapping[datetime, KnownMinute]) -> Changed:  # noqa: ARG002 - there is nothing in a fence to compare rows with
        """Minutes that got rows since the look-back and whose totals are not those of the ledger."""
        fence = None
        try:
            with self._snapshot() as ask:
                fence = _fence(ask)
                written = ask("changed", start=look_back.start)["minute"].to_list()
        except SourceValueWrong as error:
            return changed_around(error, fence or self.fence(), look_back, known, self.totals)
        return Changed(differing(written, known, self.totals), fence)

    def totals(self, span: Span) -> pl.DataFrame:
        """Rows, cancels and amount (text: it may leave 64 bits) per minute, counted by the source itself.

        A minute whose totals hold a value that cannot be read has null in each.
        """
        return totals_around(self._totals, span)

    def _totals(self, start: datetime, end: datetime) -> pl.DataFrame:
        with self._snapshot() as ask:
            return pl.concat(ask("totals", start=a, end=b) for a, b in _parts(start, end))

    def rows_without_time(self) -> int:
        """Transactions that no minute will ever count because their time is missing."""
        with self._snapshot() as ask:
            return int(ask("without_time")["rows"][0])

    def payouts(
        self, merchants: Sequence[str], today: date, cancelable_days: int, moment: datetime
    ) -> dict[str, Payout]:
        """Names and payouts of a few merchants; those the source does not know are left out."""
        ids: list[Any] = list(merchants) if self._merchant_is_text else [int(m) for m in merchants]
        with self._snapshot() as ask:
            found = ask(
                "at_risk",
                merchants=ids or [None],  # MySQL has no empty list
                today=today,
                cancelable_days=cancelable_days,
                moment=moment,
            )
        return {
            r["merchant_id"]: Payout(r["merchant_name"], r["settled_through"], r["paid_out"])
            for r in found.iter_rows(named=True)
        }

    def categories(self) -> pl.DataFrame | None:
        """Every merchant's category (CATEGORY) where it is known; None where there is no such query."""
        if not has_query(self._queries, "categories", "mysql"):
            return None
        with self._snapshot() as ask:
            given = ask("categories")
        return conform_categories(given, str(self._queries / "categories.sql"))

    def check(self) -> None:
        """Read nothing, but prove that everything can be read; raises ConfigurationError or SourceChanged."""
        for name in ("transactions", *ANSWERS, *_GIVEN):
            self._query(name)
        with self._snapshot() as ask:
            clock = _fence(ask).clock
            rows = ask("transactions", start=clock, end=clock)
            ask("changed", start=clock)
            ask("totals", start=clock, end=clock)
            statement = self._text(self._connect(), "without_time", {})
            self._connect().cursor().execute(f"EXPLAIN {statement}")  # read, it may look at the whole table
            self._check_engines()
        checked = conform_source(rows, str(self._queries / "transactions.sql"), self._currency)
        self._merchant_is_text = checked.schema["merchant_id"] == pl.String
        self.payouts([], clock.date(), 1, clock)

    def _check_engines(self) -> None:
        """A table outside the snapshot could change between the rows and their totals: refused."""
        named = set(re.findall(r"\w+", re.sub("--.*", "", self._query("transactions"))))
        for table, engine in fetch(self._connect(), _WITHOUT_SNAPSHOTS).iter_rows():
            if table in named:
                msg = f"the table {table} is kept by {engine}, which has no snapshots"
                raise ConfigurationError(
                    msg, f"minuterisk needs InnoDB: ALTER TABLE {table} ENGINE = InnoDB, or read a copy"
                )

    def _query(self, name: str) -> str:
        return read_query(self._queries, name, "mysql")

    @contextmanager
    def _snapshot(self) -> Iterator[Callable[..., pl.DataFrame]]:
        """A READ ONLY transaction with the snapshot of its start; a failure gives the connection up."""
        with source_errors(self.url):
            try:
                connection = self._connect()
                connection.query(_BEGIN)
                yield lambda name, wrap="{query}", **values: self._ask(connection, name, wrap, values)
                connection.rollback()  # nothing to commit: the transaction only read
            except BaseException as error:
                self._after_error(error)
                raise

    def _after_error(self, error: BaseException) -> None:
        """A wrong value says nothing against the connection, and many are met in a row."""
        wrong_value = isinstance(error, SourceValueWrong) or is_value_error(error)
        if wrong_value and self._connection is not None and self._connection.open:
            self._connection.rollback()
        else:
            self.close()

    @contextmanager
    def _reading(self) -> Iterator[_Reading]:
        """One snapshot of the rows."""
        with self._snapshot() as ask:
            yield _Reading(self, ask)

    def _ask(
        self, connection: Connection[Any], name: str, wrap: str, values: Mapping[str, Any]
    ) -> pl.DataFrame:
        try:
            answer = fetch(connection, self._text(connection, name, values, wrap))
        except (SourceChanged, SourceValueWrong) as error:
            file = f"the extraction query {self._queries / name}.sql"
            raise type(error)(error.what.replace("the extraction query", file, 1), error.hint) from error
        if name in ANSWERS:
            return conform_answer(answer, name, self._queries / f"{name}.sql")
        missing = [column for column in _GIVEN.get(name, ()) if column not in answer.columns]
        if missing:
            msg = f"the extraction query {self._queries / name}.sql gives no column {', '.join(missing)}"
            raise SourceChanged(msg, f"it must give {', '.join(_GIVEN[name])}")
        return answer

    def _names(self, moment: datetime) -> list[str]:
        """The columns of `transactions` as they are called there."""
        connection = self._connect()
        with connection.cursor() as cursor:
            cursor.execute(self._text(connection, "transactions", {"start": moment, "end": moment}))
            return [column[0] for column in cursor.description or ()]

    def _text(
        self, connection: Connection[Any], name: str, values: Mapping[str, Any], wrap: str = "{query}"
    ) -> str:
        query = wrap.replace("{query}", self._query(name).rstrip().rstrip(";"))
        given = {key: _in_utc(value) for key, value in values.items()}
        try:
            return str(connection.cursor().mogrify(query, given))
        except (KeyError, TypeError, ValueError) as error:
            msg = f"the extraction query {self._queries / name}.sql cannot be filled in: {error}"
            raise SourceChanged(
                msg,
                f"it takes {', '.join(values) or 'no parameters'}, written %(name)s; a percent sign is %%",
            ) from error

    def _connect(self) -> Connection[Any]:
        if self._connection is None:
            self._connection = self._open()
            for statement in (*_SESSION, *self._limits(self._connection)):
                self._connection.query(statement)
        return self._connection

    def _open(self) -> Connection[Any]:
        patience = self._timeout.total_seconds() + _PATIENCE_S
        try:
            return pymysql.connect(
                **connect_arguments(self.url),
                charset="utf8mb4",
                conv=dict(TEXT_ONLY),
                autocommit=True,
                connect_timeout=10,
                read_timeout=patience,
                write_timeout=patience,
                program_name="minuterisk",
            )
        except (
            RuntimeError
        ) as error:  # MySQL 8's passwords travel encrypted, or PyMySQL wants one package more
            msg = f"cannot log in to the trade database {mask_url(self.url)} without TLS: {error}"
            raise ConfigurationError(msg, "add ?ssl_mode=required to MINUTERISK_SOURCE_URL") from error

    def _limits(self, connection: Connection[Any]) -> tuple[str, str]:
        seconds = int(self._timeout.total_seconds())
        limit = (
            f"max_statement_time = {seconds}"
            if "MariaDB" in connection.get_server_info()  # type: ignore[no-untyped-call]
            else f"max_execution_time = {1000 * seconds}"
        )
        # Without the second a SELECT waits up to a day behind an ALTER TABLE.
        return f"SET SESSION {limit}", f"SET SESSION lock_wait_timeout = {seconds}"


def connect_arguments(url: str) -> dict[str, Any]:
    """What a URL says, in the words of PyMySQL; raises ConfigurationError for what it does not know.

    mysql://user:password@host:3306/database?ssl_mode=verify_identity&ssl_ca=/path.pem, or ?unix_socket=/path.
    """
    parts = urlsplit(url)
    try:
        port = parts.port or 3306
    except ValueError:
        msg = f"cannot read the address {mask_url(url)}"
        raise ConfigurationError(msg, "write / : and @ in a password as %2F, %3A and %40") from None
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    arguments: dict[str, Any] = {
        "host": parts.hostname or "localhost",
        "port": port,
        "user": unquote(parts.username or ""),
        "password": unquote(parts.password or options.pop("password", "")),
        "database": unquote(parts.path.removeprefix("/")) or None,
    }
    if socket := options.pop("unix_socket", None):
        arguments |= {
            "unix_socket": socket,
            "ssl_disabled": True,
        }  # nobody listens on a socket of this machine
    else:
        arguments |= _tls(options.pop("ssl_mode", "preferred"), options.pop("ssl_ca", None))
    if options:
        msg = f"MINUTERISK_SOURCE_URL has options that MySQL does not know here: {', '.join(sorted(options))}"
        raise ConfigurationError(msg, "known are unix_socket, ssl_mode, ssl_ca and password")
    return arguments


def _tls(mode: str, authority: str | None) -> dict[str, Any]:
    """TLS by the `mysql` client's names; preferred takes what the server offers, whoever the server is."""
    if mode in ("disabled", "preferred"):
        return {"ssl_disabled": mode == "disabled"}
    if mode not in ("required", "verify_ca", "verify_identity"):
        msg = f"MINUTERISK_SOURCE_URL asks for ssl_mode={mode}"
        raise ConfigurationError(
            msg, "choose from disabled, preferred, required, verify_ca and verify_identity"
        )
    try:
        context = ssl.create_default_context(cafile=authority)
    except OSError as error:
        msg = f"cannot read the certificates in ssl_ca={authority}: {error.strerror or error}"
        raise ConfigurationError(msg, "name a readable PEM file") from error
    context.check_hostname = mode == "verify_identity"
    context.verify_mode = ssl.CERT_NONE if mode == "required" else ssl.CERT_REQUIRED
    return {"ssl": context}


def _fence(ask: Callable[..., pl.DataFrame]) -> Fence:
    return Fence(0, 0, ask("fence")["clock"][0])


def _in_utc(value: Any) -> Any:  # noqa: ANN401 - a parameter of a query
    """Aware times without their zone, as the session is in UTC; everything else as it is."""
    return value.astimezone(UTC).replace(tzinfo=None) if getattr(value, "tzinfo", None) else value


def _parts(start: datetime, end: datetime) -> Iterator[tuple[datetime, datetime]]:
    """A span in pieces of an hour at most; at least one, which may be empty."""
    while True:
        until = min(start + _STATEMENT_SPAN, end)
        yield start, until
        start = until
        if start >= end:
            return


class _Reading:
    """The rows of one snapshot."""

    def __init__(self, source: MySqlSource, ask: Callable[..., pl.DataFrame]) -> None:
        self._source = source
        self._ask = ask

    def fence(self) -> Fence:
        """The snapshot's clock."""
        return _fence(self._ask)

    def names(self, moment: datetime) -> list[str]:
        """The columns that the query gives, by the names that it gives them."""
        return self._source._names(moment)  # noqa: SLF001 - a part of the source

    def rows(
        self,
        start: datetime,
        end: datetime,
        columns: Sequence[str] = (),
        ids: Sequence[str] | None = None,
    ) -> pl.DataFrame:
        """Rows of [start, end), of some columns alone, or of some ids alone."""
        wrap = "{query}"
        if columns or ids is not None:
            chosen = ", ".join(f"given.`{name}`" for name in columns) or "given.*"
            wrap = f"SELECT {chosen} FROM (\n{{query}}\n) AS given"  # noqa: S608 - around the company's query
        if ids is not None:
            wrap += " WHERE CAST(given.transaction_id AS CHAR) IN %(ids)s"
        values = {} if ids is None else {"ids": list(ids)}
        return pl.concat(
            self._ask("transactions", wrap, start=a, end=b, **values) for a, b in _parts(start, end)
        )

    def count(self, start: datetime, end: datetime) -> int:
        """How many rows there are; the server computes no column for it."""
        wrap = "SELECT COUNT(*) AS `rows` FROM (\n{query}\n) AS given"
        return int(self._ask("transactions", wrap, start=start, end=end)["rows"][0])
