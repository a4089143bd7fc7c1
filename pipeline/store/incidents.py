"""Incidents of one pack and what people are told of them, written together."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any

from pipeline.judge.life import Changes, Incident, Key
from pipeline.pack import AtRisk
from pipeline.store.database import as_json
from pipeline.store.telling import Telling

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import Connection, Engine

_AS_STORED = [f.name for f in fields(Incident) if f.name != "at_risk"]


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
        """The newest incident of each rule and entity that has resolved after `since`."""
        return _by_key(self.rows("resolved_incidents", since=since))

    def incidents_between(self, first: datetime, last: datetime) -> Sequence[Mapping[str, Any]]:
        """Incidents that were unresolved at any minute from `first` to `last`, for `incident_of`."""
        return self.rows("incidents_between", first=first, last=last)

    def take(self, connection: Connection, incident_id: int, by: str) -> Incident | None:
        """Acknowledge an open incident; None where it is not open."""
        if self.ask(connection, "take_incident", id=incident_id, by=by).first() is None:
            return None
        return incident_of(dict(self.ask(connection, "incident", id=incident_id).mappings().one()))

    def _write_changes(self, connection: Connection, changes: Changes, minute: datetime | None) -> None:
        ids: dict[Key, int] = {}
        if changes.resolved:
            resolved = [i.incident_id for i in changes.resolved]
            self.ask(connection, "resolve_incidents", ids=resolved, minute=minute)
        if changes.reopened:
            self.ask(connection, "reopen_incidents", incidents=_as_rows(changes.reopened))
        if changes.continued:
            self.ask(connection, "continue_incidents", incidents=_as_rows(changes.continued))
        if changes.opened:
            given = {"currency": self.currency, "incidents": _as_rows(changes.opened)}
            opened = self.ask(connection, "open_incidents", **given)
            ids = {(row.rule, row.entity_id): row.incident_id for row in opened}
        if changes.events:
            self.tell(connection, changes.events, ids)


def incident_of(row: Mapping[str, Any]) -> Incident:
    """An incident from a row of the view `incident_now`."""
    at_risk = AtRisk(row["parts"], row["entity_name"])
    return Incident(**{name: row[name] for name in _AS_STORED}, at_risk=at_risk)


def _by_key(rows: Iterable[Mapping[str, Any]]) -> dict[Key, Incident]:
    return {(row["rule"], row["entity_id"]): incident_of(row) for row in rows}


def _as_rows(incidents: Iterable[Incident]) -> str:
    """The same, back: each query takes the columns that it changes."""
    return as_json([_as_row(incident) for incident in incidents])


def _as_row(incident: Incident) -> dict[str, Any]:
    row = {name: getattr(incident, name) for name in _AS_STORED}
    for name in ("opened_minute", "last_breach_minute", "told_minute", "resolved_minute"):
        row[name] = row[name] and row[name].isoformat()
    return row | {
        "reason": dict(incident.reason),
        "entity_name": incident.at_risk.name,
        "parts": dict(incident.at_risk.parts),
    }
