"""The picture of an incident on the page: what its pack draws for messages, with the threshold in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from app.charts import CONFIG
from app.markup import tag
from app.pages.incidents import reads
from app.pages.incidents.figure import picture_figure
from app.reads import tuned_at

if TYPE_CHECKING:
    from app.reads import Page
    from app.rows import Incident


def show_picture(page: Page, incident: Incident) -> None:
    """The last day of its entity beside what is usual; nothing where the pack draws none."""
    manifest = page.door.lake.manifest()
    if page.pack.picture is None or manifest is None:
        return
    texts, span = page.texts, reads.picture_span(incident, manifest)
    rows = reads.steps(page, manifest, incident, span)
    reason, rule, language = incident.reason, incident.rule, texts.language
    chart = page.pack.picture(rule, reason, rows, span.end - reads.SHOWN, language)
    if chart is None:
        st.html(tag("div", texts("picture.none"), cls="mr-note"))
        return
    tuned = tuned_at(page, incident.opened_minute)
    lines = () if tuned is None else page.pack.thresholds(rule, reason, tuned, language)
    figure = picture_figure(chart, lines, incident.opened_minute, incident.resolved_minute, texts, page.zone)
    st.plotly_chart(
        figure,
        key=f"picture-{incident.incident_id}",
        config=CONFIG,
        alt=texts("picture.alt", rule=texts.word("rule", rule)),
    )
    if not lines:
        st.html(tag("div", texts("picture.no_threshold"), cls="mr-note"))
