"""Filters by a name: those that everybody has, and those that a person keeps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import streamlit as st

from app.markup import plain
from app.pages.incidents import reads
from app.pages.incidents.filters import ME, TODAY, choose, query_of, said_by
from app.pages.press import press

if TYPE_CHECKING:
    from collections.abc import Mapping

    from app.pages.incidents.filters import Asked
    from app.reads import Page

#: What everybody asks for in the morning, by the name of its text.
VIEWS: Final[Mapping[str, dict[str, str]]] = {
    "mine": {"owner": ME},
    "unacknowledged": {"state": "open"},
    "critical": {"severity": "critical"},
    "today": {"from": TODAY, "state": "open,acknowledged,snoozed,resolved"},
}
_NAME: Final = "view-name"
_LONGEST: Final = 60


def show_views(page: Page, asked: Asked) -> None:
    """A press for each; another one takes it back."""
    with st.container(horizontal=True, gap="xsmall", vertical_alignment="center"):
        for name, said in VIEWS.items():
            on = asked.query == query_of(said)
            st.button(
                page.texts(f"view.{name}"),
                key=f"view-{name}",
                icon=":material/check:" if on else None,
                on_click=choose,
                args=({} if on else said,),
            )


def show_own(page: Page, asked: Asked) -> None:
    """What whoever looks keeps by a name, and a name for what is shown now. Only accounts keep any."""
    account_id = page.actor.account_id
    if account_id is None:
        return
    texts = page.texts
    with st.popover(texts("view.own"), icon=":material/bookmark:"):
        for view in reads.views(page, account_id):
            with st.container(horizontal=True, gap="xsmall", horizontal_alignment="distribute"):
                label, number = plain(view.name, _LONGEST), view.view_id
                st.button(label, key=f"own-{number}", on_click=choose, args=(said_by(view.query),))
                done = texts("view.deleted", name=view.name)
                st.button(
                    texts("view.delete", name=label),
                    key=f"own-delete-{number}",
                    type="tertiary",
                    on_click=_delete,
                    args=(page, number, done),
                )
        st.text_input(texts("view.name"), key=_NAME, max_chars=_LONGEST)
        st.button(texts("view.save"), key="view-save", on_click=_save, args=(page, asked.query))


def _delete(page: Page, number: int, done: str) -> None:
    press(page, "delete_view", number, {}, done)


def _save(page: Page, query: str) -> None:
    name = st.session_state.get(_NAME, "").strip()
    given = {"name": name, "query": query}
    if press(page, "save_view", "", given, page.texts("view.saved", name=name)):
        st.session_state[_NAME] = ""
