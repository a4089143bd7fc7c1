"""Which pack the person looks at, where there are several: kept in the address, as the incident is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import streamlit as st

from app.markup import notice, visible
from app.pages.choice import chosen_incident
from pipeline.errors import MinuteriskError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from app.reads import Page

PACK: Final = "pack"
#: The pack that the address named last: another one there is a choice as well.
_ADDRESSED: Final = "pack-addressed"


def choose_pack(pages: Mapping[str, Page]) -> Page:
    """The page of the pack that the person chose; the only one is shown without a question."""
    first = next(iter(pages.values()))
    if len(pages) == 1:
        return first
    asked = st.query_params.get(PACK)
    if PACK not in st.session_state or asked != st.session_state.get(_ADDRESSED):
        st.session_state[PACK] = _asked(pages) or st.session_state.get(PACK, first.pack.name)
    st.session_state[_ADDRESSED] = asked
    st.segmented_control(
        first.texts("packs.choose"),
        list(pages),
        required=True,
        key=PACK,
        format_func=lambda name: pages[name].title,
        on_change=_remember,
    )
    if asked is not None and asked not in pages:
        st.html(
            notice(first.texts("packs.unknown", name=visible(asked, 24)), first.texts("address.unread.note"))
        )
    return pages[st.session_state[PACK]]


def _asked(pages: Mapping[str, Page]) -> str | None:
    """The pack that the address names, or that of its incident: a message's link names no pack."""
    asked, number = st.query_params.get(PACK), chosen_incident()
    if asked is None and number is not None:
        door = next(iter(pages.values())).door
        try:
            asked = door.pack_of(number)
        except MinuteriskError:
            return None
    return asked if asked in pages else None


def _remember() -> None:
    # Whatever else the address says is another pack's.
    st.query_params.from_dict({PACK: st.session_state[PACK]})
    st.session_state[_ADDRESSED] = st.session_state[PACK]
