"""Commit live rows exactly once, over restarts of the server, some of them late on purpose."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, LiteralString, Protocol

import polars as pl
import psycopg
from psycopg import sql

from data.chance import Dice
from data.server import copy_rows

if TYPE_CHECKING:
    from collections.abc import Mapping
    from threading import Event

_RETRY_FIRST_S: Final = 0.2
_RETRY_LONGEST_S: Final = 5.0
_LATE_FLUSH: Final = timedelta(seconds=1)  # one late transaction a second takes that second's late rows
_LATE_LEAST_S: Final = 1.0
_LATE_MOST_S: Final = 4.0


class Sink(Protocol):
    """Where rows go. Every method works inside the caller's transaction and raises `psycopg.Error`."""

    @property
    def key(self) -> tuple[str, ...]:
        """The columns that tell rows apart."""
        ...

    def put(self, connection: psycopg.Connection, rows: pl.DataFrame) -> object:
        """Write them, in their order."""
        ...

    def holds(self, connection: psycopg.Connection, row: Mapping[str, Any]) -> bool:
        """Is this row there?"""
        ...

    def taken(self, connection: psycopg.Connection, since: datetime) -> list[tuple[Any, ...]]:
        """The keys of all rows that happened since."""
        ...


@dataclass(frozen=True, slots=True)
class Table:
    """A table whose rows are written as they are, named by one column."""

    name: str
    id_column: str

    @property
    def key(self) -> tuple[str, ...]:
        """The columns that tell rows apart."""
        return (self.id_column,)

    def put(self, connection: psycopg.Connection, rows: pl.DataFrame) -> int:
        """Append them."""
        return copy_rows(connection, self.name, rows)

    def holds(self, connection: psycopg.Connection, row: Mapping[str, Any]) -> bool:
        """Is this row there?"""
        query = self._query("SELECT 1 FROM {table} WHERE {key} = %s")
        return connection.execute(query, [row[self.id_column]]).fetchone() is not None

    def taken(self, connection: psycopg.Connection, since: datetime) -> list[tuple[Any, ...]]:
        """The keys of all rows that happened since."""
        return connection.execute(
            self._query("SELECT {key} FROM {table} WHERE occurred_at >= %s"), [since]
        ).fetchall()

    def _query(self, text: LiteralString) -> sql.Composed:
        return sql.SQL(text).format(table=sql.Identifier(self.name), key=sql.Identifier(self.id_column))


@dataclass(slots=True)
class LiveReport:
    """What was committed: rows in all, of them late, and batches; how often it had to connect again.

    `behind_s_max` is the largest age that a row had when it was handed over for writing. `unwritten` rows
    were given up because the feed was asked to stop while the server was away.
    """

    rows: int = 0
    late_rows: int = 0
    batches: int = 0
    reconnections: int = 0
    behind_s_max: float = 0.0
    unwritten: int = 0


@dataclass(frozen=True, slots=True)
class _OpenTransaction:
    connection: psycopg.Connection
    rows: pl.DataFrame
    commit_at: datetime


class Writer:
    """Writes batches in order. Connects at once, so that a wrong URL raises instead of being awaited."""

    def __init__(self, url: str, stop: Event, late_share: float, seed: int, sink: Sink) -> None:
        self.report = LiveReport()
        self._url = url
        self._stop = stop
        self._late_share = late_share
        self._dice = Dice(seed)
        self._sink = sink
        self._connection: psycopg.Connection | None = psycopg.connect(url)
        self._late_rows: list[pl.DataFrame] = []
        self._flushed_at: datetime | None = None
        self._open: deque[_OpenTransaction] = deque()

    def write(self, rows: pl.DataFrame, now: datetime) -> None:
        """Commit `rows`, except the late share, which enters a transaction that stays open for a while."""
        if self._late_share > 0:
            late = self._dice.uniform("late", rows[self._sink.key[0]].to_numpy()) < self._late_share
            self._late_rows.append(rows.filter(late))
            rows = rows.filter(~late)
        self._commit(rows, repeated=False)
        if self._flushed_at is None or now - self._flushed_at >= _LATE_FLUSH:
            self._open_late(now)

    def commit_late(self, now: datetime) -> None:
        """Commit the open transactions whose time has come."""
        waiting = [t for t in self._open if t.commit_at > now]
        for transaction in [t for t in self._open if t.commit_at <= now]:
            self._commit_open(transaction)
        self._open = deque(waiting)

    def close(self) -> None:
        """Commit everything that is still held and close the connections."""
        for transaction in self._open:
            self._commit_open(transaction)
        self._open.clear()
        for rows in self._late_rows:
            self._commit(rows, repeated=False)
            self.report.late_rows += rows.height
        self._late_rows.clear()
        if self._connection is not None:
            self._connection.close()

    def _commit(self, rows: pl.DataFrame, *, repeated: bool) -> None:
        """Commit `rows` exactly once; `repeated` says that an earlier attempt may have succeeded.

        Waits for a server that is away, until the stop event is set.
        """
        delay_s = _RETRY_FIRST_S
        while rows.height:
            try:
                self._attempt(rows, repeated=repeated)
            except psycopg.OperationalError:
                self._drop_connection()
                if self._stop.wait(delay_s):
                    self.report.unwritten += rows.height
                    return
                delay_s = min(2 * delay_s, _RETRY_LONGEST_S)
            except psycopg.errors.UniqueViolation:
                if not repeated:
                    raise
                self._drop_connection()  # the attempt we had lost sight of was committed only now
            else:
                self.report.rows += rows.height
                self.report.batches += 1
                return
            repeated = True

    def _attempt(self, rows: pl.DataFrame, *, repeated: bool) -> None:
        if self._connection is None:
            self._connection = psycopg.connect(self._url)
            self.report.reconnections += 1
        if not (repeated and self._is_there(self._connection, rows)):
            self._sink.put(self._connection, rows)
        self._connection.commit()

    def _drop_connection(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _open_late(self, now: datetime) -> None:
        held = [rows for rows in self._late_rows if rows.height]
        self._late_rows.clear()
        self._flushed_at = now
        if not held:
            return
        rows = pl.concat(held)
        delay = self._dice.uniform("late delay", rows[self._sink.key[0]][:1].to_numpy())[0]
        commit_at = now + timedelta(seconds=_LATE_LEAST_S + (_LATE_MOST_S - _LATE_LEAST_S) * float(delay))
        try:
            connection = psycopg.connect(self._url)
            self._sink.put(connection, rows)
        except psycopg.OperationalError:
            self._late_rows.append(rows)  # the server is away: the next flush tries again
        else:
            self._open.append(_OpenTransaction(connection, rows, commit_at))

    def _commit_open(self, transaction: _OpenTransaction) -> None:
        self.report.late_rows += transaction.rows.height
        try:
            transaction.connection.commit()
        except psycopg.OperationalError:
            self._commit(transaction.rows, repeated=True)
        else:
            self.report.rows += transaction.rows.height
            self.report.batches += 1
        finally:
            transaction.connection.close()

    def _is_there(self, connection: psycopg.Connection, rows: pl.DataFrame) -> bool:
        """Whether the batch was committed: it was as a whole or not at all, so its first row tells."""
        return self._sink.holds(connection, rows.row(0, named=True))
