"""Who looks at the page, what they may do, and doing it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from app.gate import here
from pipeline.desk import roles
from pipeline.errors import NotAllowed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from app.reads import Page


def may(page: Page, action: str, kind: str = "") -> bool:
    """May they take an action? What they may not is not shown, and refused all the same."""
    return roles.may(page.actor, action, kind)


def act(page: Page, name: str, thing_id: str | int, given: Mapping[str, Any]) -> dict[str, Any]:
    """Do an act for whoever looks at the page. Raises what stands in its way.

    A press comes before the page is drawn anew, so whether the session still stands is asked again.
    """
    actor = here.visit_of_page(page.entrance).actor
    if actor is None or actor.account_id != page.actor.account_id:
        msg = "your session has ended"
        raise NotAllowed(msg, "sign in again: nothing was changed")
    return page.entrance.act(actor, name, thing_id, given, page.pack.name)
