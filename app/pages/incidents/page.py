"""The inbox on the left and the chosen incident on the right; on a phone one of them, with a way back."""

from __future__ import annotations

from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING, Final

import streamlit as st

from app import reads as shared_reads
from app.markup import notice, tag, visible
from app.pages.alone import alone
from app.pages.choice import INCIDENT, asked_incident, chosen_incident
from app.pages.downloads import frame_of, offer
from app.pages.given import keep
from app.pages.incidents import reads
from app.pages.incidents.bulk import show_bulk, show_picking
from app.pages.incidents.filters import read_address, show_filters
from app.pages.incidents.inbox import show_heading, show_list
from app.pages.incidents.keyboard import show_keyboard
from app.pages.incidents.one import show_one
from app.pages.incidents.views import show_own, show_views

if TYPE_CHECKING:
    import polars as pl

    from app.pages.incidents.filters import Asked
    from app.reads import Page
    from app.rows import Incident, IncidentList

#: Of a list that is taken along.
MOST_TAKEN: Final = 10_000


def show(page: Page) -> None:
    """Draw both sides."""
    asked = read_address(page)
    found = reads.inbox(page, asked.filters, asked.place)
    number = chosen_incident()
    chosen = None if number is None else shared_reads.incident(page, number)
    left, right = st.columns([2, 3], gap="large")
    with left, st.container(key="mr-behind" if asked_incident() else "mr-before", gap="xsmall"):
        _show_inbox(page, asked, found, chosen)
    with right, alone(page, "detail"):
        _show_side(page, found, chosen)


def _show_inbox(page: Page, asked: Asked, found: IncidentList, chosen: Incident | None) -> None:
    with alone(page, "list"):
        show_heading(page, found)
        show_views(page, asked)
        show_filters(page, asked)
        with st.container(horizontal=True, gap="small", vertical_alignment="center"):
            show_own(page, asked)
            picking = show_picking(page)
        if picking:
            show_bulk(page, found)
        show_list(page, asked, found, None if chosen is None else chosen.incident_id, picking=picking)
        if found.total:
            offer(page, "incidents", partial(_all_of, page, asked))


def _all_of(page: Page, asked: Asked) -> pl.DataFrame:
    """What the list has on all its pages, with what is stored of each."""
    return frame_of(asdict(one) for one in page.door.incidents(asked.filters, at_most=MOST_TAKEN).shown)


def _leave() -> None:
    """Back to the list. A link without parameters would stay: Streamlit keeps those that are there."""
    keep(**{INCIDENT: None})


def _show_side(page: Page, found: IncidentList, chosen: Incident | None) -> None:
    texts, address = page.texts, asked_incident()
    show_keyboard(page, found, chosen)
    if chosen is not None:
        with st.container(key="mr-back"):
            st.button(texts("inbox.back"), key="inbox-back", icon=":material/arrow_back:", on_click=_leave)
        show_one(page, chosen)
    elif address is not None:
        st.html(notice(texts("incidents.unknown", id=visible(address, 24)), texts("incidents.unknown.note")))
    elif found.shown:
        st.html(tag("div", texts("incidents.choose"), cls="mr-note"))
