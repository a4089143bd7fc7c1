"""Transactions of one span to merchant-minutes. Pure."""

from __future__ import annotations

import polars as pl

from pipeline.schema import APPROVAL, MERCHANT_MINUTE, conform


def aggregate(transactions: pl.DataFrame) -> pl.DataFrame:
    """Count and sum approvals and cancels per minute and merchant.

    Takes screened rows (columns of TRANSACTION), gives MERCHANT_MINUTE sorted by minute and merchant, so
    that the same rows always give the same bytes. A merchant without rows in a minute has no row here;
    the windows know that it counts as zero.
    """
    approved = pl.col("kind") == APPROVAL
    amount = pl.col("amount")
    counted = transactions.group_by(pl.col("occurred_at").dt.truncate("1m").alias("minute"), "merchant_id").agg(
        approval_count=approved.sum().cast(pl.Int64),
        cancel_count=(~approved).sum().cast(pl.Int64),
        approval_amount=pl.when(approved).then(amount).otherwise(0).sum(),
        cancel_amount=pl.when(approved).then(0).otherwise(amount).sum(),
    )
    return conform(counted, MERCHANT_MINUTE).sort("minute", "merchant_id")
