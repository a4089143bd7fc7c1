"""Which incidents the list shows: by state, severity, rule, and what an entity is called."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import streamlit as st

from app.rows import Filters
from pipeline.judge.verdicts import SEVERITIES

if TYPE_CHECKING:
    from app.reads import Page

STATES: Final = ("open", "acknowledged", "snoozed", "resolved")


def show_filters(page: Page) -> Filters:
    """The choices, and what was chosen; nothing chosen is everything."""
    texts = page.texts
    with_resolved = st.toggle(texts("incidents.resolved"), key="with_resolved")
    with st.popover(texts("filter.heading")):
        states = st.pills(
            texts("filter.state"),
            STATES,
            selection_mode="multi",
            key="filter-state",
            format_func=lambda state: texts.word("status", state),
        )
        severities = st.pills(
            texts("filter.severity"),
            SEVERITIES[::-1],
            selection_mode="multi",
            key="filter-severity",
            format_func=lambda severity: texts.word("severity", severity),
        )
        rules = st.pills(
            texts("filter.rule"),
            [rule.name for rule in page.pack.rules],
            selection_mode="multi",
            key="filter-rule",
            format_func=lambda rule: texts.word("rule", rule),
        )
        text = st.text_input(texts("filter.text"), key="filter-text", max_chars=200)
    return Filters(with_resolved, tuple(states), tuple(severities), tuple(rules), text.strip())
