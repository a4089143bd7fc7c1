"""The list of incidents, by expected loss, money at risk or the worst first.

A row is a link: it opens in a new tab too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from app.format import capital, clock, count, duration
from app.markup import notice, tag
from app.pages.choice import INCIDENT
from app.pages.incidents import reads
from app.pages.incidents.filters import PLACE
from app.pages.links import row
from app.pages.worth import glance
from pipeline.minute import MINUTE, business_date

if TYPE_CHECKING:
    from app.pages.incidents.filters import Asked
    from app.reads import Page
    from app.rows import Incident, IncidentList


def show_heading(page: Page, found: IncidentList) -> None:
    """How many there are, and in which order."""
    texts = page.texts
    sorting = texts(
        "incidents.sorted" if page.priced else "incidents.sorted.severity", count=count(found.total)
    )
    st.html(tag("div", texts("incidents.heading"), tag("small", sorting), cls="mr-h2"))


def show_list(page: Page, asked: Asked, found: IncidentList, chosen: int | None, *, picking: bool) -> None:
    """A page of the list; with `picking` a box before each row."""
    texts = page.texts
    if not found.shown and asked.place > 1:
        st.html(notice(texts("inbox.past"), texts("inbox.past.note")))
    elif not found.shown and asked.filters.any:
        st.html(notice(texts("incidents.filtered"), texts("incidents.filtered.note")))
    elif not found.shown:
        st.html(notice(texts("incidents.none"), texts("incidents.none.note"), tone="good"))
    with st.container(key="list-inbox", gap="xxsmall"):
        for incident in found.shown:
            _row(page, asked, incident, picking=picking, chosen=incident.incident_id == chosen)
    _show_places(asked, found)


def _row(page: Page, asked: Asked, incident: Incident, *, picking: bool, chosen: bool) -> None:
    if not picking:
        _link(page, asked, incident, chosen=chosen)
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
        box = page.texts("inbox.pick", id=incident.incident_id)
        st.checkbox(box, key=picked(incident.incident_id), label_visibility="collapsed", width="content")
        _link(page, asked, incident, chosen=chosen)


def picked(number: int) -> str:
    """The key of the box of an incident."""
    return f"pick-{number}"


def _link(page: Page, asked: Asked, incident: Incident, *, chosen: bool) -> None:
    texts = page.texts
    state = incident.status if incident.snoozed_until is None else "snoozed"
    small = [
        texts.word("severity", incident.severity),
        texts.word("rule", incident.rule),
        texts.word("status", state),
        *([incident.owner] if incident.owner else []),
        _since(page, incident),
    ]
    first = [name_of(page, incident)]
    if page.priced and incident.has_money:
        first = [*glance(page, incident.at_risk, incident.expected_loss), *first]
    row(page, "incidents", first, small, {**asked.said, INCIDENT: incident.incident_id}, chosen=chosen)


def _since(page: Page, incident: Incident) -> str:
    """When it opened, the day only where it is another one, and for how many minutes."""
    now, opened = page.clock(), incident.opened_minute
    today = business_date(now, page.zone) == business_date(opened, page.zone)
    at = f"{opened.astimezone(page.zone):%H:%M}" if today else clock(opened, page.zone)
    lasts = (incident.resolved_minute or now) - opened
    return f"{at} ({duration(lasts - lasts % MINUTE, page.texts.language)})"


def name_of(page: Page, incident: Incident) -> str:
    """Whom it is about. Not safe as markup."""
    return capital(page.texts("everybody")) if incident.of_everybody else incident.title


def _show_places(asked: Asked, found: IncidentList) -> None:
    places = -(-found.total // reads.ROWS)
    if places < 2:  # noqa: PLR2004 - one page needs no choice
        return
    key = "inbox-place"
    st.session_state[key] = min(asked.place, places)
    st.pagination(places, key=key, max_visible_pages=5, on_change=_go_to, args=(key,))


def _go_to(key: str) -> None:
    st.query_params[PLACE] = str(st.session_state[key])
