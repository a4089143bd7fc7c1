"""The bar at the foot of every screen: is the pipeline alive, how new is what is shown. Asked each second.

It alone runs by itself. Where anything has changed since the screen was drawn it has the whole drawn anew.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

import streamlit as st

from app import reads
from app.changes import mark_of, published_of
from app.format import day, duration, time_of_day
from app.gate.here import visit_of_page
from app.markup import Markup, tag
from app.pages.states import state_of
from app.pulse import TONES, lag

if TYPE_CHECKING:
    from datetime import datetime

    from app.reads import Page
    from app.rows import Heartbeat
    from pipeline.store.manifest import Manifest

EVERY_S: Final = 1
#: So often it is asked whether the session still stands, also where nothing changes.
VISIT_EVERY: Final = timedelta(seconds=10)
_ASKED: Final = "visit-asked"


def show_head(page: Page) -> None:
    """Draw the bar, and keep asking."""
    st.session_state[_ASKED] = page.clock()
    with st.bottom:
        st.fragment(_head, run_every=EVERY_S)(page)


def _head(page: Page) -> None:
    heartbeat, now = reads.heartbeat(page), page.clock()
    if mark_of(page.door, heartbeat, now) != page.mark or not _still_here(page, now):
        st.rerun()
    st.html(_bar(page, heartbeat, published_of(page.door), now))


def _still_here(page: Page, now: datetime) -> bool:
    if now - st.session_state[_ASKED] < VISIT_EVERY:
        return True
    st.session_state[_ASKED] = now
    return visit_of_page(page.entrance).actor == page.visit.actor


def _bar(page: Page, heartbeat: Heartbeat | None, manifest: Manifest | None, now: datetime) -> Markup:
    """The word, and which minute is the newest; its day only where that is not today."""
    state, texts = state_of(page, heartbeat), page.texts
    parts = [tag("span", texts(f"pulse.{state}"), cls=f"mr-pulse mr-{TONES[state]}")]
    if manifest is not None:
        minute = manifest.newest_minute
        date = minute.astimezone(page.zone).date()
        today = date == now.astimezone(page.zone).date()
        said = time_of_day(minute, page.zone)
        said = said if today else f"{day(date, texts.language)} {said}"
        parts.append(tag("span", texts("head.newest", minute=said)))
        parts.append(tag("span", texts("header.lag", duration=duration(lag(manifest, now), texts.language))))
    return tag("div", *parts, cls="mr-bar", role="status")
