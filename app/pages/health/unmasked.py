"""Masked values, shown for a while to whoever may see them and says why; the desk keeps that they were."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

import streamlit as st

from app.pages import actor
from app.pages.press import press

if TYPE_CHECKING:
    from app.reads import Page

#: So long the values stay: enough to look, and no screen shows them overnight.
SHOWN_FOR: Final = timedelta(minutes=5)
#: Whose session asked, and until when it sees.
_UNTIL: Final = "health-unmasked"
_REASON: Final = "health-unmask-reason"
_LONGEST_REASON: Final = 500


def may_see_values(page: Page) -> bool:
    """Has this session asked for them a moment ago, and may it still?"""
    credential, until = st.session_state.get(_UNTIL, ("", None))
    asked = until is not None and credential == page.actor.credential and page.clock() < until
    return asked and actor.may(page, "unmask", "data")


def ask_for_values(page: Page, what: str) -> None:
    """A line for the reason and a button, for those whose role may."""
    if not actor.may(page, "unmask", "data"):
        return
    texts = page.texts
    with st.popover(texts("health.unmask"), icon=":material/visibility:"):
        st.text_input(texts("health.unmask.reason"), key=_REASON, max_chars=_LONGEST_REASON)
        st.button(texts("health.unmask.show"), key="health-unmask", on_click=_unmask, args=(page, what))


def _unmask(page: Page, what: str) -> None:
    given = {"what": what, "reason": st.session_state.get(_REASON, "")}
    minutes = SHOWN_FOR // timedelta(minutes=1)
    if press(page, "unmask", "", given, page.texts("health.unmask.done", minutes=minutes)):
        st.session_state[_UNTIL] = (page.actor.credential, page.clock() + SHOWN_FOR)
