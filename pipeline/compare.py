"""The numbers that the two rules of design section 3 compare, for every merchant they could concern. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from pipeline.minute import from_index

if TYPE_CHECKING:
    from datetime import datetime

    import polars as pl
    from numpy.typing import NDArray

    from baselines.rules import Rules
    from baselines.slices import Integers
    from baselines.windows import Windows


@dataclass(frozen=True, slots=True)
class SurgeNumbers:
    """Merchants with at least one cancel in the hour; all arrays have shape (n,)."""

    positions: Integers
    approvals_hour: Integers
    cancels_hour: Integers
    approvals_week: Integers
    cancels_week: Integers


@dataclass(frozen=True, slots=True)
class DropNumbers:
    """Merchants with any approved amount on the baseline days; all arrays have shape (n,); minor units."""

    positions: Integers
    amount_today: Integers
    amount_paced: Integers
    amount_days: Integers
    days: int
    judged: bool  # mode full_day judges at the business day's last minute only


@dataclass(frozen=True, slots=True)
class Comparison:
    """Everything the judgement of one minute may look at."""

    minute: datetime
    merchant_ids: pl.Series  # the id at position i
    top: NDArray[np.bool_]  # tier of each known merchant; shape (merchants,)
    surge: SurgeNumbers
    drop: DropNumbers


def compare(windows: Windows, rules: Rules) -> Comparison:
    """Read the windows after the minute they stand at; nothing is re-read, nothing divided."""
    if windows.last is None:
        msg = "no minute has entered the windows"
        raise ValueError(msg)
    return Comparison(
        minute=from_index(windows.last),
        merchant_ids=windows.merchants.ids,
        top=windows.is_top(np.arange(windows.size)),
        surge=_surge(windows),
        drop=_drop(windows, rules),
    )


def _surge(windows: Windows) -> SurgeNumbers:
    hour, week = windows.hour, windows.week
    positions = np.flatnonzero(hour.cancels)
    return SurgeNumbers(
        positions,
        hour.approvals[positions],
        hour.cancels[positions],
        week.approvals[positions],
        week.cancels[positions],
    )


def _drop(windows: Windows, rules: Rules) -> DropNumbers:
    pacing = windows.pacing
    floor = pacing.days * rules.volume_drop.minimum_daily_amount
    # The first condition of the rule holds for the whole business day, so it picks the merchants to look at.
    positions = np.flatnonzero(pacing.whole >= max(floor, 1))
    judged = rules.volume_drop.mode == "paced" or pacing.is_day_end(windows.last or 0)
    return DropNumbers(
        positions,
        pacing.today[positions],
        pacing.paced[positions],
        pacing.whole[positions],
        pacing.days,
        judged,
    )
