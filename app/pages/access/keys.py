"""API keys: what machines hold, making one, and taking one away."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import streamlit as st

from app.format import clock, count
from app.markup import Markup, chip, notice, tag, visible
from app.pages.access import reads
from app.pages.access.once import keep_secret, still_shown
from app.pages.access.wide import wide
from app.pages.press import press
from pipeline.desk.people.keys import DAYS, MOST_DAYS
from pipeline.desk.roles import ACTIONS, allowed_roles

if TYPE_CHECKING:
    from collections.abc import Mapping

    from app.pages.access.reads import ApiKey
    from app.reads import Page

#: What a key may be for: of what nobody may there is no key.
_ACTIONS: Final = tuple(action for action in ACTIONS if allowed_roles(action))


def show_keys(page: Page) -> None:
    """The keys, a choice of one to take away, and a form for another."""
    texts, found = page.texts, reads.keys(page)
    usable = [key for key in found if _is_usable(page, key)]
    heading = tag("small", texts("keys.count", count=count(len(usable))))
    st.html(tag("div", texts("keys.heading"), heading, cls="mr-h2"))
    if found:
        columns = ("number", "name", "account", "state", "actions", "expires", "used")
        st.html(wide([texts(f"keys.{name}") for name in columns], [_row(page, key) for key in found]))
    else:
        st.html(notice(texts("keys.none"), texts("keys.none.note"), tone="good"))
    left, right = st.columns(2, gap="large")
    with left:
        _show_revoke(page, {key.api_key_id: key for key in usable})
    with right:
        _show_form(page)


def _is_usable(page: Page, key: ApiKey) -> bool:
    return key.revoked_at is None and key.expires_at > page.clock()


def _row(page: Page, key: ApiKey) -> list[str]:
    texts, zone = page.texts, page.zone
    origin = [tag("small", key.last_origin)] if key.last_origin else []
    used = texts("users.never") if key.last_used_at is None else clock(key.last_used_at, zone)
    return [
        str(key.api_key_id),
        key.name,
        key.account,
        _state(page, key),
        ", ".join(texts.word("action", action) for action in key.actions),
        f"{key.expires_at.astimezone(zone):%Y-%m-%d %H:%M}",
        tag("span", tag("span", used), *origin, cls="mr-parts"),
    ]


def _state(page: Page, key: ApiKey) -> Markup:
    if key.revoked_at is not None:
        return chip(f"✕ {page.texts('keys.revoked')}", "off")
    if not _is_usable(page, key):
        return chip(f"✕ {page.texts('keys.expired')}", "off")
    return chip(f"✓ {page.texts('keys.usable')}", "good")


def _show_revoke(page: Page, usable: Mapping[int, ApiKey]) -> None:
    texts = page.texts
    st.html(tag("div", texts("keys.one"), cls="mr-h3"))
    number = st.selectbox(
        texts("keys.choose"),
        list(usable),
        index=None,
        placeholder=texts("keys.choose.hint"),
        format_func=lambda number: f"{number} · {usable[number].name} · {usable[number].account}",
        key="access-key",
    )
    if number in usable:
        st.button(
            texts("keys.revoke"),
            key=f"access-revoke-{number}",
            on_click=_revoke,
            args=(page, number),
        )


def _revoke(page: Page, number: int) -> None:
    press(page, "revoke_key", number, {}, page.texts("keys.done.revoked", number=number))


def _show_form(page: Page) -> None:
    texts = page.texts
    st.html(tag("div", texts("keys.add"), cls="mr-h3"))
    people = [person.name for person in reads.people(page) if person.disabled_at is None]
    with st.form("access-new-key", border=False):
        st.selectbox(texts("keys.account"), people, index=None, key="access-key-account")
        st.text_input(texts("keys.name"), key="access-key-name", max_chars=100)
        st.multiselect(
            texts("keys.actions"),
            _ACTIONS,
            format_func=lambda action: texts.word("action", action),
            key="access-key-actions",
        )
        st.number_input(texts("keys.days"), 1, MOST_DAYS, DAYS, key="access-key-days")
        st.form_submit_button(texts("keys.do.add"), on_click=_add, args=(page,))


def _add(page: Page) -> None:
    if still_shown(page):
        return
    name = st.session_state.get("access-key-name") or ""
    said = {
        "name": name,
        "actions": ",".join(st.session_state.get("access-key-actions") or ()),
        "days": st.session_state.get("access-key-days"),
    }
    account = st.session_state.get("access-key-account") or ""

    def show(answer: Mapping[str, Any]) -> None:
        keep_secret(page.texts("once.key", number=answer["api_key_id"], name=answer["name"]), answer["key"])

    done = page.texts("keys.done.added", name=visible(name, 40))
    if press(page, "add_key", account, said, done, show):
        st.session_state["access-key-name"] = ""
        st.session_state["access-key-actions"] = []
