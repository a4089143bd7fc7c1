"""A password or key that is shown once: to whoever made it, until they put it away. Nothing else keeps it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import streamlit as st

from app.markup import notice
from app.pages.press import tell

if TYPE_CHECKING:
    from app.reads import Page

_SHOWN: Final = "access-shown-once"


def keep_secret(title: str, secret: str) -> None:
    """Show it from the next drawing on."""
    st.session_state[_SHOWN] = (title, secret)


def still_shown(page: Page) -> bool:
    """Is one still on the screen? Then that is told, and none is made: it would take the first away."""
    if _SHOWN in st.session_state:
        tell(page.texts("once.first"), tone="warn")
    return _SHOWN in st.session_state


def show_secret(page: Page) -> None:
    """The secret that was just made, and a button that puts it away."""
    if _SHOWN not in st.session_state:
        return
    title, secret = st.session_state[_SHOWN]
    with st.container(key="access-once"):
        st.html(notice(title, page.texts("once.note"), tone="warn"))
        st.code(secret, language=None)
        st.button(page.texts("once.seen"), key="access-once-seen", on_click=forget_secret)


def forget_secret() -> None:
    """Nobody sees it again."""
    st.session_state.pop(_SHOWN, None)
