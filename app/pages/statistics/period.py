"""Over which business days a screen counts: read from the address, chosen by people, kept in the address."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Final

import streamlit as st

from app.address import Param, day, one_of
from app.format import day as shown_day
from app.markup import notice, tag
from app.pages.given import given, keep
from pipeline.minute import Span, business_date, business_day

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from app.reads import Page

#: So many days by the word that the address has for them, today included.
DAYS: Final = {"today": 1, "7d": 7, "28d": 28}
RANGE: Final = "range"
_DEFAULT: Final = "7d"
#: More than a quarter is a matter for the analyst's files.
LONGEST_DAYS: Final = 92
_NAMES: Final = {
    "today": "period.today",
    "7d": "period.7d",
    "28d": "period.28d",
    RANGE: "period.range",
}
_CHOSEN: Final = "period-chosen"
_FOUND: Final = "period-found"
_ENDS: Final = "period-ends"


@dataclass(frozen=True, slots=True)
class Period:
    """Business days, both ends included."""

    first: date
    last: date

    @property
    def days(self) -> tuple[date, ...]:
        """Each of them."""
        return tuple(self.first + timedelta(days=n) for n in range((self.last - self.first).days + 1))

    def span(self, zone: ZoneInfo) -> Span:
        """Its minutes."""
        return Span(business_day(self.first, zone).start, business_day(self.last, zone).end)

    @property
    def name(self) -> str:
        """For the name of a file."""
        return f"{self.first.isoformat()}-{self.last.isoformat()}"


def last_days(count: int, today: date) -> Period:
    """So many business days, today included."""
    return Period(today - timedelta(days=count - 1), today)


def between(first: date, last: date) -> Period | None:
    """A range in the right order that is not too long; None: it is not one."""
    fits = first <= last and (last - first).days < LONGEST_DAYS
    return Period(first, last) if fits else None


PERIOD: Final = Param("period", one_of(_NAMES))
FROM: Final = Param("from", day)
TO: Final = Param("to", day)


def ask_period(page: Page) -> Period:
    """The choice on top of the screen. What the address says and nobody can read is said."""
    today = business_date(page.clock(), page.zone)
    first, last = given(page, FROM), given(page, TO)
    asked = given(page, PERIOD)
    chosen = asked or (RANGE if first and last else _DEFAULT)
    if _CHOSEN not in st.session_state or asked is not None:
        st.session_state[_CHOSEN] = chosen
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.segmented_control(
            page.texts("period.label"),
            list(_NAMES),
            required=True,
            key=_CHOSEN,
            format_func=lambda name: page.texts(_NAMES[name]),
            on_change=_remember,
        )
        found = _chosen(page, today, first, last)
    _say(page, found)
    st.session_state[_FOUND] = found
    return found


def period_of(page: Page) -> Period:
    """What `ask_period` has found above, for the sections that a pack adds."""
    found: Period | None = st.session_state.get(_FOUND)
    return found or last_days(DAYS[_DEFAULT], business_date(page.clock(), page.zone))


def _chosen(page: Page, today: date, first: date | None, last: date | None) -> Period:
    chosen = st.session_state[_CHOSEN]
    if chosen in DAYS:
        return last_days(DAYS[chosen], today)
    usual = last_days(DAYS[_DEFAULT], today)
    known = between(first, last) if first and last else usual
    if known is None:
        title = page.texts("period.unfit", most=LONGEST_DAYS)
        st.html(notice(title, page.texts("address.unread.note")))
        known = usual
    if _ENDS not in st.session_state:
        st.session_state[_ENDS] = (known.first, known.last)
    st.date_input(page.texts("period.ends"), key=_ENDS, on_change=_remember_ends)
    return known


def _remember() -> None:
    chosen = st.session_state[_CHOSEN]
    if chosen in DAYS:
        st.session_state.pop(_ENDS, None)
        keep(period=chosen, **{"from": None, "to": None})
    else:
        keep(period=chosen)


def _remember_ends() -> None:
    """Once both ends are chosen."""
    ends = st.session_state[_ENDS]
    if len(ends) == len(("first", "last")):
        keep(period=RANGE, **{"from": ends[0].isoformat(), "to": ends[1].isoformat()})


def _say(page: Page, period: Period) -> None:
    ends = {
        "first": shown_day(period.first, page.texts.language),
        "last": shown_day(period.last, page.texts.language),
    }
    count = len(period.days)
    st.html(tag("div", page.texts("period.said", **ends, count=count), cls="mr-note"))
