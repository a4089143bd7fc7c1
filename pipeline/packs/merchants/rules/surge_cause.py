"""Why a cancel rate rose: its cancels, its approvals, or sales of the last day. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from pipeline.minute import DAY_MINUTES, WEEK_MINUTES
from pipeline.packs.merchants.schema import CAUSES, COHORT_COLUMNS

if TYPE_CHECKING:
    from baselines.merchants.slices import Integers
    from baselines.merchants.windows import Windows
    from pipeline.judge.verdicts import Columns
    from pipeline.packs.merchants.rules.cancel_surge import SurgeNumbers

#: So much of the cancels has to name its approval before cohorts are spoken of.
_TIED_PERCENT: Final = 90


@dataclass(frozen=True, slots=True)
class CauseNumbers:
    """What tells the cause, of all merchants; shape (merchants,) where not said."""

    same_hour: Integers  # approvals in the same hour 1 to 7 days ago; shape (7, merchants)
    fresh_hour: Integers  # cancels of the hour, approved within the 24 hours before
    older_hour: Integers
    fresh_week: Integers
    older_week: Integers
    approvals_day: Integers  # of the newest 24 hours


def cause_numbers_of(windows: Windows) -> CauseNumbers:
    """Read the windows."""
    hour, week = windows.cohorts.hour, windows.cohorts.week
    day = windows.recent.spans[DAY_MINUTES].approvals
    return CauseNumbers(windows.recent.same_hour, hour.fresh, hour.older, week.fresh, week.older, day)


def cause_columns(numbers: SurgeNumbers, of_all: CauseNumbers, factor: int) -> Columns:
    """Did the cancels rise, or the approvals fall, or do the cancels belong to more sales than usual?

    Usual cancels are the week's rate of the approvals in the same hour on the 7 days before. Where cancels
    are tied to their approval's cohort they are compared with what such cohorts usually give back.
    """
    days, like = len(of_all.same_hour), of_all.same_hour.take(numbers.positions, axis=1).sum(axis=0)
    more = days * numbers.cancels_hour * numbers.approvals_week >= factor * numbers.cancels_week * like
    fewer = days * factor * numbers.approvals_hour <= like
    tied = _tied(numbers, of_all, like, days)
    known = tied["cancels_fresh"] >= 0
    counted, usual = (tied[f"{name}_fresh"] + tied[f"{name}_older"] for name in ("cancels", "expected"))
    more_tied = np.where(known, counted >= factor * usual, more)
    cause = np.select(
        [more_tied, fewer, more],
        [CAUSES.index("more_cancels"), CAUSES.index("fewer_approvals"), CAUSES.index("more_sales_before")],
        CAUSES.index("more_cancels"),
    )
    return {"cause": cause, **tied}


def _tied(numbers: SurgeNumbers, of_all: CauseNumbers, like: Integers, days: int) -> Columns:
    """The hour's cancels by the age of their approval, and how many of each age are usual; -1: not known.

    Usual are the week's cancels of that age per approval, times the approvals of such an hour, `like` / days;
    for the fresh ones as much more or less as the newest 24 hours had approvals beside a day of the week. The
    older ones belong to sales that nothing of today has changed.
    """
    at = numbers.positions
    fresh, older = of_all.fresh_hour[at], of_all.older_hour[at]
    week = of_all.fresh_week[at], of_all.older_week[at]
    # What is tied has to stand for all of them, in the hour as in the week: the two are compared.
    known = 100 * (fresh + older) >= _TIED_PERCENT * numbers.cancels_hour
    known &= (100 * sum(week) >= _TIED_PERCENT * numbers.cancels_week) & (sum(week) > 0)
    approvals = np.maximum(numbers.approvals_week, 1)
    share = like / (days * approvals)  # of the week's approvals, in such an hour
    level = of_all.approvals_day[at] * (WEEK_MINUTES // DAY_MINUTES) / approvals
    usual = np.rint(week[0] * share * level), np.rint(week[1] * share)
    columns = dict(zip(COHORT_COLUMNS, (fresh, older, *usual), strict=True))
    return {name: np.where(known, values, -1).astype(np.int64) for name, values in columns.items()}
