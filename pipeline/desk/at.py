"""The desk over the operational database at an address: for a door that holds no database of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.desk.perform import Desk
from pipeline.store.database import connect_state
from pipeline.store.state import State

if TYPE_CHECKING:
    from pipeline.settings import Settings


def desk_at(url: str, settings: Settings) -> Desk:
    """The desk of the settings' first pack; opens nothing yet."""
    return Desk(State(connect_state(url), url, settings.pack, settings.currency), settings)
