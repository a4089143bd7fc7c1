"""Today so far, all merchants: approvals, cancels and volume beside recent like days at the same time of day.

They are what the ledger counted minute by minute, so that nothing is read from the files.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from statistics import median
from typing import TYPE_CHECKING, Any, Final

import streamlit as st

from app.format import count, time_of_day, won, won_short
from app.markup import Markup, join, tag
from app.merchants.reads import public_holidays
from app.reads import heartbeat, shared
from baselines.calendar import like_days
from pipeline.minute import MINUTE, Span, business_date, business_day

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date, datetime
    from zoneinfo import ZoneInfo

    from app.reads import Page

AMOUNT: Final = "approval_amount"
SUMS: Final = ("approval_count", "cancel_count", AMOUNT)
#: So many days before today are looked at for like ones.
DAYS: Final = 7
#: Closer than this is called usual.
USUAL_PERCENT: Final = 5
#: From here on it is said how many times as many they are.
TIMES: Final = 2


@dataclass(frozen=True, slots=True)
class Today:
    """What was counted today, and what is expected by the same time of day."""

    until: datetime  # the end of the newest counted minute
    missing: int  # minutes of today that are not counted
    sums: Mapping[str, int | None]
    expected: Mapping[str, int | None]  # None: no like day is whole
    days: int  # that the expectation is the middle of


def show_today(page: Page) -> None:
    """Three small figures, each with what is expected and how far it is from that."""
    found, texts = today(page), page.texts
    if found is None:
        return
    said = texts("today.until", time=time_of_day(found.until, page.zone))
    heading = tag("h2", texts("today.heading"), tag("small", said), cls="mr-h2")
    figures = [_figure(page, name, found.sums[name], found.expected[name]) for name in SUMS]
    notes = [texts("today.days", count=found.days) if found.days else texts("today.no_days")]
    notes += [texts("today.missing", count=count(found.missing))] if found.missing else []
    note = tag("div", *(tag("span", note) for note in notes), cls="mr-note mr-counts")
    st.html(join([heading, tag("div", *figures, cls="mr-figures"), note]))


def _figure(page: Page, name: str, found: int | None, expected: int | None) -> Markup:
    texts = page.texts
    far, fields = deviation(found, expected)
    usual = texts("today.expected", number=_short(page, name, expected))
    return tag(
        "div",
        tag("div", texts(f"today.{name}"), cls="mr-label"),
        tag("div", _short(page, name, found), cls="mr-figure", title=_exact(page, name, found)),
        tag("div", usual, cls="mr-note", title=_exact(page, name, expected)),
        tag("div", texts(far, **fields), cls="mr-note"),
    )


def deviation(found: int | None, expected: int | None) -> tuple[str, dict[str, object]]:
    """How far a number is from what is expected: the key of a text, and its fields."""
    if found is None or not expected:
        return "today.deviation.unknown", {}
    if found >= TIMES * expected:
        return "today.deviation.times", {"times": f"{found / expected:,.1f}"}
    percent = round(100 * (found - expected) / expected)
    if abs(percent) < USUAL_PERCENT:
        return "today.deviation.usual", {}
    which = "today.deviation.more" if percent > 0 else "today.deviation.less"
    return which, {"percent": count(abs(percent))}


def _short(page: Page, name: str, number: int | None) -> str:
    if number is None:
        return page.texts("money.not_known")
    return won_short(number, page.texts.language) if name == AMOUNT else count(number)


def _exact(page: Page, name: str, number: int | None) -> str:
    return won(number, page.texts.language) if number is not None and name == AMOUNT else ""


@shared
def today(page: Page) -> Today | None:
    """The figures up to the newest published minute; None before there is one of today."""
    heart, zone = heartbeat(page), page.zone
    if heart is None or heart.next_minute is None:
        return None
    until = heart.next_minute
    if business_date(until - MINUTE, zone) != business_date(page.clock(), zone):
        return None
    spans = paced_spans(until, zone, public_holidays(page))
    asked = {"firsts": [s.start for s in spans], "stops": [s.end for s in spans], "names": list(SUMS)}
    rows = {row["number"]: row for row in page.door.rows("ops/app_sums", asked)}
    return figures_of(until, spans, [rows.get(number) for number in range(1, len(spans) + 1)])


def figures_of(until: datetime, spans: Sequence[Span], rows: Sequence[Mapping[str, Any] | None]) -> Today:
    """The first span is today's. A day with missing minutes is compared with nothing."""
    counted = rows[0]["minutes"] if rows[0] else 0
    days = zip(rows[1:], spans[1:], strict=True)
    whole = [row["sums"] for row, span in days if row and row["minutes"] == span.minutes]
    sums = rows[0]["sums"] if rows[0] else dict.fromkeys(SUMS)
    expected = {name: _middle([day[name] for day in whole if day[name] is not None]) for name in SUMS}
    return Today(until, spans[0].minutes - counted, _whole(sums), expected, len(whole))


def paced_spans(until: datetime, zone: ZoneInfo, holidays: str) -> list[Span]:
    """Today up to `until`, then the recent days like it up to the same time of day."""
    day = business_date(until - MINUTE, zone)
    start = business_day(day, zone).start
    lasted = until - start
    before = tuple(day - timedelta(days=back) for back in range(1, DAYS + 1))
    alike = like_days(day, before, holidays)
    return [Span(start, until), *(_up_to(other, lasted, zone) for other in alike)]


def _up_to(day: date, lasted: timedelta, zone: ZoneInfo) -> Span:
    whole = business_day(day, zone)
    return Span(whole.start, min(whole.start + lasted, whole.end))


def _middle(numbers: Sequence[int]) -> int | None:
    return round(median(numbers)) if numbers else None


def _whole(sums: Mapping[str, Any]) -> dict[str, int | None]:
    return {name: None if sums[name] is None else int(sums[name]) for name in SUMS}
