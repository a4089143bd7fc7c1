"""A span of transactions to what is published of it: merchant-minutes, rows set aside, ledger rows. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import polars as pl

from pipeline.amounts import exact_sum
from pipeline.outside import within
from pipeline.packs.merchants.aggregate import aggregate
from pipeline.packs.merchants.screen import screen
from pipeline.schema import CANCEL, UTC_TIME

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from pipeline.minute import Span
    from pipeline.outside import Outside


@dataclass(frozen=True, slots=True)
class Counted:
    """A span, counted."""

    span: Span
    merchant_minutes: pl.DataFrame  # MERCHANT_MINUTE, sorted by minute and merchant
    quarantine: pl.DataFrame  # QUARANTINE
    ledger: Sequence[Mapping[str, Any]]  # one row per minute of the span, in order
    published: bool = False  # True when these numbers were read back from the lake
    outside: Outside | None = None  # rows of other minutes that the query gave; counted nowhere here

    @property
    def transactions(self) -> int:
        """Transactions of the span, set-aside ones included."""
        counts = self.merchant_minutes.select(pl.col("approval_count").sum() + pl.col("cancel_count").sum())
        return int(counts.item()) + self.quarantine.height


def count(rows: pl.DataFrame, span: Span, xmin: int, clock: datetime) -> Counted:
    """Screen and aggregate the rows of `span`; every minute gets a ledger row, also an empty one.

    Rows of other minutes are left to these: they are said in `outside`.
    """
    rows, outside = within(rows, span)
    # A span that is read has closed: a source clock that was stepped back since does not make it future.
    screened = screen(rows, max(clock, span.end), by_minute=True)
    merchant_minutes = aggregate(screened.good, span)
    quarantine = screened.bad.with_columns(minute=pl.col("occurred_at").dt.truncate("1m"))
    given = screened.given.with_columns(minute=pl.col("occurred_at").dt.truncate("1m"))
    ledger = _ledger(merchant_minutes, quarantine, given, span)
    constant = {"source_xmin": xmin, "source_clock": clock.isoformat(), "policy": None}
    ledger = [row | constant for row in ledger]
    return Counted(span, merchant_minutes, quarantine, ledger, outside=outside)


def _ledger(
    merchant_minutes: pl.DataFrame, quarantine: pl.DataFrame, given: pl.DataFrame, span: Span
) -> list[dict[str, Any]]:
    every = pl.DataFrame({"minute": pl.Series(list(span), dtype=UTC_TIME)})
    counts = ("approval_count", "cancel_count", "approval_amount", "cancel_amount")
    counted = merchant_minutes.group_by("minute").agg(pl.col(name).sum() for name in counts)
    set_aside = quarantine.group_by("minute").agg(
        quarantined=pl.len().cast(pl.Int64),
        bad_cancels=(pl.col("kind") == CANCEL).sum().cast(pl.Int64),
        # 128 bits: one absurd amount must not wrap the sum that reconciliation relies on.
        bad_amount=pl.col("amount").cast(pl.Int128).sum(),
    )
    for part in (counted, set_aside, given.group_by("minute").agg("amount_given")):
        every = every.join(part, on="minute", how="left", maintain_order="left")
    filled = every.with_columns(pl.exclude("minute", "amount_given").fill_null(0))
    return [_ledger_row(row) for row in filled.iter_rows(named=True)]


def _ledger_row(row: dict[str, Any]) -> dict[str, Any]:
    """The numbers of the good rows, and of all rows as the source itself counts them."""
    bad_cancels, bad_amount = row.pop("bad_cancels"), row.pop("bad_amount")
    integers, given = row["approval_amount"] + row["cancel_amount"] + bad_amount, row.pop("amount_given")
    return row | {
        "minute": row["minute"].isoformat(),
        "source_rows": row["approval_count"] + row["cancel_count"] + row["quarantined"],
        "source_cancels": row["cancel_count"] + bad_cancels,
        "source_amount": exact_sum(integers, given) if given else str(integers),
    }
