"""Approved amounts of a day so far, beside those of other days. Pure."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

import numpy as np
import polars as pl

from pipeline.minute import MINUTE, Span, business_date, business_day, to_index

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date
    from zoneinfo import ZoneInfo

    from app.merchants.series import Series


PACE_STEP_MINUTES: Final = 10
#: Like days are looked for so far back: two of each weekday.
PACE_DAYS: Final = 14

PACE: Final = pl.Schema(
    {"business_date": pl.Date(), "elapsed_minutes": pl.Int64(), "approval_amount": pl.Int64()}
)


def pace_days(today: date, published: Span, zone: ZoneInfo) -> list[date]:
    """The days before today that are published whole, newest first."""
    days = [today - timedelta(days=n) for n in range(1, PACE_DAYS + 1)]
    return [d for d in days if business_day(d, zone).start >= published.start]


def pace_of(series: Series, days: Sequence[date], published: Span, zone: ZoneInfo) -> pl.DataFrame:
    """Approved amount so far by time of day on each of `days` (see `PACE`), as far as it is published."""
    parts = []
    stop = to_index(published.end)
    for one in days:
        whole = business_day(one, zone)
        first, last = to_index(whole.start), min(to_index(whole.end), stop)
        elapsed = np.append(np.arange(PACE_STEP_MINUTES, last - first, PACE_STEP_MINUTES), last - first)
        starts = np.full(len(elapsed), first, np.int64)
        amounts = series.between("approval_amount", starts, first + elapsed.astype(np.int64))
        frame = {"elapsed_minutes": elapsed, "approval_amount": amounts}
        parts.append(pl.DataFrame(frame).with_columns(pl.lit(one).alias("business_date")))
    found = pl.concat([part.select(PACE.names()).cast(PACE) for part in parts] or [PACE.to_frame()])
    return found.sort("business_date", "elapsed_minutes")


def today_of(published: Span, zone: ZoneInfo) -> date:
    """The business day of the newest published minute."""
    return business_date(published.end - MINUTE, zone)
