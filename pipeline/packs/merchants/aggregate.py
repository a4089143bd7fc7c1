"""Transactions of one span to merchant-minutes. Pure."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import polars as pl

from pipeline.schema import APPROVAL, FRESH, MERCHANT_MINUTE, UTC_TIME, conform

if TYPE_CHECKING:
    from pipeline.minute import Span

#: Two counts in one sum, fresh cancels above all tied ones: a sum more costs the hottest step a tenth.
_BOTH = 1 << 31


def aggregate(transactions: pl.DataFrame, span: Span) -> pl.DataFrame:
    """Count and sum approvals and cancels per minute and merchant.

    Takes the screened rows of `span` (columns of TRANSACTION), gives MERCHANT_MINUTE sorted by minute, then
    by merchant in the source's own order, so that the same rows always give the same bytes. A merchant
    without rows in a minute has no row here; the windows know that it counts as zero.
    """
    approved = (pl.col("kind") == APPROVAL).cast(pl.Int64)
    age = pl.col("occurred_at") - pl.col("approved_at")  # null where no approval is named
    fresh = pl.when(age >= timedelta(0)).then(age <= FRESH)  # nothing is cancelled before it was approved
    # A live span is one minute: grouping by the merchant alone halves the time of the hottest step.
    minute = pl.lit(span.start, UTC_TIME) if span.minutes == 1 else pl.col("occurred_at").dt.truncate("1m")
    keys = ["merchant_id"] if span.minutes == 1 else ["minute", "merchant_id"]
    counted = (
        transactions.select(minute.alias("minute"), "merchant_id", "amount", approved=approved, fresh=fresh)
        .with_columns(
            approved_amount=pl.col("approved") * pl.col("amount"),
            # An approval is tied to nothing, whatever a query gives for it.
            tied=pl.when(pl.col("approved") == 0).then(pl.col("fresh").cast(pl.Int64) * _BOTH + 1),
        )
        .group_by(keys)
        .agg(
            *([pl.lit(span.start, UTC_TIME).alias("minute")] if span.minutes == 1 else []),
            rows=pl.len().cast(pl.Int64),
            approval_count=pl.col("approved").sum(),
            amount=pl.col("amount").sum(),
            approval_amount=pl.col("approved_amount").sum(),
            tied=pl.col("tied").sum(),
        )
        .sort(keys)
        .with_columns(
            cancel_count=pl.col("rows") - pl.col("approval_count"),
            cancel_amount=pl.col("amount") - pl.col("approval_amount"),
            cancel_fresh_count=pl.col("tied") // _BOTH,
            cancel_older_count=pl.col("tied") % _BOTH - pl.col("tied") // _BOTH,
        )
    )
    return conform(counted, MERCHANT_MINUTE)
