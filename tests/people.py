"""People for tests: who acts, and an act done by them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from pipeline.desk.acts import act
from pipeline.desk.perform import Desk
from pipeline.desk.roles import SUPER_ADMIN, Actor
from pipeline.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipeline.store.state import State

#: Whoever starts a command where there are no accounts.
OWNER = Actor(None, "owner", SUPER_ADMIN, "cli")


def desk_of(state: State, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> Desk:
    """The desk over a database of a test, with default settings."""
    return Desk(state, load_settings({}).of(state.pack), clock)


def do(
    state: State, name: str, thing_id: str | int = "", *, actor: Actor = OWNER, **given: object
) -> dict[str, Any]:
    """Do an act."""
    return act(desk_of(state), actor, name, thing_id, given)
