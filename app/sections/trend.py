"""How it came to this: one merchant, or all, over the last hours and days, and today beside recent days."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import polars as pl
import streamlit as st

from app import reads
from app.charts import pace_figure, trend_figure
from app.door import WINDOWS
from app.format import moment
from app.markup import notice, tag, visible
from app.sections.choice import chosen_incident
from pipeline.errors import MinuteriskError
from pipeline.minute import MINUTE, Span

if TYPE_CHECKING:
    from app.manifest import Manifest
    from app.reads import Page
    from app.rows import Incident

#: No zoom bar, no logo: a chart of an operator's page, not of a notebook.
CHART: Final = {"displayModeBar": False, "displaylogo": False, "scrollZoom": False}
LONGEST_ID: Final = 200


def show_trend(page: Page) -> None:
    """Choices on top, the figures below. Without a manifest: nothing, the header says why."""
    try:
        manifest = page.door.manifest()
    except MinuteriskError:
        return
    if manifest is None:
        return
    st.html(tag("div", page.texts("trend.heading"), cls="mr-h2"))
    incident = _incident(page)
    scope, window, typed = _ask(page, incident)
    if scope == "other" and not typed:
        st.html(tag("div", page.texts("trend.merchant.hint"), cls="mr-note"))
        return
    merchant_id = (
        typed if scope == "other" else incident.merchant_id if scope == "incident" and incident else None
    )
    shaded = _shaded(incident, manifest) if incident and merchant_id == incident.merchant_id else None
    try:
        _show_figures(page, manifest, merchant_id, window, shaded)
    except MinuteriskError as error:
        st.html(notice(page.texts("state.lake"), page.texts("state.lake.note", what=error.what), tone="bad"))


def _incident(page: Page) -> Incident | None:
    number = chosen_incident()
    try:
        return None if number is None else reads.incident(page, number)
    except MinuteriskError:
        return None


def _ask(page: Page, incident: Incident | None) -> tuple[str, str, str]:
    """(scope, window, the typed merchant id)."""
    texts = page.texts
    scopes = ["incident", "platform", "other"] if incident else ["platform", "other"]
    # Another incident is another question: its key brings the scope back to that incident's merchant.
    key = f"scope-{incident.incident_id if incident else 'none'}"
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        scope = st.segmented_control(
            texts("trend.scope"),
            scopes,
            default=scopes[0],
            required=True,
            key=key,
            format_func=lambda s: texts(f"trend.scope.{s}"),
        )
        window = st.segmented_control(
            texts("trend.window"),
            list(WINDOWS),
            default="3h",
            required=True,
            key="window",
            format_func=lambda w: texts(f"trend.window.{w}"),
        )
        typed = ""
        if scope == "other":
            typed = st.text_input(texts("trend.merchant"), key="merchant", max_chars=LONGEST_ID, width=280)
    return str(scope), str(window), typed.strip()


def _shaded(incident: Incident, manifest: Manifest) -> Span:
    end = incident.resolved_minute or max(manifest.published_through, incident.last_breach_minute + MINUTE)
    return Span(incident.opened_minute, max(end, incident.opened_minute))


def _show_figures(
    page: Page, manifest: Manifest, merchant_id: str | None, window: str, shaded: Span | None
) -> None:
    texts = page.texts
    frame = reads.trend(page, manifest, merchant_id, window)
    who = texts("trend.scope.platform") if merchant_id is None else visible(merchant_id)
    st.html(tag("div", who, tag("small", _note(page, frame, manifest, window)), cls="mr-h3"))
    left, right = st.columns([3, 2], gap="large")
    with left:
        if (
            frame.select(pl.any_horizontal(pl.col("approval_count", "cancel_count") > 0).any()).item()
            is not True
        ):
            st.html(notice(texts("trend.empty")))
        else:
            figure = trend_figure(frame, texts, page.zone, shaded)
            st.plotly_chart(figure, key="trend-figure", config=CHART, alt=texts("trend.chart"))
    with right:
        _show_pace(page, reads.pace(page, manifest, merchant_id))


def _show_pace(page: Page, frame: pl.DataFrame) -> None:
    texts = page.texts
    st.html(tag("div", texts("pace.heading"), cls="mr-h3"))
    recent = frame["business_date"].n_unique() - 1
    if recent < 0:
        st.html(tag("div", texts("pace.empty"), cls="mr-note"))
        return
    st.html(tag("div", texts("pace.note", count=recent) if recent else texts("pace.empty"), cls="mr-note"))
    st.plotly_chart(pace_figure(frame, texts), key="pace-figure", config=CHART, alt=texts("pace.chart"))


def _note(page: Page, frame: pl.DataFrame, manifest: Manifest, window: str) -> str:
    step = page.texts(f"trend.step.{WINDOWS[window][1]}")
    first = manifest.published_through if frame.is_empty() else frame["start"][0]
    shown = {
        "from": moment(first, page.zone),
        "to": moment(manifest.published_through, page.zone),
        "step": step,
    }
    return page.texts("trend.note", **shown)
