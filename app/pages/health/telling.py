"""How long messages take to reach people, and those that did not: with what to do about them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import streamlit as st

from app.format import clock, count, duration
from app.markup import Markup, chip, join, notice, table, tag, visible
from app.pages import actor
from app.pages.downloads import frame_of, offer
from app.pages.health import reads
from app.pages.health.running import heading
from app.pages.health.units import seconds
from app.pages.links import link
from app.pages.press import press
from app.pulse import waiting

if TYPE_CHECKING:
    from app.pages.health.rows import DeadMessage, Deliveries
    from app.reads import Page

_LONGEST_ERROR = 400


def show_dead(page: Page) -> None:
    """What people were not told; shown where there is any."""
    texts, dead = page.texts, reads.dead_messages(page)
    if not dead:
        return
    total = dead[0].total
    st.html(heading(page, "dead", count=count(total)))
    if actor.may(page, "deliver", "message"):
        done = texts("health.requeued.all", count=count(total))
        st.button(
            texts("health.requeue.all", count=count(total)),
            key="requeue-all",
            icon=":material/replay:",
            on_click=_requeue,
            args=(page, "", done),
        )
    for message in dead:
        _show_message(page, message)
    if total > len(dead):
        shown = {"shown": count(len(dead)), "count": count(total)}
        st.html(tag("div", texts("health.dead.more", **shown), cls="mr-note"))


def _requeue(page: Page, number: int | str, done: str) -> None:
    press(page, "requeue", number, {}, done)


def _show_message(page: Page, message: DeadMessage) -> None:
    number = message.outbox_id
    with st.container(border=True, key=f"dead-{number}"):
        st.html(join([_what(page, message), _why(page, message)]))
        with st.container(horizontal=True):
            if actor.may(page, "deliver", "message"):
                done = page.texts("health.requeued", id=number)
                st.button(
                    page.texts("health.requeue", id=number),
                    key=f"requeue-{number}",
                    on_click=_requeue,
                    args=(page, number, done),
                )
            label = page.texts("health.incident", id=message.incident_id)
            link(page, "incidents", label, incident=message.incident_id)


def _what(page: Page, message: DeadMessage) -> Markup:
    texts = page.texts
    name = message.entity_name or message.entity_id
    of = texts("everybody") if message.entity_id == "*" else name
    words = (texts.word("rule", message.rule), texts.word("event", message.event))
    title = tag("div", visible(of, 60), cls="mr-h3")
    small = tag(
        "div",
        chip(texts.word("severity", message.severity), message.severity),
        *(tag("span", word) for word in words),
        tag("span", clock(message.minute, page.zone)),
        cls="mr-small",
    )
    return tag("div", title, small, tag("div", visible(sentence_of(page, message), 600), cls="mr-note"))


def sentence_of(page: Page, message: DeadMessage) -> str:
    """What it was to tell, as the pack says it; a damaged row says nothing."""
    content: Any = message.message
    try:
        return page.pack.say(message.rule, content["reason"], message.event, page.texts.language)
    except Exception:  # noqa: BLE001 - whatever stands in the row, the others are shown
        return page.texts("health.dead.unreadable")


def _why(page: Page, message: DeadMessage) -> Markup:
    texts = page.texts
    tried = texts("health.dead.tried", count=message.attempts, place=_place(page, message.destination))
    if message.ambiguous:
        tried += f" · {texts('events.ambiguous')}"
    error = visible(message.last_error, _LONGEST_ERROR)
    return tag("div", tag("span", tried), tag("div", error, cls="mr-technical"), cls="mr-note")


def show_deliveries(page: Page) -> None:
    """By destination, of the last day."""
    texts, told = page.texts, reads.deliveries(page)
    st.html(heading(page, "deliveries"))
    if not told:
        st.html(tag("div", texts("health.deliveries.none"), cls="mr-note"))
        return
    names = ("destination", "sent", "median", "p95", "worst", "waiting", "dead_count")
    st.html(table([texts(f"health.{n}") for n in names], [_row(page, d) for d in told], numbers=True))
    oldest = min((d.oldest_waiting_at for d in told if d.oldest_waiting_at), default=None)
    if oldest is not None:
        since = duration(waiting(oldest, reads.versions(page).database_clock), texts.language)
        st.html(notice(texts("health.oldest", duration=since)))
    columns = ("destination", "sent", "median_s", "p95_s", "worst_s", "waiting", "dead")
    offer(page, "deliveries", lambda: frame_of({n: getattr(d, n) for n in columns} for d in told))


def _row(page: Page, told: Deliveries) -> list[str]:
    texts = page.texts
    delays = (told.median_s, told.p95_s, told.worst_s)
    return [
        _place(page, told.destination),
        count(told.sent),
        *("–" if delay is None else seconds(delay, texts) for delay in delays),
        count(told.waiting),
        count(told.dead),
    ]


def _place(page: Page, destination: str) -> str:
    return page.texts("health.default") if destination == "default" else visible(destination, 40)
