"""Which business days are alike: working days, Saturdays, or Sundays with the public holidays."""

from __future__ import annotations

from functools import cache, lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

_SATURDAY = 5


def is_rest_day(day: date, public_holidays: str) -> bool:
    """Is `day` a day of rest? `public_holidays` names the country, or "none"."""
    return day.weekday() >= _SATURDAY or (
        public_holidays != "none" and day in _holidays(public_holidays, day.year)
    )


@lru_cache(maxsize=64)
def like_days(day: date, others: tuple[date, ...], public_holidays: str) -> tuple[date, ...]:
    """Those of `others` that are of the same class as `day`; else those of rest or work like it; else all.

    Many shops open on Saturdays and close on Sundays; on a public holiday most do as on a Sunday.
    """
    rest = is_rest_day(day, public_holidays)
    alike = tuple(d for d in others if is_rest_day(d, public_holidays) == rest)
    saturday = _is_plain_saturday(day, public_holidays)
    return tuple(d for d in alike if _is_plain_saturday(d, public_holidays) == saturday) or alike or others


def _is_plain_saturday(day: date, public_holidays: str) -> bool:
    is_holiday = public_holidays != "none" and day in _holidays(public_holidays, day.year)
    return day.weekday() == _SATURDAY and not is_holiday


@cache
def _holidays(country: str, year: int) -> Mapping[date, str]:
    import holidays  # noqa: PLC0415 - half a second that a command without a judgement need not wait for

    return holidays.country_holidays(country, years=year)
