"""How it came to this: one merchant, or all, over the last hours and days, and today beside recent days."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import streamlit as st

from app.format import moment
from app.markup import notice, sentence, tag, visible
from app.merchants import reads
from app.merchants.charts import pace_figure, trend_figure
from app.merchants.lake import WINDOWS
from app.pages.choice import chosen_incident
from app.reads import incident as read_incident
from pipeline.errors import MinuteriskError
from pipeline.minute import MINUTE, Span

if TYPE_CHECKING:
    import polars as pl

    from app.reads import Page
    from app.rows import Incident
    from pipeline.store.manifest import Manifest

#: No zoom bar, no logo: a chart of an operator's page, not of a notebook.
CHART: Final = {"displayModeBar": False, "displaylogo": False, "scrollZoom": False}
LONGEST_ID: Final = 200


@dataclass(frozen=True, slots=True)
class Question:
    """What the person wants to see: whose figures (None: everybody's), over which window, what is shaded."""

    title: str
    merchant_id: str | None
    window: str
    shaded: Span | None = None
    usual_rate: float | None = None  # of the week that the incident was judged against


def show_trend(page: Page) -> None:
    """Choices on top, the figures below. Without a manifest the header says why there is nothing."""
    try:
        manifest = page.door.manifest()
    except MinuteriskError:
        return
    if manifest is None:
        return
    st.html(tag("div", page.texts("trend.heading"), cls="mr-h2"))
    question = _ask(page, manifest)
    if question is None:
        st.html(tag("div", page.texts("trend.merchant.hint"), cls="mr-note"))
        return
    try:
        _answer(page, manifest, question)
    except MinuteriskError as error:
        body = page.texts("state.lake.note", what=sentence(error, page.texts.language))
        st.html(notice(page.texts("state.lake"), body, tone="bad"))


def _ask(page: Page, manifest: Manifest) -> Question | None:
    """The person's choices; None while a merchant's id is still to be typed."""
    incident = _incident(page)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        scope = _ask_scope(page, incident)
        window = _ask_window(page)
        if scope == "other":
            typed = st.text_input(
                page.texts("trend.merchant"), key="merchant", max_chars=LONGEST_ID, width=280
            ).strip()
            return Question(typed, typed, window) if typed else None
    if scope == "incident" and incident is not None and not incident.of_everybody:
        title = f"{visible(incident.title)} · {incident.entity_id}"
        lasted, usual = _shaded(incident, manifest), _usual_rate(incident)
        return Question(title, incident.entity_id, window, lasted, usual)
    shaded = _shaded(incident, manifest) if scope == "incident" and incident is not None else None
    return Question(page.texts("trend.scope.platform"), None, window, shaded)


def _incident(page: Page) -> Incident | None:
    number = chosen_incident()
    try:
        return None if number is None else read_incident(page, number)
    except MinuteriskError:
        return None


def _ask_scope(page: Page, incident: Incident | None) -> str:
    scopes = ["incident", "platform", "other"] if incident else ["platform", "other"]
    return st.segmented_control(
        page.texts("trend.scope"),
        scopes,
        default=scopes[0],
        required=True,
        # Another incident is another question: the new key brings the scope back to its merchant.
        key=f"scope-{incident.incident_id if incident else 'none'}",
        format_func=lambda scope: page.texts(f"trend.scope.{scope}"),
    )


def _ask_window(page: Page) -> str:
    return st.segmented_control(
        page.texts("trend.window"),
        list(WINDOWS),
        default="3h",
        required=True,
        key="window",
        format_func=lambda window: page.texts(f"trend.window.{window}"),
    )


def _usual_rate(incident: Incident) -> float | None:
    cancels, approvals = (incident.reason.get(name) for name in ("cancels_week", "approvals_week"))
    return cancels / approvals if isinstance(cancels, int) and approvals else None


def _shaded(incident: Incident, manifest: Manifest) -> Span:
    """From the incident's first minute to its end, or to the newest minute while it lasts."""
    end = incident.resolved_minute or max(manifest.published_through, incident.last_breach_minute + MINUTE)
    return Span(incident.opened_minute, end)


def _answer(page: Page, manifest: Manifest, question: Question) -> None:
    frame = reads.trend(page, manifest, question.merchant_id, question.window)
    note = _note(page, frame, manifest, question.window)
    st.html(tag("div", visible(question.title), tag("small", note), cls="mr-h3"))
    left, right = st.columns([3, 2], gap="large")
    with left:
        _show_trend(page, frame, question)
    with right:
        _show_pace(page, reads.pace(page, manifest, question.merchant_id))


def _show_trend(page: Page, frame: pl.DataFrame, question: Question) -> None:
    if not (frame["approval_count"] + frame["cancel_count"]).gt(0).any():
        st.html(notice(page.texts("trend.empty")))
        return
    figure = trend_figure(frame, page.texts, page.zone, question.shaded, question.usual_rate)
    st.plotly_chart(figure, key="trend-figure", config=CHART, alt=page.texts("trend.chart"))


def _show_pace(page: Page, frame: pl.DataFrame) -> None:
    texts = page.texts
    st.html(tag("div", texts("pace.heading"), cls="mr-h3"))
    recent = frame["business_date"].n_unique() - 1
    note = texts("pace.note", count=recent) if recent > 0 else texts("pace.empty")
    st.html(tag("div", note, cls="mr-note"))
    if recent < 0:
        return
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
