"""The parameters of the address of a screen: read, said where they cannot be read, and written."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import streamlit as st

from app.markup import notice, visible

if TYPE_CHECKING:
    from app.address import Param
    from app.reads import Page

T = TypeVar("T")
_SHOWN = 24


def given(page: Page, param: Param[T]) -> T | None:
    """What the address says; None without it. What cannot be read is said, and left out."""
    text = st.query_params.get(param.name)
    if text is None:
        return None
    found = param.of(text)
    if found is None:
        shown = {"name": param.name, "text": visible(text, _SHOWN)}
        st.html(notice(page.texts("address.unread", **shown), page.texts("address.unread.note")))
    return found


def quietly(param: Param[T]) -> T | None:
    """The same, where `given` has said already what cannot be read."""
    text = st.query_params.get(param.name)
    return None if text is None else param.of(text)


def keep(**values: str | int | None) -> None:
    """Write parameters into the address; None takes one away."""
    for name, value in values.items():
        if value is None:
            st.query_params.pop(name, None)
        else:
            st.query_params[name] = str(value)
