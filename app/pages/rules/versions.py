"""The versions of the rules: who wrote which, what differs, what it would have done, and what comes next."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import streamlit as st

from app.address import Param, number
from app.markup import chip, join, notice, table, tag, visible
from app.pages import actor
from app.pages.given import given, keep
from app.pages.press import press
from app.pages.rules import reads
from app.pages.rules.measured import show_measured
from app.pages.rules.numbers import differences
from app.pages.rules.said import name_of_path, plain_value, since

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.markup import Markup
    from app.pages.rules.reads import Told, Version
    from app.reads import Page

VERSION: Final = Param("version", number)
_CHOSEN: Final = "version-chosen"
_STATUS: Final = {
    "draft": "versions.draft",
    "submitted": "versions.submitted.word",
    "approved": "versions.approved.word",
    "withdrawn": "versions.withdrawn",
}


def show_versions(page: Page) -> None:
    """The list, and one of them."""
    known = reads.versions(page)
    asked = given(page, VERSION)
    if not known:
        return
    st.html(tag("h2", page.texts("versions.heading"), cls="mr-h2"))
    st.html(_list(page, known))
    if len(known) >= reads.SHOWN:
        st.html(tag("div", page.texts("versions.cut", shown=reads.SHOWN), cls="mr-note"))
    chosen = _choose(page, known, asked)
    told = reads.told(page, chosen.version)
    if told is not None:
        _show_version(page, chosen, told)


def forget_choice() -> None:
    """Whichever version comes first of itself is looked at next: a new draft."""
    st.session_state.pop(_CHOSEN, None)
    keep(version=None)


def status_of(page: Page, version: Version) -> str:
    """A word for where it stands."""
    return page.texts("versions.now" if version.in_force else _STATUS[version.status])


def _list(page: Page, known: Sequence[Version]) -> str:
    texts = page.texts
    head = ["version", "status", "author", "submitted", "approved", "from", "reason"]
    titles = [texts(_HEADS[name]) for name in head]
    rows = [
        [
            str(v.version),
            _status(page, v),
            tag("span", visible(v.author, 40), cls="mr-line"),
            visible(v.submitted_by or "–", 40),
            visible(v.approved_by or "–", 40),
            tag("span", since(page, v.in_force_from), cls="mr-line"),
            tag("span", visible(v.reason), cls="mr-wide"),
        ]
        for v in known
    ]
    return table(titles, rows)


def _status(page: Page, version: Version) -> Markup:
    shown = chip(status_of(page, version), "sent" if version.in_force else _TONES[version.status])
    by = version.withdrawn_by
    return shown if by is None else join([shown, tag("div", visible(by, 40), cls="mr-note")])


_HEADS: Final = {
    "version": "versions.version",
    "status": "versions.status",
    "author": "versions.author",
    "submitted": "versions.submitted",
    "approved": "versions.approved",
    "from": "versions.from",
    "reason": "versions.reason",
}
_TONES: Final = {"draft": "draft", "submitted": "pending", "approved": "approved", "withdrawn": "withdrawn"}


def _choose(page: Page, known: Sequence[Version], asked: int | None) -> Version:
    """The one of the address, else the newest that waits for somebody, else the newest."""
    numbers = {version.version: version for version in known}
    if asked is not None and asked not in numbers:
        st.html(notice(page.texts("versions.unknown", version=asked), page.texts("address.unread.note")))
        asked = None
    waiting = (version.version for version in known if version.status in reads.WAITING)
    first = asked or next(waiting, known[0].version)
    if st.session_state.get(_CHOSEN) not in numbers or asked is not None:
        st.session_state[_CHOSEN] = first
    chosen = st.selectbox(
        page.texts("versions.choose"),
        list(numbers),
        key=_CHOSEN,
        format_func=lambda n: visible(f"{n} · {status_of(page, numbers[n])} · {numbers[n].reason}", 100),
        on_change=_remember,
    )
    return numbers[chosen or first]


def _remember() -> None:
    keep(version=st.session_state[_CHOSEN])


def _show_version(page: Page, version: Version, told: Told) -> None:
    _show_difference(page, version, told)
    show_measured(page, told)
    _show_acts(page, version, told)


def _show_difference(page: Page, version: Version, told: Told) -> None:
    """What it changed: beside the version that it was to follow."""
    texts, other = page.texts, version.instead_of
    before = reads.told(page, other) if other else None
    if before is None:
        st.html(tag("div", texts("versions.first"), cls="mr-note"))
        return
    found = differences(before.numbers, told.numbers)
    st.html(tag("h3", texts("versions.difference", other=other), cls="mr-h3"))
    if not found:
        st.html(tag("div", texts("versions.same"), cls="mr-note"))
        return
    head = [texts("rules.number"), texts("versions.before"), texts("versions.after")]
    none = texts("versions.nothing")
    rows = [
        [name_of_path(one.path, texts), plain_value(one.before) or none, plain_value(one.after) or none]
        for one in found
    ]
    st.html(table(head, rows))


def _show_acts(page: Page, version: Version, told: Told) -> None:
    """What may be done with it now, by whoever looks."""
    buttons = _buttons(page, version, told)
    if not buttons:
        return
    with st.container(horizontal=True):
        for label, name, done in buttons:
            key = f"{name}-{version.version}"
            st.button(page.texts(label), key=key, on_click=_do, args=(page, name, version.version, done))


def _do(page: Page, name: str, version: int, done: str) -> None:
    press(page, name, version, {}, page.texts(done, version=version))


def _buttons(page: Page, version: Version, told: Told) -> list[tuple[str, str, str]]:
    """Label, act, and what is said once it was done."""
    if version.status not in reads.WAITING:
        return _withdraw(page, version) if version.status == "approved" and not version.in_force else []
    found: list[tuple[str, str, str]] = []
    if actor.may(page, "draft", "rules") and told.backtest_asked_at is None:
        again = "act.measure_again" if told.backtest else "act.measure"
        found.append((again, "backtest_rules", "version.measure.done"))
    if version.status == "draft" and actor.may(page, "submit", "rules"):
        found.append(("act.submit", "submit_rules", "version.submit.done"))
    if version.status == "submitted" and actor.may(page, "approve", "rules"):
        found += _approve(page, version, told)
    return [*found, *_withdraw(page, version)]


def _approve(page: Page, version: Version, told: Told) -> list[tuple[str, str, str]]:
    """The button that lets it be in force, or why it is not offered."""
    mine = page.actor.account_id
    if mine is not None and mine in (version.author_id, version.submitted_by_id):
        st.html(notice(page.texts("version.own")))
        return []
    if told.backtest is None:
        st.html(notice(page.texts("version.not_measured")))
        return []
    return [("act.approve", "approve_rules", "version.approve.done")]


def _withdraw(page: Page, version: Version) -> list[tuple[str, str, str]]:
    mine = page.actor.account_id is not None and version.author_id == page.actor.account_id
    if actor.may(page, "submit", "rules") or (mine and version.status == "draft"):
        return [("act.withdraw", "withdraw_rules", "version.withdraw.done")]
    return []
