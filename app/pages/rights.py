"""A screen for those who may see it; others are told who may."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from app.markup import notice
from app.pages.alone import alone
from app.pages.states import show_state
from pipeline.desk.roles import ROLES, allowed_roles

if TYPE_CHECKING:
    from collections.abc import Iterable

    from app.pages import Screen
    from app.reads import Page


def show_or_refuse(page: Page, screen: Screen) -> None:
    """Draw the screen, or say that this role may not see it."""
    if page.may_see(screen):
        with alone(page, screen.name):
            if show_state(page) or screen.from_the_start:
                screen.show(page)
        return
    show_no_right(page, screen.seen_by)


def show_no_right(page: Page, rights: Iterable[tuple[str, str]]) -> None:
    """Say that nobody but those who have one of the rights sees what is asked for."""
    allowed = set().union(*(allowed_roles(action, kind) for action, kind in rights))
    who = ", ".join(page.texts.word("role", role) for role in ROLES if role in allowed)
    st.html(notice(page.texts("state.no_right"), page.texts("state.no_right.note", roles=who)))
