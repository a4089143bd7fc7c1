"""What is stored of merchants, as running totals. Knows nothing of Streamlit."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

import numpy as np
import polars as pl

from app.merchants.series import LEAD, SUMS, Series, series_of
from pipeline.minute import HOUR_MINUTES, MINUTE, Span, business_date, business_day, to_index

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date
    from zoneinfo import ZoneInfo

    from app.door import Door
    from pipeline.store.manifest import LakeFile, Manifest

PACE_STEP_MINUTES: Final = 10
#: Like days are looked for so far back: two of each weekday.
PACE_DAYS: Final = 14

PACE: Final = pl.Schema(
    {"business_date": pl.Date(), "elapsed_minutes": pl.Int64(), "approval_amount": pl.Int64()}
)


def published_span(manifest: Manifest) -> Span | None:
    """What is published; None without any."""
    if manifest.first_minute is None or manifest.first_minute >= manifest.published_through:
        return None
    return Span(manifest.first_minute, manifest.published_through)


def with_lead(span: Span, published: Span) -> Span:
    """A span and what its rates look back at, as far as it is published."""
    return Span(max(published.start, span.start - LEAD * MINUTE), span.end)


def read_all(door: Door, span: Span) -> Series:
    """All merchants together, from the ledger."""
    rows = door.rows("ops/app_minutes", {"first": span.start, "stop": span.end})
    found = {row["name"]: row for row in rows}
    minutes = np.array(found[SUMS[0]]["minutes"] if found else [], np.int64)
    totals = {name: np.array(found[name]["totals"] if found else [], np.int64) for name in SUMS}
    return series_of(minutes, totals, span)


def read_together(door: Door, manifest: Manifest, file: Span, members: Sequence[str]) -> pl.DataFrame:
    """Approvals and cancels of all `members` by minute, in the files that touch `file`.

    Shape: `minute` (minutes since the epoch), `approval_count`, `cancel_count`.
    """
    return door.lake("merchants/analyst/app_category", {"merchants": list(members)}, manifest, file)


def parts_of(files: Sequence[LakeFile]) -> list[tuple[str, Span]]:
    """What is read at a time, by its paths: each long file, and the short ones after them at once.

    A short file takes as long to open as a long one to read.
    """
    last = max((file.span.end for file in files if file.span.minutes >= HOUR_MINUTES), default=None)
    newest = [file for file in files if last is None or file.span.start >= last]
    parts = [(file.path, file.span) for file in files if file not in newest]
    if newest:
        span = Span(min(file.span.start for file in newest), max(file.span.end for file in newest))
        parts.append((" ".join(sorted(file.path for file in newest)), span))
    return parts


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


def together_series(frames: Sequence[pl.DataFrame], span: Span) -> Series:
    """Running totals over `span` of what was read file by file."""
    rows = pl.concat(frames)
    minutes = rows["minute"].to_numpy()
    counts = {name: rows[name].to_numpy() for name in ("approval_count", "cancel_count")}
    nothing = np.zeros(len(minutes), np.int64)
    return series_of(minutes, {**dict.fromkeys(SUMS, nothing), **counts}, span)
