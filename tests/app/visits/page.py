"""A screen that only the toy pack has."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from app.markup import tag

if TYPE_CHECKING:
    from app.reads import Page


def show(page: Page) -> None:
    st.html(tag("div", page.texts("visits.today")))
