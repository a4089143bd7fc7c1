"""The book of exposure at size: 100,000 merchants, 5,000 transactions a second, all priced each minute.

    python -m tests.benchmarks.merchants.exposure [--minutes 20]

The days before are entered summed up, as a start reads them from the lake: 3,000,000 transactions a day, 5 %
of them cancelled within a month, payouts one to three working days later. Then the minutes of a peak follow,
each with `add` and `snapshot`; at the end one minute in which payouts arrive, one with a late row of
yesterday, and one after midnight. Times are of the process; memory is what the book holds, and the peak of
the process. A tick of such a minute takes about 500 ms (`tests.benchmarks.quick`); the money may cost 15 %.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import sys
import time
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl

from baselines.facts import Facts
from baselines.merchants.cycle import from_day, next_working_day, paydays, to_day
from baselines.merchants.rules import load_rules
from pipeline.minute import MINUTE, business_day
from pipeline.packs.merchants.money.book import MerchantBook, reach_days
from pipeline.packs.merchants.money.schema import CANCEL_COHORT, SETTLEMENT
from pipeline.schema import FACT_CHANGE, UTC_TIME
from tests.benchmarks.home import MERCHANTS, PER_DAY, say

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date

ZONE: Final = ZoneInfo("Asia/Seoul")
TODAY: Final = datetime(2026, 11, 25, tzinfo=ZONE).date()
PEAK_A_MINUTE: Final = 300_000
CANCELLED: Final = 0.05
CATEGORIES: Final = 20
TICK_MS: Final = 500
MOST_PERCENT: Final = 15
LATE_ROWS: Final = 200


class Trade:
    """Made-up days and minutes; a merchant's traffic falls with its rank."""

    def __init__(self) -> None:
        self.dice = np.random.default_rng(7)
        weights = 1 / np.arange(1, MERCHANTS + 1) ** 0.8
        self.weights = weights / weights.sum()
        self.ids = pl.Series("merchant_id", [f"M{n:06d}" for n in range(MERCHANTS)])
        self.cycles = self.dice.integers(1, 4, MERCHANTS)

    def rows(self, minute: datetime, transactions: int) -> tuple[pl.DataFrame, pl.DataFrame]:
        """Counted rows and cohorts of cancels, all as of one minute."""
        cohorts = self._cohorts(minute, int(transactions * CANCELLED))
        counts = self.dice.poisson(self.weights * transactions)
        at = np.flatnonzero(counts)
        amounts = counts[at] * self.dice.integers(10_000, 60_000, len(at))
        approved = pl.DataFrame({"merchant_id": self.ids.gather(at), "approval_amount": amounts})
        cancelled = cohorts.group_by("merchant_id").agg(pl.col("cancel_amount").sum())
        rows = approved.join(cancelled, on="merchant_id", how="full", coalesce=True).fill_null(0)
        return rows.with_columns(pl.lit(minute, UTC_TIME).alias("minute")), cohorts

    def _cohorts(self, minute: datetime, cancels: int) -> pl.DataFrame:
        who = self.dice.choice(MERCHANTS, cancels, p=self.weights)
        ages = np.minimum(self.dice.geometric(0.3, cancels) - 1, 30)
        sold = to_day(minute.astimezone(ZONE).date()) - ages
        amounts = self.dice.integers(1_000, 50_000, cancels)
        one = {"merchant_id": self.ids.gather(who), "approval_date": sold, "amount": amounts}
        cohorts = pl.DataFrame(one).group_by("merchant_id", "approval_date")
        return (
            cohorts.agg(cancel_count=pl.len().cast(pl.Int64), cancel_amount=pl.col("amount").sum())
            .with_columns(
                pl.lit(minute, UTC_TIME).alias("minute"),
                pl.col("approval_date").cast(pl.Int32).cast(pl.Date),
            )
            .select(*CANCEL_COHORT)
        )

    def payouts(self, sold: date, until: date) -> pl.DataFrame:
        """Of one business day, those that are due up to `until`."""
        due = paydays(to_day(sold), "KR")[self.cycles]
        at = np.flatnonzero(due <= to_day(until))
        settled = pl.Series(due[at]).cast(pl.Int32).cast(pl.Date).cast(pl.Datetime("us")) + timedelta(hours=1)
        columns = {
            "minute": settled.dt.replace_time_zone("UTC"),
            "merchant_id": self.ids.gather(at),
            "business_date": pl.Series([sold]).new_from_index(0, len(at)),
            "amount": self.dice.integers(-10_000, 3_000_000, len(at)),
            "settled_at": settled.dt.replace_time_zone("UTC"),
            "wrong": pl.Series([None], dtype=pl.String).new_from_index(0, len(at)),
        }
        return pl.DataFrame(columns, SETTLEMENT)


def known_categories(trade: Trade) -> Facts:
    """A category of each merchant."""
    start = datetime(2026, 1, 1, tzinfo=UTC)
    kinds = [f"C{n % CATEGORIES:02d}" for n in range(MERCHANTS)]
    return Facts(pl.DataFrame([[start] * MERCHANTS, trade.ids, kinds], FACT_CHANGE))


def started(trade: Trade) -> MerchantBook:
    """A book as it stands when TODAY begins."""
    rules = load_rules(Path("baselines/merchants/rules.toml"))
    book = MerchantBook(ZONE, rules, known_categories(trade))
    yesterday = TODAY - timedelta(1)
    for day in range(to_day(TODAY) - reach_days(rules), to_day(TODAY)):
        rows, cohorts = trade.rows(business_day(from_day(day), ZONE).start, PER_DAY)
        payouts = trade.payouts(from_day(day), yesterday)
        book.add(rows, {"cancel_cohort": cohorts, "settlement": payouts})
    return book


def taken(work: Callable[[], Any]) -> float:
    """Milliseconds of the process, all threads."""
    begun = time.process_time()
    work()
    return (time.process_time() - begun) * 1000


def measure(minutes: int) -> dict[str, Any]:
    """All figures."""
    trade, figures = Trade(), dict[str, Any]()
    say(f"entering the days before {TODAY} …")
    begun = time.process_time()
    book = started(trade)
    figures["start_s"] = round(time.process_time() - begun, 1)
    minute = datetime(2026, 11, 25, 3, tzinfo=UTC)
    figures["first_price_ms"] = round(taken(lambda: book.snapshot(minute, {})))
    say(f"{minutes} minutes of a peak …")
    adds, prices, breached = [], [], {f"M{n:06d}": ["cancel_surge"] for n in range(50)}
    for n in range(minutes):
        minute += MINUTE
        rows, cohorts = trade.rows(minute, PEAK_A_MINUTE)
        adds.append(taken(partial(book.add, rows, {"cancel_cohort": cohorts})))
        prices.append(taken(partial(book.snapshot, minute, breached)))
        if n == 0:
            figures["rows_a_minute"], figures["cohorts_a_minute"] = rows.height, cohorts.height
    both = [add + price for add, price in zip(adds, prices, strict=True)]
    figures |= {"add_ms": _middle(adds), "price_ms": _middle(prices), "both_ms": _middle(both)}
    figures["worst_ms"] = round(max(both), 1)
    figures["percent_of_tick"] = round(100 * statistics.median(both) / TICK_MS, 1)
    figures |= _special(book, trade, minute)
    figures["book_mb"] = round(book.exposure.nbytes / 2**20)
    figures["peak_mb"] = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
    return figures


def _special(book: MerchantBook, trade: Trade, minute: datetime) -> dict[str, Any]:
    """Minutes that make something anew: payouts arrive, a late row comes, a day begins."""
    found = dict[str, Any]()
    sold = from_day(next_working_day(to_day(TODAY) - 2, "KR"))
    paid = trade.payouts(sold, TODAY).filter(pl.col("minute").dt.date() == TODAY)

    def with_payouts() -> None:
        book.add(trade.rows(minute, 1000)[0], {"settlement": paid})
        book.snapshot(minute + MINUTE, {})

    rows, cohorts = trade.rows(business_day(TODAY - timedelta(1), ZONE).start, LATE_ROWS)

    def with_late() -> None:
        book.add(rows, {"cancel_cohort": cohorts})
        book.snapshot(minute + MINUTE, {})

    found["payouts_of_a_minute"] = paid.height
    found["payouts_ms"] = round(taken(with_payouts), 1)
    found["late_ms"] = round(taken(with_late), 1)
    tomorrow = business_day(TODAY + timedelta(1), ZONE).start
    found["midnight_ms"] = round(taken(lambda: book.snapshot(tomorrow, {})), 1)
    return found


def _middle(times: list[float]) -> float:
    return round(statistics.median(times), 1)


def main() -> None:
    """Measure; exit 1 where the money costs more of a tick than it may."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=int, default=20)
    figures = measure(parser.parse_known_args()[0].minutes)
    print(json.dumps(figures, indent=2))
    sys.exit(1 if figures["percent_of_tick"] > MOST_PERCENT else 0)


if __name__ == "__main__":
    main()
