"""Routes and silences as people change them, and what is told when a silence is over."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from pipeline.judge.life import Event
from pipeline.minute import floor_minute
from pipeline.store.incidents import Incidents, incident_of
from pipeline.store.telling import route_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import Connection

    from pipeline.tell.routes import Match, Route


class Silences(Incidents):
    """The lists of routes and silences; they are the installation's, not a pack's."""

    def routes(self, connection: Connection) -> list[Route]:
        """Where incidents are told, in order."""
        return [route_of(row) for row in self.ask(connection, "routes").mappings()]

    def lock_routes(self, connection: Connection) -> list[Route]:
        """The same, and nobody else changes them until the transaction ends."""
        self.ask(connection, "lock_routes")
        return self.routes(connection)

    def put_route(self, connection: Connection, route: Route, place: int, by: str) -> None:
        """Put a route at a place of the list, 1 being the first."""
        given = {"name": route.name, "match": json.dumps(route.match), "by": by, "place": place}
        channels = {"channel": route.channel, "second": route.second, "goes_on": route.goes_on}
        self.ask(connection, "insert_route", **given, **channels)

    def take_route(self, connection: Connection, name: str) -> Route | None:
        """Take a route off the list; None where there is none of that name."""
        found = self.ask(connection, "delete_route", name=name).mappings().first()
        return None if found is None else route_of(found)

    def begin_silence(
        self,
        connection: Connection,
        match: Match,
        reason: str,
        starts_at: datetime | None,
        ends_at: datetime,
        by: str,
    ) -> Mapping[str, Any]:
        """Begin a silence, now or later; gives its number and times."""
        given = {"match": json.dumps(match), "reason": reason, "by": by}
        times = {"starts_at": starts_at, "ends_at": ends_at}
        return dict(self.ask(connection, "insert_silence", **given, **times).mappings().one())

    def end_silence(self, connection: Connection, silence_id: int, by: str) -> Mapping[str, Any] | None:
        """End it before its time; None where it is over or never was."""
        found = self.ask(connection, "end_silence", id=silence_id, by=by).mappings().first()
        return None if found is None else dict(found)

    def silences(self, *, with_ended: bool, at_most: int = 100) -> Sequence[Mapping[str, Any]]:
        """Silences, newest first, with how much each has kept."""
        return self.rows("silences", with_ended=with_ended, at_most=at_most)

    def close_silences(self) -> int:
        """Tell what is still open of what a silence has kept, for each that is over; how many were."""
        with self.changing() as connection:
            closed = sorted(self.ask(connection, "close_silences").scalars())
            for silence_id in closed:
                self._tell_still_open(connection, silence_id)
        return len(closed)

    def _tell_still_open(self, connection: Connection, silence_id: int) -> None:
        found = self.ask(connection, "still_open", silence_id=silence_id).mappings().all()
        minute = floor_minute(self.now(connection))
        events = [Event("unsilenced", minute, incident_of(dict(row)), visible=True) for row in found]
        self.ask(connection, "forget_unsilenced", silence_id=silence_id)
        self.tell(connection, events, silence_id=silence_id)
        self.ask(connection, "tell_resolved", silence_id=silence_id)
