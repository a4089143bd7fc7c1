"""Feed a stand-in server with live rows as their time comes. Prints nothing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final, Protocol

import polars as pl
import psycopg

from data.commits import LiveReport, Writer
from pipeline.minute import MINUTE, Span, floor_minute, require_aware

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime
    from threading import Event

    from data.commits import Sink

_MOMENT: Final = timedelta(microseconds=1)
_LIVE_ROWS: Final = 100_000  # rows of one live commit, also when catching up


class Traffic(Protocol):
    """What happens in a stand-in's world: the same rows for the same seed, in whatever spans."""

    @property
    def sink(self) -> Sink:
        """Where its rows go."""
        ...

    @property
    def due_by(self) -> str:
        """The column that says when a row is written."""
        ...

    @property
    def reach(self) -> timedelta:
        """No row is written later than this after it happened; 0 where `due_by` is when it happened."""
        ...

    @property
    def seed(self) -> int:
        """Of everything random."""
        ...

    @property
    def position(self) -> datetime | None:
        """Where the rows given so far end."""
        ...

    def chunks(self, span: Span, rows: int) -> Iterator[Span]:
        """`span` in parts of about so many rows."""
        ...

    def rows(self, span: Span) -> pl.DataFrame:
        """The rows of what happened in `span`."""
        ...


@dataclass(frozen=True, slots=True)
class LiveOptions:
    """How live rows are committed.

    Every `interval_s` the rows whose time has passed are written in one commit. `late_share` of them are
    written in a transaction that stays open for one to four seconds more, as a busy server's do.
    `since` (aware) leaves out rows up to that moment, for going on where another process stopped. A row of
    that minute whose key is there already is left out too: the other process may have drawn it otherwise.
    """

    interval_s: float = 0.3
    late_share: float = 0.0
    since: datetime | None = None


def run_live(
    url: str,
    traffic: Traffic,
    clock: Callable[[], datetime],
    stop: Event,
    options: LiveOptions | None = None,
    on_batch: Callable[[LiveReport], None] | None = None,
    beside: Callable[[datetime], None] | None = None,
) -> LiveReport:
    """Insert rows as their time comes until `stop` is set; returns what was committed.

    `beside` is called after each round. Goes on at `traffic.position`, so nothing is missing after a history;
    without one it begins with the rows after now. After a pause it catches up. A server that is away is
    awaited with growing delays, and each batch is in the table exactly once. created_at is left to the
    server. The first connection and errors other than lost connections raise `psycopg.Error`.
    """
    options = options or LiveOptions()
    taken = None if options.since is None else _taken(url, traffic, floor_minute(options.since))
    writer = Writer(url, stop, options.late_share, traffic.seed, traffic.sink)
    feed = _Feed(traffic, options.since, clock(), taken)
    try:
        while not stop.is_set():
            started = clock()
            count = _step(feed, writer, started)
            if count and on_batch is not None:
                on_batch(writer.report)
            if beside is not None:
                beside(started)
            if count < _LIVE_ROWS:  # a full batch says that there is more to catch up with
                stop.wait(max(0.0, options.interval_s - (clock() - started).total_seconds()))
    finally:
        writer.close()
    return writer.report


def _taken(url: str, traffic: Traffic, minute: datetime) -> pl.DataFrame:
    """The keys of the rows since `minute`: ids are counted anew in each minute, so no earlier one matters."""
    with psycopg.connect(url) as connection:
        keys = traffic.sink.taken(connection, minute - traffic.reach)
    return pl.DataFrame(keys, schema=list(traffic.sink.key), orient="row")


def _step(feed: _Feed, writer: Writer, now: datetime) -> int:
    """Write what is due at `now`; returns the number of rows."""
    rows = feed.due(now)
    if rows.height:
        age_s = (now - rows[feed.due_by][0]).total_seconds()
        writer.report.behind_s_max = max(writer.report.behind_s_max, age_s)
        writer.write(rows, now)
    writer.commit_late(now)
    return rows.height


class _Feed:
    """Rows in the order of time, drawn a minute ahead and given out when they are due."""

    def __init__(
        self, traffic: Traffic, since: datetime | None, now: datetime, taken: pl.DataFrame | None
    ) -> None:
        begin = require_aware(since or traffic.position or now)
        self.due_by = traffic.due_by
        self._traffic = traffic
        self._next = floor_minute(begin) - traffic.reach
        # Rows up to there are written, or nobody's. A history ends before its end.
        self._after = begin if since or traffic.position is None else begin - _MOMENT
        self._taken = taken
        self._rows = pl.DataFrame()

    def due(self, now: datetime) -> pl.DataFrame:
        """Remove and return the rows up to `now`, at most _LIVE_ROWS."""
        while self._rows.height < _LIVE_ROWS and self._next <= now:
            self._draw(Span(self._next, floor_minute(now) + MINUTE))
        if self._rows.is_empty():
            return self._rows
        whole = min(require_aware(now), self._next - _MOMENT)  # what is not drawn yet may come in between
        passed = int(self._rows[self.due_by].search_sorted(whole, side="right"))
        count = min(passed, _LIVE_ROWS)
        due, self._rows = self._rows[:count], self._rows[count:]
        return due

    def _draw(self, missing: Span) -> None:
        part = next(self._traffic.chunks(missing, _LIVE_ROWS))
        rows = self._traffic.rows(part).drop("created_at", strict=False)
        rows = rows.filter(pl.col(self.due_by) > self._after)
        if self._taken is not None and self._taken.height:
            rows = rows.join(self._taken, on=list(self._traffic.sink.key), how="anti", maintain_order="left")
        rows = rows if self._rows.is_empty() else pl.concat([self._rows, rows])
        self._rows = rows.sort(self.due_by, maintain_order=True) if self._traffic.reach else rows
        self._next = part.end
