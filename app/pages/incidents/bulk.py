"""Several incidents at once: each is its own act of the desk, and one that is refused stops no other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import streamlit as st

from app import reads
from app.markup import plain
from app.pages import actor
from app.pages.incidents.inbox import picked
from app.pages.press import attempt, tell

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from app.reads import Page
    from app.rows import IncidentList

_WORDS: Final = "bulk-words"
_ALL: Final = "bulk-all"
#: How many refusals are told with their reason; the others are counted.
_TOLD: Final = 5
#: Each button: the act, what it is given, and the name of what was written on the line.
_ACTS: Final[Mapping[str, tuple[str, Mapping[str, Any], str]]] = {
    "acknowledge": ("acknowledge", {}, ""),
    "assign": ("assign", {}, ""),
    "snooze": ("snooze", {"for": "1h"}, ""),
    "resolve": ("resolve", {}, "reason"),
    "true_alarm": ("label", {"label": "true_alarm"}, "reason"),
    "false_alarm": ("label", {"label": "false_alarm"}, "reason"),
}


def show_picking(page: Page) -> bool:
    """Whether several are chosen now; only for those who may do something with them."""
    if not actor.may(page, "handle"):
        return False
    return st.toggle(page.texts("bulk.toggle"), key="bulk")


def show_bulk(page: Page, found: IncidentList) -> None:
    """What to do with all that are chosen on this page of the list."""
    numbers = [incident.incident_id for incident in found.shown]
    texts = page.texts
    chosen = [number for number in numbers if st.session_state.get(picked(number))]
    with st.container(border=True, gap="xsmall"):
        st.checkbox(texts("bulk.all"), key=_ALL, on_change=_choose_all, args=(numbers,))
        st.text_input(
            texts("acts.words"),
            key=_WORDS,
            max_chars=1_000,
            placeholder=texts("acts.words"),
            label_visibility="collapsed",
        )
        with st.container(horizontal=True, gap="xsmall"):
            for button in _ACTS:
                st.button(
                    texts(f"act.{button}"),
                    key=f"bulk-{button}",
                    on_click=_do,
                    args=(page, button, chosen),
                    disabled=not chosen,
                )
    st.caption(plain(texts("bulk.chosen", count=len(chosen))))


def _choose_all(numbers: Sequence[int]) -> None:
    for number in numbers:
        st.session_state[picked(number)] = st.session_state[_ALL]


def _do(page: Page, button: str, numbers: Sequence[int]) -> None:
    name, given, said = _ACTS[button]
    words = {said: st.session_state.get(_WORDS, "")} if said else {}
    refused = {}
    for number in numbers:
        met = attempt(page, name, number, {**given, **words})
        if met is not None:
            refused[number] = met
        else:
            st.session_state[picked(number)] = False
    reads.look_again()
    _tell(page, page.texts(f"act.{button}"), len(numbers), refused)
    if not refused and said:
        st.session_state[_WORDS] = ""


def _tell(page: Page, act: str, asked: int, refused: Mapping[int, tuple[str, str, str]]) -> None:
    texts = page.texts
    title = texts("bulk.done", act=act, done=asked - len(refused), asked=asked)
    if not refused:
        tell(title)
        return
    why = [f"{number}: {' '.join(met[:2])}" for number, met in list(refused.items())[:_TOLD]]
    if len(refused) > _TOLD:
        why.append(texts("bulk.more", count=len(refused) - _TOLD))
    tell(title, " · ".join([texts("bulk.refused", count=len(refused)), *why]), "warn")
