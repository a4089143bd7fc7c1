"""Feed a trade server: history in bulk, then live rows as their time comes. Prints nothing."""

from __future__ import annotations

from collections import deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

import polars as pl
import psycopg

from data.commits import LiveReport, Writer
from data.payout import PAYOUT_TIME, ZONE, settlements_for
from data.trade import advance_sequence, copy_rows, insert_merchants, insert_settlements
from pipeline.minute import MINUTE, Span, floor_minute, require_aware, to_index

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future
    from threading import Event

    from data.traffic import Traffic

    #: minutes done so far, and in all
    Progress = Callable[[int, int], None]

_PAYABLE: Final = Path(__file__).with_name("payable.sql")
_LONGEST_CYCLE: Final = timedelta(days=14)  # of seven business days, in calendar days, with a margin
_HISTORY_ROWS: Final = 200_000  # rows of one COPY
_HISTORY_WRITERS: Final = 2  # each keeps about one core of the server busy
_LIVE_ROWS: Final = 100_000  # rows of one live commit, also when catching up


@dataclass(frozen=True, slots=True)
class LiveOptions:
    """How live rows are committed.

    Every `interval_s` the rows whose time has passed are written in one commit. `late_share` of them are
    written in a transaction that stays open for one to four seconds more, as a busy server's do.
    `since` (aware) leaves out rows up to that moment, for going on where another process stopped.
    `payouts` enters what is paid out at 10:00 Korean time.
    """

    interval_s: float = 0.3
    late_share: float = 0.0
    since: datetime | None = None
    payouts: bool = True


def write_history(url: str, traffic: Traffic, span: Span, progress: Progress | None = None) -> int:
    """Write the merchants, every row of `span` and the payouts due by its end; returns the number of rows.

    `progress` gets minutes done and minutes in all. The rows must not be there yet. `traffic` can go on
    with live rows at `span.end` afterwards. Raises `psycopg.Error`; chunks written before it stay.
    """
    merchants = traffic.merchants()
    insert_merchants(url, merchants)
    written = 0
    with ThreadPoolExecutor(_HISTORY_WRITERS) as pool:
        running: deque[tuple[Span, Future[int]]] = deque()
        for part in traffic.chunks(span, _HISTORY_ROWS):
            if len(running) > _HISTORY_WRITERS:  # one chunk waits, so the memory stays bounded
                written += _finish(running, span, progress)
            running.append((part, pool.submit(_write_chunk, url, traffic.rows(part))))
        while running:
            written += _finish(running, span, progress)
    with psycopg.connect(url) as connection:
        advance_sequence(connection)
    pay_out(url, merchants, span.end)
    return written


def pay_out(url: str, merchants: pl.DataFrame, now: datetime) -> int:
    """Enter every payout due by `now` that is not there yet; returns how many were.

    `merchants` has merchant_id and settlement_cycle_days. Aggregates the days whose payout may be new:
    all of them the first time, the last fourteen later. Safe to repeat.
    """
    today = now.astimezone(ZONE).date()
    with psycopg.connect(url) as connection:
        row = connection.execute(
            "SELECT (SELECT max(business_date) FROM settlements), (SELECT min(occurred_at) FROM transactions)"
        ).fetchone()
        newest, oldest = row or (None, None)
        if oldest is None:
            return 0
        first = newest - _LONGEST_CYCLE if newest else oldest.astimezone(ZONE).date()
        period = {"first": first, "last": today - timedelta(days=1)}
        payable = connection.execute(_PAYABLE.read_text(encoding="utf-8"), period).fetchall()
    schema = {
        "merchant_id": merchants.schema["merchant_id"],
        "business_date": pl.Date(),
        "amount": pl.Int64(),
    }
    due = settlements_for(pl.DataFrame(payable, schema=schema, orient="row"), merchants, now)
    return insert_settlements(url, due) if due.height else 0


def run_live(
    url: str,
    traffic: Traffic,
    clock: Callable[[], datetime],
    stop: Event,
    options: LiveOptions | None = None,
    on_batch: Callable[[LiveReport], None] | None = None,
) -> LiveReport:
    """Insert the merchants, then rows as their time comes until `stop` is set; returns what was committed.

    Goes on at `traffic.position`, so nothing is missing after `write_history`; without one it begins with
    the rows after now. After a pause it catches up. A server that is away is awaited with growing delays,
    and each batch is in the table exactly once. created_at is left to the server. The first connection
    and errors other than lost connections raise `psycopg.Error`.
    """
    options = options or LiveOptions()
    writer = Writer(url, stop, options.late_share, traffic.config.seed)
    merchants = traffic.merchants()
    insert_merchants(url, merchants)
    feed = _Feed(traffic, options.since, clock())
    paymaster = _Paymaster(url, merchants, clock())
    try:
        while not stop.is_set():
            started = clock()
            count = _step(feed, writer, started)
            if count and on_batch is not None:
                on_batch(writer.report)
            if options.payouts:
                paymaster.pay(started)
            if count < _LIVE_ROWS:  # a full batch says that there is more to catch up with
                stop.wait(max(0.0, options.interval_s - (clock() - started).total_seconds()))
    finally:
        writer.close()
    return writer.report


def _step(feed: _Feed, writer: Writer, now: datetime) -> int:
    """Write what is due at `now`; returns the number of rows."""
    rows = feed.due(now)
    if rows.height:
        age_s = (now - rows["occurred_at"][0]).total_seconds()
        writer.report.behind_s_max = max(writer.report.behind_s_max, age_s)
        writer.write(rows, now)
    writer.commit_late(now)
    return rows.height


class _Feed:
    """Rows in the order of time, drawn a minute ahead and given out when they are due."""

    def __init__(self, traffic: Traffic, since: datetime | None, now: datetime) -> None:
        since = None if since is None else require_aware(since)
        begin = traffic.position if since is None else since
        self._traffic = traffic
        self._next = floor_minute(begin or now)
        self._after = since or (None if begin else require_aware(now))
        self._rows = pl.DataFrame()

    def due(self, now: datetime) -> pl.DataFrame:
        """Remove and return the rows up to `now`, at most _LIVE_ROWS."""
        while self._rows.height < _LIVE_ROWS and self._next <= now:
            self._draw(Span(self._next, floor_minute(now) + MINUTE))
        if self._rows.is_empty():
            return self._rows
        passed = int(self._rows["occurred_at"].search_sorted(require_aware(now), side="right"))
        count = min(passed, _LIVE_ROWS)
        due, self._rows = self._rows[:count], self._rows[count:]
        return due

    def _draw(self, missing: Span) -> None:
        part = next(self._traffic.chunks(missing, _LIVE_ROWS))
        rows = self._traffic.rows(part).drop("created_at")
        if self._after is not None:
            rows = rows.filter(pl.col("occurred_at") > self._after)
        self._rows = rows if self._rows.is_empty() else pl.concat([self._rows, rows])
        self._next = part.end


class _Paymaster:
    """Enters payouts once a day, after 10:00 Korean time; the feed waits meanwhile and catches up."""

    def __init__(self, url: str, merchants: pl.DataFrame, now: datetime) -> None:
        self._url = url
        self._merchants = merchants
        self._paid_until = self._last_payday(now)  # what was due before is `write_history`'s

    def pay(self, now: datetime) -> None:
        payday = self._last_payday(now)
        if payday > self._paid_until:
            try:
                pay_out(self._url, self._merchants, now)
            except psycopg.OperationalError:
                return  # the server is away; the next round tries again
            self._paid_until = payday

    @staticmethod
    def _last_payday(now: datetime) -> datetime:
        local = now.astimezone(ZONE)
        today = datetime.combine(local.date(), PAYOUT_TIME, tzinfo=ZONE)
        return today if local >= today else today - timedelta(days=1)


def _write_chunk(url: str, rows: pl.DataFrame) -> int:
    with psycopg.connect(url) as connection:
        connection.execute("SET synchronous_commit = off")  # a crash here means starting the history again
        return copy_rows(connection, "transactions", rows)


def _finish(running: deque[tuple[Span, Future[int]]], span: Span, progress: Progress | None) -> int:
    part, future = running.popleft()
    rows = future.result()
    if progress is not None:
        progress(to_index(part.end) - to_index(span.start), span.minutes)
    return rows
