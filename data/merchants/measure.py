"""Print what the traffic model gives: `python -m data.merchants.measure` (about ten seconds, no database)."""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta
from time import perf_counter

import polars as pl

from data.merchants.traffic import Traffic, TrafficConfig
from pipeline.minute import Span
from pipeline.packs.merchants.schema import CANCEL

_START = datetime(2026, 11, 1, 15, tzinfo=UTC)  # a Monday, midnight in Korea
_SETTLED = timedelta(days=3)  # before it, cancels of days before the start are missing


def measure(config: TrafficConfig, days: int) -> dict[str, float | int]:
    """Figures of `days` whole days of traffic after the first three."""
    traffic = Traffic(config)
    begin = perf_counter()
    rows = traffic.rows(Span(config.start, config.start + _SETTLED + timedelta(days=days)))
    seconds = perf_counter() - begin
    settled = rows.filter(pl.col("occurred_at") >= config.start + _SETTLED)
    cancels = settled.filter(kind=CANCEL)
    approvals = settled.height - cancels.height
    per_merchant = (
        settled.filter(pl.col("kind") != CANCEL).group_by("merchant_id").len()["len"].sort(descending=True)
    )
    by_hour = (
        settled.group_by(pl.col("occurred_at").dt.convert_time_zone("Asia/Seoul").dt.hour()).len().sort("len")
    )
    return {
        "rows_per_second": round(rows.height / seconds),
        "rows_per_day": round(settled.height / days),
        "top_1_percent_share": round(int(per_merchant.head(config.merchants // 100).sum()) / approvals, 3),
        "cancel_rate": round(cancels.height / approvals, 4),
        "cancels_within_an_hour": round(_quick_share(rows), 3),
        "busiest_hour_kst": by_hour["occurred_at"][-1],
        "busiest_hour_share": round(by_hour["len"][-1] / settled.height, 4),
        "quietest_hour_kst": by_hour["occurred_at"][0],
        "quietest_hour_share": round(by_hour["len"][0] / settled.height, 4),
        "ticket_median_krw": int(settled["amount"].median() or 0),  # type: ignore[arg-type]  # a number
        "foreign_share": round(settled.filter(pl.col("country") != "KR").height / settled.height, 4),
    }


def _quick_share(rows: pl.DataFrame) -> float:
    """The share of cancels within an hour, of approvals old enough that all their cancels are there."""
    approved = rows.select(original_transaction_id="transaction_id", approved_at="occurred_at")
    complete = approved.filter(pl.col("approved_at") < pl.col("approved_at").max() - _SETTLED)
    pairs = rows.filter(kind=CANCEL).join(complete, on="original_transaction_id")
    quick = pairs.filter(pl.col("occurred_at") - pl.col("approved_at") <= timedelta(hours=1))
    return quick.height / pairs.height


def main() -> None:
    """Measure the demo's size and the size minuterisk is built for."""
    for config, days in (
        (TrafficConfig(_START), 7),
        (TrafficConfig(_START, merchants=100_000, transactions_per_day=3_000_000), 1),
    ):
        sys.stdout.write(
            f"{config.merchants:,} merchants, {config.transactions_per_day:,} transactions a day\n"
        )
        for name, value in measure(config, days).items():
            sys.stdout.write(f"  {name:24} {value}\n")


if __name__ == "__main__":
    main()
