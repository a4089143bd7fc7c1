"""What a person does with the chosen incident: buttons for those whose role may, and what came of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import streamlit as st
import structlog

from app import reads
from app.markup import notice, tag
from app.pages import actor
from pipeline.errors import MinuteriskError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from app.reads import Page
    from app.rows import Incident

log = structlog.get_logger()

#: The notice about the last act of this browser, and what was written for the next one.
_OUTCOME: Final = "act-outcome"
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
    """A press: whatever comes of it is a notice, never a traceback."""
    name = "label" if button in ("true_alarm", "false_alarm") else button
    said = {_SAID_AS[name]: st.session_state.get(_words(number), "")} if name in _SAID_AS else {}
    done = page.texts("acts.done", act=page.texts(f"act.{button}"), id=number)
    _outcome(page, lambda: actor.act(page, name, number, {**given, **said}), done)
    if st.session_state[_OUTCOME][2] == "good" and said:
        st.session_state[_words(number)] = ""


def _outcome(page: Page, press: Callable[[], object], done: str) -> None:
    try:
        press()
    except MinuteriskError as error:
        st.session_state[_OUTCOME] = (*error.in_language(page.texts.language), "warn")
    except Exception as error:
        log.exception("page.act_failed")
        body = page.texts("state.part_failed.note", what=type(error).__name__)
        st.session_state[_OUTCOME] = (page.texts("acts.failed"), body, "bad")
    else:
        st.session_state[_OUTCOME] = (done, "", "good")
    reads.look_again()


def show_outcome() -> None:
    """The notice of the press just made, also where nothing else can be shown; it goes with the next one."""
    outcome = st.session_state.pop(_OUTCOME, None)
    if outcome is not None:
        title, body, tone = outcome
        st.html(notice(title, body, tone=tone))
