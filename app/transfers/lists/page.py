"""Lists of values: what is denied, what is allowed, and what rules ask; who put it there, and until when."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import streamlit as st

from app.address import Param, words
from app.format import count, moment
from app.markup import join, notice, tag, visible
from app.pages import actor
from app.pages.given import given, keep
from app.pages.press import press
from app.pages.sections import show_sections
from app.transfers.lists import reads
from pipeline.packs.transfers.ruleset import DENY

if TYPE_CHECKING:
    from app.markup import Markup
    from app.reads import Page
    from app.transfers.lists.reads import Entry

LIST: Final = Param("list", words)
_CHOSEN: Final = "list-chosen"
_VALUE, _REASON, _FOR, _NEW = "list-value", "list-reason", "list-for", "list-new"
#: "": until it is removed.
_LENGTHS: Final = ("", "1h", "1d", "7d", "30d")
_SHOWN: Final = 200


def show(page: Page) -> None:
    """Draw the screen."""
    chosen = _choose(page)
    left, right = st.columns([3, 2], gap="large")
    with left:
        show_sections(page, lambda page: show_entries(page, chosen))
    with right:
        show_sections(page, lambda page: show_add(page, chosen))


def _choose(page: Page) -> str:
    """Which list; the address keeps it."""
    known, asked = reads.names(page), given(page, LIST)
    if asked is not None and asked not in known:
        title = page.texts("lists.unknown", name=visible(asked, 64))
        st.html(notice(title, page.texts("address.unread.note")))
        asked = None
    if st.session_state.get(_CHOSEN) not in known or asked is not None:
        st.session_state[_CHOSEN] = asked or known[0]
    counts = {name: sum(entry.list == name for entry in reads.entries(page)) for name in known}
    st.segmented_control(
        page.texts("lists.choose"),
        known,
        required=True,
        key=_CHOSEN,
        format_func=lambda name: f"{page.texts.word('list_name', name)} {count(counts[name])}",
        on_change=_remember,
    )
    return str(st.session_state[_CHOSEN])


def _remember() -> None:
    keep(list=st.session_state[_CHOSEN])


def show_entries(page: Page, chosen: str) -> None:
    """What stands on it."""
    texts = page.texts
    found = [entry for entry in reads.entries(page) if entry.list == chosen]
    about = texts.word("list_about", chosen)
    said = texts("list_about.other") if about == chosen else about
    st.html(tag("h2", visible(texts.word("list_name", chosen), 64), tag("small", said), cls="mr-h2"))
    if not found:
        st.html(notice(texts("lists.none")))
    for entry in found[:_SHOWN]:
        _show_entry(page, entry)
    if len(found) > _SHOWN:
        st.html(tag("div", texts("lists.cut", shown=_SHOWN, count=count(len(found))), cls="mr-note"))


def _show_entry(page: Page, entry: Entry) -> None:
    texts = page.texts
    with st.container(border=True, key=f"entry-{entry.entry_id}"):
        st.html(_entry(page, entry))
        if not _may_change(page, entry.list):
            return
        with st.container(horizontal=True, vertical_alignment="bottom"):
            key = f"why-remove-{entry.entry_id}"
            st.text_input(texts("lists.reason"), key=key, max_chars=1_000, width=260)
            st.button(
                texts("lists.remove"),
                key=f"remove-{entry.entry_id}",
                on_click=_remove,
                args=(page, entry, key),
            )


def _entry(page: Page, entry: Entry) -> Markup:
    texts = page.texts
    until = moment(entry.until_at, page.zone) if entry.until_at else texts("lists.until.removed")
    span = texts("lists.span", since=moment(entry.from_at, page.zone, seconds=True), until=until)
    return join(
        [
            tag("div", visible(entry.value, 64), cls="mr-h3"),
            tag("div", visible(entry.reason, 1_000)),
            tag(
                "div",
                tag("span", texts("lists.by", by=visible(entry.added_by, 60))),
                tag("span", span),
                cls="mr-note mr-counts",
            ),
        ]
    )


def _may_change(page: Page, name: str) -> bool:
    """Who may deny may not always allow; a list that rules ask is like a rule."""
    return actor.may(page, "deny", "list_entry") and (name == DENY or actor.may(page, "allow", "list_entry"))


def show_add(page: Page, chosen: str) -> None:
    """Put a value on it, or on a list that is made by that."""
    if not actor.may(page, "deny", "list_entry"):
        return
    texts = page.texts
    st.html(tag("h2", texts("lists.add"), cls="mr-h2"))
    if not _may_change(page, chosen):
        st.html(notice(texts("lists.may_not")))
        return
    with st.form("list-add", border=False):
        if actor.may(page, "allow", "list_entry"):
            st.text_input(texts("lists.new"), key=_NEW, max_chars=64, placeholder=chosen)
        st.text_input(texts("lists.value"), key=_VALUE, max_chars=64)
        st.text_input(texts("lists.reason"), key=_REASON, max_chars=1_000)
        st.selectbox(
            texts("lists.for"),
            _LENGTHS,
            key=_FOR,
            format_func=lambda length: length or texts("lists.until.removed"),
        )
        st.form_submit_button(
            texts("lists.add.button"), key="list-add-button", on_click=_add, args=(page, chosen)
        )


def _add(page: Page, chosen: str) -> None:
    said = st.session_state
    name = str(said.get(_NEW) or "").strip() or chosen
    value = str(said[_VALUE] or "").strip()
    asked = {"list": name, "value": value, "reason": str(said[_REASON] or "").strip(), "for": said[_FOR]}
    done = page.texts(
        "lists.added", value=visible(value, 64), list=visible(page.texts.word("list_name", name), 64)
    )
    if press(page, "add_list_entry", "", asked, done):
        said[_VALUE] = said[_REASON] = ""
        keep(list=name)


def _remove(page: Page, entry: Entry, key: str) -> None:
    asked = {"reason": str(st.session_state[key] or "").strip()}
    done = page.texts("lists.removed", value=visible(entry.value, 64))
    press(page, "remove_list_entry", entry.entry_id, asked, done)
