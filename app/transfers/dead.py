"""What could not be taken, the relays and their breaker. Sections of the shared screen of health."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

import streamlit as st

from app.format import count, duration, moment
from app.markup import Markup, chip, join, notice, table, tag, visible
from app.pages import actor
from app.pages.press import press
from app.reads import shared

if TYPE_CHECKING:
    from datetime import datetime

    from app.reads import Page

#: So many are shown; `minuterisk dead list` has the others.
SHOWN: Final = 50
_LONGEST_ERROR: Final = 400
#: A relay that was not seen for so long is gone; its buckets are another's by then.
GONE: Final = timedelta(seconds=30)
_BREAKERS: Final = {"closed": "good", "open": "warn", "held": "off"}


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadEvent:
    """An event that could not be taken after its retries; its account goes on without it."""

    number: int
    event_id: str
    account_id: str | None
    error: str
    attempts: int
    died_at: datetime
    requeued_at: datetime | None
    requeued_by: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Relay:
    """A relay that is at work, or was."""

    owner: str
    seen_at: datetime
    breaker: str
    error: str | None
    sent: int
    buckets: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """Somebody holds the breaker open."""

    opened_at: datetime
    opened_by: str
    reason: str


@shared
def dead_events(page: Page) -> tuple[DeadEvent, ...]:
    """What did not get through yet, the newest first."""
    rows = page.door.rows("transfers/ops/dead_events", {"at_most": SHOWN + 1, "also_delivered": False})
    return tuple(DeadEvent(**{name: row[name] for name in DeadEvent.__dataclass_fields__}) for row in rows)


@shared
def relays(page: Page) -> tuple[Relay, ...]:
    """Those that were seen of late."""
    rows = page.door.rows("transfers/ops/relays", {})
    return tuple(Relay(**{name: row[name] for name in Relay.__dataclass_fields__}) for row in rows)


@shared
def held(page: Page) -> Held | None:
    """Who holds the breaker open, if anybody does."""
    rows: list[dict[str, Any]] = page.door.rows("transfers/ops/breaker", {})
    return Held(**rows[0]) if rows else None


def show_relays(page: Page) -> None:
    """Who delivers, and whether somebody told them not to. An installation without an outbox has none."""
    texts, found, stopped = page.texts, relays(page), held(page)
    if not found and stopped is None:
        return
    st.html(tag("h2", texts("relays.heading"), tag("small", texts("relays.note")), cls="mr-h2"))
    if stopped is not None:
        by = {"by": visible(stopped.opened_by, 60), "time": moment(stopped.opened_at, page.zone)}
        st.html(notice(texts("relays.held", **by), visible(stopped.reason, 500), tone="bad"))
    if found:
        head = [texts(f"relays.{name}") for name in ("owner", "seen", "breaker", "buckets", "sent", "error")]
        st.html(table(head, [_relay(page, one) for one in found]))
    _show_breaker(page, stopped)


def _relay(page: Page, one: Relay) -> list[str]:
    texts, ago = page.texts, page.clock() - one.seen_at
    seen = texts("header.heartbeat.age", duration=duration(ago, texts.language))
    state = texts("relays.gone") if ago > GONE else texts.word("breaker", one.breaker)
    tone = "off" if ago > GONE else _BREAKERS[one.breaker]
    error = visible(one.error or "–", _LONGEST_ERROR)
    return [visible(one.owner, 60), seen, chip(state, tone), count(one.buckets), count(one.sent), error]


def _show_breaker(page: Page, stopped: Held | None) -> None:
    if not actor.may(page, "deliver", "breaker"):
        return
    texts = page.texts
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.text_input(texts("relays.reason"), key="breaker-reason", max_chars=1_000, width=320)
        name = "open_breaker" if stopped is None else "close_breaker"
        st.button(texts(f"relays.{name}"), key=name, on_click=_breaker, args=(page, name))


def _breaker(page: Page, name: str) -> None:
    reason = str(st.session_state["breaker-reason"] or "").strip()
    press(page, name, "", {"reason": reason}, page.texts(f"relays.{name}.done"))


def show_dead_events(page: Page) -> None:
    """What did not get through, each with the way to try again; shown where there is any."""
    texts, found = page.texts, dead_events(page)
    if not found:
        return
    shown = found[:SHOWN]
    many = f"{SHOWN}+" if len(found) > SHOWN else count(len(found))
    st.html(
        tag(
            "h2",
            texts("dead_events.heading", count=many),
            tag("small", texts("dead_events.note")),
            cls="mr-h2",
        )
    )
    for event in shown:
        with st.container(border=True, key=f"dead-event-{event.number}"):
            st.html(_event(page, event))
            if event.requeued_at is None and actor.may(page, "deliver", "dead event"):
                label = texts("dead_events.requeue", number=event.number)
                st.button(
                    label,
                    key=f"requeue-event-{event.number}",
                    icon=":material/replay:",
                    on_click=_requeue,
                    args=(page, event),
                )
    if len(found) > SHOWN:
        st.html(tag("div", texts("dead_events.more", shown=SHOWN), cls="mr-note"))


def _event(page: Page, event: DeadEvent) -> Markup:
    texts = page.texts
    words = [
        tag("span", texts("dead_events.account", account=visible(event.account_id or "–", 64))),
        tag("span", texts("dead_events.tried", count=event.attempts)),
        tag("span", moment(event.died_at, page.zone, seconds=True)),
    ]
    if event.requeued_at is not None:
        at = moment(event.requeued_at, page.zone, seconds=True)
        words.append(
            chip(texts("dead_events.requeued", by=visible(event.requeued_by or "", 60), time=at), "warn")
        )
    title = tag("div", visible(event.event_id, 80), cls="mr-h3")
    error = tag("div", visible(event.error, _LONGEST_ERROR), cls="mr-technical")
    return join([title, tag("div", *words, cls="mr-small"), error])


def _requeue(page: Page, event: DeadEvent) -> None:
    done = page.texts("dead_events.done", number=event.number)
    press(page, "requeue_dead_event", event.number, {}, done)
