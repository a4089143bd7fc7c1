"""What a merchant that fails costs the company, if its payouts are held from a moment on. Pure.

    loss(τ) = max(U − held(τ), 0)

U is what was cancelled of paid-out sales up to the end and came back by no payout: cancels on business days
that are not settled yet, of sales whose day is (a cancel that names no approval is taken for one of them),
and what negative settlements still owe. held(τ) is what was really paid out from τ on: an amount that a
negative settlement owed was withheld and is no part of it. Cancels of sales that were never paid out cost
nobody. Nothing is assumed of payouts after the end: they are in no line. Since every payout is either made
before τ or held, loss grows with τ, and loss(end) is U: "without us".
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Final

import polars as pl

from baselines.merchants.settled import netted_in_order
from pipeline.money import Held

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from zoneinfo import ZoneInfo

#: Cycles of settlement are a few business days; with the longest holidays they fit well into this.
REACH: Final = timedelta(days=21)


@dataclass(frozen=True, slots=True)
class Paid:
    """What settlements up to some moment have done."""

    settled: frozenset[date]  # business days of sales
    oldest: date  # of these; what is older is taken for settled
    payouts: Sequence[tuple[datetime, int]]  # what really left the company, oldest first
    owed: int  # what negative settlements still owe at the end

    def is_settled(self, day: date) -> bool:
        """Was that day of sales paid out?"""
        return day < self.oldest or day in self.settled


def losses(
    rows: pl.DataFrame,
    beside: Mapping[str, pl.DataFrame],
    moments: Sequence[datetime],
    until: datetime,
    zone: ZoneInfo,
) -> list[int | None]:
    """What is lost of a merchant up to `until`, in minor units, if payouts are held from `moments` on.

    `rows` (MERCHANT_MINUTE) and `beside` (`settlement`, `cancel_cohort`) are the merchant's own, from REACH
    before on. None for all where it has no settlement, or a dataset is missing: then nothing is known.
    """
    paid = None if "cancel_cohort" not in beside else paid_of(beside.get("settlement"), until)
    if paid is None:
        return [None] * len(moments)
    without = paid.owed + unrecovered(rows, beside["cancel_cohort"], paid, until, zone)
    return [
        max(without - sum(amount for at, amount in paid.payouts if at >= moment), 0) for moment in moments
    ]


def paid_of(settlements: pl.DataFrame | None, until: datetime) -> Paid | None:
    """What the good settlements before `until` did; None without any. Of two of one day the first counts."""
    if settlements is None:
        return None
    good = settlements.filter(pl.col("wrong").is_null() & (pl.col("settled_at") < until)).sort(
        "settled_at", "business_date", "amount"
    )
    good = good.unique("business_date", keep="first", maintain_order=True)
    if good.is_empty():
        return None
    paid, owed = netted_in_order(good["amount"].to_numpy())
    payouts = [(at, amount) for at, amount in zip(good["settled_at"], paid.tolist(), strict=True) if amount]
    days = good["business_date"].to_list()
    return Paid(frozenset(days), min(days), payouts, int(owed))


def unrecovered(
    rows: pl.DataFrame, cohorts: pl.DataFrame, paid: Paid, until: datetime, zone: ZoneInfo
) -> int:
    """Cancelled before `until` on days that are not settled, of sales that were paid out or are not named."""
    before, day = pl.col("minute") < until, pl.col("minute").dt.convert_time_zone(zone.key).dt.date()
    cancelled = rows.filter(before).group_by(day.alias("day")).agg(pl.col("cancel_amount").sum())
    named = (
        cohorts.filter(before).group_by(day.alias("day"), "approval_date").agg(pl.col("cancel_amount").sum())
    )
    found = sum(amount for day, amount in cancelled.iter_rows() if not paid.is_settled(day))
    of_unpaid = (
        amount
        for day, approved, amount in named.iter_rows()
        if not paid.is_settled(day) and not paid.is_settled(approved)
    )
    return int(found - sum(of_unpaid))


HELD: Final = Held(reach=REACH, losses=losses)
