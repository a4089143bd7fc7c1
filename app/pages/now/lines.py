"""A line about an incident: all of it is the link to the incident."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from app.format import capital
from app.markup import Markup, chip, plain, visible
from app.pages.links import link

if TYPE_CHECKING:
    from app.pages.now.reads import Line
    from app.reads import Page

_LONGEST_NAME = 60


def show_line(page: Page, key: str, line: Line, markup: Markup) -> None:
    """`markup` is what is seen; the link lies over it, and says by its name where it leads."""
    with st.container(key=f"line-{key}", gap=None):
        st.html(markup)
        words = (page.texts.word("severity", line.severity), name_of(page, line), rule_of(page, line))
        with st.container(key=f"way-{key}", gap=None):
            link(page, "incidents", plain(" · ".join(words)), incident=line.incident_id)


def name_of(page: Page, line: Line) -> str:
    """What it is about, cut and with nothing unseen in it."""
    return visible(capital(page.texts("everybody")) if line.of_everybody else line.title, _LONGEST_NAME)


def rule_of(page: Page, line: Line) -> str:
    """The rule's name."""
    return page.texts.word("rule", line.rule)


def severity_of(page: Page, line: Line) -> Markup:
    """A sign and a word."""
    return chip(page.texts.word("severity", line.severity), line.severity)
