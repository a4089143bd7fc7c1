"""Who looks, the way in and out, and the other language. Forms of the gate: no password comes by here."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from app.gate.forms import OTHER, Asked, demo_form, leave_form
from app.gate.here import form_tie_of_page, token_of_page
from app.gate.language import ADDRESS
from app.markup import Markup, join, notice, tag

if TYPE_CHECKING:
    from app.reads import Page
    from app.texts import Texts


def show_who(page: Page) -> None:
    """A line at the top: what is watched, the name, the role, the way out."""
    texts, visit, entrance = page.texts, page.visit, page.entrance
    shown = [
        tag("span", page.title, cls="mr-brand"),
        tag("span", visit.display_name or texts("who.nobody"), cls="mr-name"),
        tag("span", texts.word("role", page.actor.role), cls="mr-chip"),
    ]
    if visit.signed_in:
        words = Asked(texts.language, "/", entrance.seal.sign(token_of_page(), "leave"))
        shown += [_to_account(texts), leave_form(words)]
    elif entrance.demo:
        words = Asked(texts.language, "/", entrance.seal.sign(form_tie_of_page(), "form"))
        shown.append(demo_form(words, entrance.demo))
    elif visit.accounts:
        shown.append(_way_in(texts))
    shown.append(_other_language(texts))
    if not (visit.accounts or visit.problem):
        shown.append(tag("span", f"{texts('who.none')} {texts('who.none.note')}", cls="mr-hint"))
    st.html(tag("div", *shown, cls="mr-who"))


def show_over(texts: Texts) -> None:
    """Nothing can be seen: the session is over, or there never was one."""
    over = notice(texts("who.over"), texts("who.over.note"))
    st.html(join([over, tag("p", _way_in(texts))]))


def _other_language(texts: Texts) -> Markup:
    other = OTHER[texts.language]
    return tag("a", texts("who.other"), href=f"{ADDRESS}?to={other}", target="_self", lang=other)


def _to_account(texts: Texts) -> Markup:
    return tag("a", texts("who.account"), href=f"/account?lang={texts.language}", target="_self")


def _way_in(texts: Texts) -> Markup:
    return tag("a", texts("who.in"), href=f"/login?lang={texts.language}", target="_self")
