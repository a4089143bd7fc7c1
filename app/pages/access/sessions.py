"""Who is signed in, and ending it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from app.format import clock, count, duration
from app.markup import chip, notice, tag
from app.pages.access import reads
from app.pages.access.wide import wide
from app.pages.press import press

if TYPE_CHECKING:
    from app.pages.access.reads import OpenSession
    from app.reads import Page


def show_sessions(page: Page) -> None:
    """The sessions that are not over, and a choice of one to end."""
    texts, found = page.texts, reads.sessions(page)
    heading = tag("small", texts("sessions.count", count=count(len(found))))
    st.html(tag("div", texts("sessions.heading"), heading, cls="mr-h2"))
    if not found:
        st.html(notice(texts("sessions.none"), tone="good"))
        return
    columns = ("number", "name", "way", "origin", "created", "seen", "expires")
    st.html(wide([texts(f"sessions.{name}") for name in columns], [_row(page, one) for one in found]))
    by_number = {one.session_id: one for one in found}
    number = st.selectbox(
        texts("sessions.choose"),
        list(by_number),
        index=None,
        placeholder=texts("sessions.choose.hint"),
        format_func=lambda number: f"{number} · {by_number[number].name} · {by_number[number].origin}",
        key="access-session",
    )
    if number in by_number:
        _show_acts(page, by_number[number])


def _row(page: Page, one: OpenSession) -> list[str]:
    texts, zone = page.texts, page.zone
    mine = [chip(texts("sessions.this"), "yours")] if _is_this(page, one) else []
    ago = duration(page.clock() - one.seen_at, texts.language)
    return [
        str(one.session_id),
        tag("span", tag("strong", one.name), *mine, cls="mr-parts"),
        texts.word("way", one.way),
        one.origin or "–",
        clock(one.created_at, zone),
        f"{clock(one.seen_at, zone)} ({texts('sessions.ago', duration=ago)})",
        clock(one.expires_at, zone),
    ]


def _is_this(page: Page, one: OpenSession) -> bool:
    return str(one.session_id) == page.actor.credential


def _show_acts(page: Page, one: OpenSession) -> None:
    texts = page.texts
    sure = True
    if _is_this(page, one):
        st.html(notice(texts("sessions.own"), texts("sessions.own.note")))
        sure = st.checkbox(texts("sessions.own.sure"), key=f"access-end-sure-{one.session_id}")
    with st.container(horizontal=True):
        st.button(
            texts("sessions.end"),
            key=f"access-end-{one.session_id}",
            on_click=_end,
            args=(page, "revoke_session", one.session_id, one.name),
            disabled=not sure,
        )
        mine = one.account_id == page.actor.account_id
        st.button(
            texts("sessions.end_others" if mine else "sessions.end_all", name=one.name),
            key=f"access-end-all-{one.session_id}",
            on_click=_end,
            args=(page, "revoke_sessions", one.name, one.name),
        )


def _end(page: Page, act: str, thing: str | int, name: str) -> None:
    press(page, act, thing, {}, page.texts("sessions.ended", name=name))
