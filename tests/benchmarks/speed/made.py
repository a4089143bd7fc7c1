"""Traffic that is drawn quickly: days already counted, and raw rows of minutes; 1 % make over half of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl

from pipeline.minute import DAY_MINUTES, Span, business_date, business_day
from pipeline.packs.merchants.money.schema import SETTLEMENT
from pipeline.packs.merchants.schema import ADDED_COUNTS, APPROVAL, CANCEL, MERCHANT_MINUTE, TRANSACTION
from pipeline.schema import UTC_TIME, conform

if TYPE_CHECKING:
    from baselines.merchants.slices import Integers

ZONE: Final = ZoneInfo("Asia/Seoul")
#: The first business day; a Monday.
FIRST: Final = business_day(datetime(2026, 3, 2, tzinfo=ZONE).date(), ZONE).start
#: The busiest 1 % make 52 % of the rows: 0.01 ** (1 / 7).
SKEW: Final = 7
CANCELLED: Final = 0.04
_AMOUNTS: Final = 1_000, 50_000
_MINUTE_US: Final = 60_000_000


class Made:
    """So many merchants, with ids from 1 on; what is drawn follows from seed and what was drawn before."""

    def __init__(self, merchants: int, seed: int = 7) -> None:
        self.merchants = merchants
        self._dice = np.random.default_rng(seed)
        self._next_id = 1
        numbers = pl.Series("merchant_id", np.arange(1, merchants + 1))
        self._texts = numbers.cast(pl.String)

    def day(self, number: int, transactions: int) -> tuple[Span, pl.DataFrame]:
        """A business day, flat, as MERCHANT_MINUTE sorted by minute."""
        span = _day(number)
        minutes = self._dice.integers(0, DAY_MINUTES, transactions)
        keys, inverse = np.unique(minutes * self.merchants + self._who(transactions), return_inverse=True)
        cancelled = self._dice.random(transactions) < CANCELLED
        amounts = self._dice.integers(*_AMOUNTS, transactions)
        minute, merchant = np.divmod(keys, self.merchants)
        whole = _summed(inverse, np.ones(transactions, np.int64), len(keys))
        cancels = _summed(inverse, cancelled, len(keys))
        sums, cancel_sums = (_summed(inverse, amounts * of, len(keys)) for of in (1, cancelled))
        start = int(span.start.timestamp()) * 1_000_000
        frame = pl.DataFrame(
            {
                "minute": pl.Series(start + minute * _MINUTE_US).cast(UTC_TIME),
                "merchant_id": self._texts.gather(merchant),
                "approval_count": whole - cancels,
                "cancel_count": cancels,
                "approval_amount": sums - cancel_sums,
                "cancel_amount": cancel_sums,
                **dict.fromkeys(ADDED_COUNTS, 0),
            }
        )
        return span, conform(frame, MERCHANT_MINUTE)

    def rows(self, minute: datetime, transactions: int) -> pl.DataFrame:
        """The raw rows of one minute as the extraction gives them (TRANSACTION, ids as integers)."""
        cancelled = self._dice.random(transactions) < CANCELLED
        at = int(minute.timestamp()) * 1_000_000 + np.sort(self._dice.integers(0, _MINUTE_US, transactions))
        before = at - self._dice.integers(0, 3 * 86_400_000_000, transactions)
        first, self._next_id = self._next_id, self._next_id + transactions
        frame = pl.DataFrame(
            {
                "transaction_id": np.arange(first, first + transactions),
                "merchant_id": 1 + self._who(transactions),
                "kind": pl.Series([APPROVAL, CANCEL]).gather(cancelled.astype(np.int64)),
                "amount": self._dice.integers(*_AMOUNTS, transactions),
                "occurred_at": pl.Series(at).cast(UTC_TIME),
                "approved_at": pl.Series(before).cast(UTC_TIME).zip_with(pl.Series(cancelled), _none(at)),
            }
        )
        return frame.select(*TRANSACTION)

    def payouts(self, day: pl.DataFrame, span: Span) -> pl.DataFrame:
        """What every merchant of a counted day is paid on the morning after (SETTLEMENT)."""
        net = (pl.col("approval_amount").sum() - pl.col("cancel_amount").sum()).alias("amount")
        paid = (span.end + timedelta(hours=10)).astimezone(UTC)
        frame = day.group_by("merchant_id", maintain_order=True).agg(net)
        return frame.select(
            pl.lit(paid, UTC_TIME).alias("minute"),
            "merchant_id",
            pl.lit(business_date(span.start, ZONE)).alias("business_date"),
            "amount",
            pl.lit(paid, UTC_TIME).alias("settled_at"),
            pl.lit(None, pl.String).alias("wrong"),
        ).select(*SETTLEMENT)

    def _who(self, transactions: int) -> Integers:
        """Places of merchants, the busiest first."""
        drawn = self.merchants * self._dice.random(transactions) ** SKEW
        return np.minimum(drawn.astype(np.int64), self.merchants - 1)


def _summed(places: Integers, values: np.ndarray, size: int) -> Integers:
    """Exact as long as sums stay below 2^53."""
    return np.bincount(places, weights=values, minlength=size).astype(np.int64)


def _day(number: int) -> Span:
    start = FIRST + timedelta(days=number)
    return Span(start, start + timedelta(days=1))


def _none(like: Integers) -> pl.Series:
    return pl.Series([None], dtype=UTC_TIME).new_from_index(0, len(like))
