"""What a version would have done in the last 30 days, beside the one that is live: by this it is approved."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import streamlit as st

from app.format import count, moment
from app.markup import join, notice, table, tag
from app.transfers.money import money
from pipeline.desk.precision import percent_of
from pipeline.minute import parse_time

if TYPE_CHECKING:
    from collections.abc import Mapping

    from app.markup import Markup
    from app.reads import Page
    from app.transfers.event_rules.reads import Told, Version

_NOT_KNOWN: Final = "–"
_COUNTS: Final = ("hits_per_day", "hits", "accounts")


def show_measured(page: Page, version: Version, told: Told) -> None:
    """Its figures, or what is known of when there will be some."""
    texts = page.texts
    st.html(tag("h3", texts("backtest.heading"), cls="mr-h3"))
    if version.backtest_asked is not None:
        asked = moment(version.backtest_asked, page.zone)
        st.html(notice(texts("backtest.asked"), texts("backtest.asked.note", time=asked)))
    found = told.backtest
    if found is None:
        if version.backtest_asked is None:
            st.html(tag("div", texts("backtest.never"), cls="mr-note"))
        return
    if not isinstance(found.get("candidate"), dict):
        st.html(notice(texts("backtest.not"), texts("backtest.not.note")))
        return
    st.html(
        join(
            [
                _period(page, found),
                _figures(page, found),
                tag("div", f"sha256 {told.backtest_sha256}", cls="mr-technical"),
            ]
        )
    )


def _period(page: Page, found: Mapping[str, Any]) -> Markup:
    texts = page.texts
    ends = {name: moment(parse_time(found[name]), page.zone) for name in ("from", "to")}
    said = texts("backtest.period", first=ends["from"], stop=ends["to"], events=count(found["events"]))
    parts = [tag("div", said, cls="mr-note")]
    if found.get("missing_minutes"):
        parts.append(notice(texts("backtest.missing", count=count(found["missing_minutes"]))))
    return join(parts)


def _figures(page: Page, found: Mapping[str, Any]) -> Markup:
    """The version on one side, and what is live on the other where anything is."""
    texts, live = page.texts, found.get("live")
    sides = [found["candidate"], *([live] if isinstance(live, dict) else [])]
    head = [texts("backtest.figure"), texts("backtest.candidate")]
    if len(sides) > 1:
        head.append(texts("backtest.live", version=found.get("version_live")))
    rows = [[texts(f"backtest.{name}"), *(_number(side.get(name)) for side in sides)] for name in _COUNTS]
    rows.append([texts("backtest.amount"), *(_money(page, side) for side in sides)])
    rows.append([texts("backtest.precision"), *(_precision(page, side) for side in sides)])
    parts: list[Markup] = [table(head, rows, numbers=True)]
    if len(sides) > 1:
        alone = texts("backtest.only", count=_number(found.get("only_candidate")))
        parts.append(tag("div", alone, cls="mr-note"))
    return join(parts)


def _money(page: Page, side: Mapping[str, Any]) -> str:
    amounts = side.get("money") or {}
    return (
        ", ".join(money(amount, name, page.texts.language) for name, amount in amounts.items()) or _NOT_KNOWN
    )


def _precision(page: Page, side: Mapping[str, Any]) -> str:
    """With its interval and how many labels it rests on; without a label it is not known."""
    share = side.get("precision")
    if share is None:
        return page.texts("precision.unknown")
    low, high = percent_of(side["precision_low"]), percent_of(side["precision_high"])
    counted = page.texts("backtest.labels", true=side["true_hits"], false=side["false_hits"])
    return f"{percent_of(share)} ({low}–{high}) · {counted}"


def _number(value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return _NOT_KNOWN
    return count(value) if isinstance(value, int) else f"{value:,.1f}"
