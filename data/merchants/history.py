"""The stand-in trade server: history in bulk, live rows, and what merchants are paid. Prints nothing."""

from __future__ import annotations

from collections import deque
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

import polars as pl
import psycopg

from data import simulator
from data.merchants.disputes import disputes_for
from data.merchants.payout import PAYOUT_TIME, ZONE, earlier_net, settlements_for
from data.merchants.trade import advance_sequence, insert_disputes, insert_merchants, insert_settlements
from data.server import copy_rows
from pipeline.minute import Span, to_index

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future
    from threading import Event

    from data.commits import LiveReport
    from data.merchants.traffic import Traffic
    from data.simulator import LiveOptions

    #: minutes done so far, and in all
    Progress = Callable[[int, int], None]

_PAYABLE: Final = Path(__file__).with_name("payable.sql")
_LONGEST_CYCLE: Final = timedelta(days=24)  # of seven business days, with the longest holidays, and a margin
_HISTORY_ROWS: Final = 200_000  # rows of one COPY
_HISTORY_WRITERS: Final = 2  # each keeps about one core of the server busy


def write_history(url: str, traffic: Traffic, span: Span, progress: Progress | None = None) -> int:
    """Write merchants, every row of `span`, payouts due by its end and disputes; returns the number of rows.

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
    pay_out(url, merchants, span.end, earlier=True)
    today = span.end.astimezone(ZONE).date()
    insert_disputes(url, disputes_for(traffic.profile(), today, traffic.seed))
    return written


def pay_out(url: str, merchants: pl.DataFrame, now: datetime, *, earlier: bool = False) -> int:
    """Enter every payout due by `now` that is not there yet; returns how many were.

    `merchants` has merchant_id and settlement_cycle_days. Aggregates the days whose payout may be new:
    all of them the first time, the last fourteen later. Safe to repeat. `earlier`: the first time also
    those of the days before the oldest row, see `earlier_net`.
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
    net = pl.DataFrame(payable, schema=schema, orient="row")
    if earlier and newest is None:
        net = pl.concat([net, earlier_net(net, first)])
    due = settlements_for(net, merchants, now)
    return insert_settlements(url, due) if due.height else 0


def run_live(
    url: str,
    traffic: Traffic,
    clock: Callable[[], datetime],
    stop: Event,
    options: LiveOptions | None = None,
    on_batch: Callable[[LiveReport], None] | None = None,
    *,
    payouts: bool = True,
) -> LiveReport:
    """Insert the merchants, then see `data.simulator.run_live`; `payouts` enters what is paid at 10:00."""
    merchants = traffic.merchants()
    insert_merchants(url, merchants)
    beside = _Paymaster(url, merchants).pay if payouts else None
    return simulator.run_live(url, traffic, clock, stop, options, on_batch, beside)


class _Paymaster:
    """Enters payouts once a day, after 10:00 Korean time; the feed waits meanwhile and catches up."""

    def __init__(self, url: str, merchants: pl.DataFrame) -> None:
        self._url = url
        self._merchants = merchants
        self._paid_until: datetime | None = None

    def pay(self, now: datetime) -> None:
        payday = self._last_payday(now)
        if self._paid_until is None:
            self._paid_until = payday  # what was due before the first round is `write_history`'s
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
