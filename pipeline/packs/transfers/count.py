"""Events to what is published of them, and to what the source itself sums up. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

from pipeline.amounts import exact_sum
from pipeline.packs.transfers.schema import COMPLETED, COUNTED, STATUSES
from pipeline.schema import AMOUNT_GIVEN, UTC_TIME, conform

if TYPE_CHECKING:
    from pipeline.minute import Span


def count(events: pl.DataFrame, span: Span) -> pl.DataFrame:
    """Each event as a counted row, in one order: the same events always give the same bytes."""
    del span  # each event says when it was
    flags = {f"{status}_count": (pl.col("status") == status).cast(pl.Int64) for status in STATUSES}
    counted = events.with_columns(
        minute=pl.col("occurred_at").dt.truncate("1m"),
        completed_amount=pl.when(pl.col("status") == COMPLETED).then("amount").otherwise(0),
        **flags,
    )
    return conform(counted, COUNTED).sort("minute", "account_id", "occurred_at", "transfer_id")


def sum_up(counted: pl.DataFrame, bad: pl.DataFrame, given: pl.DataFrame) -> pl.DataFrame:
    """Completed events and the amount of all rows, good or not, as the query `totals` counts them.

    The amount is text: it may leave 64 bits. One that is no whole number counts as it stands there.
    """
    aside = bad.group_by("minute").agg(
        bad_completed=(pl.col("status") == COMPLETED).sum().cast(pl.Int64),
        bad_amount=pl.col("amount").cast(pl.Int128).sum(),
    )
    fractions = given.group_by("minute").agg(AMOUNT_GIVEN)
    every = counted.join(aside, on="minute", how="left", maintain_order="left")
    every = every.join(fractions, on="minute", how="left", maintain_order="left")
    rows = [_totals(row) for row in every.iter_rows(named=True)]
    return pl.DataFrame(rows, {"minute": UTC_TIME, "completed": pl.Int64, "amount": pl.String})


def _totals(row: dict[str, Any]) -> dict[str, Any]:
    integers = row["amount"] + (row["bad_amount"] or 0)
    given = row[AMOUNT_GIVEN]
    return {
        "minute": row["minute"],
        "completed": row["completed_count"] + (row["bad_completed"] or 0),
        "amount": exact_sum(integers, given) if given else str(integers),
    }
