"""Payouts: what a merchant gets for a business day, and when. Pure; frames in, frames out."""

from __future__ import annotations

from datetime import date, time, timedelta
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

import polars as pl

from baselines.calendar import is_rest_day
from pipeline.minute import require_aware
from pipeline.packs.merchants.schema import APPROVAL

if TYPE_CHECKING:
    from datetime import datetime

ZONE: Final = ZoneInfo("Asia/Seoul")
PAYOUT_TIME: Final = time(10, 0)  # of the business day, in Korean time
HOLIDAYS: Final = "KR"
#: A longest cycle of business days spans fewer days than this, whatever holidays there are.
_AROUND: Final = timedelta(days=40)
#: Days before a history that are paid out as well: the usual period in which buyers may cancel.
_EARLIER: Final = 14


def daily_net(rows: pl.DataFrame) -> pl.DataFrame:
    """merchant_id, business_date, amount: approvals minus cancels of each Korean day.

    A day that is spread over several frames gives several parts; `settlements_for` adds them up.
    """
    signed = pl.when(pl.col("kind") == APPROVAL).then(pl.col("amount")).otherwise(-pl.col("amount"))
    day = pl.col("occurred_at").dt.convert_time_zone(ZONE.key).dt.date()
    return rows.group_by("merchant_id", day.alias("business_date")).agg(signed.sum().alias("amount"))


def earlier_net(net: pl.DataFrame, first: date) -> pl.DataFrame:
    """The same of the days before `first`, whose rows nobody has: a merchant's middle day stands for each.

    A company was paying out before the history that we write of it begins. Without these days a merchant
    with a cycle longer than the history has no payout at all, and nothing of its money could be known.
    """
    days = pl.DataFrame({"business_date": [first - timedelta(days=back) for back in range(_EARLIER, 0, -1)]})
    usual = net.group_by("merchant_id").agg(pl.col("amount").median().round().cast(pl.Int64()))
    return usual.join(days, how="cross").select(net.columns)


def rest_days(days: pl.Series) -> list[date]:
    """Days on which nobody is paid out, of all that paydays of sales on `days` can fall on."""
    first, last = days.min(), days.max()
    if not isinstance(first, date) or not isinstance(last, date):
        return []
    reach = (last - first).days + 2 * _AROUND.days
    around = (first - _AROUND + timedelta(days=n) for n in range(reach + 1))
    return [day for day in around if is_rest_day(day, HOLIDAYS)]


def settlements_for(net: pl.DataFrame, merchants: pl.DataFrame, until: datetime) -> pl.DataFrame:
    """The columns of the table `settlements`: every payout that was due up to `until`, oldest first.

    `net` is what `daily_net` gives, of whole days. A day is paid out at 10:00 Korean time,
    settlement_cycle_days business days later; sales of a Saturday, a Sunday or a public holiday of Korea
    count from the business day before. A negative amount stands for what is withheld from a later payout.
    """
    days = net.group_by("merchant_id", "business_date").agg(pl.col("amount").sum())
    cycle = merchants.select("merchant_id", "settlement_cycle_days")
    payday = pl.col("business_date").dt.add_business_days(
        pl.col("settlement_cycle_days"), roll="backward", holidays=rest_days(days["business_date"])
    )
    settled_at = payday.dt.combine(PAYOUT_TIME).dt.replace_time_zone(ZONE.key).dt.convert_time_zone("UTC")
    return (
        days.join(cycle, on="merchant_id")
        .select(
            "merchant_id", "business_date", "amount", settled_at.dt.cast_time_unit("us").alias("settled_at")
        )
        .filter(pl.col("settled_at") <= require_aware(until))
        .sort("settled_at", "merchant_id", "business_date")
    )
