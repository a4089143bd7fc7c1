"""The false-alarm budget of past days, by its own night: on the screen as in a report. Pure."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import date

    from pipeline.pack import Budget, Nightly

#: The policy whose incidents are held against the budget.
_BUDGETED: Final = "budgeted"


def budgets_of(
    nightly: Nightly,
    days: Iterable[date],
    nights: Iterable[Mapping[str, Any]],
    opened: Iterable[tuple[date, str, str, int]],
) -> Sequence[tuple[date, Budget]]:
    """What each day has spent; what its own night has not measured is not known.

    `nights` are rows of the query `app_nights`; `opened` are day, policy, rule and incidents of
    `app_openings`.
    """
    measured = {row["day"]: row for row in nights}
    spent = defaultdict[Any, dict[str, int]](dict)
    for day, policy, rule, incidents in opened:
        if policy == _BUDGETED:
            spent[day][rule] = spent[day].get(rule, 0) + incidents
    return tuple(
        (day, nightly.shown([measured[day]] if day in measured else [], spent.get(day, {}))) for day in days
    )
