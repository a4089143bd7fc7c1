"""Ways from one screen to another; each carries what the next one needs in its address."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING, Final, NoReturn

import streamlit as st

from app.markup import plain
from app.pages.packs import PACK

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from app.reads import Page

#: A piece of a row is cut there; the whole of it stands where the row leads.
_LONGEST_STRONG: Final = 48
_LONGEST_SMALL: Final = 40


def link(page: Page, screen: str, label: str, *, icon: str | None = None, **params: str | int) -> None:
    """A link to a screen. `label` is Markdown: a text of a database goes through `markup.plain`."""
    target = page.screens[screen]
    st.page_link(target, label=label, icon=icon or "", query_params=_with_pack(page, params))


def row(
    page: Page,
    screen: str,
    first: Iterable[str],
    second: Iterable[str],
    params: Mapping[str, str | int],
    *,
    chosen: bool = False,
) -> None:
    """A row of a list of two lines, as wide as the list: all of it is the link. The first line is strong.

    What the lines hold may come from a database: nothing in it acts.
    """
    strong = " · ".join(f"**{plain(text, _LONGEST_STRONG)}**" for text in first)
    small = " · ".join(plain(text, _LONGEST_SMALL) for text in second)
    label = f"{'▸ ' if chosen else ''}{strong}  \n:small[{small}]"
    target, query = page.screens[screen], _with_pack(page, dict(params))
    with st.container(key="mr-chosen") if chosen else nullcontext():
        st.page_link(target, label=label, icon="", query_params=query, width="stretch")


def go(page: Page, screen: str, **params: str | int) -> NoReturn:
    """Show another screen, in place of the rest of this one."""
    st.switch_page(page.screens[screen], query_params=_with_pack(page, params))


def _with_pack(page: Page, params: dict[str, str | int]) -> dict[str, str]:
    pack = {PACK: page.pack.name} if page.among_others else {}
    return {**pack, **{name: str(value) for name, value in params.items()}}
