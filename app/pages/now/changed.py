"""What has happened to incidents since whoever looks was here last."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import streamlit as st

from app.format import clock, count, time_of_day
from app.markup import Markup, join, tag
from app.pages.now import reads
from app.pages.now.lines import show_line
from pipeline.minute import business_date

if TYPE_CHECKING:
    from datetime import datetime

    from app.pages.now.reads import Change, Since
    from app.reads import Page

#: What happened, and the text that says so.
KINDS: Final = {
    "opened": "now.changed.opened",
    "escalated": "now.changed.escalated",
    "resolved": "now.changed.resolved",
    "assigned": "now.changed.assigned",
}


def show_changed(page: Page) -> None:
    """How many of each kind, and the newest ones."""
    since = reads.since_of(page)
    found = reads.changes(page, since.at, page.actor.name)
    st.html(_heading(page, since, found))
    with st.container(key="list-changed", gap="xxsmall"):
        for change in found:
            show_line(page, change, [page.texts(KINDS[change.what])], [_when(page, change.at)])


def _heading(page: Page, since: Since, found: tuple[Change, ...]) -> Markup:
    texts = page.texts
    began = texts("now.changed.visit" if since.last_visit else "now.changed.day", time=_when(page, since.at))
    of_kind = {change.what: change.of_kind for change in found}
    counted = [
        tag("span", f"{texts(key)} ", tag("b", count(of_kind[what])))
        for what, key in KINDS.items()
        if what in of_kind
    ]
    nothing = [tag("span", texts("now.changed.nothing"))]
    heading = tag("h2", texts("now.changed"), tag("small", began), cls="mr-h2")
    return join([heading, tag("div", *(counted or nothing), cls="mr-counts")])


def _when(page: Page, at: datetime) -> str:
    """The time of day, and the day where it is not today."""
    today = business_date(at, page.zone) == business_date(page.clock(), page.zone)
    return time_of_day(at, page.zone) if today else clock(at, page.zone)
