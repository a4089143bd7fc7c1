"""Who may do what: the frozen table of the desk, as people read it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from app.markup import chip, tag
from app.pages.access.wide import wide
from pipeline.desk.roles import ACTIONS, BY_ANOTHER, ROLES, TABLE, allowed_roles

if TYPE_CHECKING:
    from app.markup import Markup
    from app.reads import Page


def show_roles(page: Page) -> None:
    """A row for each action, a column for each role; the reader's own role is marked."""
    texts = page.texts
    heads = [
        tag("span", tag("span", texts.word("role", role)), *_own(page, role), cls="mr-parts")
        for role in ROLES
    ]
    rows = [[_action(page, action), *(_cell(page, role, action) for role in ROLES)] for action in ACTIONS]
    st.html(tag("div", texts("roles.heading"), cls="mr-h2"))
    st.html(wide([texts("roles.action"), *heads], rows))
    st.html(tag("p", texts("roles.note"), cls="mr-note"))


def _own(page: Page, role: str) -> list[Markup]:
    return [chip(page.texts("roles.yours"), "yours")] if page.actor.role == role else []


def _action(page: Page, action: str) -> Markup:
    said = page.texts.word("action", action)
    never_own = [tag("small", page.texts("roles.by_another"))] if action in BY_ANOTHER else []
    return tag("span", tag("span", said), *never_own, cls="mr-parts")


def _cell(page: Page, role: str, action: str) -> str:
    """Yes, no, or on which things alone."""
    if role in allowed_roles(action):
        return f"✓ {page.texts('answer.true')}"
    only = [key.partition(":")[2] for key in TABLE if key.startswith(f"{action}:") and role in TABLE[key]]
    if only:
        return f"✓ {page.texts('roles.only', kinds=', '.join(page.texts.word('thing', k) for k in only))}"
    return "–"
