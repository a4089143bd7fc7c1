"""What a version would have done in the last 30 days: by this it is approved."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import streamlit as st

from app.format import capital, count, moment
from app.markup import card, notice, tag
from app.transfers.money import money
from pipeline.amounts import DEFAULT_CURRENCY
from pipeline.desk.precision import percent_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from app.markup import Markup
    from app.reads import Page
    from app.transfers.event_rules.reads import Told, Version

_NOT_KNOWN: Final = "–"


def show_measured(page: Page, version: Version, told: Told) -> None:
    """Its figures, or what is known of when there will be some."""
    texts = page.texts
    st.html(tag("h3", texts("backtest.heading"), cls="mr-h3"))
    if version.backtest_asked is not None:
        asked = moment(version.backtest_asked, page.zone)
        st.html(notice(texts("backtest.asked"), texts("backtest.asked.note", time=asked)))
    if told.backtest is None:
        if version.backtest_asked is None:
            st.html(tag("div", texts("backtest.never"), cls="mr-note"))
        return
    if "not_measured" in told.backtest:
        st.html(notice(texts("backtest.not"), str(told.backtest["not_measured"])))
        return
    st.html(tag("div", *_cards(page, told.backtest), cls="mr-cards mr-tight"))
    st.html(tag("div", f"sha256 {told.backtest_sha256}", cls="mr-technical"))


def _cards(page: Page, found: Mapping[str, Any]) -> list[Markup]:
    texts = page.texts
    names = ("hits_per_day", "hits", "accounts")
    cards = [card(texts(f"backtest.{name}"), _number(found.get(name))) for name in names]
    amount = found.get("amount")
    said = money(amount, DEFAULT_CURRENCY, texts.language) if isinstance(amount, int) else _NOT_KNOWN
    cards.append(card(texts("backtest.amount"), said))
    precision = found.get("precision")
    share = percent_of(precision, texts("precision.unknown")) if precision is not None else texts("precision.unknown")
    labelled = texts("backtest.labelled", count=_number(found.get("labelled")))
    cards.append(card(texts("backtest.precision"), capital(share), labelled))
    return cards


def _number(value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return _NOT_KNOWN
    return count(value) if isinstance(value, int) else f"{value:,.1f}"
