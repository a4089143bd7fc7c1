"""People for tests: who acts, and an act done by them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from pipeline.desk.acts import act
from pipeline.desk.perform import Desk
from pipeline.desk.roles import SUPER_ADMIN, Actor
from pipeline.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pipeline.store.state import State

NOTHING: Mapping[str, str] = {}
#: Whoever starts a command where there are no accounts.
OWNER = Actor(None, "owner", SUPER_ADMIN, "cli")


def desk_of(
    state: State,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    settings: Mapping[str, str] = NOTHING,
) -> Desk:
    """The desk over a database of a test, with these settings beside the default ones."""
    said = {f"MINUTERISK_{name.upper()}": value for name, value in settings.items()}
    return Desk(state, load_settings(said).of(state.pack), clock)


def do(
    state: State,
    name: str,
    thing_id: str | int = "",
    *,
    actor: Actor = OWNER,
    settings: Mapping[str, str] = NOTHING,
    **given: object,
) -> dict[str, Any]:
    """Do an act."""
    return act(desk_of(state, settings=settings), actor, name, thing_id, given)
