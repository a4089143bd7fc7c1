"""Incidents of one pack and what people are told of them, written together."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any

from pipeline.judge.life import Changes, Event, Incident, Key
from pipeline.judge.people import Dismissal, Snooze
from pipeline.judge.withheld import HeldSpan, Withheld
from pipeline.minute import floor_minute
from pipeline.pack import AtRisk
from pipeline.store.database import as_json
from pipeline.store.telling import Telling

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import Connection, Engine

_AS_STORED = [f.name for f in fields(Incident) if f.name != "at_risk"]
_MINUTES = [name for name in _AS_STORED if name.endswith("_minute")]


class Incidents(Telling):
    """Incidents, open and resolved; their money is in `currency`."""

    def __init__(self, engine: Engine, url: str, pack: str, currency: str, home_channel: str = "") -> None:
        super().__init__(engine, url, pack)
        self.currency = currency
        self.home_channel = home_channel

    def unresolved(self) -> dict[Key, Incident]:
        """All incidents that are not resolved, by rule and entity."""
        return _by_key(self.rows("unresolved_incidents"))

    def resolved_since(self, since: datetime) -> dict[Key, Incident]:
        """The newest incident of each rule and entity that may have been over only after `since`."""
        return _by_key(self.rows("resolved_incidents", since=since))

    def dismissed(self, since: datetime) -> dict[Key, Incident]:
        """Incidents that a person resolved and whose rule was breached after `since`."""
        return _by_key(self.rows("dismissed_incidents", since=since))

    def withheld(self) -> Withheld:
        """What people hold back, past, present and planned."""
        return Withheld([HeldSpan(**row) for row in self.rows("withheld")])

    def incidents_between(self, first: datetime, last: datetime) -> Sequence[Mapping[str, Any]]:
        """Incidents that were unresolved at any minute from `first` to `last`, for `incident_of`."""
        return self.rows("incidents_between", first=first, last=last)

    def take(self, connection: Connection, incident_id: int, by: str) -> Incident | None:
        """Acknowledge an open incident; None where it is not open."""
        if self.ask(connection, "take_incident", id=incident_id, by=by).first() is None:
            return None
        return incident_of(dict(self.ask(connection, "incident", id=incident_id).mappings().one()))

    def _write_changes(self, connection: Connection, changes: Changes, minute: datetime | None) -> None:
        """Change the incidents and tell of it; but for those on which somebody has acted meanwhile.

        What was decided of these did not know of the act: the next minute decides it again.
        """
        acted: set[int | None] = set()
        for name, incidents in (
            ("resolve_incidents", changes.resolved),
            ("reopen_incidents", changes.reopened),
            ("continue_incidents", changes.continued),
            ("dismiss_incidents", changes.dismissed),
        ):
            if incidents:
                given = {"incidents": _as_rows(incidents), "minute": minute}
                changed = set(self.ask(connection, name, **given).scalars())
                acted |= {i.incident_id for i in incidents} - changed
        ids: dict[Key, int] = {}
        if changes.opened:
            given = {"currency": self.currency, "incidents": _as_rows(changes.opened)}
            opened = self.ask(connection, "open_incidents", **given)
            ids = {(row.rule, row.entity_id): row.incident_id for row in opened}
        events = [e for e in changes.events if _is_so(e.incident, acted, ids)]
        if events:
            self.tell(connection, events, ids)

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


def _is_so(incident: Incident, acted: set[int | None], ids: Mapping[Key, int]) -> bool:
    """Was what is told of this incident written?"""
    if incident.incident_id is None:
        return incident.key in ids
    return incident.incident_id not in acted


def incident_of(row: Mapping[str, Any]) -> Incident:
    """An incident from a row of the view `incident_now`."""
    at_risk = AtRisk(row["parts"], row["entity_name"])
    acts = {"snooze": Snooze.read(row["snooze"]), "dismissal": Dismissal.read(row["dismissal"])}
    return Incident(**{name: row[name] for name in _AS_STORED} | acts, at_risk=at_risk)


def _by_key(rows: Iterable[Mapping[str, Any]]) -> dict[Key, Incident]:
    return {(row["rule"], row["entity_id"]): incident_of(row) for row in rows}


def _as_rows(incidents: Iterable[Incident]) -> str:
    """The same, back: each query takes the columns that it changes."""
    return as_json([_as_row(incident) for incident in incidents])


def _as_row(incident: Incident) -> dict[str, Any]:
    row = {name: getattr(incident, name) for name in _AS_STORED}
    for name in _MINUTES:
        row[name] = row[name] and row[name].isoformat()
    return row | {
        "snooze": incident.snooze and incident.snooze.as_json(),
        "dismissal": incident.dismissal and incident.dismissal.as_json(),
        "reason": dict(incident.reason),
        "entity_name": incident.at_risk.name,
        "parts": dict(incident.at_risk.parts),
    }
