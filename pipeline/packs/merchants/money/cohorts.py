"""Cancels by the business day of their approval, as they are published beside the counted rows. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import polars as pl

from pipeline.money import Beside
from pipeline.packs.merchants.money.schema import CANCEL_COHORT
from pipeline.packs.merchants.schema import CANCEL
from pipeline.schema import UTC_TIME, conform

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from pipeline.minute import Span


def count_cohorts(transactions: pl.DataFrame, span: Span, zone: ZoneInfo) -> pl.DataFrame:
    """Cancels whose approval is known, by minute, merchant and the approval's business day in `zone`.

    Takes the good rows of `span` (TRANSACTION), gives CANCEL_COHORT sorted. Nothing is cancelled before it
    was approved: such a cancel names no approval.
    """
    named = (pl.col("kind") == CANCEL) & (pl.col("approved_at") <= pl.col("occurred_at"))
    minute = pl.lit(span.start, UTC_TIME) if span.minutes == 1 else pl.col("occurred_at").dt.truncate("1m")
    keys = ["minute", "merchant_id", "approval_date"]
    cohorts = (
        transactions.filter(named)
        .select(
            minute.alias("minute"),
            "merchant_id",
            approval_date=pl.col("approved_at").dt.convert_time_zone(zone.key).dt.date(),
            amount=pl.col("amount"),
        )
        .group_by(keys)
        .agg(cancel_count=pl.len().cast(pl.Int64), cancel_amount=pl.col("amount").sum())
        .sort(keys)
    )
    return conform(cohorts, CANCEL_COHORT)


COHORTS: Final = Beside(schema=CANCEL_COHORT, count=count_cohorts)
