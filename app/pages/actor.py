"""Who looks at the page, what they may do, and doing it. There is no login yet: nobody may do anything."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import streamlit as st

from app.door import state_url
from pipeline.desk import roles
from pipeline.desk.acts import act as do
from pipeline.desk.at import desk_at
from pipeline.desk.roles import READ_ONLY, Actor

if TYPE_CHECKING:
    from collections.abc import Mapping

    from app.reads import Page
    from pipeline.desk.perform import Desk
    from pipeline.settings import Settings


def actor_of(page: Page) -> Actor:  # noqa: ARG001 - what a login will say stands in it
    """Whoever looks at the page."""
    return Actor(None, "", READ_ONLY, "page")


def may(page: Page, action: str, kind: str = "") -> bool:
    """May they take an action? What they may not is not shown, and refused all the same."""
    return roles.may(actor_of(page), action, kind)


def act(page: Page, name: str, thing_id: int, given: Mapping[str, Any]) -> dict[str, Any]:
    """Do an act for whoever looks at the page. Raises what stands in its way."""
    settings = page.door.settings
    return do(_desk(state_url(settings), page.name, settings), actor_of(page), name, thing_id, given)


@st.cache_resource(show_spinner=False, on_release=lambda desk: desk.state.engine.dispose())
def _desk(url: str, name: str, _settings: Settings) -> Desk:  # noqa: ARG001 - the key of the cache
    return desk_at(url, _settings)
