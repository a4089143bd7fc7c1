"""The page as Streamlit's own runner shows it."""

from __future__ import annotations

import re
from html import unescape
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

import streamlit as st
from streamlit.util import calc_hash

import app.main

if TYPE_CHECKING:
    from streamlit.testing.v1 import AppTest

SCRIPT = Path(app.main.__file__)


def run_again(tested: AppTest) -> AppTest:
    """Show the page as somebody who comes now sees it."""
    st.cache_data.clear()
    tested.run()
    assert not tested.exception, tested.exception[0].message
    return tested


def show_screen(tested: AppTest, screen: str) -> None:
    """Go to a screen, as its address or the menu does; "" is where people arrive."""
    if screen:
        tested._page_hash = calc_hash(screen)  # as st.Page does, which needs a running script


def html_of(tested: AppTest) -> str:
    """All markup of the page, without the style sheet and the keys, which are files of ours."""
    shown = (e.proto for e in tested.get("html") if not e.proto.unsafe_allow_javascript)
    return "\n".join(str(proto.body) for proto in shown if "<style" not in str(proto.body))


def text_of(tested: AppTest) -> str:
    """What a person reads: the markup without its tags, and the links."""
    links = " ".join(_read(element.proto.label) for element in tested.get("page_link"))
    return f"{unescape(re.sub(r'<[^>]+>', ' ', html_of(tested)))} {links}"


def figures(tested: AppTest) -> int:
    """How many figures there are."""
    return len(tested.get("plotly_chart"))


def rows_of(tested: AppTest) -> dict[str, str]:
    """The incidents that the page lists, in their order, by number: what a person reads of each row."""
    found = {}
    for element in tested.get("page_link"):
        number = dict(parse_qsl(element.proto.query_string)).get("incident")
        if number is not None:
            found[number] = _read(element.proto.label)
    return found


def _read(label: str) -> str:
    """What a person reads of a label that is a link's."""
    return re.sub(r"\\(.)|\*\*|:small\[|\]$", r"\1", label)
