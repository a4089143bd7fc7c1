"""Accounts: who there is, what state they are in, and what an administrator does about it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import streamlit as st

from app.address import Param, words
from app.format import clock, count
from app.markup import Markup, chip, notice, tag, visible
from app.pages.access import reads
from app.pages.access.chosen import shows
from app.pages.access.once import keep_secret, still_shown
from app.pages.access.wide import wide
from app.pages.given import given
from app.pages.press import press
from pipeline.desk.people import passwords
from pipeline.desk.roles import READ_ONLY, ROLES

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from app.pages.access.reads import Person
    from app.reads import Page

ACCOUNT: Final = Param("account", words)
_LONGEST_NAME: Final = 80
_LONGEST_REASON: Final = 500


def show_people(page: Page) -> None:
    """The list, one account of it with what may be done, and a form for another one."""
    texts, found = page.texts, reads.people(page)
    st.html(
        tag(
            "div",
            texts("users.heading"),
            tag("small", texts("users.count", count=count(len(found)))),
            cls="mr-h2",
        )
    )
    if found:
        st.html(wide([texts(f"users.{name}") for name in _COLUMNS], [_row(page, one) for one in found]))
    left, right = st.columns(2, gap="large")
    with left:
        _show_one(page, {person.name: person for person in found})
    with right:
        _show_form(page)


_COLUMNS: Final = ("name", "role", "state", "seen", "totp", "company", "elsewhere")


def _row(page: Page, person: Person) -> list[str]:
    texts = page.texts
    known = [tag("small", person.display_name)] if person.display_name else []
    mine = [chip(texts("roles.yours"), "yours")] if person.account_id == page.actor.account_id else []
    elsewhere = (person.os_user and f"CLI {person.os_user}", person.slack_user, person.email)
    return [
        tag("span", tag("strong", person.name), *known, *mine, cls="mr-parts"),
        tag("span", texts.word("role", person.role), cls="mr-line"),  # a long name takes no letter of it
        _state(page, person),
        _moment(page, person.seen_at),
        texts("users.totp.set" if person.totp else "users.totp.none"),
        texts("answer.true" if person.company_login else "answer.false"),
        " · ".join(name for name in elsewhere if name) or "–",
    ]


def _state(page: Page, person: Person) -> Markup:
    """The one thing about an account that somebody may have to act on."""
    texts = page.texts
    if person.disabled_at is not None:
        return chip(f"✕ {texts('users.disabled')}", "off")
    if _is_locked(page, person):
        until = clock(person.locked_until, page.zone) if person.locked_until else ""
        return chip(f"▲ {texts('users.locked', until=until)}", "warn")
    if not (person.password or person.company_login):
        return chip(f"– {texts('users.no_way_in')}", "off")
    return chip(f"✓ {texts('users.active')}", "good")


def _is_locked(page: Page, person: Person) -> bool:
    return person.locked_until is not None and person.locked_until > page.clock()


def _moment(page: Page, at: datetime | None) -> str:
    return page.texts("users.never") if at is None else clock(at, page.zone)


# One account


def _show_one(page: Page, known: Mapping[str, Person]) -> None:
    texts, asked = page.texts, given(page, ACCOUNT)
    st.html(tag("div", texts("users.one"), cls="mr-h3"))
    if asked is not None and asked not in known:
        st.html(notice(texts("users.unknown", name=visible(asked, 40)), texts("address.unread.note")))
    name = st.selectbox(
        texts("users.choose"),
        list(known),
        placeholder=texts("users.choose.hint"),
        **shows("account", asked if asked in known else None),
    )
    if name is not None:
        _show_acts(page, known[name])


def _show_acts(page: Page, person: Person) -> None:
    """Buttons for what makes sense now. Of one's own account they ask first."""
    texts, number = page.texts, person.account_id
    mine = number == page.actor.account_id
    sure = True
    if mine:
        st.html(notice(texts("users.own"), texts("users.own.note")))
        sure = st.checkbox(texts("users.own.sure"), key=f"access-sure-{number}")
    st.text_input(texts("users.reason"), key=f"access-reason-{number}", max_chars=_LONGEST_REASON)
    others = [role for role in ROLES if role != person.role]
    st.selectbox(
        texts("users.new_role"),
        others,
        index=None,
        placeholder=texts("users.new_role.hint"),
        format_func=lambda role: texts.word("role", role),
        key=f"access-role-{number}",
    )
    acts = [("set_role", "set_role")]
    if person.disabled_at is not None:
        acts.append(("enable", "enable_account"))
    else:
        if _is_locked(page, person):
            acts.append(("unlock", "enable_account"))
        acts.append(("disable", "disable_account"))
    acts.append(("sign_out", "revoke_sessions"))
    with st.container(horizontal=True):
        for button, act in acts:
            key, then = f"access-{button}-{number}", (page, person, button, act)
            st.button(texts(f"users.do.{button}"), key=key, on_click=_do, args=then, disabled=not sure)
        _show_ways_in(page, person, mine=mine, sure=sure)


def _show_ways_in(page: Page, person: Person, *, mine: bool, sure: bool) -> None:
    """Another password, but of one's own account: there the old one is asked for. No authenticator."""
    texts, number = page.texts, person.account_id
    if not mine:
        key = f"access-password-{number}"
        st.button(texts("users.do.password"), key=key, on_click=_new_password, args=(page, person))
    if person.totp:
        key, then = f"access-totp-{number}", (page, person, "totp", "reset_totp")
        st.button(texts("users.do.totp"), key=key, on_click=_do, args=then, disabled=not sure)


def _do(page: Page, person: Person, button: str, act: str) -> None:
    number = person.account_id
    reason = f"access-reason-{number}"
    said: dict[str, Any] = {"reason": st.session_state.get(reason, "")}
    if act == "set_role":
        said["role"] = st.session_state.get(f"access-role-{number}")  # as it is when the button is pressed
    if act == "reset_totp":
        said = {"new": False}
    done = page.texts("users.done", act=page.texts(f"users.do.{button}"), name=person.name)
    if press(page, act, person.name, said, done):
        st.session_state[reason] = ""


def _new_password(page: Page, person: Person) -> None:
    if still_shown(page):
        return
    password = passwords.fresh(person.name)
    shown = page.texts("once.password", name=person.name)
    done = page.texts("users.done", act=page.texts("users.do.password"), name=person.name)
    press(
        page,
        "set_password",
        person.name,
        {"password": password},
        done,
        lambda _: keep_secret(shown, password),
    )


# Another account


def _show_form(page: Page) -> None:
    texts = page.texts
    st.html(tag("div", texts("users.add"), cls="mr-h3"))
    with st.form("access-new", border=False):
        st.text_input(texts("users.name"), key="access-new-name", max_chars=_LONGEST_NAME)
        st.text_input(texts("users.display_name"), key="access-new-display", max_chars=100)
        st.text_input(texts("users.email"), key="access-new-email", max_chars=320)
        st.selectbox(
            texts("users.role"),
            ROLES,
            index=ROLES.index(READ_ONLY),
            format_func=lambda role: texts.word("role", role),
            key="access-new-role",
        )
        st.checkbox(texts("users.no_password"), key="access-new-no-password")
        st.form_submit_button(texts("users.do.add"), on_click=_add, args=(page,))


def _add(page: Page) -> None:
    if still_shown(page):
        return
    typed = {name: st.session_state.get(f"access-new-{name}") or "" for name in ("name", "display", "email")}
    password = None if st.session_state.get("access-new-no-password") else passwords.fresh(typed["name"])
    said = {
        "name": typed["name"],
        "display_name": typed["display"],
        "email": typed["email"],
        "role": st.session_state["access-new-role"],
        "password": password,
    }
    done = page.texts("users.done", act=page.texts("users.do.add"), name=visible(typed["name"], 40))

    def show(answer: Mapping[str, Any]) -> None:
        if password is not None:
            keep_secret(page.texts("once.password", name=answer["account"]), password)

    if press(page, "add_account", "", said, done, show):
        for name in typed:
            st.session_state[f"access-new-{name}"] = ""
