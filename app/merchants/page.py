"""How it went: one merchant, or all, over any time; today beside days like it; beside its category."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final

import polars as pl
import streamlit as st

from app.charts import CONFIG, Marked
from app.format import won_short
from app.markup import notice, tag, visible
from app.merchants import reads
from app.merchants.charts import (
    beside_figure,
    pace_figure,
    rate_figure,
    ticket_figure,
    tied_figure,
    volume_figure,
)
from app.merchants.pace import pace_days, pace_of, today_of
from app.merchants.series import steps_of, with_lead
from app.pages.alone import alone
from app.pages.downloads import offer
from app.pages.entity.choose import chosen_period, zoomed
from app.pages.entity.subject import chosen_id, subject_of
from baselines.calendar import like_days
from pipeline.minute import HOUR_MINUTES, MINUTE, Span, business_day

if TYPE_CHECKING:
    from collections.abc import Sequence

    import plotly.graph_objects as go

    from app.pages.entity.period import Period
    from app.pages.entity.subject import Subject
    from app.reads import Page
    from pipeline.store.manifest import Manifest


#: Of what stands in a figure's place until it can be drawn.
_HEIGHT: Final = 300


@dataclass(frozen=True, slots=True)
class Shown:
    """What the sections of one run draw from."""

    manifest: Manifest
    published: Span
    subject: Subject
    period: Period
    frame: pl.DataFrame  # STEPS
    marked: Sequence[Marked]

    @property
    def anything(self) -> bool:
        """Did anything happen?"""
        return bool((self.frame["approval_count"] + self.frame["cancel_count"]).gt(0).any())


def show_trend(page: Page) -> None:
    """The cancel rate over what is usual, then counts and amounts."""
    shown = _shown(page)
    if shown is None:
        return
    if not shown.anything:
        st.html(notice(page.texts("trend.empty")))
        return
    _heading(page, "trend.rate.heading", "trend.rate.note")
    figure = rate_figure(shown.frame, page.texts, page.zone, shown.marked)
    # Drawing a box around a time shows that time.
    figure.update_layout(dragmode="select", selectdirection="h")
    key = f"merchant-rate-{shown.period.key}"
    st.plotly_chart(
        figure,
        key=key,
        config=CONFIG,
        alt=page.texts("trend.rate.chart"),
        on_select=partial(zoomed, key, page.zone),
        selection_mode="box",
    )
    _heading(page, "trend.volume.heading")
    _draw(page, "volume", volume_figure(shown.frame, page.texts, page.zone, shown.marked))
    offer(page, "merchant-trend", lambda: shown.frame)


def show_details(page: Page) -> None:
    """Today, the approvals that were cancelled, tickets and the category: two beside each other."""
    shown = _shown(page)
    if shown is None:
        return
    for pair in ((_show_pace, _show_tickets), (_show_tied, _show_beside)):
        for column, part in zip(st.columns(2, gap="large"), pair, strict=True):
            with column, alone(page, part.__name__.strip("_")):
                part(page, shown)


def _show_pace(page: Page, shown: Shown) -> None:
    texts = page.texts
    _heading(page, "pace.heading")
    today = today_of(shown.published, page.zone)
    if business_day(today, page.zone).start < shown.published.start:
        _note(page, "pace.empty")
        return
    whole = pace_days(today, shown.published, page.zone)
    like = like_days(today, tuple(whole), reads.public_holidays(page)) if whole else ()
    span = Span(business_day(min((*like, today)), page.zone).start, shown.published.end)
    series = reads.series(page, shown.manifest, shown.subject.entity_id, span)
    frame = pace_of(series, (*like, today), shown.published, page.zone)
    st.html(tag("div", _pace_said(page, frame, len(like)), cls="mr-note"))
    _draw(page, "pace", pace_figure(frame, texts, like or (today,)))
    offer(page, "merchant-pace", lambda: frame)


def _show_tied(page: Page, shown: Shown) -> None:
    _heading(page, "tied.heading")
    if shown.subject.entity_id is None:
        _note(page, "tied.of_one")
    elif not shown.frame["cancel_count"].gt(0).any():
        _note(page, "tied.empty")
    else:
        _note(page, "tied.note")
        _draw(page, "tied", tied_figure(shown.frame, page.texts, page.zone, shown.marked))


def _show_tickets(page: Page, shown: Shown) -> None:
    _heading(page, "ticket.heading")
    if not shown.frame["approval_count"].gt(0).any():
        _note(page, "trend.empty")
        return
    _note(page, "ticket.note")
    _draw(page, "ticket", ticket_figure(shown.frame, page.texts, page.zone, shown.marked))


def _show_beside(page: Page, shown: Shown) -> None:
    """Last, because the first look at a day reads all of it."""
    if shown.subject.entity_id is None:
        return
    _heading(page, "beside.heading")
    if shown.subject.fact is None:
        _note(page, "beside.unknown")
        return
    start = max(shown.published.start, shown.period.span.start - HOUR_MINUTES * MINUTE)
    span = Span(start, shown.period.span.end)
    with st.skeleton(_HEIGHT):
        series = reads.beside(page, shown.manifest, shown.subject.fact, span)
    theirs = steps_of(series, shown.period.edges)
    note = page.texts("beside.note", category=visible(shown.subject.fact))
    st.html(tag("div", note, cls="mr-note"))
    _draw(page, "beside", beside_figure(shown.frame, theirs, page.texts, page.zone, shown.marked))


def _shown(page: Page) -> Shown | None:
    """What the address says; None while there is nothing to show."""
    manifest = page.door.lake.manifest()
    period = chosen_period(page)
    if manifest is None or manifest.span is None or period is None:
        return None
    published, subject = manifest.span, subject_of(page, chosen_id())
    with st.skeleton(_HEIGHT):  # the first look reads files
        series = reads.series(page, manifest, subject.entity_id, with_lead(period.span, published))
    frame = steps_of(series, period.edges)
    return Shown(manifest, published, subject, period, frame, _marked(page, subject, published))


def _marked(page: Page, subject: Subject, published: Span) -> Sequence[Marked]:
    """The times of its incidents: until they ended, or now."""
    marked = []
    for past in subject.incidents:
        end = past.resolved_minute or max(published.end, past.last_breach_minute + MINUTE)
        if end > past.opened_minute:
            label = f"#{past.incident_id} {page.texts.word('rule', past.rule)}"
            marked.append(Marked(Span(past.opened_minute, end), label))
    return marked


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


def _note(page: Page, key: str) -> None:
    st.html(tag("div", page.texts(key), cls="mr-note"))


def _draw(page: Page, name: str, figure: go.Figure) -> None:
    st.plotly_chart(figure, key=f"merchant-{name}", config=CONFIG, alt=page.texts(f"alt.{name}"))
