"""What a person does with the chosen incident: buttons for those whose role may."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import streamlit as st

from app.markup import tag
from app.pages import actor
from app.pages.press import press

if TYPE_CHECKING:
    from collections.abc import Mapping

    from app.reads import Page
    from app.rows import Incident

_SNOOZE: Final = "1h"


def show_acts(page: Page, incident: Incident) -> None:
    """The acts that make sense now, and a line for the reason that some of them need."""
    if not actor.may(page, "handle"):
        return
    number = incident.incident_id
    st.html(tag("div", page.texts("acts.heading"), cls="mr-h3"))
    st.text_input(page.texts("acts.words"), key=_words(number), max_chars=1_000)
    buttons = _buttons(page, incident)
    for column, (name, given) in zip(st.columns(len(buttons)), buttons, strict=True):
        with column:
            label = page.texts(f"act.{name}")
            key = f"act-{name}-{number}"
            st.button(label, key=key, on_click=_do, args=(page, name, number, given), width="stretch")


def _buttons(page: Page, incident: Incident) -> list[tuple[str, Mapping[str, Any]]]:
    """Each act with what it is given beside the line of words."""
    name, over = actor.actor_of(page).name, incident.resolved_minute is not None
    acts: list[tuple[str, Mapping[str, Any]]] = []
    if incident.status == "open":
        acts.append(("acknowledge", {}))
    if incident.owner != name:
        acts.append(("assign", {}))
    acts.append(("note", {}))
    if not over and incident.snoozed_until is None:
        acts.append(("snooze", {"for": _SNOOZE}))
    acts.append(("reopen" if over else "resolve", {}))
    acts += [(label, {"label": label}) for label in ("true_alarm", "false_alarm") if incident.label != label]
    return acts


def _words(number: int) -> str:
    return f"act-words-{number}"


#: Acts that say what was written on the line, and under which name.
_SAID_AS: Final = {"note": "text", "resolve": "reason", "reopen": "reason", "label": "reason"}


def _do(page: Page, button: str, number: int, given: Mapping[str, Any]) -> None:
    name = "label" if button in ("true_alarm", "false_alarm") else button
    said = {_SAID_AS[name]: st.session_state.get(_words(number), "")} if name in _SAID_AS else {}
    done = page.texts("acts.done", act=page.texts(f"act.{button}"), id=number)
    if press(page, name, number, {**given, **said}, done) and said:
        st.session_state[_words(number)] = ""
