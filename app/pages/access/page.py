"""Who may do what, and who did what."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import streamlit as st

from app.address import Param, one_of
from app.pages import actor
from app.pages.access.chosen import shows
from app.pages.access.keys import show_keys
from app.pages.access.once import show_secret
from app.pages.access.people import show_people
from app.pages.access.roles import show_roles
from app.pages.access.sessions import show_sessions
from app.pages.access.trail import show_trail
from app.pages.given import given
from app.pages.rights import show_no_right
from app.pages.sections import show_sections

if TYPE_CHECKING:
    from collections.abc import Callable

    from app.reads import Page

_ADMINISTER: Final = ("administer", "account")
_READ: Final = ("read_audit", "rules")
#: The parts of the screen: what draws each, and the right that it asks for.
PARTS: Final[dict[str, tuple[Callable[[Page], None], tuple[str, str]]]] = {
    "users": (show_people, _ADMINISTER),
    "sessions": (show_sessions, _ADMINISTER),
    "keys": (show_keys, _ADMINISTER),
    "audit": (show_trail, _READ),
    "roles": (show_roles, ("see", "")),
}
PART: Final = Param("part", one_of(PARTS))


def show(page: Page) -> None:
    """Draw the part that the address names, of those that the reader may see."""
    mine = [name for name, (_, right) in PARTS.items() if actor.may(page, *right)]
    asked = given(page, PART) or mine[0]
    st.segmented_control(
        page.texts("part.heading"),
        mine,
        required=True,
        format_func=lambda name: page.texts.word("part", name),
        label_visibility="collapsed",
        **shows("part", asked if asked in mine else mine[0]),
    )
    draw, right = PARTS[asked]
    if asked in mine:
        show_sections(page, show_secret, draw)
    else:
        show_no_right(page, [right])
