"""What a person does with the chosen incident: the acts that make sense now, for those whose role may."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING, Any, Final

import streamlit as st

from app.markup import visible
from app.pages import actor
from app.pages.incidents import reads
from app.pages.press import press
from pipeline.minute import business_date

if TYPE_CHECKING:
    from collections.abc import Mapping

    from app.reads import Page
    from app.rows import Incident

#: The key of the keyboard that does an act.
_SHORTCUTS: Final[Mapping[str, str]] = {"acknowledge": "a", "snooze": "s", "resolve": "e"}
#: How long a snooze may be, beside the hour that its own button gives.
_SNOOZES: Final = ("1h", "4h", "tomorrow")
#: When people are there again.
_MORNING: Final = time(9)


def show_acts(page: Page, incident: Incident) -> None:
    """A line for the note or the reason, and a button for each act."""
    if not actor.may(page, "handle"):
        return
    number, texts = incident.incident_id, page.texts
    st.text_input(
        texts("acts.words"),
        key=words_key(number),
        max_chars=1_000,
        placeholder=texts("acts.words"),
        label_visibility="collapsed",
    )
    with st.container(horizontal=True, gap="xsmall"):
        for name, given in _buttons(page, incident):
            label = texts(f"act.{name}")
            key = f"act-{name}-{number}"
            args = (page, name, number, given)
            st.button(label, key=key, on_click=_do, args=args, shortcut=_SHORTCUTS.get(name))
        _show_more(page, incident)


def _buttons(page: Page, incident: Incident) -> list[tuple[str, Mapping[str, Any]]]:
    """Each act with what it is given beside the line of words."""
    name, over = page.actor.name, incident.resolved_minute is not None
    acts: list[tuple[str, Mapping[str, Any]]] = []
    if incident.status == "open":
        acts.append(("acknowledge", {}))
    if incident.owner != name:
        acts.append(("assign", {}))
    acts.append(("note", {}))
    if not over and incident.snoozed_until is None:
        acts.append(("snooze", {"for": _SNOOZES[0]}))
    acts.append(("reopen" if over else "resolve", {}))
    acts += [(label, {"label": label}) for label in ("true_alarm", "false_alarm") if incident.label != label]
    return acts


def _show_more(page: Page, incident: Incident) -> None:
    """A longer snooze, and whom else it can be given to."""
    texts, number = page.texts, incident.incident_id
    with st.popover(texts("acts.more")):
        if incident.resolved_minute is None:
            with st.container(horizontal=True, gap="xsmall"):
                for length in _SNOOZES:
                    st.button(
                        texts(f"snooze.{length}"),
                        key=f"snooze-{length}-{number}",
                        on_click=_snooze,
                        args=(page, number, length),
                    )
        st.selectbox(
            texts("acts.assign_to"),
            [name for name in reads.owners(page) if name != incident.owner],
            index=None,
            key=_to(number),
            format_func=lambda name: visible(name, 60),
        )
        st.button(texts("acts.assign"), key=f"assign-to-{number}", on_click=_assign, args=(page, number))


def words_key(number: int) -> str:
    """Where the line for the note or the reason is kept."""
    return f"act-words-{number}"


def _to(number: int) -> str:
    return f"act-to-{number}"


#: Acts that say what was written on the line, and under which name.
_SAID_AS: Final = {"note": "text", "resolve": "reason", "reopen": "reason", "label": "reason"}


def _do(page: Page, button: str, number: int, given: Mapping[str, Any]) -> None:
    name = "label" if button in ("true_alarm", "false_alarm") else button
    said = {_SAID_AS[name]: st.session_state.get(words_key(number), "")} if name in _SAID_AS else {}
    done = page.texts("acts.done", act=page.texts(f"act.{button}"), id=number)
    if press(page, name, number, {**given, **said}, done) and said:
        st.session_state[words_key(number)] = ""


def _snooze(page: Page, number: int, length: str) -> None:
    given = {"until": _tomorrow(page).isoformat()} if length == _SNOOZES[-1] else {"for": length}
    done = page.texts("acts.done", act=page.texts(f"snooze.{length}"), id=number)
    press(page, "snooze", number, given, done)


def _tomorrow(page: Page) -> datetime:
    day = business_date(page.clock(), page.zone) + timedelta(days=1)
    return datetime.combine(day, _MORNING, page.zone)


def _assign(page: Page, number: int) -> None:
    """Without a choice nothing is given away: the desk would take nobody for the actor."""
    to = st.session_state.get(_to(number))
    if to:
        done = page.texts("acts.assigned", id=number, to=to)
        press(page, "assign", number, {"to": to}, done)
