"""The line to search in, which answers while one types, and what may be chosen."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

import streamlit as st

from app.format import count
from app.markup import plain, tag
from app.pages.alone import alone
from app.pages.entity import reads
from app.pages.entity.search import LONGEST
from app.pages.given import keep

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

    from app.reads import Page

TYPED: Final = "entity-typed"
_CHOSEN: Final = "entity-chosen"
#: Entities with incidents that are offered where nothing is typed.
_OFFERED: Final = 8
_LONGEST_NAME: Final = 40


def show_search(page: Page, entity_id: str | None) -> None:
    """Search all entities; where none is chosen, those with incidents are offered."""
    st.fragment(_search)(page, entity_id)


def _search(page: Page, entity_id: str | None) -> None:
    with alone(page, "search"):
        if st.session_state.pop(_CHOSEN, False):
            st.rerun()
        typed = st.text_input(
            page.texts("entity.search", entity=page.texts("entity")),
            key=TYPED,
            type="search",
            live="200ms",
            max_chars=LONGEST,
            placeholder=page.texts("entity.search.hint"),
            label_visibility="collapsed",
        )
        if typed and typed.strip():
            _show_found(page, typed)
        elif entity_id is None:
            _offer(page)


def _show_found(page: Page, typed: str) -> None:
    found = reads.found(page, typed)
    with st.container(horizontal=True, gap="small", key="entity-found"):
        _show_choices(page, found.shown.to_dicts())
    shown = found.shown.height
    key = "entity.found.none" if not found.total else "entity.found"
    said = page.texts("entity.found.cut", shown=count(shown), count=count(found.total))
    text = said if found.total > shown else page.texts(key, count=count(found.total))
    st.html(tag("div", text, cls="mr-note", role="status"))


def _offer(page: Page) -> None:
    offered = reads.with_incidents(page).head(_OFFERED).to_dicts()
    if not offered:
        return
    st.html(tag("div", page.texts("entity.offered"), cls="mr-note"))
    with st.container(horizontal=True, gap="small", key="entity-offered"):
        _show_choices(page, offered)


def _show_choices(page: Page, rows: Iterable[Mapping[str, Any]]) -> None:
    for row in rows:
        entity_id = row["entity_id"]
        name = plain(row["name"] or entity_id, _LONGEST_NAME)
        parts = [f"**{name}**", *([plain(entity_id, _LONGEST_NAME)] if row["name"] else [])]
        parts += [plain(row["fact"], _LONGEST_NAME)] if row.get("fact") else []
        parts += [page.texts("entity.open", count=row["open"])] if row.get("open") else []
        st.button(" · ".join(parts), key=f"entity-{entity_id}", on_click=partial(_choose, entity_id))


def _choose(entity_id: str) -> None:
    keep(id=entity_id)
    st.session_state[TYPED] = ""
    st.session_state[_CHOSEN] = True
