"""What needs a decision: open incidents, those that nobody has taken first, then by what may be lost."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from app.format import count, duration
from app.markup import Markup, notice, tag
from app.pages.links import link
from app.pages.now import reads
from app.pages.now.lines import show_line
from app.pages.worth import glance
from app.pulse import reads_history
from app.reads import heartbeat
from pipeline.minute import floor_minute

if TYPE_CHECKING:
    from app.pages.now.reads import Needed
    from app.reads import Page


def show_decisions(page: Page) -> None:
    """The list, and the way to the rest of it."""
    found, heart = reads.needed(page), heartbeat(page)
    if not found and (heart is None or reads_history(heart)):
        return  # nobody knows yet
    st.html(_heading(page, found))
    if not found:
        st.html(notice(page.texts("incidents.none"), page.texts("incidents.none.note"), tone="good"))
        return
    with st.container(key="list-needed", gap="xxsmall"):
        for needed in found:
            _show(page, needed)
    if found[0].total > len(found):
        link(page, "incidents", page.texts("now.all", count=count(found[0].total)), icon=":material/inbox:")


def _heading(page: Page, found: tuple[Needed, ...]) -> Markup:
    texts, said = page.texts, []
    if found:
        first = found[0]
        said.append(texts("now.needed.count", count=count(first.total), untaken=count(first.untaken)))
        said += _money_in_all(page, first) if page.priced else []
    return tag("h2", texts("now.needed"), tag("small", " · ".join(said)), cls="mr-h2")


def _money_in_all(page: Page, first: Needed) -> list[str]:
    unknown = [page.texts("header.risk.unpriced", count=count(first.unpriced))] if first.unpriced else []
    if first.at_risk_in_all is None:
        return unknown
    return [*glance(page, first.at_risk_in_all, first.expected_loss_in_all), *unknown]


def _show(page: Page, needed: Needed) -> None:
    texts = page.texts
    age = duration(floor_minute(page.clock()) - needed.opened_minute, texts.language)
    said = page.priced and (needed.expected_loss is not None or not needed.of_everybody)
    money = glance(page, needed.at_risk, needed.expected_loss) if said else []
    show_line(page, needed, money, [needed.taken_by or texts("now.untaken"), texts("now.age", duration=age)])
