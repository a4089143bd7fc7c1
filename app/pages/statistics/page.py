"""How incidents, alarms and delays have been."""

from __future__ import annotations

from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import streamlit as st

from app.charts import CONFIG
from app.format import clock, day, duration
from app.markup import Markup, notice, table, tag, visible
from app.pages import load_page
from app.pages.alone import alone
from app.pages.downloads import frame_of, offer
from app.pages.sections import show_sections
from app.pages.statistics import counted, reads
from app.pages.statistics.period import ask_period
from pipeline.desk.precision import percent_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import timedelta

    from app.pages.statistics.period import Period
    from app.pages.statistics.reads import Delay, Opening, Response, Written
    from app.reads import Page
    from pipeline.desk.precision import Labelled

#: Titles of columns.
_PRECISION: Final = (
    "precision.rule",
    "precision.week",
    "precision.share",
    "precision.interval",
    "precision.labels",
)
_DELAYS: Final = (
    "delays.tier",
    "delays.incidents",
    "delays.delivered",
    "delays.committed",
    "delays.sent",
    "delays.whole",
)
_RESPONSES: Final = (
    "responses.owner",
    "responses.incidents",
    "responses.acknowledged",
    "responses.acknowledged.time",
    "responses.resolved",
    "responses.resolved.time",
)


def show(page: Page) -> None:
    """Draw the screen."""
    period = ask_period(page)
    own = load_page(page.pack.name).statistics
    parts: Sequence[Callable[[Page, Period], None]] = (
        show_hours,
        show_days,
        show_delays,
        show_responses,
        show_precision,
        show_budgets,
        show_written,
    )
    for part in parts:
        with alone(page, part.__name__):
            part(page, period)
    show_sections(page, *own)


def heading(page: Page, title: str, note: str) -> None:
    """Of a part, with what its numbers are."""
    st.html(tag("h2", page.texts(title), tag("small", page.texts(note)), cls="mr-h2"))


def show_hours(page: Page, period: Period) -> None:
    """When incidents open."""
    heading(page, "openings.heading", "openings.note")
    found = reads.openings(page, period)
    if not found:
        st.html(notice(page.texts("openings.none"), tone="good"))
        return
    st.html(counted.heat(found, _rules(page, found), page.texts))
    offer(page, f"incidents-by-hour-{period.name}", partial(counted.frame_of, found))


def show_days(page: Page, period: Period) -> None:
    """How many each day."""
    found = reads.openings(page, period)
    if not found or len(period.days) == 1:
        return
    st.html(tag("h2", page.texts("days.heading"), cls="mr-h2"))
    rules = [rule.name for rule in page.pack.rules]
    figure = counted.days_figure(found, period.days, rules, page.texts)
    st.plotly_chart(figure, key="days-figure", config=CONFIG, alt=page.texts("days.chart"))


def show_precision(page: Page, period: Period) -> None:
    """How many of the labelled alarms were true ones."""
    heading(page, "precision.by_week", "precision.by_week.note")
    found = reads.labels(page, period)
    _table(page, _PRECISION, [_precision_row(page, week) for week in found])
    _offer(page, f"precision-{period.name}", [week.as_json() for week in found])


def show_delays(page: Page, period: Period) -> None:
    """How soon people were told."""
    heading(page, "delays.heading", "delays.note")
    found = reads.delays(page, period)
    _table(page, _DELAYS, [_delay_row(page, one) for one in found])
    if found:
        st.html(tag("div", page.texts("delays.caption"), cls="mr-note"))
    _offer(page, f"delays-{period.name}", [asdict(one) for one in found])


def show_responses(page: Page, period: Period) -> None:
    """How soon people took care."""
    found = reads.responses(page, period)
    if not any(one.incidents for one in found):
        return
    heading(page, "responses.heading", "responses.note")
    owned = any(one.owner for one in found)
    shown = [one for one in found if one.of_all or owned]
    _table(page, _RESPONSES, [_response_row(page, one) for one in shown])
    _offer(page, f"responses-{period.name}", [asdict(one) for one in shown])


def show_budgets(page: Page, period: Period) -> None:
    """What of the false-alarm budget was spent; a pack without one has no such part."""
    found, texts = reads.budgets(page, period), page.texts
    if not found:
        return
    heading(page, "budgets.heading", "budgets.note")
    figure = counted.budget_figure(found, texts)
    st.plotly_chart(figure, key="budgets-figure", config=CONFIG, alt=texts("budgets.chart"))
    unknown = sum(budget.allowed is None for _, budget in found)
    if unknown:
        st.html(tag("div", texts("budgets.unknown", count=unknown), cls="mr-note"))
    _offer(page, f"budget-{period.name}", [{"day": day, **budget.as_json()} for day, budget in found])


def show_written(page: Page, period: Period) -> None:
    """Reports of days and weeks, whatever the period: each is a page of its own."""
    del period
    heading(page, "written.heading", "written.note")
    found = reads.written(page)
    if not found:
        st.html(tag("div", page.texts("written.none"), cls="mr-note"))
        return
    st.html(tag("ul", *(_report(page, one) for one in found), cls="mr-reports"))


def _report(page: Page, one: Written) -> Markup:
    address = f"/report/{page.pack.name}/{one.about}"
    said = page.texts("written.at", time=clock(one.written_at, page.zone), size=f"{one.bytes / 1e6:.1f}")
    way = tag("a", one.about, href=address, target="_blank", rel="noopener")
    return tag("li", way, tag("small", said))


def _table(page: Page, titles: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Rows below their titles; without any it says that nothing opened."""
    if not rows:
        st.html(tag("div", page.texts("openings.none"), cls="mr-note"))
        return
    st.html(table([page.texts(key) for key in titles], rows, numbers=True))


def _offer(page: Page, name: str, rows: Sequence[Mapping[str, Any]]) -> None:
    if rows:
        offer(page, name, partial(frame_of, rows))


def _rules(page: Page, found: Sequence[Opening]) -> list[str]:
    """Those of the pack, then such as it had before."""
    known = [rule.name for rule in page.pack.rules]
    return [*known, *sorted({one.rule for one in found} - {*known})]


def _precision_row(page: Page, week: Labelled) -> list[str]:
    texts = page.texts
    unknown = texts("precision.unknown")
    low, high = week.interval or (None, None)
    interval = "–" if low is None else f"{percent_of(low)} – {percent_of(high)}"
    counts = {"true": week.true_alarms, "false": week.false_alarms, "all": week.incidents}
    return [
        tag("span", texts.word("rule", week.rule), cls="mr-line"),
        day(week.week, texts.language),
        percent_of(week.precision, unknown),
        interval,
        texts("precision.counted", **counts),
    ]


def _delay_row(page: Page, one: Delay) -> list[str]:
    return [
        tag("span", page.texts.word("tier", one.tier), cls="mr-line"),
        str(one.incidents),
        str(one.delivered),
        _both(page, one.committed_median, one.committed_p95),
        _both(page, one.sent_median, one.sent_p95),
        _both(page, one.whole_median, one.whole_p95),
    ]


def _both(page: Page, median: timedelta | None, p95: timedelta | None) -> str:
    if median is None or p95 is None:
        return page.texts("statistics.unknown")
    return page.texts("delays.both", median=_seconds(page, median), p95=_seconds(page, p95))


def _seconds(page: Page, span: timedelta) -> str:
    """To a tenth of a second while it is short."""
    short = abs(span.total_seconds()) < 60  # noqa: PLR2004 - a minute
    unit = "초" if page.texts.language == "ko" else " s"
    return f"{span.total_seconds():.1f}{unit}" if short else duration(span, page.texts.language)


def _response_row(page: Page, one: Response) -> list[str]:
    texts, unknown = page.texts, page.texts("statistics.unknown")
    who = texts("responses.all") if one.of_all else visible(one.owner or texts("responses.nobody"), 60)
    times = [
        unknown if span is None else duration(span, texts.language)
        for span in (one.acknowledged_median, one.resolved_median)
    ]
    return [who, str(one.incidents), str(one.acknowledged), times[0], str(one.resolved), times[1]]
