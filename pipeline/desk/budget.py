"""The false-alarm budget of past days, by what a night has measured: on the screen as in a report. Pure."""

from __future__ import annotations

from collections import defaultdict
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import date

    from pipeline.pack import Budget, Nightly

#: The policy whose incidents are held against the budget.
_BUDGETED: Final = "budgeted"
#: A report is written before the night of its newest day: the newest one of so long before stands in for it.
STANDS: Final = timedelta(days=7)


def budgets_of(
    nightly: Nightly,
    days: Iterable[date],
    nights: Iterable[Mapping[str, Any]],
    opened: Iterable[tuple[date, str, str, int]],
    within: timedelta = timedelta(),
) -> Sequence[tuple[date, Budget]]:
    """What each day has spent of what its own night has measured, or the newest `within` so long before it.

    `nights` are rows of the query `app_nights`, from `within` before the first day on; `opened` are day,
    policy, rule and incidents of `app_openings`.
    """
    measured = {row["day"]: row for row in nights}
    spent = defaultdict[Any, dict[str, int]](dict)
    for day, policy, rule, incidents in opened:
        if policy == _BUDGETED:
            spent[day][rule] = spent[day].get(rule, 0) + incidents
    return tuple((day, nightly.shown(_night_of(day, measured, within), spent.get(day, {}))) for day in days)


def _night_of(
    day: date, measured: Mapping[date, Mapping[str, Any]], within: timedelta
) -> Sequence[Mapping[str, Any]]:
    newest = max((night for night in measured if day - within <= night <= day), default=None)
    return [] if newest is None else [measured[newest]]
