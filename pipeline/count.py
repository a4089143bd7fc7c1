"""One span of transactions to what is published of it: merchant-minutes, set-aside rows, ledger numbers. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import polars as pl

from pipeline.aggregate import aggregate
from pipeline.schema import CANCEL, UTC_TIME
from pipeline.screen import screen

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from pipeline.minute import Span


@dataclass(frozen=True, slots=True)
class Counted:
    """A span, counted."""

    span: Span
    merchant_minutes: pl.DataFrame  # MERCHANT_MINUTE, sorted by minute and merchant
    quarantine: pl.DataFrame  # QUARANTINE
    ledger: Sequence[Mapping[str, Any]]  # one row per minute of the span, in order
    published: bool = False  # True when these numbers were read back from the lake


def count(rows: pl.DataFrame, span: Span, xmin: int, clock: datetime) -> Counted:
    """Screen and aggregate the rows of `span`; every minute gets a ledger row, also an empty one."""
    screened = screen(rows, not_after=clock)
    merchant_minutes = aggregate(screened.good)
    quarantine = screened.bad.with_columns(minute=_minute())
    ledger = _ledger(rows, merchant_minutes, quarantine, span)
    constant = {"source_xmin": xmin, "source_clock": clock.isoformat(), "policy": None}
    return Counted(span, merchant_minutes, quarantine, [row | constant for row in ledger])


def _ledger(
    rows: pl.DataFrame, merchant_minutes: pl.DataFrame, quarantine: pl.DataFrame, span: Span
) -> list[dict[str, Any]]:
    every = pl.DataFrame({"minute": pl.Series(list(span), dtype=UTC_TIME)})
    counts = ("approval_count", "cancel_count", "approval_amount", "cancel_amount")
    counted = merchant_minutes.group_by("minute").agg(pl.col(name).sum() for name in counts)
    set_aside = quarantine.group_by("minute").agg(quarantined=pl.len())
    source = rows.group_by(_minute().alias("minute")).agg(
        source_rows=pl.len(),
        source_cancels=(pl.col("kind") == CANCEL).sum(),
        # 128 bits: one absurd amount must not wrap the sum that reconciliation relies on.
        source_amount=pl.col("amount").cast(pl.Int128).sum(),
    )
    for part in (counted, set_aside, source):
        every = every.join(part, on="minute", how="left", maintain_order="left")
    filled = every.with_columns(pl.exclude("minute").fill_null(0))
    return [
        row | {"minute": row["minute"].isoformat(), "source_amount": str(row["source_amount"])}
        for row in filled.iter_rows(named=True)
    ]


def _minute() -> pl.Expr:
    return pl.col("occurred_at").dt.truncate("1m")
