"""The tuned numbers in force, their versions, and what another number would have done."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from app.markup import notice, plain, visible
from app.pages.links import link
from app.pages.rules import reads
from app.pages.rules.in_force import show_rules
from app.pages.rules.said import since
from app.pages.rules.versions import show_versions
from app.pages.rules.what_if import show_what_if
from app.pages.sections import show_sections

if TYPE_CHECKING:
    from app.reads import Page


def show(page: Page) -> None:
    """Draw the screen."""
    show_sections(page, show_now)
    left, right = st.columns(2, gap="large")
    with left:
        show_sections(page, show_rules)
    with right:
        show_sections(page, show_what_if, show_versions)


def show_now(page: Page) -> None:
    """Which version judges the next minute, which comes next, and what waits for somebody."""
    found, texts = reads.in_force(page), page.texts
    if found is None:
        st.html(notice(texts("rules.none"), texts("rules.none.note")))
        return
    said = {"since": since(page, found.in_force_from), "author": visible(found.author)}
    note = texts("rules.in_force.file", **said)
    if found.origin != "file":
        note = texts("rules.in_force.people", **said, approver=visible(found.approved_by or ""))
    reason = visible(found.reason)
    st.html(notice(texts("rules.in_force", version=found.version), f"{note} · {reason}", tone="good"))
    for version in reads.versions(page):
        if version.status == "approved" and not version.in_force and version.version > found.version:
            start = since(page, version.in_force_from)
            st.html(notice(texts("rules.next", version=version.version, since=start)))
        elif version.status == "submitted":
            by = visible(version.submitted_by or "", 60)
            told = texts("rules.waiting.note", by=by, reason=visible(version.reason, 60))
            label = texts("rules.waiting", version=version.version)
            icon = ":material/pending_actions:"
            link(page, "rules", f"{label} · {plain(told)}", icon=icon, version=version.version)
