"""Who looks at the page, and the way in and out. Forms of the gate: no password comes by here."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from app.gate.forms import Asked, demo_form, leave_form
from app.gate.here import form_tie_of_page, token_of_page
from app.markup import Markup, join, notice, tag

if TYPE_CHECKING:
    from app.texts import Texts
    from pipeline.desk.people.entrance import Entrance, Visit


def show_who(texts: Texts, entrance: Entrance, visit: Visit) -> None:
    """A line at the top: the name, the role, the way out; or why nothing can be seen, and the way in."""
    if visit.actor is None:
        st.html(_over(texts))
        return
    name = visit.display_name or texts("who.nobody")
    shown = [
        tag("span", name, cls="mr-name"),
        tag("span", texts.word("role", visit.actor.role), cls="mr-chip"),
    ]
    if visit.signed_in:
        words = Asked(texts.language, "/", entrance.seal.sign(token_of_page(), "leave"))
        shown += [_to_account(texts), leave_form(words)]
    elif entrance.demo:
        words = Asked(texts.language, "/", entrance.seal.sign(form_tie_of_page(), "form"))
        shown.append(demo_form(words, entrance.demo))
    elif visit.accounts:
        shown.append(_way_in(texts))
    st.html(tag("div", *shown, cls="mr-who"))
    if not (visit.accounts or visit.problem):
        st.html(notice(texts("who.none"), texts("who.none.note")))


def _over(texts: Texts) -> Markup:
    return join([notice(texts("who.over"), texts("who.over.note")), tag("p", _way_in(texts))])


def _to_account(texts: Texts) -> Markup:
    return tag("a", texts("who.account"), href=f"/account?lang={texts.language}", target="_self")


def _way_in(texts: Texts) -> Markup:
    return tag("a", texts("who.in"), href=f"/login?lang={texts.language}", target="_self")
