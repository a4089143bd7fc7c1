"""Reads the catalog of a source database and bounded samples of its tables, with SELECT rights alone."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import UTC, timedelta
from itertools import groupby
from typing import TYPE_CHECKING, Any, Final, Protocol

import pymysql
from pymysql.cursors import DictCursor

from pipeline.connect.catalog import Column, Sample, SourceCatalog, Table, enum_words, kind_of
from pipeline.connect.quoting import Sql
from pipeline.errors import ConfigurationError, SourceTooSlow, SourceUnavailable
from pipeline.errors.secrets import dialect
from pipeline.errors.translate import source_errors
from pipeline.source.mysql import connect_arguments
from pipeline.source.postgresql_session import few_rows, open_few
from queries import sql

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pipeline.connect.catalog import Dialect

#: Rows of a sample, and characters of a value: enough to see every word that matters.
SAMPLE_ROWS: Final = 20_000
_VALUE_LENGTH: Final = 200
#: What is never read into a sample: it may be large, and says nothing.
_UNREAD: Final = ("binary", "other")


class _Ask(Protocol):
    """Runs one query in a transaction of its own."""

    def __call__(self, query: str) -> list[dict[str, Any]]:
        """Its rows, by column name."""
        ...


class CatalogReader:
    """The catalog and samples of one source database; each question is a short READ ONLY transaction."""

    def __init__(self, url: str, timeout: timedelta) -> None:
        self._url = url
        self._timeout = timeout
        self.dialect: Dialect = "mysql" if dialect(url) == "mysql" else "postgresql"
        self._sql = Sql(self.dialect, lambda _: timedelta(0))

    def read(self) -> SourceCatalog:
        """Everything that the role may read; raises ConfigurationError where that is nothing."""
        with self._connected() as ask:
            rows = [_lowered(row) for row in ask(sql(f"connect/{self.dialect}/columns"))]
            clock = ask(sql(f"connect/{self.dialect}/clock"))[0]["clock"]
        if not rows:
            msg = "this role can read no table of the source database"
            raise ConfigurationError(
                msg, "GRANT SELECT on the tables of transactions to it, and name the database in the URL"
            )
        tables = [_table(list(found)) for _, found in groupby(rows, _table_key)]
        at = clock.astimezone(UTC) if clock.tzinfo else clock.replace(tzinfo=UTC)
        return SourceCatalog(self.dialect, tuple(tables), at)

    def sample(self, table: Table, newest_by: Column | None) -> Sample:
        """Recent rows of a table; in no order where the server would take too long to find the newest."""
        ordered = self._sample(table, newest_by)
        with self._connected() as ask:
            try:
                return Sample(ask(ordered), ordered=newest_by is not None)
            except (SourceUnavailable, SourceTooSlow):
                if newest_by is None:
                    raise
        with self._connected() as ask:
            return Sample(ask(self._sample(table, None)), ordered=False)

    def _sample(self, table: Table, newest_by: Column | None) -> str:
        names = [(c, self._sql.name(c.name, bound=False)) for c in table.columns if c.kind not in _UNREAD]
        columns = ", ".join(
            f"LEFT({self._sql.as_text(f't.{name}')}, {_VALUE_LENGTH}) AS {name}" for _, name in names
        )
        lines = [f"SELECT {columns}", f"FROM {self._sql.table(table, bound=False)} AS t"]
        if newest_by is not None:
            column = f"t.{self._sql.name(newest_by.name, bound=False)}"
            lines += [f"WHERE {column} IS NOT NULL", f"ORDER BY {column} DESC"]
        return "\n".join([*lines, f"LIMIT {SAMPLE_ROWS}"])

    @contextmanager
    def _connected(self) -> Iterator[_Ask]:
        with source_errors(self._url):
            connect = self._mysql if self.dialect == "mysql" else self._postgresql
            with connect() as ask:
                yield ask

    @contextmanager
    def _postgresql(self) -> Iterator[_Ask]:
        with open_few(self._url) as connection, few_rows(connection, self._timeout):
            yield lambda query: connection.execute(query.encode()).fetchall()

    @contextmanager
    def _mysql(self) -> Iterator[_Ask]:
        connection = pymysql.connect(
            **connect_arguments(self._url), charset="utf8mb4", cursorclass=DictCursor, connect_timeout=10
        )
        with connection, connection.cursor() as cursor:
            seconds = int(self._timeout.total_seconds())
            maria = "MariaDB" in connection.get_server_info()  # type: ignore[no-untyped-call]
            limit = f"max_statement_time = {seconds}" if maria else f"max_execution_time = {1000 * seconds}"
            for setting in ("time_zone = '+00:00'", limit, f"lock_wait_timeout = {seconds}"):
                cursor.execute(f"SET SESSION {setting}")
            cursor.execute("START TRANSACTION READ ONLY")

            def ask(query: str) -> list[dict[str, Any]]:
                cursor.execute(query)
                return [dict(row) for row in cursor.fetchall()]

            yield ask


def _lowered(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name.lower(): value for name, value in row.items()}


def _table_key(row: Mapping[str, Any]) -> tuple[str, str]:
    return row["schema_name"], row["table_name"]


def _table(rows: Sequence[Mapping[str, Any]]) -> Table:
    first = rows[0]
    key = sorted((row["key_position"], row["column_name"]) for row in rows if row["key_position"] is not None)
    return Table(
        first["schema_name"],
        first["table_name"],
        tuple(_column(row) for row in rows),
        tuple(name for _, name in key),
        has_xmin=first["table_kind"] in ("r", "p", "m"),
        is_default=bool(first["is_default"]),
    )


def _column(row: Mapping[str, Any]) -> Column:
    declared, is_enum = row["declared"], bool(row["is_enum"])
    words = row.get("words")
    return Column(
        row["column_name"],
        kind_of(declared, is_enum=is_enum),
        declared,
        indexed=bool(row["indexed"]),
        words=tuple(words) if words else enum_words(declared),
    )
