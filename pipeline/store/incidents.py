"""Incidents of one pack and what people are told of them, written together.

Events of incidents become rows of the outbox, one for each channel. Routes and silences are read in the
transaction that writes the rows, so that what a person has just changed holds for what is written after it.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any, Final

from pipeline.judge.life import Changes, Event, Incident, Key, message_of
from pipeline.judge.people import Dismissal, Snooze
from pipeline.judge.withheld import HeldSpan, Withheld
from pipeline.minute import floor_minute
from pipeline.money import AtRisk
from pipeline.store.actions import Actions, said_of_action
from pipeline.store.database import Database, as_json
from pipeline.tell.routes import Facts, Reach, Route, Silence, Target, decide

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import Connection, Engine, RowMapping

    from pipeline.tell.routes import Decision, Match

_AS_STORED = [f.name for f in fields(Incident) if f.name != "at_risk"]
_MINUTES = [name for name in _AS_STORED if name.endswith("_minute")]

#: Told where the routes lead; all else changes a message that stands in a channel, and is said there too.
LEADING: Final = ("opened", "repeated", "unsilenced")


@dataclass(frozen=True, slots=True)
class Routing:
    """What decides where incidents are told, as it is now."""

    home: str = ""  # what the default channel is called by its own name
    routes: Sequence[Route] = ()
    silences: Sequence[Silence] = ()
    facts: Mapping[str, str | None] = field(default_factory=dict)  # by entity; only where they are asked for

    @property
    def asks_for_facts(self) -> bool:
        """Does any route or silence want to know what the source says of the entity?"""
        asked = [*(route.match for route in self.routes), *(silence.match for silence in self.silences)]
        return any("fact" in match for match in asked)


class Telling(Database):
    """Writes what people are told, and keeps the lists that say where: the installation's, not a pack's.

    `home_channel` is what this process takes the default channel to be called, where nobody has said it.
    """

    home_channel = ""

    def tell(
        self,
        connection: Connection,
        events: Sequence[Event],
        ids: Mapping[Key, int] | None = None,
        *,
        silence_id: int | None = None,
        number: int = 0,
    ) -> None:
        """Write what people are told, in this order; `ids` of incidents that were without one until now.

        `silence_id` is the silence that has ended, where that is what is told; `number` is that of an act.
        """
        told = [(event, event.incident.incident_id or (ids or {})[event.incident.key]) for event in events]
        routing = self.routing(connection, [event.incident for event in events])
        following = [incident_id for event, incident_id in told if event.kind not in LEADING]
        before = self._told_where(connection, following)
        doing = self._doing(connection, [incident_id for _, incident_id in told])
        rows = [
            row
            for event, incident_id in told
            for row in _rows(event, incident_id, self.decide(event.incident, routing), before, silence_id)
        ]
        for row in rows:
            if row["incident_id"] in doing:
                row["message"] = {**row["message"], "action": doing[row["incident_id"]]}
        placed = [{"place": place, "number": number, **row} for place, row in enumerate(rows)]
        self.ask(connection, "insert_outbox", events=as_json(placed))

    def tell_act(self, connection: Connection, event: Event) -> None:
        """Write what people are told of an act; it is one thing to tell however many a minute has."""
        told = {"incident_id": event.incident.incident_id, "event": event.kind, "minute": event.minute}
        number = int(self.ask(connection, "next_number", **told).scalar_one())
        self.tell(connection, [event], number=number)

    def routing(
        self, connection: Connection, incidents: Sequence[Incident], *, with_facts: bool = False
    ) -> Routing:
        """The routes and silences in force, and what they ask of these incidents' entities."""
        routes = [route_of(row) for row in self.ask(connection, "routes").mappings()]
        silences = [Silence(**row) for row in self.ask(connection, "silences_in_force").mappings()]
        reach = self.reach(connection)
        routing = Routing(reach.home_channel if reach else self.home_channel, routes, silences)
        if not with_facts and not routing.asks_for_facts:
            return routing
        entities = sorted({incident.entity_id for incident in incidents})
        known = self.ask(connection, "facts_of", entities=entities)
        return replace(routing, facts={row.entity_id: row.value for row in known})

    def decide(self, incident: Incident, routing: Routing) -> Decision:
        """Where this incident goes, and why."""
        facts = self.facts_of(incident, routing)
        return decide(facts, routing.routes, routing.silences, routing.home)

    def facts_of(self, incident: Incident, routing: Routing) -> Facts:
        """What routes and silences see of it."""
        return Facts(
            pack=self.pack,
            rule=incident.rule,
            tier=incident.tier,
            severity=incident.severity,
            entity=incident.entity_id,
            fact=routing.facts.get(incident.entity_id),
        )

    def routes(self, connection: Connection) -> list[Route]:
        """Where incidents are told, in order."""
        return [route_of(row) for row in self.ask(connection, "routes").mappings()]

    def reach(self, connection: Connection) -> Reach | None:
        """What the process that delivers can reach; None where it has never said so."""
        row = self.ask(connection, "reach").mappings().first()
        return None if row is None else Reach(**row)

    def say_reach(self, reach: Reach) -> None:
        """Say what this process, which delivers, can reach."""
        with self.changing() as connection:
            self.ask(connection, "say_reach", **asdict(reach))

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

    def _doing(self, connection: Connection, ids: Sequence[int]) -> dict[int, dict[str, Any]]:
        """What is being done about the money of these incidents, as their messages say it."""
        found = self.ask(connection, "actions_told_with", ids=list(ids)).mappings() if ids else ()
        return {row["incident_id"]: said_of_action(dict(row)) for row in found}

    def _told_where(self, connection: Connection, ids: Sequence[int]) -> dict[int, list[str]]:
        found: dict[int, list[str]] = {}
        if ids:
            for row in self.ask(connection, "told_where", ids=list(ids)):
                found.setdefault(row.incident_id, []).append(row.destination)
        return found


def route_of(row: RowMapping) -> Route:
    """A route from its row."""
    names = ("name", "match", "channel", "second", "goes_on")
    return Route(**{name: row[name] for name in names})


def _rows(
    event: Event,
    incident_id: int,
    decision: Decision,
    before: Mapping[int, Iterable[str]],
    silence_id: int | None,
) -> Iterator[dict[str, Any]]:
    """An event as rows: one for each channel that is told, or would be if nobody had silenced it."""
    silenced = decision.silence is not None
    targets = {target.channel: (decision_word(target), target) for target in decision.targets}
    for channel in before.get(incident_id, ()) if event.kind not in LEADING else ():
        targets.setdefault(channel, ("told_before", Target(channel)))
    message, minute = message_of(event), event.minute.isoformat()
    for why, target in targets.values():
        yield {
            "incident_id": incident_id,
            "event": event.kind,
            "minute": minute,
            "message": message,
            "destination": target.channel,
            "second": target.second,
            "why": why,
            "route": target.route,
            "silence_id": decision.silence.silence_id if decision.silence else silence_id,
            "status": "silenced" if silenced else "pending",
        }


def decision_word(target: Target) -> str:
    """Why a decision named this channel."""
    return "no_route" if target.route is None else "route"


class Incidents(Telling, Actions):
    """Incidents, open and resolved; their money is in `currency`."""

    def __init__(self, engine: Engine, url: str, pack: str, currency: str, home_channel: str = "") -> None:
        super().__init__(engine, url, pack)
        self.currency = currency
        self.home_channel = home_channel

    def unresolved(self, entities: Sequence[str] | None = None) -> dict[Key, Incident]:
        """Incidents that are not resolved, by rule and entity; all of them, or those of some entities."""
        return _by_key(self.rows("unresolved_incidents", entities=entities))

    def resolved_since(self, since: datetime, entities: Sequence[str] | None = None) -> dict[Key, Incident]:
        """The newest incident of each rule and entity that may have been over only after `since`."""
        return _by_key(self.rows("resolved_incidents", since=since, entities=entities))

    def dismissed(self, since: datetime, entities: Sequence[str] | None = None) -> dict[Key, Incident]:
        """Incidents that a person resolved and whose rule was breached after `since`."""
        return _by_key(self.rows("dismissed_incidents", since=since, entities=entities))

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
        if changes.corrected:
            wrong = [incident.incident_id for incident in changes.corrected]
            self.ask(connection, "mark_corrected", ids=wrong, minute=minute)
        ids: dict[Key, int] = {}
        if changes.opened:
            given = {"currency": self.currency, "incidents": _as_rows(changes.opened)}
            opened = self.ask(connection, "open_incidents", **given)
            ids = {(row.rule, row.entity_id): row.incident_id for row in opened}
        begun = [(i.incident_id or ids.get(i.key), i) for i in (*changes.opened, *changes.reopened)]
        written = [(n, i) for n, i in begun if n is not None and n not in acted]
        self.propose_ourselves(connection, written, minute)
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
    at_risk = AtRisk(row["parts"], row["entity_name"], row["figures"])
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
        "figures": dict(incident.at_risk.figures),
    }
