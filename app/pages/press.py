"""A press of a button that changes something: it is done at the desk, and what came of it is a notice.

Every screen presses through here. The notice stands once, above whatever screen is drawn next.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

import streamlit as st
import structlog

from app import reads
from app.markup import notice
from app.pages import actor
from pipeline.errors import MinuteriskError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from app.reads import Page

    Take = Callable[[Mapping[str, Any]], None]

log = structlog.get_logger()

#: The notice about the last press of this browser: title, body, tone, and until when it is shown.
_OUTCOME: Final = "press-outcome"
#: Long enough to read two sentences.
SHOWN_S: Final = 8.0
#: The act that was done last, and when. The second press of a double click asks for the same again.
_LAST: Final = "press-last"
TWICE_S: Final = 1.0


def press(
    page: Page,
    name: str,
    thing_id: str | int,
    given: Mapping[str, Any],
    done: str,
    take: Take = lambda _: None,
) -> bool:
    """Do an act for whoever looks, as the callback of a button. Was it done? Nothing is raised.

    `done` is what is told of one that was done; of another one, what stood in its way. `take` gets the act's
    answer. The screen drawn next reads what was changed. The same press again within a second is none.
    """
    asked = (name, str(thing_id), repr(sorted(given.items())))
    if _is_twice(asked):
        return False
    told = attempt(page, name, thing_id, given, take)
    if told is None:
        st.session_state[_LAST] = (asked, time.monotonic())
    tell(*(told or (done, "", "good")))
    reads.look_again()
    return told is None


def _is_twice(asked: tuple[str, str, str]) -> bool:
    last, at = st.session_state.get(_LAST, ((), 0.0))
    return bool(asked == last and time.monotonic() - at < TWICE_S)


def attempt(
    page: Page, name: str, thing_id: str | int, given: Mapping[str, Any], take: Take = lambda _: None
) -> tuple[str, str, str] | None:
    """Do an act; None where it was done, else the title, body and tone of what stood in its way."""
    try:
        take(actor.act(page, name, thing_id, given))
    except MinuteriskError as error:
        return (*error.in_language(page.texts.language), "warn")
    except Exception as error:
        log.exception("page.act_failed")
        body = page.texts("state.part_failed.note", what=type(error).__name__)
        return (page.texts("acts.failed"), body, "bad")
    return None


def tell(title: str, body: str = "", tone: str = "good") -> None:
    """What is shown above the screen from now on, for a while."""
    st.session_state[_OUTCOME] = (title, body, tone, time.monotonic() + SHOWN_S)


def show_outcome() -> None:
    """The notice of the press just made, also where nothing else can be shown.

    It stays for a few drawings: a message that is delivered has the page drawn again within a second.
    """
    place = st.empty()  # also without a notice, so that nothing below it moves in the list of elements
    title, body, tone, until = st.session_state.get(_OUTCOME, ("", "", "", 0.0))
    if time.monotonic() < until:
        place.html(notice(title, body, tone=tone))
