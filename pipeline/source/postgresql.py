"""The source database, read and nothing else: rows and snapshot together, few connections, short queries.

Everything is read through the queries in one folder (`MINUTERISK_SOURCE_QUERIES`); another company's
table means another folder, not other code. At most two connections are held: one of ADBC for rows
(Arrow, no Python object per row), one of psycopg for what gives few rows: the entities an incident names,
and the search for late commits, which runs in a thread of its own and gives way to them. A minute of many
rows is read in two halves: then the second one is of ADBC, too, as long as that takes.
"""

from __future__ import annotations

import re
import time
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from threading import Lock
from typing import TYPE_CHECKING, Any

import adbc_driver_postgresql.dbapi as adbc
import polars as pl
import psycopg
from psycopg.rows import dict_row, tuple_row
from psycopg.types.numeric import Int8

from pipeline.errors import MinuteriskError, Overtaken, SourceChanged, SourceValueWrong
from pipeline.errors.translate import is_value_error, source_errors
from pipeline.minute import TIME_END, floor_minute
from pipeline.schema import UTC_SUFFIX, UTC_TIME
from pipeline.source.answers import conform_answer, differing, only_count, recent
from pipeline.source.arrow_rows import plain_frame
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
from pipeline.source.plan import PlanReason, plan_reason
from pipeline.source.postgresql_reading import PRINTS, PgReading, parameters_of
from pipeline.source.postgresql_session import export, fetch, few_rows, open_few, open_rows, snapshot
from pipeline.source.postgresql_values import read_as_text_what_does_not_fit
from pipeline.source.shared import SharedReading, SharedSource
from pipeline.source.streams.slices import Slices

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

    from pipeline.minute import Span
    from pipeline.source.asked import KnownMinute, Part, ReadBeside, Shared
    from pipeline.source.postgresql_session import Few
    from pipeline.source.streams.slices import Second

    #: The second connection's place, and the name of the snapshot that it reads in.
    Halves = tuple[Second, str]

#: Transaction ids on disk have 32 bits and wrap.
XID_WRAP = 2**32
#: Ids farther back than this are not told apart; a look-back never reaches so far.
_XID_REACH = 2**30
_TIMESTAMP = psycopg.adapters.types["timestamp"].oid
_TIMESTAMPTZ = psycopg.adapters.types["timestamptz"].oid
#: So long a plan is waited for, which only explains a failure.
_PLAN = timedelta(seconds=2)
_PROMISE = (
    "PostgreSQL: a commit is found however long its transaction was open, as long as its rows lie inside"
    " the look-back: within 20 s, or 70 s where the transaction idled before its first write and the"
    " reader may not see that; reconciliation finds what is older"
)
_PROMISE_BY_TOTALS = (
    "PostgreSQL, where the query changed gives no newest: complete for transactions shorter than the"
    " look-back (5 minutes), which are found within 70 s; what commits later is found by reconciliation,"
    " hourly and daily"
)


class PostgresSource(SharedSource):
    """A PostgreSQL database behind a role that may only SELECT."""

    dialect = "postgresql"
    promise = _PROMISE  # until `changed` was seen to give less

    def _hold_nothing(self) -> None:
        self._rows: adbc.Connection | None = None
        self._few: Few | None = None
        self._few_in_use = Lock()
        self._give_way = False  # the thread that searches is asked to end
        self._slices = Slices(self._few_in_use, self._close_few, self._timeout, self.pack.key)

    def close(self) -> None:
        """Give the connections back; the next read opens new ones."""
        self._close_rows()
        with self._small_connection_alone():
            self._close_few()

    def _close_rows(self) -> None:
        rows, self._rows = self._rows, None
        if rows is not None:
            rows.close()

    def _close_few(self) -> None:
        few, self._few = self._few, None
        if few is not None:
            few.close()

    def clock(self) -> datetime:
        """The source's clock: only it decides which minute is due."""
        with self._snapshot() as cursor:
            return self._fence(cursor).clock

    def extract(self, span: Span, at_most: int | None = None) -> Extracted:
        """Rows of `span` with the fence of the very snapshot they come from."""
        read = read_span(partial(self._reading, at_most), span, self._conformed, self.pack, at_most)
        self._slices.learn(read.rows.height, span.minutes)
        return read

    @contextmanager
    def _reading(self, at_most: int | None = None) -> Iterator[PgReading]:
        """One snapshot of the rows."""
        with (
            self._slices.second(wanted=at_most is None) as second,
            self._shareable(wanted=second is not None) as (cursor, name),
            source_errors(self.url, self._file(self.pack.rows_query)),
        ):
            yield self._of(cursor, at_most, (second, name) if second and name else None)

    def _of(self, cursor: adbc.Cursor, at_most: int | None = None, halves: Halves | None = None) -> PgReading:
        ask = partial(self._run, cursor, self.pack.rows_query, at_most=at_most)
        text, fence = self._query(self.pack.rows_query), partial(self._fence, cursor)
        beside = partial(self._beside.read, partial(self._run_beside, cursor))
        return PgReading(text, ask, cursor, fence, self.pack.key[0], beside, partial(ask, halves=halves))

    @contextmanager
    def _shareable(self, *, wanted: bool) -> Iterator[tuple[adbc.Cursor, str | None]]:
        """A snapshot, and its name for other connections where it is `wanted` and to be had."""
        with ExitStack() as stack:
            cursor, name = stack.enter_context(self._snapshot()), None
            if wanted and not self._slices.alone:
                try:
                    name = export(cursor)
                except NotShared as refused:
                    self._slices.stay_alone(str(refused))
                    stack.close()  # the refusal has ended its transaction
                    cursor = stack.enter_context(self._snapshot())
            yield cursor, name

    @contextmanager
    def shared(self) -> Iterator[Shared]:
        """A snapshot whose rows other connections read as well, wherever the server lets them."""
        with self._shareable(wanted=True) as (cursor, name), source_errors(self.url):
            known = name if name and self._slices.can_share(cursor.connection, name) else None
            yield SharedReading(known, self._of(cursor), self._part)

    def part(self, name: str, start: datetime, end: datetime) -> Part:
        """Rows of [start, end) in a snapshot that another connection shares."""
        with self._snapshot(name) as cursor, source_errors(self.url, self._file(self.pack.rows_query)):
            return self._part(self._of(cursor).rows(start, end), start, end)

    def beside(self, datasets: Collection[str], span: Span) -> ReadBeside:
        """What the optional queries of some datasets give of `span`, from a snapshot of its own."""
        with self._snapshot() as cursor:
            return self._beside.read(partial(self._run_beside, cursor), span, datasets)

    def beside_prints(self, dataset: str, span: Span) -> dict[datetime, tuple[int, str]]:
        """Of each minute with rows of an optional query their number and a checksum of them."""
        name = str(self.pack.beside[dataset].query)
        query = self._query(name).rstrip().rstrip(";")
        with self._snapshot() as cursor:
            _limit(cursor, self._beside.short_s)
            at = self._beside.time_of(
                dataset, self._run(cursor, name, query, (span.start, span.start)).columns
            )
            text = PRINTS.format(time=at, query=query)
            return prints_of(self._run(cursor, name, text, (span.start, span.end)))

    def _run_beside(
        self, cursor: adbc.Cursor, name: str, start: datetime, end: datetime, limit_s: float
    ) -> pl.DataFrame:
        """One of them; what fails leaves the snapshot usable for nothing but its end."""
        _limit(cursor, limit_s)
        return self._run(cursor, name, self._query(name), (start, end))

    def fence(self) -> Fence:
        """The snapshot of this moment."""
        with self._snapshot() as cursor:
            return self._fence(cursor)

    def changed(
        self,
        since: Fence,
        floor: Callable[[Fence], datetime],
        known: Mapping[datetime, KnownMinute],
        until: datetime = TIME_END,
    ) -> Changed:
        """Minutes with rows of transactions that had not ended when the minute was read.

        Where the query does not say which these are (a view has no xmin), the minutes that got rows lately
        are counted by the source and compared with the ledger, as with MySQL.
        """
        totals = partial(totals_around, self._searched_totals, names=self.pack.totals)
        try:
            with self._search() as ask:
                fence = only_fence(ask("fence"), self._file("fence"))
                base = max(since.xmin, fence.xmax - _XID_REACH)
                given = (floor(fence), Int8(base % XID_WRAP), until, max(until, fence.clock + AHEAD_ALARM))
                found = ask("changed", *given)
        except SourceValueWrong as error:
            with self._search() as ask:
                fence = only_fence(ask("fence"), self._file("fence"))
            return Changed(
                differing(recent(known, floor(fence)), known, totals, self.pack.totals), fence, error.what
            )
        if self.promise == _PROMISE_BY_TOTALS:
            ahead = max(until, fence.clock + AHEAD_ALARM)
            written = [row["minute"] for row in found if row["minute"] < until or row["minute"] >= ahead]
            return Changed(differing(sorted(written), known, totals, self.pack.totals), fence)
        minutes = (
            row["minute"]
            for row in found
            if row["minute"] not in known or row["newest"] >= known[row["minute"]].xmin - base
        )
        return Changed(tuple(minutes), fence)

    def arrived(self, query: str, since: Fence, floor: Callable[[Fence], datetime]) -> Arrived:
        """Rows written since the floor by transactions that had not ended at the fence."""
        with self._snapshot() as cursor:
            fence = self._fence(cursor)
            base = max(since.xmin, fence.xmax - _XID_REACH)
            found = self._run(cursor, query, self._query(query), (floor(fence), base % XID_WRAP))
            return Arrived(self.pack.conform(found, str(self._file(query)), self._currency), fence)

    def _searched_totals(self, start: datetime, end: datetime) -> pl.DataFrame:
        """Totals on the second connection."""
        with self._search() as ask:
            rows = ask("totals", start, end)
        return conform_answer(
            pl.DataFrame(
                {
                    "minute": pl.Series([row["minute"] for row in rows], dtype=UTC_TIME),
                    **{n: [str(row[n]) for row in rows] for n in ("rows", *self.pack.totals)},
                },
                schema_overrides=dict.fromkeys(("rows", *self.pack.totals), pl.String),
            ),
            "totals",
            self._file("totals"),
            self.pack.totals,
        )

    @contextmanager
    def _search(self) -> Iterator[Callable[..., list[dict[str, Any]]]]:
        """A snapshot on the second connection. It gives way to `ask`: then this raises Overtaken."""
        with source_errors(self.url), self._few_in_use:
            try:
                with few_rows(self._small_connection(), self._timeout) as connection:
                    connection.execute("SET LOCAL jit = off")  # a query that runs once is not worth compiling
                    yield lambda name, *given: self._ask_few(connection, name, given)
            except BaseException as error:
                self._close_few()
                if self._give_way and isinstance(error, psycopg.Error | MinuteriskError):
                    msg = "the search for late commits gave way to a question of the minute in hand"
                    raise Overtaken(msg, "it begins again") from error
                raise

    def _ask_few(
        self, connection: psycopg.Connection[Any], name: str, given: Sequence[object]
    ) -> list[dict[str, Any]]:
        """The rows of a query, which may want fewer parameters than there are."""
        query, began = re.sub(r"--.*", "", self._query(name)), time.monotonic()
        wanted = [value for n, value in enumerate(given, start=1) if f"${n}" in query]
        with (
            source_errors(self.url, self._file(name), lambda: self._plan_anew(query, wanted)),
            psycopg.RawCursor(connection, row_factory=dict_row) as cursor,
        ):
            found = cursor.execute(query.encode(), wanted).fetchall()
            types = {column.name: column.type_code for column in cursor.description or ()}
        self.on_query(name, time.monotonic() - began)
        if name == "changed":
            return self._changed_rows(found, types)
        return found

    def _changed_rows(
        self, found: Sequence[Mapping[str, Any]], types: Mapping[str, int]
    ) -> list[dict[str, Any]]:
        """Rows of `changed` with full minutes in UTC; others are those of `without_time`."""
        path = self._queries / "changed.sql"
        if types.get("minute") != _TIMESTAMPTZ and types.get(f"minute{UTC_SUFFIX}") != _TIMESTAMP:
            gives = (
                "minute as a time without a zone" if types.get("minute") == _TIMESTAMP else ", ".join(types)
            )
            msg = f"the extraction query {path} gives {gives or 'nothing'}"
            minute = "minute as timestamptz, date_bin('1 minute', occurred_at, '1970-01-01Z')"
            hint = f"it must give {minute}, and newest; a minute without a zone that holds UTC is minute_utc"
            raise SourceChanged(msg, hint)
        odd = next((row for row in found if not isinstance(row.get("newest", 0), int)), None)
        if odd is not None:
            msg = f"the extraction query {path} gives newest as {odd['newest']}; a whole number is needed"
            raise SourceChanged(msg, "give the age of the newest transaction, or no column newest")
        self.promise = _PROMISE if "newest" in types else _PROMISE_BY_TOTALS
        rows = []
        for row in found:
            minute = row.get("minute", row.get(f"minute{UTC_SUFFIX}"))
            if isinstance(minute, datetime):
                aware = minute if minute.tzinfo else minute.replace(tzinfo=UTC)
                rows.append({**row, "minute": floor_minute(aware)})
        return rows

    @contextmanager
    def _small_connection_alone(self, patience: timedelta = timedelta.max) -> Iterator[None]:
        """The second connection for this thread; a search that is under way is ended.

        Raises Overtaken where somebody else has it for longer than `patience`.
        """
        until = time.monotonic() + patience.total_seconds()
        while not self._few_in_use.acquire(timeout=0.1):
            if time.monotonic() > until:
                msg = "the second connection is in use"
                raise Overtaken(msg, "it is asked for again")
            self._give_way, few = True, self._few
            if few is not None:
                with suppress(psycopg.Error):
                    few.cancel_safe(timeout=2)
        self._give_way = False
        try:
            yield
        finally:
            self._few_in_use.release()

    def totals(self, span: Span) -> pl.DataFrame:
        """Rows and the pack's totals (text: they may leave 64 bits) per minute, counted by the source itself.

        A minute whose totals hold a value that cannot be read has null in each.
        """
        return totals_around(self._totals, span, self.pack.totals)

    def _totals(self, start: datetime, end: datetime) -> pl.DataFrame:
        with self._snapshot() as cursor:
            return self._fetch(cursor, "totals", start, end)

    def rows_without_time(self) -> int:
        """Rows that no minute will ever count because their time is missing."""
        with self._snapshot() as cursor:
            return only_count(self._fetch(cursor, "without_time"), self._file("without_time"))

    def ask(
        self,
        query: str,
        parameters: Mapping[str, object],
        check: Callable[[Collection[str], str], None] = lambda *_: None,
    ) -> list[dict[str, Any]]:
        """Rows of a query about a few entities, values as they come."""
        file, text = str(self._file(query)), self._query(query)
        given = self._in_their_type(parameters)
        return self._few_rows(query, text, given, lambda columns: check(columns, file))

    def _whole(self, name: str) -> pl.DataFrame:
        with self._snapshot() as cursor:
            return self._fetch(cursor, name)

    def check(self) -> None:
        """Read nothing, but prove that everything that is counted can be read; raises what is wrong."""
        for name in ("fence", self.pack.rows_query, "changed", "totals"):
            self._query(name)
        with self._snapshot() as cursor:
            clock = self._fence(cursor).clock
            self._conformed(self._fetch(cursor, self.pack.rows_query, clock, clock))
            self._fetch(cursor, "totals", clock, clock)  # after the columns: it fails less clearly by them
        self.changed(Fence(0, 0, clock), lambda fence: fence.clock, {})
        if self.pack.watch is not None:
            self.arrived(self.pack.watch.query, Fence(0, 0, clock), lambda fence: fence.clock)

    def check_ornaments(self) -> dict[str, MinuteriskError]:
        """What is wrong with the queries that nothing is counted by, by query."""
        asks: dict[str, Callable[[], object]] = {
            name: partial(self.ask, name, given)
            for name, given in self.pack.probe((), datetime.now(UTC)).items()
        }
        asks |= self._asks_beside()
        asks["without_time"] = lambda: self._few_rows(
            "without_time", f"EXPLAIN {self._query('without_time')}"
        )
        return failures_of(asks)  # read, `without_time` may look at the whole table

    def _fence(self, cursor: adbc.Cursor) -> Fence:
        return only_fence(self._fetch(cursor, "fence").to_dicts(), self._file("fence"))

    def _fetch(self, cursor: adbc.Cursor, name: str, *parameters: datetime | int) -> pl.DataFrame:
        found = self._run(cursor, name, self._query(name), parameters)
        return conform_answer(found, name, self._file(name), self.pack.totals, postgresql=True)

    def _run(
        self,
        cursor: adbc.Cursor,
        name: str,
        text: str,
        parameters: Sequence[datetime | int | str],
        at_most: int | None = None,
        halves: Halves | None = None,
    ) -> pl.DataFrame:
        """The answer of the query `name` or of one around it, which may want fewer parameters.

        Its times are halved for two connections where `halves` gives the second one and the snapshot's name.
        """
        began, given, path = time.monotonic(), list(parameters[: parameters_of(text)]), self._file(name)

        def ask(cursor: adbc.Cursor, *values: datetime | int | str) -> pl.DataFrame:
            return plain_frame(fetch(cursor, text, values, at_most), path)

        with source_errors(self.url, path, lambda: self._plan(text, given)):
            if halves and halves[0].idle and len(given) == 2:  # noqa: PLR2004 - where it begins and ends
                found = self._slices.read(ask, cursor, *halves, *given)  # type: ignore[arg-type]  # times
            else:
                found = ask(cursor, *given)
        self.on_query(name, time.monotonic() - began)
        return found

    @contextmanager
    def _snapshot(self, name: str | None = None) -> Iterator[adbc.Cursor]:
        """One REPEATABLE READ, READ ONLY transaction; after an error the connection is given up."""
        with source_errors(self.url):
            try:
                with snapshot(self._row_connection(), self._timeout, name) as cursor:
                    yield cursor
            except BaseException as error:
                self._after_error(error)
                raise

    def _after_error(self, error: BaseException) -> None:
        """A wrong value or answer says nothing against the connection, and many are met in a row."""
        harmless = isinstance(error, SourceValueWrong | SourceChanged) or is_value_error(error)
        if harmless and self._rows is not None:
            with suppress(adbc.Error):
                self._rows.rollback()
                self._rows.adbc_connection.set_autocommit(True)
                return
        self._close_rows()

    def _row_connection(self) -> adbc.Connection:
        if self._rows is None:
            self._rows = open_rows(self.url)
        return self._rows

    def _few_rows(
        self,
        name: str,
        query: str,
        parameters: Mapping[str, Any] | None = None,
        check: Callable[[list[str]], None] = lambda _: None,
    ) -> list[dict[str, Any]]:
        """The rows of a small query; `check` sees the names of its columns before their values are read."""
        with (
            source_errors(self.url, self._file(name), lambda: self._plan(query, parameters)),
            self._small_connection_alone(),
        ):
            try:
                limit = min(self._timeout, timedelta(seconds=AT_RISK_S))
                with few_rows(self._small_connection(), limit) as connection:
                    cursor = connection.execute(query.encode(), parameters)
                    check([column.name for column in cursor.description or ()])
                    return cursor.fetchall()
            except BaseException:
                self._close_few()  # the rows' own connection is none the worse for it
                raise

    def _plan(self, query: str, parameters: Sequence[Any] | Mapping[str, Any] | None) -> PlanReason:
        """Why `query` takes long, asked after it did; nothing of it runs, and nobody waits long for it."""
        asked = f"EXPLAIN (FORMAT JSON) {query}".encode()
        numbered = not isinstance(parameters, dict)  # $1 and not %(name)s
        kind = psycopg.RawCursor if numbered else psycopg.Cursor
        with (
            self._small_connection_alone(_PLAN),
            few_rows(self._small_connection(), min(self._timeout, _PLAN)) as connection,
            kind(connection, row_factory=tuple_row) as cursor,
        ):
            row = cursor.execute(asked, parameters).fetchone()
        return plan_reason(row and row[0], "postgresql")

    def _plan_anew(self, query: str, parameters: Sequence[Any]) -> PlanReason:
        """The same for a query on the second connection itself, which is given up first."""
        self._close_few()
        with self.again() as other:
            return other._plan(query, parameters)  # noqa: SLF001 - of this class

    def _small_connection(self) -> Few:
        if self._few is None:
            self._few = open_few(self.url)
            read_as_text_what_does_not_fit(self._few)
        return self._few


def _limit(cursor: adbc.Cursor, seconds: float) -> None:
    """End statements of this transaction that take longer."""
    cursor.execute("SELECT set_config('statement_timeout', $1::text, true)", [str(int(1000 * seconds))])
    cursor.fetch_arrow_table()  # until then nothing is executed
