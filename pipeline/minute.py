"""Minutes, windows and business days.

A *minute* is an aware UTC `datetime` without seconds, or, in arrays, the integer number of minutes
since 1970-01-01T00:00Z (`to_index`). Minute M covers [M, M + 60 s). No function here reads a clock.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING

from pipeline.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from zoneinfo import ZoneInfo

MINUTE = timedelta(minutes=1)
MINUTE_US = 60_000_000
HOUR_MINUTES = 60
DAY_MINUTES = 1440
WEEK_MINUTES = 7 * DAY_MINUTES
#: So many minutes windows can go back: for a correction, and where a minute was not committed.
MINUTES_BACK = 4
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
#: Times people give lie before this; windows and days can then be added without leaving the calendar.
TIME_END = datetime(2200, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """The minutes from `start` up to, not including, `end`."""

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        if require_minute(self.end) < require_minute(self.start):
            msg = f"a span cannot end ({self.end.isoformat()}) before it starts ({self.start.isoformat()})"
            raise UsageError(msg, "exchange --from and --to")

    @property
    def minutes(self) -> int:
        """How many minutes the span covers."""
        return to_index(self.end) - to_index(self.start)

    def overlaps(self, other: Span) -> bool:
        """Do the two share a minute?"""
        return self.start < other.end and other.start < self.end

    def __iter__(self) -> Iterator[datetime]:
        return (from_index(i) for i in range(to_index(self.start), to_index(self.end)))

    def __str__(self) -> str:
        return f"{format_minute(self.start)}/{format_minute(self.end)}"


def one_minute(minute: datetime) -> Span:
    """The span that covers just `minute`."""
    return Span(minute, minute + MINUTE)


def runs_of(minutes: Sequence[datetime]) -> Iterator[Span]:
    """Unbroken runs of sorted minutes."""
    start = 0
    for i in range(1, len(minutes) + 1):
        if i == len(minutes) or minutes[i] != minutes[i - 1] + MINUTE:
            yield Span(minutes[start], minutes[i - 1] + MINUTE)
            start = i


def require_aware(moment: datetime) -> datetime:
    """Return `moment` in UTC; a naive one is refused because its zone would be a guess."""
    if moment.tzinfo is None:
        msg = f"the time {moment.isoformat()} has no time zone"
        local = moment.isoformat()
        raise UsageError(msg, f"say which is meant: in Seoul {local}+09:00, in UTC {local}Z")
    return moment.astimezone(UTC)


def require_minute(moment: datetime) -> datetime:
    """Return `moment` in UTC if it is exactly on a minute."""
    moment = require_aware(moment)
    if moment.second or moment.microsecond:
        msg = f"the time {moment.isoformat()} is not on a full minute"
        raise UsageError(msg, f"use {floor_minute(moment).isoformat()}")
    return moment


def floor_minute(moment: datetime) -> datetime:
    """The minute that contains `moment`."""
    return require_aware(moment).replace(second=0, microsecond=0)


def to_index(minute: datetime) -> int:
    """Minutes since the epoch of an aware moment (floored)."""
    return (minute - EPOCH) // MINUTE


def from_index(index: int) -> datetime:
    """The inverse of `to_index`."""
    return EPOCH + MINUTE * index


def last_due(source_clock: datetime, close_delay: timedelta) -> datetime:
    """The newest minute that is due at the source's clock: M + 60 s + close_delay has passed."""
    return floor_minute(source_clock - close_delay) - MINUTE


def business_date(minute: datetime, zone: ZoneInfo) -> date:
    """The business day that `minute` belongs to."""
    return minute.astimezone(zone).date()


def business_day(day: date, zone: ZoneInfo) -> Span:
    """All minutes of a business day (1,440 of them, except where the zone changes its offset)."""
    start = datetime.combine(day, time(), tzinfo=zone)
    end = datetime.combine(day + timedelta(days=1), time(), tzinfo=zone)
    return Span(start.astimezone(UTC), end.astimezone(UTC))


def split_by_day(span: Span, zone: ZoneInfo) -> Iterator[Span]:
    """Cut a span at the borders of the business days."""
    start = span.start
    while start < span.end:
        end = min(business_day(business_date(start, zone), zone).end, span.end)
        yield Span(start, end)
        start = end


def offsets_of(zone: ZoneInfo, span: Span) -> list[tuple[datetime, timedelta]]:
    """How far the zone's clock is ahead of UTC over a span: the minutes from which each offset holds."""
    found = [(span.start, _offset(zone, span.start))]
    day = to_index(span.start)
    while day < to_index(span.end):
        low, high = day, min(day + DAY_MINUTES, to_index(span.end))
        if _offset(zone, from_index(high)) != found[-1][1]:
            while high - low > 1:
                middle = (low + high) // 2
                same = _offset(zone, from_index(middle)) == found[-1][1]
                low, high = (middle, high) if same else (low, middle)
            found.append((from_index(high), _offset(zone, from_index(high))))
        day = high
    return found


def _offset(zone: ZoneInfo, moment: datetime) -> timedelta:
    return moment.astimezone(zone).utcoffset() or timedelta()


def parse_time(text: str) -> datetime:
    """Read an ISO 8601 time with a zone, for example 2013-02-07T00:00Z; a bare date is refused as naive."""
    try:
        moment = require_aware(datetime.fromisoformat(text))
    except (ValueError, OverflowError):
        msg = f"{text!r} is not a time"
        raise UsageError(msg, "write it like 2026-11-21T09:00Z or 2026-11-21T18:00+09:00") from None
    if not EPOCH <= moment < TIME_END:
        raise _outside(text)
    return moment


def _outside(text: str) -> UsageError:
    msg = f"the time {text} lies outside {EPOCH.year} to {TIME_END.year - 1}"
    return UsageError(msg, "check the year")


def parse_time_in(zone: ZoneInfo, text: str) -> tuple[datetime, bool]:
    """Read a time as people write and copy it; says also whether its zone was not in it but is `zone`.

    Beside what `parse_time` reads: 2026-11-21, 2026-11-21 18:00, and 2026-11-21 18:00 KST where that is what
    the clocks of `zone` say then. A time that they show twice or never is refused.
    """
    bare, name = _zone_name(text.strip())
    try:
        local = datetime.fromisoformat(bare)
    except ValueError:
        return parse_time(text), False  # which says what is wrong
    if local.tzinfo is not None:
        return parse_time(bare), False
    if not EPOCH.year - 1 <= local.year < TIME_END.year:
        raise _outside(text)
    if name == "UTC":
        return parse_time(f"{local.isoformat()}Z"), False
    return parse_time(_moment_of(zone, local, name).isoformat()), not name


def _zone_name(text: str) -> tuple[str, str]:
    """A time and the letters of the zone behind it; of UTC+03 the offset belongs to the time."""
    found = re.fullmatch(r"(.*\d) ?(?:UTC(?=[+-])|([A-Z]{3,5})$)([+-]\d\d(?::?\d\d)?)?", text)
    return (f"{found[1]}{found[3] or ''}", found[2] or "") if found else (text, "")


def _moment_of(zone: ZoneInfo, local: datetime, name: str) -> datetime:
    """When the clocks of `zone` show `local`, and call themselves `name` where that is given."""
    found = [local.replace(tzinfo=zone, fold=fold) for fold in (0, 1)]
    both = " or ".join(dict.fromkeys(moment.isoformat(timespec="minutes") for moment in found))
    if name:
        found = [moment for moment in found if moment.tzname() == name]
    if not found:
        msg = f"{zone} has no time {local.isoformat(' ')} {name}"
        raise UsageError(msg, f"write it with its offset, such as {both}")
    one, other = found[0], found[-1]
    exists = one.astimezone(UTC).astimezone(zone).replace(tzinfo=None) == local
    if one.utcoffset() != other.utcoffset() or not exists:
        msg = f"the clocks of {zone} show {local.isoformat(' ')} {'twice' if exists else 'never'}"
        raise UsageError(msg, f"say which is meant: {both}")
    return one


def format_minute(minute: datetime) -> str:
    """A minute as the lake, the logs and the signal files write it: 2013-02-08T12:50."""
    return require_aware(minute).strftime("%Y-%m-%dT%H:%M")
