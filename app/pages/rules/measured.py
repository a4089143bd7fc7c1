"""What a version would have done in the last days, beside the one in force, and which way that is."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

import streamlit as st

from app.format import clock, moment, won
from app.markup import notice, table, tag, visible
from app.pages.rules import compare

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from app.pages.rules.compare import Compared
    from app.pages.rules.reads import Told
    from app.reads import Page

_NAMES: Final = {
    "incidents_per_day": "measure.incidents_per_day",
    "recall": "measure.recall",
    "precision": "measure.precision",
    "delay_minutes_median": "measure.delay_minutes_median",
    "delay_minutes_p95": "measure.delay_minutes_p95",
    "live_found": "measure.live_found",
    "money_found": "measure.money_found",
    "money_missed": "measure.money_missed",
    "notices": "measure.notices",
}
_VERDICTS: Final = {
    compare.BETTER: "verdict.better",
    compare.WORSE: "verdict.worse",
    compare.SAME: "verdict.same",
    compare.UNKNOWN: "verdict.unknown",
}


def show_measured(page: Page, told: Told) -> None:
    """The comparison, or what is known of when there will be one."""
    texts = page.texts
    st.html(tag("h3", texts("measured.heading"), cls="mr-h3"))
    if told.backtest_asked_at is not None or told.backtest_started_at is not None:
        st.html(_progress(page, told))
    if told.backtest is None:
        if told.backtest_asked_at is None and told.backtest_started_at is None:
            st.html(tag("div", texts("measured.never"), cls="mr-note"))
        return
    if "not_measured" in told.backtest:
        st.html(notice(texts("measured.not"), texts("measured.hole")))
        return
    rows = compare.compared(told.backtest, page.pack.at_risk_name if page.priced else None)
    if not rows:
        st.html(tag("div", texts("measured.unknown"), cls="mr-note"))
        return
    _show_beside(page, told.backtest, rows)


def _progress(page: Page, told: Told) -> str:
    texts = page.texts
    if told.backtest_started_at is not None:
        at = clock(told.backtest_started_at, page.zone, seconds=True)
        return notice(texts("measured.running", time=at), texts("measured.running.note"))
    assert told.backtest_asked_at is not None  # noqa: S101 - the caller has looked
    at = clock(told.backtest_asked_at, page.zone, seconds=True)
    return notice(texts("measured.asked", time=at), texts("measured.asked.note"))


def _show_beside(page: Page, found: Mapping[str, Any], rows: Sequence[Compared]) -> None:
    texts, version = page.texts, found.get("version_in_force")
    ends = {"start": _moment(page, found.get("from")), "end": _moment(page, found.get("to"))}
    period = texts("measured.period", **ends, version=version)
    st.html(tag("div", period, cls="mr-note"))
    st.html(notice(*_in_words(page, rows), tone="good"))
    titles = [texts(key, version=version) for key in _HEAD]
    lines = [
        [
            _name(page, row),
            _value(page, row.name, row.in_force),
            _value(page, row.name, row.candidate),
            texts(_VERDICTS[row.verdict]),
        ]
        for row in rows
    ]
    st.html(table(titles, lines, numbers=True))
    _show_left_out(page, found)
    _show_alone(page, found)


_HEAD: Final = ("measured.item", "measured.today", "measured.this", "measured.verdict")


def _name(page: Page, row: Compared) -> str:
    own = f"measure.{row.name}"
    return page.texts(own) if own in page.texts.own else page.texts(_NAMES[row.name])


def _in_words(page: Page, rows: Sequence[Compared]) -> tuple[str, str]:
    """What is better, and what is worse."""
    texts = page.texts
    said = []
    for verdict, key in ((compare.BETTER, "measured.better"), (compare.WORSE, "measured.worse")):
        names = [_name(page, row) for row in rows if row.verdict == verdict]
        said += [texts(key, names=", ".join(names))] if names else []
    return (said[0], " ".join(said[1:])) if said else (texts("measured.equal"), "")


def _value(page: Page, name: str, value: float | None) -> str:
    texts = page.texts
    if value is None:
        return texts("measured.unknown")
    if name.startswith("money"):
        return won(int(value), texts.language)
    if name in ("recall", "precision"):
        return f"{value:.1%}"
    if name.startswith("delay"):
        return f"{value:,.0f} {texts('unit.minutes')}"
    return f"{value:,.2f}" if name == "incidents_per_day" else f"{value:,.0f}"


def _show_left_out(page: Page, found: Mapping[str, Any]) -> None:
    """What the numbers do not know."""
    texts, now = page.texts, found["in_force"]
    if page.priced and now.get("live_not_priced"):
        counts = {"live": now["live"], "count": now["live_not_priced"]}
        st.html(tag("div", texts("measured.unpriced", **counts), cls="mr-note"))
    if not now.get("labels"):
        st.html(tag("div", texts("measured.no_labels"), cls="mr-note"))


def _show_alone(page: Page, found: Mapping[str, Any]) -> None:
    """Whom only one of both tells of: a few of them."""
    texts = page.texts
    for side, key in (("candidate", "measured.only_this"), ("in_force", "measured.only_today")):
        named = found.get(f"only_{side}") or []
        if named:
            said = ", ".join(f"{texts.word('rule', rule)} {visible(entity, 60)}" for rule, entity in named)
            st.html(
                tag("div", tag("strong", texts(key, count=found[side]["alone"])), f": {said}", cls="mr-note")
            )


def _moment(page: Page, text: object) -> str:
    """A stored time as people read it."""
    return moment(datetime.fromisoformat(str(text)), page.zone) if text else page.texts("measured.unknown")
