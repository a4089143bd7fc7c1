"""Which time the screen shows, and in which steps: by the address, or the last hours and days. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from pipeline.minute import (
    DAY_MINUTES,
    HOUR_MINUTES,
    MINUTE,
    Span,
    business_date,
    business_day,
    floor_minute,
    to_index,
)

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date, datetime
    from zoneinfo import ZoneInfo

    from numpy.typing import NDArray

PRESETS: Final[Mapping[str, int]] = {"3h": 3 * HOUR_MINUTES, "24h": DAY_MINUTES, "8d": 8 * DAY_MINUTES}
FIRST_PRESET: Final = "24h"
#: A period of up to so many minutes is shown in such steps; a longer one by business day.
STEPS: Final = ((6 * HOUR_MINUTES, 1), (2 * DAY_MINUTES, 10), (14 * DAY_MINUTES, HOUR_MINUTES))
#: Shorter ones are nothing to draw.
SHORTEST: Final = 10


@dataclass(frozen=True, slots=True)
class Period:
    """A span of published minutes, cut into steps."""

    span: Span
    edges: NDArray[np.int64]  # where steps begin and, last, where the last one ends; minutes since the epoch
    step: int  # minutes; a day's, where they are business days
    cut: bool = False  # was more asked for than is published?

    key: str = ""  # of widgets: another period is another figure, a later minute is not


def preset_period(preset: str, published: Span, zone: ZoneInfo) -> Period:
    """The last hours or days up to the newest published minute."""
    start = max(published.start, published.end - PRESETS[preset] * MINUTE)
    return _period(Span(start, published.end), zone, preset, cut=False)


def asked_period(
    start: datetime | None, end: datetime | None, published: Span, zone: ZoneInfo
) -> Period | None:
    """What the address asks for, as far as it is published; None: nothing of it is, or it is no period."""
    first = published.start if start is None else floor_minute(start)
    last = published.end if end is None else floor_minute(end)
    inside = max(first, published.start), min(last, published.end)
    if inside[1] - inside[0] < SHORTEST * MINUTE:
        return None
    name = f"{to_index(inside[0])}-{to_index(inside[1])}"
    return _period(Span(*inside), zone, name, cut=inside != (first, last))


def days_period(first: date, last: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """Business days, both whole, as the moments that an address carries."""
    return business_day(first, zone).start, business_day(last, zone).end


def _period(span: Span, zone: ZoneInfo, key: str, *, cut: bool) -> Period:
    step = next((step for longest, step in STEPS if span.minutes <= longest), DAY_MINUTES)
    if step == DAY_MINUTES:
        return Period(span, _days(span, zone), step, cut, key)
    # Whole steps backwards from the end, so that the last one is never half full.
    count = span.minutes // step
    end = to_index(span.end)
    whole = Span(span.end - count * step * MINUTE, span.end)
    return Period(whole, end - step * np.arange(count, -1, -1, dtype=np.int64), step, cut, key)


def _days(span: Span, zone: ZoneInfo) -> NDArray[np.int64]:
    edges, moment = [to_index(span.start)], span.start
    while moment < span.end:
        moment = min(business_day(business_date(moment, zone), zone).end, span.end)
        edges.append(to_index(moment))
    return np.array(edges, np.int64)
