"""Ordinary traffic for the detection benchmark, made a day at a time as arrays, with labelled disturbances.

Merchants are independent. Approvals follow one day curve; a merchant's cancel odds wander around its own
rate as an autoregressive process by the hour, with the given standard deviation and a correlation time of
six hours. Cancels are events of their own in the same minutes.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from pipeline.minute import DAY_MINUTES, to_index
from pipeline.packs.merchants.schema import ADDED_COUNTS, MERCHANT_MINUTE
from pipeline.schema import UTC_TIME, conform

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Integers = NDArray[np.int64]

#: Share of the day's approvals by hour in Seoul: the night is quiet, the evening busy.
HOURS = np.array(
    [26, 15, 9, 6, 5, 7, 14, 25, 38, 50, 57, 60, 61, 58, 57, 56, 56, 57, 59, 63, 68, 66, 55, 32], float
)
HOURS /= HOURS.sum()
MINUTES = np.repeat(HOURS / 60, 60)
CORRELATION_HOURS = 6
DAY_START = datetime(2026, 3, 1, 15, tzinfo=UTC)  # 00:00 in Seoul; day 0
MOST_SHARE = 0.8


@dataclass(frozen=True)
class Surge:
    """From minute `start` of `day` to its end (Seoul), merchant `place` has `times` its cancels."""

    place: int
    day: int
    start: int
    times: float


class Merchants:
    """A population with its own seed; `daily` approvals a day, `rate` cancels each; shape (n,)."""

    def __init__(
        self,
        name: str,
        daily: Floats,
        rate: Floats,
        drift: float,
        seed: int,
        surges: tuple[Surge, ...] = (),
    ) -> None:
        self.ids = pl.Series([f"{name}{place:06}" for place in range(len(daily))])
        self.daily, self.surges = daily, surges
        self._random = np.random.default_rng(seed)
        self._logit, self._drift = np.log(rate / (1 - rate)), drift
        self._state = drift * self._random.standard_normal(len(daily))

    def day(self, number: int) -> pl.DataFrame:
        """MERCHANT_MINUTE of business day `number`, sorted; days have to be asked for in order."""
        size = len(self.daily)
        approvals = self._events(self.daily)
        most = self.daily * MOST_SHARE
        raised = {surge.place for surge in self.surges}
        calm = np.array([place not in raised for place in range(size)])
        most[calm] = np.minimum(most, self.daily * self._most_rate())[calm]
        candidates = self._events(most)
        share = self._shares(number, candidates)
        kept = (
            self._random.random(len(candidates)) * most[candidates % size]
            < share * self.daily[candidates % size]
        )
        return self._frame(number, approvals, candidates[kept])

    def _most_rate(self) -> Floats:
        return 1 / (1 + np.exp(-self._logit - 6 * self._drift))

    def _events(self, daily: Floats) -> NDArray[np.int64]:
        """Keys minute · size + merchant of Poisson events."""
        count = self._random.poisson(daily.sum())
        merchant = np.searchsorted(np.cumsum(daily) / daily.sum(), self._random.random(count))
        minute = np.searchsorted(np.cumsum(MINUTES), self._random.random(count) * (1 - 1e-12))
        keys: Integers = np.minimum(minute, DAY_MINUTES - 1) * len(daily) + np.minimum(
            merchant, len(daily) - 1
        )
        return keys

    def _shares(self, number: int, keys: NDArray[np.int64]) -> Floats:
        """Cancels per approval at each key, with drift and surges."""
        size, rates = len(self.daily), []
        keep = np.exp(-1 / CORRELATION_HOURS)
        for _ in range(24):
            fresh = self._random.standard_normal(size)
            self._state = keep * self._state + self._drift * np.sqrt(1 - keep**2) * fresh
            rates.append(1 / (1 + np.exp(-self._logit - self._state)))
        minute, merchant = np.divmod(keys, size)
        share = np.stack(rates)[minute // 60, merchant]
        times, start = np.ones(size), np.zeros(size)
        for surge in self.surges:
            if surge.day == number:
                times[surge.place], start[surge.place] = surge.times, surge.start
        share = np.where(minute >= start[merchant], share * times[merchant], share)
        return np.asarray(np.minimum(share, MOST_SHARE))

    def _frame(self, number: int, approvals: NDArray[np.int64], cancels: NDArray[np.int64]) -> pl.DataFrame:
        size = len(self.daily)
        length = DAY_MINUTES * size
        if length < 50_000_000:
            approved, cancelled = (np.bincount(k, minlength=length) for k in (approvals, cancels))
            keys = np.flatnonzero(approved + cancelled)
            counts = approved[keys], cancelled[keys]
        else:
            keys, inverse = np.unique(np.concatenate([approvals, cancels]), return_inverse=True)
            counts = (
                np.bincount(inverse[: len(approvals)], minlength=len(keys)),
                np.bincount(inverse[len(approvals) :], minlength=len(keys)),
            )
        minute, merchant = np.divmod(keys, size)
        return merchant_minutes(number, minute, self.ids.gather(merchant), counts, 50_000)


def merchant_minutes(
    number: int,
    minute: NDArray[np.int64],
    merchant_ids: pl.Series,
    counts: tuple[NDArray[np.int64], NDArray[np.int64]],
    ticket: int,
) -> pl.DataFrame:
    """Arrays to MERCHANT_MINUTE; `minute` of business day `number`, each payment `ticket` large."""
    start = to_index(DAY_START + timedelta(days=number))
    frame = pl.DataFrame(
        {
            "minute": pl.Series((start + minute) * 60_000_000).cast(UTC_TIME),
            "merchant_id": merchant_ids,
            "approval_count": counts[0],
            "cancel_count": counts[1],
            "approval_amount": counts[0] * ticket,
            "cancel_amount": counts[1] * ticket,
            **dict.fromkeys(ADDED_COUNTS, 0),
        }
    )
    return conform(frame, MERCHANT_MINUTE)


def zipf(merchants: int, per_day: int, top_share: float) -> Floats:
    """Approvals a day by rank, such that the first 1 % have `top_share` of them."""
    ranks = np.arange(1, merchants + 1, dtype=float)
    low, high = 0.5, 1.5
    for _ in range(40):
        middle = (low + high) / 2
        weights = ranks**-middle
        low, high = (
            (middle, high) if weights[: merchants // 100].sum() < top_share * weights.sum() else (low, middle)
        )
    weights = ranks**-low
    return np.asarray(per_day * weights / weights.sum())
