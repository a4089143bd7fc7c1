"""A business day in figures: how many payments, what was stopped, which rules found it, what went wrong."""

from __future__ import annotations

from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING, Final

import streamlit as st

from app.address import Param, day
from app.format import count
from app.format import day as shown_day
from app.markup import card, notice, plain, table, tag, visible
from app.pages.downloads import frame_of, offer
from app.pages.given import given, keep
from app.pages.links import link
from app.pages.sections import show_sections
from app.transfers.daily import reads
from app.transfers.feed.alerts import rule_name
from app.transfers.money import money
from pipeline.minute import business_date

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import date

    from app.markup import Markup
    from app.reads import Page

DAY: Final = Param("day", day)
_CHOSEN: Final = "daily-day"
#: What should be none.
_CONCERNS: Final = ("differing", "conflicts", "dead_now")


def show(page: Page) -> None:
    """Draw the screen."""
    chosen = _choose(page)
    parts: Sequence[Callable[[Page, date], None]] = (
        show_figures,
        show_decided,
        show_rules,
        show_accounts,
        show_beside,
    )
    show_sections(page, *(_of_day(part, chosen) for part in parts))


def _of_day(part: Callable[[Page, date], None], chosen: date) -> Callable[[Page], None]:
    def section(page: Page) -> None:
        part(page, chosen)

    section.__name__ = part.__name__
    return section


def _choose(page: Page) -> date:
    """Which day; the address keeps it. Without one it is today, as far as that is."""
    today = business_date(page.clock(), page.zone)
    asked = given(page, DAY)
    if asked is not None and asked > today:
        title = page.texts("daily.future", day=shown_day(asked, page.texts.language))
        st.html(notice(title, page.texts("address.unread.note")))
        asked = None
    if _CHOSEN not in st.session_state or asked is not None:
        st.session_state[_CHOSEN] = asked or today
    chosen: date = min(st.session_state[_CHOSEN] or today, today)
    st.date_input(page.texts("daily.day"), key=_CHOSEN, max_value=today, on_change=_remember, width=220)
    said = page.texts(
        "daily.today" if chosen == today else "daily.of", day=shown_day(chosen, page.texts.language)
    )
    st.html(tag("h2", said, cls="mr-h2"))
    return chosen


def _remember() -> None:
    chosen = st.session_state[_CHOSEN]
    keep(day=chosen.isoformat() if chosen else None)


def show_figures(page: Page, chosen: date) -> None:
    """The figures at a glance."""
    texts, judged, decided = page.texts, reads.judged(page, chosen), reads.decided(page, chosen)
    sums = {
        name: sum(one.payments for one in decided if one.decision == name) for name in ("block", "review")
    }
    payments = texts("daily.unknown") if judged.payments is None else count(judged.payments)
    of_all = texts(
        "daily.payments.note", declined=count(judged.declined or 0), reversed=count(judged.reversed or 0)
    )
    cards = [card(texts("daily.payments"), payments, of_all)]
    for name, tone in (("block", "bad"), ("review", "warn")):
        note = _share(page, sums[name], judged.payments)
        cards.append(
            card(texts.word("decision", name), count(sums[name]), note, tone=tone if sums[name] else "good")
        )
    hits = [one for one in reads.found(page, chosen) if one.mode == "live"]
    corrected = texts("daily.corrected.note", count=count(sum(one.corrected for one in hits)))
    cards.append(card(texts("daily.hits"), count(sum(one.hits for one in hits)), corrected))
    st.html(tag("div", *cards, cls="mr-cards mr-tight"))


def _share(page: Page, part: int, whole: int | None) -> str:
    """Of how many, per 10,000: a rate of alerts is far below a percent."""
    if not whole:
        return ""
    return page.texts("daily.share", share=f"{part * 10_000 / whole:,.1f}")


def show_decided(page: Page, chosen: date) -> None:
    """What was stopped or has to be looked at, by currency."""
    texts, found = page.texts, reads.decided(page, chosen)
    st.html(tag("h3", texts("daily.decided"), cls="mr-h3"))
    if not found:
        st.html(notice(texts("daily.decided.none"), tone="good"))
        return
    head = [
        texts(f"daily.{name}")
        for name in ("decision", "payments", "accounts", "amount", "late", "revised", "denied")
    ]
    rows = [
        [
            texts.word("decision", one.decision),
            count(one.payments),
            count(one.accounts),
            money(one.amount, one.currency or None, texts.language),
            count(one.late),
            count(one.revised),
            count(one.denied),
        ]
        for one in found
    ]
    st.html(table(head, rows, numbers=True))
    offer(page, f"decisions-{chosen.isoformat()}", partial(frame_of, [asdict(one) for one in found]))


def show_rules(page: Page, chosen: date) -> None:
    """Which rules found it."""
    texts, found = page.texts, reads.found(page, chosen)
    st.html(tag("h3", texts("daily.rules"), cls="mr-h3"))
    if not found:
        st.html(tag("div", texts("hits_by.none"), cls="mr-note"))
        return
    head = [texts(f"daily.{name}") for name in ("rule", "mode", "hits", "corrected", "late")]
    rows = [
        [
            tag("span", rule_name(visible(one.rule, 64), texts), cls="mr-line"),
            texts.word("version_is", one.mode),
            count(one.hits),
            count(one.corrected),
            count(one.late),
        ]
        for one in found
    ]
    st.html(table(head, rows, numbers=True))
    offer(page, f"rules-{chosen.isoformat()}", partial(frame_of, [asdict(one) for one in found]))


def show_accounts(page: Page, chosen: date) -> None:
    """Whose payments they were; each leads to its account."""
    texts, found = page.texts, reads.accounts(page, chosen)
    if not found:
        return
    st.html(tag("h3", texts("daily.most", count=len(found)), cls="mr-h3"))
    for one in found:
        said = texts(
            "daily.account", payments=count(one.payments), blocked=count(one.blocked), score=one.score
        )
        link(page, "entity", f"**{plain(one.account_id, 64)}** {plain(said)}", id=one.account_id)
    offer(page, f"accounts-{chosen.isoformat()}", partial(frame_of, [asdict(one) for one in found]))


def show_beside(page: Page, chosen: date) -> None:
    """Checks, corrections, dead events, outcomes."""
    found = reads.beside(page, chosen)
    figures = {
        "checks": found.checks,
        "fallbacks": found.fallbacks,
        "differing": found.differing,
        "corrections": found.corrections,
        "conflicts": found.conflicts,
        "died": found.died,
        "dead_now": found.dead_now,
        "frauds": found.frauds,
        "outcomes": found.outcomes,
    }
    st.html(tag("h3", page.texts("daily.beside"), cls="mr-h3"))
    cards = (_card(page, name, value) for name, value in figures.items())
    st.html(tag("div", *cards, cls="mr-cards mr-tight"))


def _card(page: Page, name: str, value: int) -> Markup:
    tone = "bad" if name in _CONCERNS and value else ""
    return card(page.texts(f"daily.{name}"), count(value), tone=tone)
