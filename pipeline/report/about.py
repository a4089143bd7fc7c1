"""What a report is about: a business day, a week of them, or one incident. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Final

from pipeline.errors import UsageError
from pipeline.minute import HOUR_MINUTES, MINUTE, Span, business_date, business_day

if TYPE_CHECKING:
    from datetime import datetime
    from zoneinfo import ZoneInfo

DAY, WEEK, INCIDENT = "day", "week", "incident"
DAYS: Final = 7  # of a week
#: What the report of an incident shows around it.
AROUND: Final = timedelta(hours=24)
AFTER: Final = HOUR_MINUTES * MINUTE
_NUMBER: Final = r"(?:incident-)?([0-9]{1,18})"
_HOW: Final = "write a day as 2026-11-29 or yesterday, a week as 2026-W48, an incident by its number"


@dataclass(frozen=True, slots=True)
class About:
    """`key` names it everywhere: 2026-11-29, 2026-W48, incident-17."""

    kind: str
    key: str
    span: Span
    incident_id: int | None = None


def incident_number(text: str) -> int | None:
    """The number of the incident that a text asks for; None where it asks for none."""
    found = re.fullmatch(_NUMBER, text.strip())
    return None if found is None else int(found[1])


def about_days(text: str, zone: ZoneInfo, now: datetime) -> About:
    """The day or the week that a text names: 2026-11-29, yesterday, today, 2026-W48. Raises UsageError."""
    today = business_date(now, zone)
    near = {"today": today, "yesterday": today - timedelta(days=1)}
    asked = text.strip()
    week = re.fullmatch(r"(\d{4})-?W(\d{2})", asked, re.IGNORECASE)
    try:
        if week is not None:
            return about_week(date.fromisocalendar(int(week[1]), int(week[2]), 1), zone)
        day = near[asked.lower()] if asked.lower() in near else date.fromisoformat(asked)
        return about_day(day, zone)
    except (ValueError, OverflowError):
        msg = f"{text!r} is no day, no week and no incident"
        raise UsageError(msg, _HOW) from None


def about_day(day: date, zone: ZoneInfo) -> About:
    """A business day."""
    return About(DAY, day.isoformat(), business_day(day, zone))


def about_week(day: date, zone: ZoneInfo) -> About:
    """The ISO week that a day lies in, from its Monday on."""
    year, number, _ = day.isocalendar()
    monday = date.fromisocalendar(year, number, 1)
    last = monday + timedelta(days=DAYS - 1)
    span = Span(business_day(monday, zone).start, business_day(last, zone).end)
    return About(WEEK, f"{year}-W{number:02}", span)


def about_incident(number: int, opened: datetime, ended: datetime) -> About:
    """An incident: a day before it opened until an hour after it ended, or until what is published."""
    return About(INCIDENT, f"incident-{number}", Span(opened - AROUND, ended), number)


def ended_in(days: Span, zone: ZoneInfo) -> list[About]:
    """What is to be written by itself of a span that ends with a business day: each day, each whole week."""
    found, day = list[About](), business_date(days.start, zone)
    while business_day(day, zone).end <= days.end:
        found.append(about_day(day, zone))
        if day.isoweekday() == DAYS:
            found.append(about_week(day, zone))
        day += timedelta(days=1)
    return found


def clip(about: About, published: Span) -> Span | None:
    """What is published of it; None where nothing is."""
    start, end = max(about.span.start, published.start), min(about.span.end, published.end)
    return Span(start, end) if start < end else None
