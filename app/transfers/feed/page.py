"""The latest alerts as they come; or one payment of them, with why it was judged as it was."""

from __future__ import annotations

import json
import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode

import streamlit as st

from app.address import Param, words
from app.markup import notice, tag
from app.pages.alone import alone
from app.pages.given import given, keep
from app.transfers.feed import reads
from app.transfers.feed.alerts import COLUMNS, FRESH_S, SHOWN, address_of, cells_of, rows_of
from app.transfers.feed.payment import show_payment
from app.transfers.feed.stream import ADDRESS, is_followed
from app.transfers.looks import STYLE

if TYPE_CHECKING:
    from app.reads import Page

#: The gate allows exactly this script: it is one of the page's (app/transfers/__init__.py).
SCRIPT: Final = Path(__file__).parent / "feed.js"
TRANSFER: Final = Param("transfer", words)
#: A page that does not follow the stream is drawn anew so often.
EVERY_S: Final = 5
_VIEWER: Final = "feed-viewer"
_TYPED: Final = "feed-transfer"
_WORDS: Final = ("connecting", "live", "lost", "away", "over", "hold", "go", "none", *COLUMNS)


def show(page: Page) -> None:
    """Draw the screen."""
    st.html(STYLE)
    asked = given(page, TRANSFER)
    _show_search(page, asked)
    if asked is not None:
        show_payment(page, asked)
        return
    note = tag("small", page.texts("feed.note", count=SHOWN, seconds=FRESH_S))
    st.html(tag("h2", page.texts("feed.heading"), note, cls="mr-h2"))
    _show_stream(page)
    st.fragment(_show_table, run_every=EVERY_S)(page)


def _show_search(page: Page, asked: str | None) -> None:
    """To a payment that somebody names."""
    if st.session_state.get("feed-asked") != asked:
        st.session_state[_TYPED] = st.session_state["feed-asked"] = asked
    st.text_input(
        page.texts("payment.search"),
        key=_TYPED,
        max_chars=64,
        on_change=_look,
        icon=":material/search:",
        width=360,
    )


def _look() -> None:
    typed = str(st.session_state[_TYPED] or "").strip()
    keep(transfer=typed or None)


def _show_stream(page: Page) -> None:
    """A place that the script fills; everything it needs to know stands in its attributes."""
    if _VIEWER not in st.session_state:
        st.session_state[_VIEWER] = secrets.token_urlsafe(12)
    texts, viewer = page.texts, st.session_state[_VIEWER]
    address = f"{ADDRESS}?{urlencode({'language': texts.language, 'viewer': viewer})}"
    place = tag(
        "div",
        id="mr-feed",
        **{
            "data-stream": address,
            "data-way": address_of("", page.pack.name if page.among_others else None),
            "data-words": json.dumps({name: texts(f"feed.{name}") for name in _WORDS}, ensure_ascii=False),
        },
    )
    st.html(place)
    st.html(f"<script>{SCRIPT.read_text(encoding='utf-8')}</script>", unsafe_allow_javascript=True)


def _show_table(page: Page) -> None:
    """What stands in for the stream while this page does not follow it."""
    if is_followed(st.session_state[_VIEWER]):
        return
    with alone(page, "alerts"), st.container(key="mr-feed-table"):
        found, now = reads.alerts(page), page.clock()
        if not found:
            st.html(notice(page.texts("feed.none"), tone="good"))
            return
        cells = [cells_of(alert, page.texts, page.zone, now) for alert in found]
        st.html(rows_of(cells, page.texts, page.pack.name if page.among_others else None))
