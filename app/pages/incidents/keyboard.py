"""The keyboard of this screen. Streamlit gives a button its key; the one for the search is app/keys.js."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from app.markup import Markup, tag
from app.pages import actor
from app.pages.choice import choose_incident

if TYPE_CHECKING:
    from app.reads import Page
    from app.rows import Incident, IncidentList


def show_keyboard(page: Page, found: IncidentList, chosen: Incident | None) -> None:
    """To the next and to the one before, and which keys there are."""
    numbers = [incident.incident_id for incident in found.shown]
    if not numbers:
        return
    here = numbers.index(chosen.incident_id) if chosen and chosen.incident_id in numbers else None
    following = 0 if here is None else here + 1
    before = None if here is None else here - 1
    with st.container(horizontal=True, gap="xsmall", vertical_alignment="center", key="mr-keys"):
        for name, key, place in (("previous", "k", before), ("next", "j", following)):
            there = place is not None and 0 <= place < len(numbers)
            st.button(
                page.texts(f"keyboard.{name}"),
                key=f"go-{name}",
                type="tertiary",
                shortcut=key,
                disabled=not there,
                on_click=choose_incident,
                args=(numbers[place] if place is not None and there else 0,),
            )
        st.html(_hint(page), width="content")


def _hint(page: Page) -> Markup:
    known = [("/", "search")]
    if actor.may(page, "handle"):
        known += [("A", "acknowledge"), ("S", "snooze"), ("E", "resolve")]
    parts = [
        piece
        for key, name in known
        for piece in (tag("kbd", key), tag("span", page.texts(f"keyboard.{name}")))
    ]
    return tag("div", *parts, cls="mr-keys")
