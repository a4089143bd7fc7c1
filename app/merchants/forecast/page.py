"""The screen: what is breached or lies ahead first, then what is near, and what is not known with its why."""

from __future__ import annotations

from datetime import date
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import streamlit as st

from app.format import count, won
from app.format import day as shown_day
from app.markup import Markup, card, chip, notice, table, tag, visible
from app.merchants.forecast import reads
from app.pages.downloads import frame_of, offer
from app.pages.links import link
from app.pages.sections import show_sections

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from app.reads import Page

    Outlook = Mapping[str, Any]

#: Which chip a status gets.
_CHIPS: Final = {
    "breached": "critical",
    "ahead": "high",
    "possible": "medium",
    "unknown": "low",
    "clear": "low",
}
_PRESSING: Final = ("breached", "ahead")
#: Merchants that are led to.
_LINKED: Final = 10


def show(page: Page) -> None:
    """Draw the screen."""
    show_sections(page, show_head, show_outlooks, show_merchants)


def show_head(page: Page) -> None:
    """Of which day it is, what of it presses, and what the company does not give."""
    texts, kept = page.texts, reads.newest(page)
    st.html(tag("h2", texts("forecast.heading"), cls="mr-h2"))
    if kept is None:
        st.html(notice(texts("forecast.none"), texts("forecast.none.next")))
        return
    found = kept.result
    through = found["known_through"]
    known = (
        texts("forecast.unknown")
        if through is None
        else shown_day(date.fromisoformat(through), texts.language)
    )
    st.html(
        tag("div", texts("forecast.of", day=shown_day(kept.day, texts.language), known=known), cls="mr-note")
    )
    cards = [
        card(
            texts(f"forecast.status.{status}"),
            count(found["counts"][status]),
            tone="bad" if status in _PRESSING and found["counts"][status] else "",
        )
        for status in _CHIPS
    ]
    st.html(tag("div", *cards, cls="mr-cards mr-tight"))
    for name in found["missing"]:
        st.html(notice(texts(f"forecast.why.{name}"), texts(f"forecast.give.{name}")))
    for one in found["outlooks"]:
        if one.get("merchants_unknown"):  # a forecast that an older version kept has no such field
            more = texts("forecast.owed_more", count=count(one["merchants_unknown"]))
            st.html(notice(more, texts("forecast.owed_more.next")))
    if found["wrong"]:
        aside = texts("forecast.aside", count=count(sum(found["wrong"].values())))
        st.html(notice(aside, visible(found["example"])))


def show_outlooks(page: Page) -> None:
    """A row a programme and merchant, worst first."""
    texts, kept = page.texts, reads.newest(page)
    if kept is None or not kept.result["outlooks"]:
        return
    outlooks: Sequence[Outlook] = kept.result["outlooks"]
    ids = tuple(sorted({one["merchant_id"] for one in outlooks if one["merchant_id"]}))
    names = reads.names(page, ids)
    head = [
        texts(f"forecast.{name}") for name in ("programme", "status", "who", "so_far", "end", "ratio", "days")
    ]
    st.html(table(head, [_row(page, one, names) for one in outlooks]))
    notes = [texts("forecast.note"), *(_balance(page, one) for one in outlooks if _is_compared(one))]
    st.html(tag("div", " ".join(notes), cls="mr-note"))
    offer(page, f"forecast-{kept.day.isoformat()}", partial(frame_of, [dict(one) for one in outlooks]))


def show_merchants(page: Page) -> None:
    """Ways to the merchants that are in breach, or soon will be."""
    kept = reads.newest(page)
    if kept is None:
        return
    pressing = [one["merchant_id"] for one in kept.result["outlooks"] if one["status"] in _PRESSING]
    ids = list(dict.fromkeys(one for one in pressing if one))[:_LINKED]
    names = reads.names(page, tuple(ids))
    for merchant in ids:
        link(page, "entity", visible(names.get(merchant) or merchant, 48), entity=merchant)


def _row(page: Page, one: Outlook, names: Mapping[str, str]) -> list[str]:
    texts, merchant = page.texts, one["merchant_id"]
    who = texts("forecast.company") if merchant is None else visible(names.get(merchant) or merchant, 48)
    called = visible(texts.word("forecast.programme", one["programme"]), 60)
    programme = tag("span", called, title=_because(page, one))
    status = chip(texts(f"forecast.status.{one['status']}"), _CHIPS[one["status"]])
    return [
        programme,
        status,
        who,
        _amount(page, one, "counted"),
        _end(page, one),
        _ratio(one),
        _days(page, one),
    ]


def _is_compared(one: Outlook) -> bool:
    return bool(_is_custody(one) and one.get("known_on") and one["counted"] is not None)


def _balance(page: Page, one: Outlook) -> str:
    """Of which day the balances are."""
    return page.texts("forecast.balance", day=_known_on(page, one))


def _known_on(page: Page, one: Outlook) -> str:
    day = one.get("known_on")
    return "–" if day is None else shown_day(date.fromisoformat(day), page.texts.language)


def _why(page: Page, one: Outlook) -> str:
    return page.texts(f"forecast.why.{one['why']}", day=_known_on(page, one))


def _because(page: Page, one: Outlook) -> str:
    """Where the limit is said, and what the row cannot say."""
    why = _why(page, one) if one["why"] else ""
    return " · ".join(text for text in (why, one["note"], one["source"]) if text)


def _amount(page: Page, one: Outlook, name: str) -> str:
    value = one[name]
    if value is None:
        return page.texts("forecast.unknown")
    return won(value, page.texts.language) if _is_custody(one) else count(value)


def _is_custody(one: Outlook) -> bool:
    return str(one["programme"]).startswith("custody")


def _end(page: Page, one: Outlook) -> str:
    shown = _amount(page, one, "projected")
    if one["low"] is None:
        return shown
    return f"{shown} ({_amount(page, one, 'low')}–{_amount(page, one, 'high')})"


def _ratio(one: Outlook) -> str:
    return f"{_percent(one['per_10000'])} / {_percent(one['limit_per_10000'])}"


def _percent(per_10000: float | None) -> str:
    return "–" if per_10000 is None else f"{per_10000 / 100:.2f} %"


def _days(page: Page, one: Outlook) -> str | Markup:
    texts = page.texts
    if one["status"] == "unknown":
        return _why(page, one)
    if one["days_until"] is not None:
        return (
            texts("forecast.now") if not one["days_until"] else texts("forecast.in", count=one["days_until"])
        )
    if one["days_earliest"] is not None:
        return texts("forecast.earliest", count=one["days_earliest"])
    if one["next_from"] is not None:
        return texts("forecast.next", day=one["next_from"], limit=_percent(one["next_per_10000"]))
    return "–"
