"""Ways from one screen to another; each carries what the next one needs in its address."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

import streamlit as st

from app.pages.packs import PACK

if TYPE_CHECKING:
    from collections.abc import Mapping

    from app.reads import Page


def link(page: Page, screen: str, label: str, *, icon: str | None = None, **params: str | int) -> None:
    """A link to a screen. `label` is Markdown: a text of a database goes through `markup.plain`."""
    target = page.screens[screen]
    st.page_link(target, label=label, icon=icon or "", query_params=_with_pack(page, params))


def row(page: Page, screen: str, label: str, params: Mapping[str, str | int]) -> None:
    """A link that is a row of a list, as wide as the list. Its label may have two lines."""
    target, query = page.screens[screen], _with_pack(page, dict(params))
    st.page_link(target, label=label, icon="", query_params=query, width="stretch")


def go(page: Page, screen: str, **params: str | int) -> NoReturn:
    """Show another screen, in place of the rest of this one."""
    st.switch_page(page.screens[screen], query_params=_with_pack(page, params))


def _with_pack(page: Page, params: dict[str, str | int]) -> dict[str, str]:
    pack = {PACK: page.pack.name} if page.among_others else {}
    return {**pack, **{name: str(value) for name, value in params.items()}}
