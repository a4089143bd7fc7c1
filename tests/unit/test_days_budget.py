"""The false-alarm budget of a day: its newest night and its own incidents, on screen as in a report."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from pipeline.minute import Span, business_day
from pipeline.packs import load_pack
from pipeline.report.gathered import _budgets

SEOUL = ZoneInfo("Asia/Seoul")
DAYS = [date(2026, 3, day) for day in range(9, 19)]


def night(day: date, incidents: int) -> dict[str, Any]:
    return {
        "day": day,
        "result": {"parts": 1, "incidents": incidents, "merchants": 5, "allowed": incidents + 0.5},
    }


def opened(day: date, incidents: int, policy: str = "budgeted", hour: int = 3) -> dict[str, Any]:
    return {"day": day, "policy": policy, "rule": "cancel_surge", "hour": hour, "incidents": incidents}


class Rows:
    """The database, as far as the budget asks it."""

    def rows(self, name: str, /, **given: Any) -> list[dict[str, Any]]:  # noqa: ANN401 - values
        if name == "app_nights":
            assert (given["first"], given["last"]) == (DAYS[0] - timedelta(days=7), DAYS[-1])
            return [night(DAYS[0], 4), night(DAYS[1], 2)]
        return [opened(DAYS[0], 1), opened(DAYS[1], 2), opened(DAYS[1], 3, hour=4), opened(DAYS[1], 9, "all")]

    def nights(self) -> list[dict[str, Any]]:
        return [night(DAYS[1], 2), night(DAYS[0], 4)]


def test_each_day_is_held_against_its_own_night_or_the_newest_of_a_week_before_and_else_is_unknown() -> None:
    span = Span(business_day(DAYS[0], SEOUL).start, business_day(DAYS[-1], SEOUL).end)
    state: Any = Rows()
    found = _budgets(state, load_pack("merchants"), span, SEOUL)
    assert [(day, one.spent, one.allowed, one.null_per_day) for day, one in found] == [
        (DAYS[0], 1, 4.5, 4.0),
        (DAYS[1], 5, 2.5, 2.0),
        *((day, 0, 2.5, 2.0) for day in DAYS[2:-1]),
        (DAYS[-1], 0, None, None),  # the newest night is eight days old
    ]
