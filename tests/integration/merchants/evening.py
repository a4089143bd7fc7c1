"""An evening across midnight at a small company: an outage, surges, nonsense, and rows that come late."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeVar
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl

from data.merchants.trade import insert_merchants, insert_settlements, insert_transactions
from pipeline.minute import EPOCH, MINUTE, Span, business_day
from pipeline.prove.corrector import Corrector
from pipeline.store.compact import compact
from tests.integration.trade_home import pipeline_of, state_database, trade_database

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from pipeline.catch_up import Pipeline
    from tests.integration.trade_home import Trade

T = TypeVar("T")

SEOUL = ZoneInfo("Asia/Seoul")
MIDNIGHT = business_day(date(2026, 3, 11), SEOUL).start
FIRST = MIDNIGHT - timedelta(days=9)
BEGIN, LATE, END = (MIDNIGHT + m * MINUTE for m in (-14, 3, 8))
#: Each evening from here to there, counted from midnight, there is traffic; the rest of the day is quiet.
_BUSY = (-100, 20)
_A_MINUTE = 45
_MERCHANTS = 70
_CATEGORIES = ("grocery", "tickets", "travel", None)


class NeverRaised(Exception):
    """Nothing is done again."""


def merchant_ids() -> list[str]:
    """Numbers as the source writes them, and texts of all sorts."""
    odd = ["042", "+7", "-7", "가맹점 1", "x" * 60]
    numbers = [str(10**n + n) for n in range(1, 19)] + [str(n) for n in range(100, 126)]
    named = [f"shop-{n}" for n in range(_MERCHANTS - len(odd) - len(numbers))]
    return [*odd, *numbers, *named]


def _rows(seed: int) -> pl.DataFrame:
    """Transactions of nine days; what is wrong with the last evening is done to them."""
    random = np.random.default_rng(seed)
    ids, weight = np.array(merchant_ids()), random.pareto(1.2, _MERCHANTS) + 0.3
    parts = []
    for day in range(10):
        minutes = (_BUSY[1] - _BUSY[0]) * _A_MINUTE
        start = FIRST + timedelta(days=day) + _BUSY[0] * MINUTE
        second = random.uniform(0, 60 * (_BUSY[1] - _BUSY[0]), minutes)
        who = random.choice(_MERCHANTS, minutes, p=weight / weight.sum())
        at = [start + timedelta(seconds=float(s)) for s in second]
        approved = [
            t - timedelta(hours=float(h)) for t, h in zip(at, random.exponential(20, minutes), strict=True)
        ]
        is_cancel = random.uniform(size=minutes) < 0.04
        last = np.array([t >= BEGIN for t in at])
        surging = np.isin(who, [3, 30, 31]) & last
        is_cancel |= surging & (random.uniform(size=minutes) < 0.6)
        outage = np.array([MIDNIGHT - 12 * MINUTE <= t < MIDNIGHT - 5 * MINUTE for t in at])
        kept = ~outage | (random.uniform(size=minutes) < 0.1)
        frame = pl.DataFrame(
            {
                "merchant_id": ids[who],
                "kind": np.where(is_cancel, "CANCEL", "APPROVAL"),
                "amount": random.integers(100, 5_000_000, minutes),
                "occurred_at": at,
                "original_occurred_at": approved,
            }
        )
        parts.append(frame.filter(pl.Series(kept)))
    rows = pl.concat(parts).sort("occurred_at").with_row_index("transaction_id", 1)
    approved_at = pl.when(pl.col("kind") == "CANCEL").then("original_occurred_at")
    return rows.with_columns(pl.col("transaction_id").cast(pl.Int64), original_occurred_at=approved_at)


@contextmanager
def company(postgres_url: str, seed: int = 1) -> Iterator[Trade]:
    """Its database: transactions, categories, payouts, and three rows that mean nothing."""
    with trade_database(postgres_url) as trade:
        insert_transactions(trade.owner_url, _rows(seed))
        ids = merchant_ids()
        known = [(merchant, f"shop {n}", _CATEGORIES[n % 4]) for n, merchant in enumerate(ids)]
        columns = ["merchant_id", "name", "category"]
        insert_merchants(trade.owner_url, pl.DataFrame(known, columns, orient="row"))
        paid = [
            (
                merchant,
                date(2026, 3, 1) + timedelta(days=n % 9),
                1_000_000 * (n + 1),
                MIDNIGHT - timedelta(days=1),
            )
            for n, merchant in enumerate(ids)
        ]
        columns = ["merchant_id", "business_date", "amount", "settled_at"]
        insert_settlements(trade.owner_url, pl.DataFrame(paid, columns, orient="row"))
        wrong = MIDNIGHT + 2 * MINUTE
        trade.insert(
            (900_001, None, "APPROVAL", 1, wrong),
            (900_002, "shop-1", "REFUND", 1, wrong),
            (900_003, "shop-1", "APPROVAL", None, wrong),
        )
        yield trade


def come_late(trade: Trade) -> list[datetime]:
    """After some minutes were judged: a wave of cancels turns out never to have been, another one comes."""
    gone, late = BEGIN, MIDNIGHT + MINUTE
    trade.execute(
        "DELETE FROM transactions WHERE kind = 'CANCEL'"
        f" AND occurred_at >= '{gone}' AND occurred_at < '{late}'"
    )
    merchant = merchant_ids()[40]
    trade.insert(*((910_000 + n, merchant, "CANCEL", 50_000, late + timedelta(seconds=n)) for n in range(90)))
    return list(Span(gone, LATE))


@contextmanager
def opened(trade: Trade, postgres_url: str, folder: Path, **more: str) -> Iterator[Pipeline]:
    """A pipeline over it, its history published."""
    with (
        state_database(postgres_url) as state_url,
        pipeline_of(trade, state_url, folder, **{"policy": "budgeted", **more}) as pipeline,
    ):
        pipeline.backfill(Span(FIRST, BEGIN))
        yield pipeline


def live(pipeline: Pipeline, trade: Trade, again: type[Exception] = NeverRaised) -> list[datetime]:
    """Judge the evening, with rows that come late in between; gives the minutes that were corrected.

    What fails with `again` is done again, as the tick does it.
    """

    def done(work: Callable[[], T]) -> T:
        while True:
            try:
                return work()
            except again:
                continue

    done(lambda: list(pipeline.catch_up(LATE)))
    late = come_late(trade)
    corrected = done(lambda: Corrector(pipeline).correct(late, "late_commit"))
    done(lambda: list(pipeline.catch_up(END)))
    return corrected


def record(pipeline: Pipeline, *, compacted: bool = False) -> dict[str, Any]:
    """All that has to be equal, whoever has judged: files, ledger, incidents, messages."""
    if compacted:
        compact(pipeline.lake, pipeline.state, END + timedelta(days=3))
    files, span = pipeline.state.publication().files, Span(FIRST - timedelta(days=60), END)
    found: dict[str, Any] = {
        name: pipeline.lake.read(files, name, span).rows() for name in pipeline.pack.datasets
    }
    for name in ("quarantine", "cancel_cohort", "settlement"):  # in no order that means anything
        found[name] = sorted(found[name], key=repr)
    own = ("judged_at", "committed_at", "source_clock", "source_xmin")
    found["ledger"] = [
        {name: value for name, value in row.items() if name not in own}
        for row in pipeline.state.minutes(span)
    ]
    timed = ("created_at", "updated_at")
    found["incidents"] = [
        {name: value for name, value in row.items() if name not in timed}
        for row in pipeline.state.incidents_between(EPOCH, END)
    ]
    return found
