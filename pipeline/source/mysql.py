"""The source database when it is MySQL or MariaDB: the same questions as PostgreSQL, one promise weaker.

InnoDB lets nobody see which transaction wrote a row, so late commits are found by looking back: minutes with
rows written since then are counted by the source and compared with the ledger. A transaction that stays open
longer than the look-back escapes this, and the reconciliation finds it.

Everything runs in a READ ONLY transaction whose snapshot is taken at its start, on one connection; the
search for late commits on a second one, in a thread of its own. The session is in UTC; a TIMESTAMP then is
certain, a DATETIME only where the query says that it holds UTC.
"""

from __future__ import annotations

import re
import ssl
import time
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote, urlsplit

import polars as pl
import pymysql

from pipeline.errors import ConfigurationError, SourceChanged, SourceValueWrong
from pipeline.errors.secrets import mask_url
from pipeline.errors.translate import is_value_error, source_errors
from pipeline.minute import TIME_END
from pipeline.source.answers import conform_answer, differing, only_count, recent
from pipeline.source.asked import (
    AHEAD_ALARM,
    AT_RISK_S,
    Arrived,
    Changed,
    Extracted,
    Fence,
    NotShared,
    failures_of,
    only_fence,
)
from pipeline.source.beside import prints_of
from pipeline.source.halve import read_span, totals_around
from pipeline.source.mysql_reading import MySqlReading, parts, prints_around
from pipeline.source.mysql_rows import TEXT_ONLY, fetch
from pipeline.source.plan import PlanReason, plan_reason
from pipeline.source.shared import SharedReading, SharedSource

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping
    from pathlib import Path

    from pymysql.connections import Connection

    from pipeline.errors import MinuteriskError
    from pipeline.minute import Span
    from pipeline.source.asked import KnownMinute, Part, ReadBeside, Shared

#: The snapshot is taken here, not at the first read; a table that is not InnoDB has none and is refused.
_BEGIN = "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY"
#: MySQL has no settings of a transaction, so these and the limits end with our connection; a proxy that
#: shares connections (ProxySQL, MaxScale) keeps a session's settings apart by client. READ ONLY has to be the
#: session's: a statement that alters a table ends our transaction first, and would then be free to.
_SESSION = (
    "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ",
    "SET SESSION TRANSACTION READ ONLY",
    "SET SESSION time_zone = '+00:00'",
)
#: Tables that no snapshot covers, of those that we may read.
_WITHOUT_SNAPSHOTS = (
    "SELECT table_name, engine FROM information_schema.tables"
    " WHERE table_type = 'BASE TABLE' AND engine NOT IN ('InnoDB', 'ROCKSDB')"
)
#: How long past its own timeout a silent server is waited for.
_PATIENCE_S = 10


class MySqlSource(SharedSource):
    """A MySQL or MariaDB database behind a user that may only SELECT."""

    dialect = "mysql"
    promise = (
        "MySQL/MariaDB: complete for transactions shorter than the look-back (5 minutes), which are found"
        " within 70 s; what commits later is found by reconciliation, hourly and daily"
    )

    def _hold_nothing(self) -> None:
        self._connections: dict[str, Connection[Any]] = {}  # by what they are for

    def close(self) -> None:
        """Give the connections back; the next read opens a new one."""
        for use in tuple(self._connections):
            self._close(use)

    def _close(self, use: str) -> None:
        connection = self._connections.pop(use, None)
        if connection is not None and connection.open:
            connection.close()

    def clock(self) -> datetime:
        """The source's clock: only it decides which minute is due."""
        return self.fence().clock

    def fence(self) -> Fence:
        """The clock of this moment; there are no transaction ids to go with it."""
        with self._snapshot() as ask:
            return _fence(ask, self._file("fence"))

    def extract(self, span: Span, at_most: int | None = None) -> Extracted:
        """Rows of `span` from one snapshot; raises TooManyRows where there are more than `at_most`."""
        return read_span(partial(self._reading, at_most), span, self._conformed, self.pack, at_most)

    @contextmanager
    def _reading(self, at_most: int | None = None) -> Iterator[MySqlReading]:
        """One snapshot of the rows."""
        with self._snapshot(at_most) as ask:
            ask_rows = partial(ask, self.pack.rows_query)
            fence = partial(_fence, ask, self._file("fence"))
            beside = partial(self._beside.read, partial(self._run_beside, ask))
            yield MySqlReading(ask_rows, self._names, fence, at_most, self.pack.key[0], beside)

    @contextmanager
    def shared(self) -> Iterator[Shared]:
        """A snapshot that this connection alone can read: InnoDB hands none on."""
        with self._reading() as reading:
            yield SharedReading(None, reading, self._part)

    def part(self, name: str, start: datetime, end: datetime) -> Part:
        """Raises NotShared: no snapshot of InnoDB has a name."""
        raise NotShared(name, start, end)

    def beside(self, datasets: Collection[str], span: Span) -> ReadBeside:
        """What the optional queries of some datasets give of `span`, from a snapshot of its own."""
        with self._snapshot() as ask:
            return self._beside.read(partial(self._run_beside, ask), span, datasets)

    def beside_prints(self, dataset: str, span: Span) -> dict[datetime, tuple[int, str]]:
        """Of each minute with rows of an optional query their number and a checksum of them."""
        name = str(self.pack.beside[dataset].query)
        with self._snapshot() as ask:
            self._limit(self._beside.short_s)
            try:
                names = self._names(span.start, name)
                wrap = prints_around(self._beside.time_of(dataset, names), names)
                found = [ask(name, wrap, start=a, end=b) for a, b in parts(span.start, span.end)]
            finally:
                self._limit(self._timeout.total_seconds())
            return prints_of(pl.concat(found))

    def _run_beside(
        self, ask: Callable[..., pl.DataFrame], name: str, start: datetime, end: datetime, limit_s: float
    ) -> pl.DataFrame:
        """One of them, an hour at a time."""
        self._limit(limit_s)
        try:
            return pl.concat(
                [ask(name, start=a, end=b) for a, b in parts(start, end)], how="vertical_relaxed"
            )
        finally:
            self._limit(self._timeout.total_seconds())

    def changed(
        self,
        since: Fence,  # noqa: ARG002 - there is nothing in a fence to compare rows with
        floor: Callable[[Fence], datetime],
        known: Mapping[datetime, KnownMinute],
        until: datetime = TIME_END,
    ) -> Changed:
        """Minutes that got rows since the look-back and whose totals are not those of the ledger."""
        totals = partial(totals_around, partial(self._totals, use="search"), names=self.pack.totals)
        try:
            with self._snapshot(use="search") as ask:
                fence = _fence(ask, self._file("fence"))
                found = ask("changed", start=floor(fence))["minute"].to_list()
        except SourceValueWrong as error:
            with self._snapshot(use="search") as ask:
                fence = _fence(ask, self._file("fence"))
            return Changed(
                differing(recent(known, floor(fence)), known, totals, self.pack.totals), fence, error.what
            )
        ahead = max(until, fence.clock + AHEAD_ALARM)
        written = [minute for minute in found if minute < until or minute >= ahead]
        return Changed(differing(written, known, totals, self.pack.totals), fence)

    def arrived(
        self,
        query: str,
        since: Fence,  # noqa: ARG002 - there is nothing in a fence to compare rows with
        floor: Callable[[Fence], datetime],
    ) -> Arrived:
        """Rows written since the floor."""
        with self._snapshot() as ask:
            fence = _fence(ask, self._file("fence"))
            found = ask(query, start=floor(fence))
            return Arrived(self.pack.conform(found, str(self._file(query)), self._currency), fence)

    def totals(self, span: Span) -> pl.DataFrame:
        """Rows and the pack's totals (text: they may leave 64 bits) per minute, counted by the source itself.

        A minute whose totals hold a value that cannot be read has null in each.
        """
        return totals_around(self._totals, span, self.pack.totals)

    def _totals(self, start: datetime, end: datetime, use: str = "rows") -> pl.DataFrame:
        with self._snapshot(use=use) as ask:
            return pl.concat(ask("totals", start=a, end=b) for a, b in parts(start, end))

    def rows_without_time(self) -> int:
        """Rows that no minute will ever count because their time is missing."""
        with self._snapshot() as ask:
            return only_count(ask("without_time"), self._file("without_time"))

    def ask(
        self,
        query: str,
        parameters: Mapping[str, object],
        check: Callable[[Collection[str], str], None] = lambda *_: None,
    ) -> list[dict[str, Any]]:
        """Rows of a query about a few entities, values as they come."""
        given = {
            n: [None] if v == [] else v for n, v in self._in_their_type(parameters).items()
        }  # no empty list
        with self._snapshot() as ask:
            self._limit(min(AT_RISK_S, self._timeout.total_seconds()))
            found = ask(query, **given)
            self._limit(self._timeout.total_seconds())
        check(found.columns, str(self._file(query)))
        return found.to_dicts()

    def _whole(self, name: str) -> pl.DataFrame:
        with self._snapshot() as ask:
            return ask(name)

    def check(self) -> None:
        """Read nothing, but prove that everything that is counted can be read; raises what is wrong."""
        for name in (self.pack.rows_query, "fence", "changed", "totals"):
            self._query(name)
        with self._snapshot() as ask:
            clock = _fence(ask, self._file("fence")).clock
            rows = ask(self.pack.rows_query, start=clock, end=clock)
            ask("changed", start=clock)
            ask("totals", start=clock, end=clock)
            self._check_engines()
        self._conformed(rows)
        if self.pack.watch is not None:
            self.arrived(self.pack.watch.query, Fence(0, 0, clock), lambda fence: fence.clock)

    def check_ornaments(self) -> dict[str, MinuteriskError]:
        """What is wrong with the queries that nothing is counted by, by query."""
        asks: dict[str, Callable[[], object]] = {
            name: partial(self.ask, name, given)
            for name, given in self.pack.probe((), datetime.now(UTC)).items()
        }
        asks |= self._asks_beside()
        asks["without_time"] = self._explain_without_time  # read, it may look at the whole table
        return failures_of(asks)

    def _explain_without_time(self) -> None:
        with self._snapshot():
            connection = self._connect()
            connection.cursor().execute(f"EXPLAIN {self._text(connection, 'without_time', {})}")

    def _check_engines(self) -> None:
        """A table outside the snapshot could change between the rows and their totals: refused."""
        named = set(re.findall(r"\w+", re.sub("--.*", "", self._query(self.pack.rows_query))))
        for table, engine in fetch(self._connect(), _WITHOUT_SNAPSHOTS).iter_rows():
            if table in named:
                msg = f"the table {table} is kept by {engine}, which has no snapshots"
                raise ConfigurationError(
                    msg, f"minuterisk needs InnoDB: ALTER TABLE {table} ENGINE = InnoDB, or read a copy"
                )

    @contextmanager
    def _snapshot(
        self, at_most: int | None = None, use: str = "rows"
    ) -> Iterator[Callable[..., pl.DataFrame]]:
        """A READ ONLY transaction with the snapshot of its start; a failure gives the connection up."""
        with source_errors(self.url):
            try:
                connection = self._connect(use)
                connection.query(_BEGIN)
                yield lambda name, wrap="{query}", **values: self._ask(
                    connection, name, wrap, values, at_most
                )
                connection.rollback()  # nothing to commit: the transaction only read
            except BaseException as error:
                self._after_error(error, use)
                raise

    def _after_error(self, error: BaseException, use: str) -> None:
        """A wrong value says nothing against the connection, and many are met in a row."""
        connection = self._connections.get(use)
        wrong_value = isinstance(error, SourceValueWrong) or is_value_error(error)
        if wrong_value and connection is not None and connection.open:
            connection.rollback()
        else:
            self._close(use)

    def _ask(
        self,
        connection: Connection[Any],
        name: str,
        wrap: str,
        values: Mapping[str, Any],
        at_most: int | None,
    ) -> pl.DataFrame:
        text, file = self._text(connection, name, values, wrap), self._file(name)
        began = time.monotonic()
        with source_errors(self.url, file, lambda: _plan(connection, text)):
            try:
                answer = fetch(connection, text, at_most, self.pack.optional)
            except (SourceChanged, SourceValueWrong) as error:
                what = error.what.replace("the extraction query", f"the extraction query {file}", 1)
                raise type(error)(what, error.hint) from error
        self.on_query(name, time.monotonic() - began)
        return conform_answer(answer, name, file, self.pack.totals)

    def _names(self, moment: datetime, name: str | None = None) -> list[str]:
        """The columns of a query, else the rows' one, as they are called there."""
        connection = self._connect()
        with connection.cursor() as cursor:
            given = {"start": moment, "end": moment}
            cursor.execute(self._text(connection, name or self.pack.rows_query, given))
            return [column[0] for column in cursor.description or ()]

    def _text(
        self, connection: Connection[Any], name: str, values: Mapping[str, Any], wrap: str = "{query}"
    ) -> str:
        query = wrap.replace("{query}", self._query(name).rstrip().rstrip(";"))
        given = {key: _in_utc(value) for key, value in values.items()}
        try:
            return str(connection.cursor().mogrify(query, given))
        except (KeyError, TypeError, ValueError) as error:
            msg = f"the extraction query {self._file(name)} cannot be filled in: {error}"
            raise SourceChanged(
                msg,
                f"it takes {', '.join(values) or 'no parameters'}, written %(name)s; a percent sign is %%",
            ) from error

    def _connect(self, use: str = "rows") -> Connection[Any]:
        if use not in self._connections:
            connection = self._connections[use] = self._open()
            for statement in _SESSION:
                connection.query(statement)
            self._limit(self._timeout.total_seconds(), use)
        return self._connections[use]

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
            msg = f"cannot log in to the source database {mask_url(self.url)} without TLS: {error}"
            raise ConfigurationError(msg, "add ?ssl_mode=required to MINUTERISK_SOURCE_URL") from error

    def _limit(self, seconds: float, use: str = "rows") -> None:
        """End statements that take longer, and waits behind an ALTER TABLE."""
        connection = self._connect(use)
        limit = (
            f"max_statement_time = {seconds}"
            if "MariaDB" in connection.get_server_info()  # type: ignore[no-untyped-call]
            else f"max_execution_time = {int(1000 * seconds)}"
        )
        # Without the second a SELECT waits up to a day behind an ALTER TABLE.
        connection.query(f"SET SESSION {limit}")
        connection.query(f"SET SESSION lock_wait_timeout = {max(int(seconds), 1)}")


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


def _plan(connection: Connection[Any], text: str) -> PlanReason:
    """Why a query takes long, asked after it did; its own time limit holds for this as well."""
    return plan_reason(fetch(connection, f"EXPLAIN {text}").to_dicts(), "mysql")


def _fence(ask: Callable[..., pl.DataFrame], query: Path) -> Fence:
    return only_fence(ask("fence").to_dicts(), query)


def _in_utc(value: Any) -> Any:  # noqa: ANN401 - a parameter of a query
    """Aware times without their zone, as the session is in UTC; everything else as it is."""
    return value.astimezone(UTC).replace(tzinfo=None) if getattr(value, "tzinfo", None) else value
