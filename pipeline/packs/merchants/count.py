"""Transactions to merchant-minutes, and to what the source itself sums up. Pure."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import polars as pl

from pipeline.amounts import exact_sum
from pipeline.packs.merchants.schema import APPROVAL, CANCEL, FRESH, MERCHANT_MINUTE
from pipeline.schema import AMOUNT_GIVEN, UTC_TIME, conform

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


def sum_up(counted: pl.DataFrame, bad: pl.DataFrame, given: pl.DataFrame) -> pl.DataFrame:
    """Cancels and amount of all rows, good or not, as the query `totals` counts them; a row per minute.

    `counted` has a row per minute with the sums of MERCHANT_MINUTE; `bad` are rows set aside (SET_ASIDE),
    `given` those of their amounts that are no integers, as text. The amount is text: it may leave 64 bits.
    """
    aside = bad.group_by("minute").agg(
        bad_cancels=(pl.col("kind") == CANCEL).sum().cast(pl.Int64),
        # 128 bits: one absurd amount must not wrap the sum that reconciliation relies on.
        bad_amount=pl.col("amount").cast(pl.Int128).sum(),
    )
    fractions = given.group_by("minute").agg(AMOUNT_GIVEN)
    every = counted.join(aside, on="minute", how="left", maintain_order="left")
    every = every.join(fractions, on="minute", how="left", maintain_order="left")
    rows = [_totals(row) for row in every.iter_rows(named=True)]
    return pl.DataFrame(rows, {"minute": UTC_TIME, "cancels": pl.Int64, "amount": pl.String})


def _totals(row: dict[str, Any]) -> dict[str, Any]:
    integers = row["approval_amount"] + row["cancel_amount"] + (row["bad_amount"] or 0)
    given = row[AMOUNT_GIVEN]
    return {
        "minute": row["minute"],
        "cancels": row["cancel_count"] + (row["bad_cancels"] or 0),
        "amount": exact_sum(integers, given) if given else str(integers),
    }
