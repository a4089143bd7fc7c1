"""What is usual for each merchant, as the windows hold it after the newest minute: for analysts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import polars as pl

from pipeline.minute import from_index
from pipeline.pack import Baseline
from pipeline.schema import UTC_TIME

if TYPE_CHECKING:
    from baselines.merchants.windows import Windows

#: Counts of transactions; amounts in minor units, summed over `recent_day_count` business days.
BASELINE_ROW: Final = pl.Schema(
    {
        "minute": UTC_TIME,
        "merchant_id": pl.String(),
        "tier": pl.String(),
        "hour_approval_count": pl.Int64(),
        "hour_cancel_count": pl.Int64(),
        "week_approval_count": pl.Int64(),
        "week_cancel_count": pl.Int64(),
        "today_approval_amount": pl.Int64(),
        "recent_day_count": pl.Int64(),
        "recent_approval_amount": pl.Int64(),
        "recent_paced_amount": pl.Int64(),
    }
)


def baseline_of(windows: Windows) -> pl.DataFrame:
    """BASELINE_ROW of every merchant that the windows know."""
    if windows.last is None:
        return BASELINE_ROW.to_frame()
    ids, pacing = windows.entities.ids, windows.pacing
    # Copies of windows share the known merchants: another thread may have learned more of them since.
    size = min(len(ids), len(windows.hour.approvals), len(windows.week.approvals), len(pacing.today))
    top = pl.Series(np.arange(size) < len(windows.top)) & pl.Series(np.resize(windows.top, size))
    everyone = np.arange(size)
    frame = pl.DataFrame(
        {
            "merchant_id": ids.head(size),
            "tier": pl.select(pl.when(top).then(pl.lit("top")).otherwise(pl.lit("tail"))).to_series(),
            "hour_approval_count": windows.hour.approvals[
                :size
            ].copy(),  # the frame would share it, and it moves on
            "hour_cancel_count": windows.hour.cancels[:size].copy(),
            "week_approval_count": windows.week.approvals[:size].copy(),
            "week_cancel_count": windows.week.cancels[:size].copy(),
            "today_approval_amount": pacing.today[:size].copy(),
            "recent_approval_amount": pacing.whole[:size].copy(),
            "recent_paced_amount": pacing.paced_at(everyone),
        }
    )
    minute = pl.lit(from_index(windows.last), UTC_TIME).alias("minute")
    days = pl.lit(pacing.days, pl.Int64).alias("recent_day_count")
    return frame.with_columns(minute, days).select(list(BASELINE_ROW)).cast(BASELINE_ROW)


BASELINE: Final = Baseline(BASELINE_ROW, baseline_of)
