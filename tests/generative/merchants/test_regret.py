"""Regret against an oracle that keeps the company's cash: what went out, less what the sales were worth."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from pipeline.packs.merchants.money.regret import losses
from pipeline.packs.merchants.money.schema import CANCEL_COHORT, SETTLEMENT
from pipeline.schema import UTC_TIME

if TYPE_CHECKING:
    from collections.abc import Sequence

SEOUL = ZoneInfo("Asia/Seoul")
FIRST = date(2026, 3, 2)
DAYS = 8
HOUR_OF_PAYOUT = timedelta(hours=1)  # 10:00 in Seoul is 01:00 in UTC


@dataclass(frozen=True)
class Cancel:
    day: int  # on which it happens
    of: int | None  # the day of its sale; None: it names none
    amount: int


@dataclass(frozen=True)
class Life:
    """What a merchant sold each day, what was cancelled, and after how many days it is paid out."""

    sold: Sequence[int]
    cancels: Sequence[Cancel]
    cycle: int
    end: int

    def net(self, day: int) -> int:
        return self.sold[day] - sum(cancel.amount for cancel in self.cancels if cancel.day == day)

    def settled_at(self, day: int) -> datetime:
        return noon(day) - timedelta(hours=3) + HOUR_OF_PAYOUT + timedelta(days=self.cycle)


def noon(day: int) -> datetime:
    return datetime.combine(FIRST + timedelta(days=day), datetime.min.time(), UTC) + timedelta(hours=3)


@st.composite
def lives(draw: st.DrawFn) -> Life:
    sold = draw(st.lists(st.integers(0, 1000), min_size=DAYS, max_size=DAYS))
    cancels = []
    for _ in range(draw(st.integers(0, 12))):
        day = draw(st.integers(0, DAYS - 1))
        of = draw(st.none() | st.integers(0, day))
        cancels.append(Cancel(day, of, draw(st.integers(1, 800))))
    return Life(sold, cancels, draw(st.integers(1, 3)), draw(st.integers(5, DAYS)))


def frames(life: Life, until: datetime) -> tuple[pl.DataFrame, dict[str, pl.DataFrame]]:
    rows, cohorts = [], []
    for day in range(DAYS):
        if noon(day) < until:
            cancelled = sum(cancel.amount for cancel in life.cancels if cancel.day == day)
            rows.append({"minute": noon(day), "merchant_id": "m", "cancel_amount": cancelled})
    for cancel in life.cancels:
        if cancel.of is not None and noon(cancel.day) < until:
            approved = FIRST + timedelta(days=cancel.of)
            cohorts.append((noon(cancel.day), "m", approved, 1, cancel.amount))
    settled = [
        (at, "m", FIRST + timedelta(days=day), life.net(day), at, None)
        for day in range(DAYS)
        for at in [life.settled_at(day)]
        if at < until
    ]
    schema = pl.Schema({"minute": UTC_TIME, "merchant_id": pl.String(), "cancel_amount": pl.Int64()})
    return pl.DataFrame(rows, schema), {
        "cancel_cohort": pl.DataFrame(cohorts, CANCEL_COHORT, orient="row"),
        "settlement": pl.DataFrame(settled, SETTLEMENT, orient="row"),
    }


def moments_before(until: datetime, hours: int) -> list[datetime]:
    every = [noon(0) + timedelta(hours=n) for n in range(0, 24 * DAYS, hours)]
    return [moment for moment in every if moment < until]


def oracle(life: Life, held_from: datetime, until: datetime) -> int | None:
    """Cash that went out before it is held, less what the sales paid out turned out to be worth."""
    paid_days = [day for day in range(DAYS) if life.settled_at(day) < until]
    if not paid_days:
        return None
    balance = cash = 0
    for day in paid_days:
        balance += life.net(day)
        if life.settled_at(day) < held_from and balance - cash > 0:
            cash = balance
    known = [cancel for cancel in life.cancels if noon(cancel.day) < until]
    cancelled = sum(cancel.amount for cancel in known if cancel.of is None or cancel.of in paid_days)
    return max(cash - sum(life.sold[day] for day in paid_days) + cancelled, 0)


@given(lives())
def test_regret_is_what_the_cash_account_says(life: Life) -> None:
    until = noon(life.end - 1) + timedelta(hours=1)
    moments = [*moments_before(until, 6), until]
    found = losses(*frames(life, until), moments, until, SEOUL)
    assert found == [oracle(life, moment, until) for moment in moments]


@given(lives())
def test_the_later_somebody_acts_the_more_is_lost(life: Life) -> None:
    until = noon(life.end - 1) + timedelta(hours=1)
    found = losses(*frames(life, until), moments_before(until, 2), until, SEOUL)
    known = [lost for lost in found if lost is not None]
    assert known == sorted(known)
