"""Reads what the check has to know: events as they are written, those of the past, and the rules in force."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Lock
from typing import TYPE_CHECKING, Any, Final

import adbc_driver_postgresql.dbapi as adbc
import polars as pl

from pipeline.errors.translate import state_errors
from pipeline.minute import Span
from pipeline.online.transfers.check.state import KNOWN_AS
from pipeline.online.transfers.in_force import InForceReader
from pipeline.packs.transfers.schema import EVENT
from pipeline.schema import conform
from pipeline.source.pieces import pieces_of_files
from queries import sql

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pipeline.packs.transfers.ruleset import Timeline
    from pipeline.store.lake import Lake
    from pipeline.store.manifest import LakeFile
    from pipeline.store.state import State

#: News: an event and the status by which it is held.
NEWS: Final = pl.Schema({**EVENT, KNOWN_AS: pl.String()})
#: Newer events are read from the database, which has each as it is now; older ones from the lake.
NEWER: Final = timedelta(hours=49)
_SNAPSHOT: Final = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY"
_TIMEOUT: Final = "SET LOCAL statement_timeout = 60000"


@dataclass(frozen=True, slots=True)
class Look:
    """One look at the operational database: all of one moment, but for the rules, which are a bit older."""

    clock: datetime
    seen: str  # which transactions it showed, as a snapshot
    timeline: Timeline
    news: pl.DataFrame  # NEWS since the look before
    watched: datetime | None  # when the watch last brought what was new at the company's
    newer: pl.DataFrame | None = None  # EVENT, where the past was asked for
    files: Sequence[LakeFile] = ()  # what was published before


class Reader:
    """One per process; its calls come from one thread at a time, but for `close`, which waits for the others.

    Whoever is cancelled in the middle of a look leaves its thread behind. A connection that is closed while
    that thread reads from it takes the whole process with it.
    """

    def __init__(self, state: State, lake: Lake) -> None:
        self._state = state
        self._lake = lake
        self._rules = InForceReader()
        self._connection: adbc.Connection | None = None
        self._in_use = Lock()  # the connection
        self._ended = False

    def rules(self, since: datetime) -> Timeline:
        """The rules in force at `since` or later."""
        with self._state.reading() as connection:
            return self._rules.read(connection, since)

    def look(self, seen: str | None, since: datetime, *, past: bool = False) -> Look:
        """What was written after `seen` (None: nothing is asked for), and with `past` what was before."""
        timeline = self.rules(since)
        files = self._state.publication().files if past else ()
        with state_errors(self._state.url), self._in_use:
            try:
                return self._look(seen, timeline, files, past=past)
            except BaseException:
                self._close()
                raise

    def past(self, look: Look, reach: timedelta) -> Iterator[pl.DataFrame]:
        """All events that the look showed, as far back as `reach`, in pieces: EVENT."""
        border, newer = look.clock - NEWER, look.newer
        if newer is None:
            return
        yield newer
        name, zone = self._lake.pack.dataset, self._lake.zone
        span = Span(_minute(look.clock - reach), _minute(look.clock) + timedelta(minutes=1))
        for piece in pieces_of_files(look.files, name, span, zone):
            rows = self._lake.read(look.files, name, piece).select(EVENT.names())
            if piece.end > border:
                rows = rows.join(newer.select("transfer_id"), on="transfer_id", how="anti")
            if rows.height:
                yield rows

    def written(self, since: datetime, schema: pl.Schema) -> pl.DataFrame:
        """Which transactions wrote the events from a moment on."""
        with state_errors(self._state.url), self._in_use, self._open().cursor() as cursor:
            return _rows(cursor, "transfers/ops/events_written", since, schema)

    def close(self) -> None:
        """Give the connection back, once nobody reads from it, for good."""
        with self._in_use:
            self._ended = True
            self._close()

    def _close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _look(self, seen: str | None, timeline: Timeline, files: Sequence[LakeFile], *, past: bool) -> Look:
        connection = self._open()
        connection.adbc_connection.set_autocommit(False)  # begins
        with connection.cursor() as cursor:
            _do(cursor, _SNAPSHOT)
            _do(cursor, _TIMEOUT)
            cursor.execute(sql("transfers/ops/look"))
            clock, now, watched = cursor.fetch_arrow_table().to_pylist()[0].values()
            news = _rows(cursor, "transfers/ops/events_since", seen, NEWS) if seen else NEWS.to_frame()
            newer = _rows(cursor, "transfers/ops/events_from", clock - NEWER, EVENT) if past else None
        connection.adbc_connection.set_autocommit(True)
        return Look(clock, now, timeline, news, watched, newer, files)

    def _open(self) -> adbc.Connection:
        if self._ended:  # asked by a thread that was left behind; nobody hears this
            msg = "what is asked for after the end came too late"
            raise RuntimeError(msg)
        if self._connection is None:
            self._connection = adbc.connect(self._state.url, autocommit=True)
        return self._connection


def _do(cursor: adbc.Cursor, statement: str) -> None:
    cursor.execute(statement)
    cursor.fetch_arrow_table()  # until then nothing is executed


def _rows(cursor: adbc.Cursor, query: str, given: object, schema: pl.Schema) -> pl.DataFrame:
    cursor.execute(sql(query), [given])
    found: Any = pl.from_arrow(cursor.fetch_arrow_table())
    return conform(found, schema)


def _minute(moment: datetime) -> datetime:
    return moment.replace(second=0, microsecond=0)
