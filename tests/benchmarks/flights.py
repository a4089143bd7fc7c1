"""A year of real departures as merchant-minutes: what each policy makes of it, and of its storms.

A merchant is a carrier at an airport, an approval a departure that was flown, a cancel one that was
cancelled, the minute the scheduled one. Days are those of the schedule, so the business day is UTC's here.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import polars as pl

from pipeline.judge.verdicts import POLICIES
from pipeline.minute import DAY_MINUTES, Span, from_index, to_index
from pipeline.packs.merchants.count import aggregate
from pipeline.packs.merchants.rules.cancel_surge import CANCEL_SURGE
from tests.benchmarks.watch import TUNED, Watch

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date, datetime
    from pathlib import Path

ZONE = ZoneInfo("UTC")
WARM = timedelta(days=9)
LEAD = timedelta(days=1)  # a part is judged from a day before it, so that an open incident is known
WORST_DAYS = 20
PARTS = 2


def departures(path: Path) -> pl.DataFrame:
    """MERCHANT_MINUTE of a file of transactions, whole days."""
    rows = pl.read_parquet(path).select("merchant_id", "kind", "amount", "occurred_at")
    return aggregate(rows, span_of(rows["occurred_at"]))


def span_of(times: pl.Series) -> Span:
    """The whole days that hold `times`."""
    minutes = times.dt.epoch("us") // 60_000_000
    first, last = int(minutes.min()) // DAY_MINUTES, int(minutes.max()) // DAY_MINUTES  # type: ignore[arg-type]
    return Span(from_index(first * DAY_MINUTES), from_index((last + 1) * DAY_MINUTES))


def judge_part(frame: pl.DataFrame, span: Span) -> dict[str, list[datetime]]:
    """When each policy opens incidents in `span`; the days before it in `frame` are their baseline."""
    watch = Watch(TUNED, POLICIES, ZONE)
    lead = max(span.start - LEAD, span_of(frame["minute"]).start)
    minute = pl.col("minute")
    first = lead - WARM
    warm = frame.filter((minute >= first) & (minute < lead))
    if warm.height:
        watch.warm(Span(first, lead), warm)
    watch.judge(Span(lead, span.end), frame.filter((minute >= lead) & (minute < span.end)))
    return {
        policy: [
            from_index(i)
            for i in kept.opened().of(CANCEL_SURGE.name).minutes.tolist()
            if i >= to_index(span.start)
        ]
        for policy, kept in watch.incidents.items()
    }


def measure_part(path: Path, part: int) -> dict[str, list[datetime]]:
    """One of PARTS equal parts of the file."""
    frame = departures(path)
    whole = span_of(frame["minute"])
    days = whole.minutes // DAY_MINUTES
    edges = [whole.start + timedelta(days=days * n // PARTS) for n in range(PARTS + 1)]
    return judge_part(frame, Span(edges[part], edges[part + 1]))


def worst_days(frame: pl.DataFrame) -> list[date]:
    """The days with the most cancels."""
    daily = frame.group_by(day=pl.col("minute").dt.date()).agg(pl.col("cancel_count").sum())
    return daily.sort("cancel_count", "day", descending=[True, False])["day"].head(WORST_DAYS).to_list()


def flights_report(path: Path, parts: Sequence[dict[str, list[datetime]]]) -> dict[str, Any]:
    """Incidents of the whole file under each policy, and how many fall on its worst days."""
    frame = departures(path)
    worst = worst_days(frame)
    rows = []
    for policy in POLICIES:
        days = [minute.date() for part in parts for minute in part[policy]]
        on_worst = sum(day in worst for day in days)
        rows.append(
            {
                "policy": policy,
                "incidents": len(days),
                "on_worst_days": on_worst,
                "worst_days_seen": len(set(days) & set(worst)),
            }
        )
    return {
        "days": span_of(frame["minute"]).minutes // DAY_MINUTES,
        "merchants": frame["merchant_id"].n_unique(),
        "worst_days": [day.isoformat() for day in worst],
        "policies": rows,
    }
