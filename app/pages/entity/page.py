"""One entity, found by its name, or all together: how it went, and what happened to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from app.minutes import has_minutes
from app.pages import load_page
from app.pages.alone import alone
from app.pages.entity.choose import show_period
from app.pages.entity.find import show_search
from app.pages.entity.head import show_head, show_incidents, show_unknown
from app.pages.entity.subject import asked_id, subject_of
from app.pages.sections import show_sections

if TYPE_CHECKING:
    from app.reads import Page


def show(page: Page) -> None:
    """Draw the screen."""
    entity_id = asked_id(page)
    show_search(page, entity_id)
    with alone(page, "entity"):
        subject = subject_of(page, entity_id)
        if entity_id is not None and not subject.listed and not has_minutes(page, entity_id):
            show_unknown(page, entity_id)
            return
        show_head(page, subject)
        own = st.container()
        with alone(page, "incidents"):  # at the foot, and drawn before what may take long
            show_incidents(page, subject)
        with own:
            sections = load_page(page.pack.name).entity
            show_sections(page, *((show_period, *sections) if sections else ()))
