"""Which business days are alike: working days, or days of rest (Saturdays, Sundays, public holidays)."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import date

_SATURDAY = 5


def is_rest_day(day: date, public_holidays: str) -> bool:
    """Is `day` a day of rest? `public_holidays` names the country, or "none"."""
    return day.weekday() >= _SATURDAY or (
        public_holidays != "none" and day in _holidays(public_holidays, day.year)
    )


def like_days(day: date, others: Iterable[date], public_holidays: str) -> list[date]:
    """Those of `others` that are of the same class as `day`; all of them where none is."""
    known = list(others)
    rest = is_rest_day(day, public_holidays)
    return [d for d in known if is_rest_day(d, public_holidays) == rest] or known


@cache
def _holidays(country: str, year: int) -> Mapping[date, str]:
    import holidays  # noqa: PLC0415 - half a second that a command without a judgement need not wait for

    return holidays.country_holidays(country, years=year)
