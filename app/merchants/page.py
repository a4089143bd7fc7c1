"""How it went: one merchant, or all, over any time; today beside days like it; beside its category."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final

import polars as pl
import streamlit as st

from app.charts import Marked
from app.format import won_short
from app.markup import notice, tag
from app.merchants import reads
from app.merchants.charts import (
    beside_figure,
    pace_figure,
    rate_figure,
    ticket_figure,
    tied_figure,
    volume_figure,
)
from app.merchants.lake import pace_days, pace_of, published_span, today_of, with_lead
from app.merchants.series import steps_of
from app.pages.downloads import offer
from app.pages.entity.choose import choose_period, chosen_period, zoomed
from app.pages.entity.subject import chosen_id, subject_of
from baselines.calendar import like_days
from pipeline.minute import MINUTE, Span, business_day

if TYPE_CHECKING:
    from collections.abc import Sequence

    import plotly.graph_objects as go

    from app.pages.entity.period import Period
    from app.pages.entity.subject import Subject
    from app.reads import Page
    from pipeline.store.manifest import Manifest

#: No zoom bar, no logo: a chart of an operator's page, not of a notebook.
CHART: Final = {"displayModeBar": False, "displaylogo": False, "scrollZoom": False}
RATE: Final = "merchant-rate"


@dataclass(frozen=True, slots=True)
class Shown:
    """What the sections of one run draw from."""

    manifest: Manifest
    published: Span
    subject: Subject
    period: Period


def show_trend(page: Page) -> None:
    """The choice of the period, then the cancel rate over what is usual, and counts and amounts."""
    manifest = page.door.manifest()
    published = None if manifest is None else published_span(manifest)
    if published is None:
        st.html(notice(page.texts("state.no_manifest"), page.texts("state.no_manifest.note")))
        return
    choose_period(page, published)
    shown = _shown(page)
    if shown is None:
        return
    frame = _steps(page, shown)
    if not (frame["approval_count"] + frame["cancel_count"]).gt(0).any():
        st.html(notice(page.texts("trend.empty")))
        return
    _heading(page, "trend.rate.heading", "trend.rate.note")
    figure = rate_figure(frame, page.texts, page.zone, _marked(page, shown))
    # Drawing a box around a time shows that time.
    figure.update_layout(dragmode="select", selectdirection="h")
    st.plotly_chart(
        figure,
        key=f"{RATE}-{shown.period.key}",
        config=CHART,
        alt=page.texts("trend.rate.chart"),
        on_select=partial(zoomed, f"{RATE}-{shown.period.key}", page.zone),
        selection_mode="box",
    )
    _heading(page, "trend.volume.heading")
    _draw(page, "volume", volume_figure(frame, page.texts, page.zone, _marked(page, shown)))
    offer(page, "merchant-trend", lambda: frame)


def show_pace(page: Page) -> None:
    """Today's approved amount so far beside days of the same kind at the same time."""
    shown = _shown(page)
    if shown is None:
        return
    texts = page.texts
    today = today_of(shown.published, page.zone)
    whole = pace_days(today, shown.published, page.zone)
    like = like_days(today, tuple(whole), reads.public_holidays(page)) if whole else ()
    _heading(page, "pace.heading")
    if business_day(today, page.zone).start < shown.published.start:
        st.html(tag("div", texts("pace.empty"), cls="mr-note"))
        return
    oldest = min((*like, today))
    span = Span(business_day(oldest, page.zone).start, shown.published.end)
    series = reads.series(page, shown.manifest, shown.subject.entity_id, span)
    frame = pace_of(series, (*like, today), shown.published, page.zone)
    st.html(tag("div", _pace_said(page, frame, len(like)), cls="mr-note"))
    _draw(page, "pace", pace_figure(frame, texts, like or (today,)))
    offer(page, "merchant-pace", lambda: frame)


def show_tied(page: Page) -> None:
    """Cancels by when their approvals were made."""
    shown = _shown(page)
    if shown is None:
        return
    _heading(page, "tied.heading", "tied.note")
    if shown.subject.entity_id is None:
        st.html(tag("div", page.texts("tied.of_one"), cls="mr-note"))
        return
    frame = _steps(page, shown)
    if not frame["cancel_count"].gt(0).any():
        st.html(tag("div", page.texts("tied.empty"), cls="mr-note"))
        return
    _draw(page, "tied", tied_figure(frame, page.texts, page.zone, _marked(page, shown)))


def show_tickets(page: Page) -> None:
    """The average approval, beside the week before."""
    shown = _shown(page)
    if shown is None:
        return
    frame = _steps(page, shown)
    _heading(page, "ticket.heading", "ticket.note")
    if not frame["approval_count"].gt(0).any():
        st.html(tag("div", page.texts("trend.empty"), cls="mr-note"))
        return
    _draw(page, "ticket", ticket_figure(frame, page.texts, page.zone, _marked(page, shown)))


def show_beside(page: Page) -> None:
    """Beside its category."""
    shown = _shown(page)
    if shown is None or shown.subject.entity_id is None:
        return
    _heading(page, "beside.heading")
    if shown.subject.fact is None:
        st.html(tag("div", page.texts("beside.unknown"), cls="mr-note"))
        return
    span = Span(max(shown.published.start, shown.period.span.start - 60 * MINUTE), shown.period.span.end)
    series = reads.beside(page, shown.manifest, shown.subject.fact, span)
    theirs = steps_of(series, shown.period.edges)
    own = _steps(page, shown)
    _draw(page, "beside", beside_figure(own, theirs, page.texts, page.zone, _marked(page, shown)))


def _shown(page: Page) -> Shown | None:
    """What the address says; None while there is nothing to show."""
    manifest = page.door.manifest()
    published = None if manifest is None else published_span(manifest)
    if manifest is None or published is None:
        return None
    subject = subject_of(page, chosen_id())
    return Shown(manifest, published, subject, chosen_period(published, page.zone))


def _steps(page: Page, shown: Shown) -> pl.DataFrame:
    span = with_lead(shown.period.span, shown.published)
    series = reads.series(page, shown.manifest, shown.subject.entity_id, span)
    return steps_of(series, shown.period.edges)


def _marked(page: Page, shown: Shown) -> Sequence[Marked]:
    """The times of its incidents: until they ended, or now."""
    ends = [
        past.resolved_minute or max(shown.published.end, past.last_breach_minute + MINUTE)
        for past in shown.subject.incidents
    ]
    return [
        Marked(Span(past.opened_minute, end), f"#{past.incident_id} {page.texts.word('rule', past.rule)}")
        for past, end in zip(shown.subject.incidents, ends, strict=True)
        if end > past.opened_minute
    ]


def _pace_said(page: Page, frame: pl.DataFrame, like: int) -> str:
    """Today so far, and what days like it had by then."""
    texts = page.texts
    newest = frame["business_date"].max()
    today = frame.filter(business_date=newest)
    elapsed, amount = today["elapsed_minutes"][-1], today["approval_amount"][-1]
    shown = {"amount": won_short(amount, texts.language), "count": like}
    if not like:
        return texts("pace.alone", **shown)
    before = frame.filter((pl.col("business_date") != newest) & (pl.col("elapsed_minutes") <= elapsed))
    by_then = before.group_by("business_date").agg(pl.col("approval_amount").max())["approval_amount"]
    return texts("pace.note", usual=won_short(int(by_then.sum()) // like, texts.language), **shown)


def _heading(page: Page, key: str, note: str = "") -> None:
    small = tag("small", page.texts(note)) if note else ""
    st.html(tag("div", page.texts(key), *([small] if small else []), cls="mr-h2"))


def _draw(page: Page, name: str, figure: go.Figure) -> None:
    st.plotly_chart(figure, key=f"merchant-{name}", config=CHART, alt=page.texts(f"alt.{name}"))
