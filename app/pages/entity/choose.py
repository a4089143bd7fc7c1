"""The period that is shown, chosen above the figures and kept in the address."""

from __future__ import annotations

from datetime import date, datetime
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import streamlit as st

from app.address import Param, moment, one_of
from app.format import moment as shown_moment
from app.markup import notice, tag
from app.pages.entity.period import (
    FIRST_PRESET,
    PRESETS,
    Period,
    asked_period,
    days_period,
    preset_period,
)
from app.pages.given import given, keep, quietly
from pipeline.minute import DAY_MINUTES, MINUTE, business_date

if TYPE_CHECKING:
    from collections.abc import Mapping
    from zoneinfo import ZoneInfo

    from app.reads import Page
    from pipeline.minute import Span

FROM: Final = Param("from", moment)
TO: Final = Param("to", moment)
PERIOD: Final = Param("period", one_of(PRESETS))
OWN: Final = "own"
_CHOICE: Final = "entity-period"
_DAYS: Final = "entity-days"


def show_period(page: Page) -> None:
    """The choices, what was chosen, and what of it is published."""
    manifest = page.door.lake.manifest()
    if manifest is None or manifest.span is None:
        st.html(notice(page.texts("state.no_manifest"), page.texts("state.no_manifest.note")))
        return
    published = manifest.span
    preset, start, end = given(page, PERIOD), given(page, FROM), given(page, TO)
    own = start is not None or end is not None
    asked = asked_period(start, end, published, page.zone) if own else None
    period = asked or preset_period(preset or FIRST_PRESET, published, page.zone)
    st.session_state[_CHOICE] = OWN if own else preset or FIRST_PRESET
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        st.segmented_control(
            page.texts("period"),
            [*PRESETS, OWN],
            required=True,
            key=_CHOICE,
            format_func=lambda name: page.texts(f"period.{name}"),
            on_change=partial(_chosen, period.span),
            label_visibility="collapsed",
        )
        if own:
            _show_days(page, period.span, published)
    if own and asked is None:
        st.html(notice(page.texts("period.nothing"), _bounds(page, published)))
    st.html(tag("div", _said(page, period, published), cls="mr-note"))


def chosen_period(page: Page) -> Period | None:
    """The period that the screen shows; None while nothing is published."""
    manifest = page.door.lake.manifest()
    if manifest is None or manifest.span is None:
        return None
    preset, start, end = quietly(PERIOD), quietly(FROM), quietly(TO)
    own = asked_period(start, end, manifest.span, page.zone) if start or end else None
    return own or preset_period(preset or FIRST_PRESET, manifest.span, page.zone)


def zoomed(key: str, zone: ZoneInfo) -> None:
    """What was drawn around in a figure becomes the period; a callback of the figure of that key."""
    boxes = _boxes(st.session_state.get(key))
    if not boxes:
        return
    x = sorted(map(str, boxes[0]["x"]))
    start, end = (_from_figure(text, zone) for text in (x[0], x[-1]))
    keep_period(start, end)


def keep_period(start: datetime, end: datetime) -> None:
    """Let the address say this period."""
    keep(**{"period": None, "from": start.isoformat(), "to": end.isoformat()})


def _boxes(state: Any) -> list[Mapping[str, Any]]:  # noqa: ANN401 - as Streamlit keeps it
    found: list[Mapping[str, Any]] = state["selection"]["box"] if state else []
    return found


def _from_figure(text: str, zone: ZoneInfo) -> datetime:
    """Figures hold the wall clock of the business zone."""
    return datetime.fromisoformat(text[:19].replace(" ", "T")).replace(tzinfo=zone)


def _show_days(page: Page, span: Span, published: Span) -> None:
    zone = page.zone
    first, last = (business_date(m, zone) for m in (published.start, published.end - MINUTE))
    shown = (business_date(span.start, zone), business_date(span.end - MINUTE, zone))
    st.session_state[_DAYS] = shown
    st.date_input(
        page.texts("period.days"),
        min_value=first,
        max_value=last,
        key=_DAYS,
        format="YYYY-MM-DD",
        on_change=partial(_chosen_days, zone),
        label_visibility="collapsed",
        width=240,
    )


def _chosen(span: Span) -> None:
    choice = st.session_state[_CHOICE]
    if choice == OWN:
        keep_period(span.start, span.end)
        return
    keep(**{"period": choice, "from": None, "to": None})


def _chosen_days(zone: ZoneInfo) -> None:
    days = st.session_state[_DAYS]
    if isinstance(days, tuple | list) and len(days) == 2 and isinstance(days[0], date):  # noqa: PLR2004
        start, end = days_period(days[0], days[1], zone)
        keep_period(start, end)


def _said(page: Page, period: Period, published: Span) -> str:
    shown = {
        "from": shown_moment(period.span.start, page.zone),
        "to": shown_moment(period.span.end, page.zone),
        "step": page.texts(f"period.step.{'day' if period.step == DAY_MINUTES else period.step}"),
    }
    text = page.texts("period.note", **shown)
    return f"{text} · {_bounds(page, published)}" if period.cut else text


def _bounds(page: Page, published: Span) -> str:
    shown = {"from": shown_moment(published.start, page.zone), "to": shown_moment(published.end, page.zone)}
    return page.texts("period.published", **shown)
