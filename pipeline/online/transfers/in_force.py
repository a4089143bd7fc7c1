"""The event rules and lists in force, as people change them: read again only when something was changed."""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING

from sqlalchemy import text

from pipeline.packs.transfers.ruleset import Timeline, timeline_of
from queries import sql

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection


class InForceReader:
    """Follows what is in force; asked before each batch, it costs one small query while nothing changed."""

    def __init__(self) -> None:
        self._revision: int | None = None
        self._since: datetime | None = None
        self._timeline = Timeline()
        self._reading = Lock()

    def read(self, connection: Connection, since: datetime) -> Timeline:
        """Every set in force at `since` or later; the same value again while nothing changed."""
        with self._reading:
            revision = connection.execute(text(sql("transfers/ops/rule_revision"))).scalar_one()
            # Read before the rows: one that is newer than them is read again, never the other way round.
            if revision != self._revision or self._since is None or since < self._since:
                self._timeline = read_timeline(connection, since)
                self._revision, self._since = revision, since
            return self._timeline


def read_timeline(connection: Connection, since: datetime) -> Timeline:
    """Every set in force at `since` or later."""
    queries = ("rules_in_force", "lists_in_force", "learned_in_force")
    answers = [connection.execute(text(sql(f"transfers/ops/{name}")), {"since": since}) for name in queries]
    return timeline_of(*([dict(row) for row in answer.mappings()] for answer in answers))
