"""What the published files say of merchants. Knows nothing of Streamlit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import polars as pl

from pipeline.minute import DAY_MINUTES, HOUR_MINUTES, MINUTE, Span, business_date, business_day
from pipeline.schema import UTC_TIME

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date
    from zoneinfo import ZoneInfo

    from app.door import Door
    from pipeline.store.manifest import Manifest

PACE_STEP_MINUTES: Final = 10
PACE_DAYS: Final = 7

#: Window of a trend: (its length, its step), both in minutes.
WINDOWS: Final[Mapping[str, tuple[int, int]]] = {
    "3h": (3 * HOUR_MINUTES, 1),
    "24h": (DAY_MINUTES, 10),
    "8d": (8 * DAY_MINUTES, HOUR_MINUTES),
}

TREND: Final = pl.Schema(
    {
        "start": UTC_TIME,
        "approval_count": pl.Int64(),
        "cancel_count": pl.Int64(),
        "approval_amount": pl.Int64(),
        "cancel_amount": pl.Int64(),
        "cancel_rate": pl.Float64(),
    }
)
PACE: Final = pl.Schema(
    {"business_date": pl.Date(), "elapsed_minutes": pl.Int64(), "approval_amount": pl.Int64()}
)


def read_trend(door: Door, manifest: Manifest, merchant_id: str | None, window: str) -> pl.DataFrame:
    """Counts and amounts per step of `window` (see `TREND`), ending with the newest minute.

    The cancel rate is that of the hour ending with the step. merchant_id None means all merchants. Steps
    before the first published minute are left out; a step in which nothing happened counts as zero.
    """
    length, step = WINDOWS[window]
    span = _published(manifest, length, step)
    if span is None or span.minutes == 0:
        return pl.DataFrame(schema=TREND)
    lead = max(HOUR_MINUTES - step, 0)
    asked = {"merchant": merchant_id, "first": span.start, "stop": span.end, "step": step, "lead": lead}
    read = Span(span.start - lead * MINUTE, span.end)
    return door.lake("merchants/analyst/app_trend", asked, manifest, read).cast(TREND)


def read_pace(door: Door, manifest: Manifest, merchant_id: str | None, zone: ZoneInfo) -> pl.DataFrame:
    """Approved amount so far by time of day, today and on recent whole business days (see `PACE`)."""
    days = _pace_days(manifest, zone)
    if not days:
        return pl.DataFrame(schema=PACE)
    asked = {
        "merchant": merchant_id,
        "days": list(days),
        "firsts": [span.start for span in days.values()],
        "stops": [span.end for span in days.values()],
        "step": PACE_STEP_MINUTES,
    }
    covered = Span(min(s.start for s in days.values()), max(s.end for s in days.values()))
    return door.lake("merchants/analyst/app_pace", asked, manifest, covered).cast(PACE)


def _published(manifest: Manifest, length: int, step: int) -> Span | None:
    """The last `length` published minutes in whole steps up to the newest minute; None without any."""
    if manifest.first_minute is None:
        return None
    end = manifest.published_through
    available = min(length, Span(min(manifest.first_minute, end), end).minutes)
    return Span(end - available // step * step * MINUTE, end)


def _pace_days(manifest: Manifest, zone: ZoneInfo) -> dict[date, Span]:
    """Today up to the newest minute, and the recent business days that are published from their start."""
    if manifest.first_minute is None or manifest.first_minute >= manifest.published_through:
        return {}
    days: dict[date, Span] = {}
    moment = manifest.published_through - MINUTE
    for _ in range(PACE_DAYS + 1):
        whole = business_day(business_date(moment, zone), zone)
        if whole.start < manifest.first_minute:
            break
        days[business_date(moment, zone)] = Span(whole.start, min(whole.end, manifest.published_through))
        moment = whole.start - MINUTE
    return days
