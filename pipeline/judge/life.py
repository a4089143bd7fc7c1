"""Verdicts to incidents: open, go on, escalate, resolve, come back, be told again. Pure.

One incident per rule and entity at a time. What people are told is data here; the words come later.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from pipeline.judge.hold import among, tuples
from pipeline.judge.priced import (
    NOT_KNOWN,
    PRICED,
    as_told,
    most_first,
    priced,
    to_bring_up_to_date,
)
from pipeline.judge.verdicts import HELD_BY_BUDGET, INHIBITED, MAINTENANCE, PAUSED, PENDING, SEVERITIES

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime

    import polars as pl

    from pipeline.judge.hold import Gates
    from pipeline.judge.people import Dismissal, Snooze
    from pipeline.money import AtRisk
    from pipeline.pack import Pack

#: The rule is still breached, only a gate keeps it from opening an incident: what is open goes on.
_STILL_BREACHED: Final = (HELD_BY_BUDGET, PENDING, INHIBITED, MAINTENANCE, PAUSED)
#: So many incidents are told again in one minute, those with most at risk; the others follow by the minute.
#: And of those that come back together so many are shown in the channel; more would be read by nobody.
REPEATED_AT_ONCE: Final = 20

#: Where a message says who did it, where that is not `by`.
_BY: Final = {"acknowledged": "acknowledged_by"}

Key = tuple[str, str]  # rule, entity_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """An incident as the operational database holds it, or a new one (`incident_id` None)."""

    incident_id: int | None
    rule: str
    entity_id: str
    tier: str
    severity: str
    status: str
    policy: str
    opened_minute: datetime
    last_breach_minute: datetime
    reason: Mapping[str, Any]
    at_risk: AtRisk
    told_money: Mapping[str, Any] | None = None  # what people were last shown of it, see priced.py
    times: int = 1  # how often it has opened; more than once: it flaps
    told_minute: datetime | None = None  # when people were last told that it is there
    resolved_minute: datetime | None = None
    snooze: Snooze | None = None
    dismissal: Dismissal | None = None  # a person has resolved it
    breached_minute: datetime | None = None  # of such a one: when its rule was last breached
    kept_minute: datetime | None = None  # a person has opened it again: quiet counts from here
    acted: int = 0  # acts of people so far; what the judge says counts only if there was none meanwhile

    @property
    def key(self) -> Key:
        """What is unique among unresolved incidents."""
        return self.rule, self.entity_id

    @property
    def quiet_from(self) -> datetime:
        """From when on it has been quiet."""
        return max(self.last_breach_minute, self.kept_minute or self.last_breach_minute)


@dataclass(frozen=True, slots=True)
class Event:
    """Something people are told about an incident."""

    kind: str  # one of `pipeline.tell.message.EVENTS`
    minute: datetime
    incident: Incident
    visible: bool = False  # worth a line in the channel, not only one in the incident's thread
    by: str | None = None  # who did it
    said: Mapping[str, Any] = field(default_factory=dict)  # what else is told of it, plain JSON


@dataclass(frozen=True, slots=True)
class Changes:
    """What one minute does to the incidents."""

    opened: Sequence[Incident] = ()
    reopened: Sequence[Incident] = ()  # resolved a short while ago, and back
    #: Breached again, or told again: new minutes, numbers, perhaps severity.
    continued: Sequence[Incident] = ()
    resolved: Sequence[Incident] = ()
    #: Resolved by a person, and still breached: they stay resolved.
    dismissed: Sequence[Incident] = ()
    events: Sequence[Event] = field(default=())
    #: Told before their minute had closed, and wrong: the minute holds nothing of the kind.
    corrected: Sequence[Incident] = ()


@dataclass(frozen=True, slots=True)
class Known:
    """The incidents before a minute: the unresolved ones, those that may come back, and money at risk.

    `at_risk` holds entities of `to_price` and `priced_again`, and EVERYBODY; of one without an entry it is
    not known. `booked` are those whose money a book says each minute. `dismissed` are those that a person
    resolved and that have not been quiet since.
    """

    unresolved: Mapping[Key, Incident] = field(default_factory=dict)
    resolved: Mapping[Key, Incident] = field(default_factory=dict)
    at_risk: Mapping[str, AtRisk] = field(default_factory=dict)
    dismissed: Mapping[Key, Incident] = field(default_factory=dict)
    booked: Collection[str] = ()


def _passed(signals: pl.DataFrame) -> pl.DataFrame:
    """Signals that make incidents; mostly all or none, and asking costs less than filtering."""
    passed = signals["passed"]
    if passed.all():
        return signals
    return signals.filter(passed) if passed.any() else signals.clear()


def keys_to_open(signals: pl.DataFrame, unresolved: Mapping[Key, Incident]) -> list[Key]:
    """What is about to open, or to come back."""
    return sorted(set(tuples(signals, signals["passed"], "rule", "entity_id")).difference(unresolved))


def changes_of(minute: datetime, signals: pl.DataFrame, known: Known, gates: Gates) -> Changes:
    """Decide what the signals of `minute`, held or passed, do to the incidents."""
    fired = {(row["rule"], row["entity_id"]): row for row in _passed(signals).iter_rows(named=True)}
    held = _held_back(signals) if any(rule in gates.pack.of_everybody for rule, _ in fired) else 0
    opened, reopened, continued = [], [], {}
    events: list[Event] = []
    anew = priced(known.unresolved, known.at_risk, known.booked)
    dismissed = _dismissed(minute, signals, fired, known, gates)
    for key, row in fired.items():
        reason, at_risk = gates.pack.reason(row, held), known.at_risk.get(key[1], NOT_KNOWN)
        now, before = anew.get(key, known.unresolved.get(key)), _before(key, minute, known, gates)
        if now is not None:
            incident = continued[key] = _continue(minute, reason, now, gates)
            events += _escalated(minute, now, incident)
        elif key in dismissed:
            continue
        elif before is not None:
            reopened.append(_reopen(minute, reason, before, at_risk, gates))
        else:
            incident = _open(minute, row, reason, at_risk, gates)
            opened.append(incident)
            events.append(Event("opened", minute, incident))
    kept = _kept(minute, signals, known.unresolved, fired)
    continued |= {incident.key: incident for incident in kept}
    breached = set(continued)
    resolved = _resolved(minute, {**known.unresolved, **anew}, continued, gates)
    for key in anew.keys() - fired.keys() - {incident.key for incident in resolved}:
        before_it = continued.get(key, known.unresolved[key])
        incident = continued[key] = _weighed(minute, before_it, anew[key].at_risk, gates)
        events += _escalated(minute, before_it, incident)
    repeated = _repeated(minute, known.unresolved, continued, resolved, gates)
    continued |= {incident.key: incident for incident in repeated}
    events += back_again(reopened, gates.pack)
    events += [Event("resolved", minute, incident) for incident in resolved]
    events += [Event("repeated", minute, i, visible=i.severity == "critical") for i in repeated]
    events += _snoozed(minute, known.unresolved, continued, breached, resolved)
    changes = Changes(opened, reopened, list(continued.values()), resolved, list(dismissed.values()), events)
    return _with_money_told(minute, changes, known.unresolved, gates.pack)


def _with_money_told(
    minute: datetime, changes: Changes, unresolved: Mapping[Key, Incident], pack: Pack[Any, Any]
) -> Changes:
    """Note what people are shown of the money; edit messages that show what is no longer so."""
    told = {event.incident.key for event in changes.events}
    now = {**unresolved, **{incident.key: incident for incident in changes.continued}}
    over = {incident.key for incident in changes.resolved}
    lasting = (incident for key, incident in now.items() if key not in told and key not in over)
    edited = {incident.key: incident for incident in to_bring_up_to_date(minute, lasting, pack)}
    continued = {i.key: as_told(i, minute) if i.key in told else i for i in changes.continued} | edited

    return replace(
        changes,
        continued=list(continued.values()),
        resolved=[as_told(incident, minute) for incident in changes.resolved],
        events=[*changes.events, *(Event(PRICED, minute, incident) for incident in edited.values())],
    )


def at_once(changes: Changes, fired: Collection[Key]) -> Changes:
    """What of the changes can be said before the minute has closed: what fired, not what ends or lasts."""

    def among_fired(incidents: Sequence[Incident]) -> list[Incident]:
        return [incident for incident in incidents if incident.key in fired]

    # A reminder too: it is noted with the incident, so whoever left it out would have lost it.
    kinds = ("opened", "reopened", "escalated", "repeated", "broke_through", "snooze_ended")
    return Changes(
        opened=changes.opened,
        reopened=changes.reopened,
        continued=among_fired(changes.continued),
        dismissed=among_fired(changes.dismissed),
        events=[e for e in changes.events if e.kind in kinds and e.incident.key in fired],
    )


def confirmed(
    minute: datetime, signals: pl.DataFrame, unresolved: Mapping[Key, Incident], changes: Changes
) -> Changes:
    """The changes of a closed minute, with what was told of it before and does not hold marked as wrong."""
    told = [incident for incident in unresolved.values() if incident.opened_minute == minute]
    if not told:
        return changes
    fired = set(tuples(signals, signals["passed"], "rule", "entity_id"))
    wrong = [incident for incident in told if incident.key not in fired]
    events = [*changes.events, *(Event("corrected", minute, incident) for incident in wrong)]
    return replace(changes, events=events, corrected=wrong)


def _escalated(minute: datetime, before: Incident, now: Incident) -> list[Event]:
    """Nobody is told of one that is snoozed; the snooze sees for itself whether it breaks through."""
    tells = now.severity != before.severity and now.snooze is None
    return [Event("escalated", minute, now)] if tells else []


def _snoozed(
    minute: datetime,
    unresolved: Mapping[Key, Incident],
    continued: dict[Key, Incident],
    breached: Collection[Key],
    resolved: Sequence[Incident],
) -> list[Event]:
    """Move the snoozes on to `minute`; tells of those that end. An incident that resolves ends its own."""
    over, events = {incident.key for incident in resolved}, []
    for key, before in unresolved.items():
        if before.snooze is None or key in over:
            continue
        incident = continued.get(key, before)
        snooze = replace(before.snooze, breaches=before.snooze.breaches + (key in breached))
        end = snooze.ends(minute, incident.severity, incident.at_risk.total)
        if end is not None:
            awake = continued[key] = replace(incident, snooze=None, told_minute=minute)
            said = snooze.moved(minute)
            events.append(Event(end, minute, awake, visible=True, by=snooze.by, said=said))
        elif key in breached:
            continued[key] = replace(incident, snooze=snooze)
    return events


def _dismissed(
    minute: datetime,
    signals: pl.DataFrame,
    fired: Mapping[Key, Mapping[str, Any]],
    known: Known,
    gates: Gates,
) -> dict[Key, Incident]:
    """Incidents that a person resolved and whose rule is breached all the same: they stay as they are.

    One whose money has passed its limit, or that has turned critical, is not among them; it comes back.
    """
    if not known.dismissed:
        return {}
    held = tuples(signals, among(signals["reason"], _STILL_BREACHED), "rule", "entity_id")
    found = {}
    for key in {*fired, *held} & known.dismissed.keys() - known.unresolved.keys():
        incident, at_risk = known.dismissed[key], known.at_risk.get(key[1], NOT_KNOWN)
        if key not in fired or not is_more_than_was_resolved(incident, fired[key], at_risk, gates):
            found[key] = replace(incident, breached_minute=minute)
    return found


def is_more_than_was_resolved(
    incident: Incident, row: Mapping[str, Any], at_risk: AtRisk, gates: Gates
) -> bool:
    """Does a breach (`row`, with the money of then) bring back what a person resolved?"""
    if incident.dismissal is None:
        return False
    reason, tuned = gates.pack.reason(row, 0), gates.tuned_at(row["minute"])
    severity = gates.pack.severity(incident.rule, reason, at_risk, tuned)
    return incident.dismissal.is_passed(incident.severity, severity, at_risk.total)


def _before(key: Key, minute: datetime, known: Known, gates: Gates) -> Incident | None:
    """The resolved incident of a rule and entity that is the same one when it is breached at `minute`."""
    dismissed, resolved = known.dismissed.get(key), known.resolved.get(key)
    if dismissed is not None:
        return dismissed
    return resolved if resolved is not None and may_come_back(resolved, minute, gates) else None


def back_again(reopened: Sequence[Incident], pack: Pack[Any, Any]) -> list[Event]:
    """What people are told of incidents that came back: those with most at risk visibly."""
    first = sorted(reopened, key=lambda i: most_first(i, pack))[:REPEATED_AT_ONCE]
    shown = {incident.key for incident in first}
    return [Event("reopened", i.told_minute or i.opened_minute, i, visible=i.key in shown) for i in reopened]


def may_come_back(incident: Incident, minute: datetime, gates: Gates) -> bool:
    """Is a resolved incident still the same one when its rule is breached again at `minute`?"""
    reach = timedelta(minutes=gates.tuned_at(minute).incident.reopen_within_minutes)
    ended = ended_minute(incident, gates)
    return ended is not None and minute - ended < reach


def ended_minute(incident: Incident, gates: Gates) -> datetime | None:
    """When an incident was over: one that a person resolved, not before its breach had been quiet."""
    if incident.resolved_minute is None or incident.breached_minute is None:
        return incident.resolved_minute
    tuned = gates.tuned_at(incident.resolved_minute)
    quiet = timedelta(minutes=tuned.incident.resolve_after_minutes)
    return max(incident.resolved_minute, incident.breached_minute + quiet)


def open_incident(
    rows: Sequence[Mapping[str, Any]], at_risk: AtRisk | None, gates: Gates, before: Incident | None = None
) -> Incident:
    """An incident from the signals (rows, by minute) of one key that a correction brought up.

    With `before` it is that resolved one, come back. `at_risk` None: not known.
    """
    first = rows[0]
    risk = NOT_KNOWN if at_risk is None else at_risk
    reason = gates.pack.reason(first, 0)
    if before is None:
        incident = _open(first["minute"], first, reason, risk, gates)
    else:
        incident = _reopen(first["minute"], reason, before, risk, gates)
    for row in rows[1:]:
        incident = _continue(row["minute"], gates.pack.reason(row, 0), incident, gates)
    return incident


def message_of(event: Event) -> dict[str, Any]:
    """What is told, as data; `pipeline.tell.message` gives it words, the database adds the incident's id."""
    incident = event.incident
    return {
        "event": event.kind,
        "rule": incident.rule,
        "entity_id": incident.entity_id,
        "entity_name": incident.at_risk.name,
        "tier": incident.tier,
        "severity": incident.severity,
        "policy": incident.policy,
        "minute": event.minute.isoformat(),
        "opened_minute": incident.opened_minute.isoformat(),
        "at_risk": incident.at_risk.total,
        "parts": dict(incident.at_risk.parts),
        "figures": dict(incident.at_risk.figures),
        "times": incident.times,
        "visible": event.visible,
        "reason": dict(incident.reason),
        **({} if incident.status == "open" else {"status": incident.status}),
        **({} if event.by is None else {_BY.get(event.kind, "by"): event.by}),
        **({"said": dict(event.said)} if event.said else {}),
    }


def _severity(
    minute: datetime, incident: Incident, reason: Mapping[str, Any], at_risk: AtRisk, gates: Gates
) -> str:
    """What an incident that is there comes to; it never falls while the incident lasts."""
    now = gates.pack.severity(incident.rule, reason, at_risk, gates.tuned_at(minute))
    return max(incident.severity, now, key=SEVERITIES.index)


def _weighed(minute: datetime, incident: Incident, at_risk: AtRisk, gates: Gates) -> Incident:
    """The incident with its money, and the severity that follows from it."""
    severity = _severity(minute, incident, incident.reason, at_risk, gates)
    told = incident.told_minute if severity == incident.severity else minute
    return replace(incident, at_risk=at_risk, severity=severity, told_minute=told)


def _held_back(signals: pl.DataFrame) -> int:
    """How many entities have a signal that follows from a rule about everybody."""
    return signals.filter(reason=INHIBITED)["entity_id"].n_unique()


def _open(
    minute: datetime, row: Mapping[str, Any], reason: Mapping[str, Any], at_risk: AtRisk, gates: Gates
) -> Incident:
    made = Incident(
        incident_id=None,
        rule=row["rule"],
        entity_id=row["entity_id"],
        tier=row["tier"],
        severity=gates.pack.severity(row["rule"], reason, at_risk, gates.tuned_at(minute)),
        status="open",
        policy=gates.policy_of(minute),
        opened_minute=minute,
        last_breach_minute=minute,
        reason=reason,
        at_risk=at_risk,
        told_minute=minute,
    )
    return as_told(made, minute)


def _reopen(
    minute: datetime, reason: Mapping[str, Any], before: Incident, at_risk: AtRisk, gates: Gates
) -> Incident:
    """The same incident again: its number, message and thread, with the numbers and the money of now."""
    at_risk = replace(at_risk, name=at_risk.name or before.at_risk.name)
    back = replace(
        before,
        status="open",
        severity=gates.pack.severity(before.rule, reason, at_risk, gates.tuned_at(minute)),
        last_breach_minute=minute,
        reason=reason,
        at_risk=at_risk,
        times=before.times + 1,
        told_minute=minute,
        resolved_minute=None,
        dismissal=None,
        breached_minute=None,
    )
    return as_told(back, minute)


def _continue(minute: datetime, reason: Mapping[str, Any], known: Incident, gates: Gates) -> Incident:
    severity = _severity(minute, known, reason, known.at_risk, gates)
    told = known.told_minute if severity == known.severity else minute
    last = max(minute, known.last_breach_minute)  # the minute after may have been told of already
    return replace(known, severity=severity, last_breach_minute=last, reason=reason, told_minute=told)


def _kept(
    minute: datetime, signals: pl.DataFrame, unresolved: Mapping[Key, Incident], fired: Mapping[Key, Any]
) -> list[Incident]:
    """Incidents whose rule is still breached, only no longer beyond chance: they go on with their reason.

    To open takes more than to stay open; an incident at the border would otherwise end and come back.
    """
    if not unresolved:
        return []
    held = tuples(signals, among(signals["reason"], _STILL_BREACHED), "rule", "entity_id")
    keys = {key for key in held if key in unresolved and key not in fired}
    kept = (unresolved[key] for key in sorted(keys))
    return [replace(i, last_breach_minute=max(minute, i.last_breach_minute)) for i in kept]


def _resolved(
    minute: datetime, unresolved: Mapping[Key, Incident], continued: Mapping[Key, Incident], gates: Gates
) -> list[Incident]:
    quiet = timedelta(minutes=gates.tuned_at(minute).incident.resolve_after_minutes)
    return [
        incident
        for key, incident in unresolved.items()
        if key not in continued and minute - incident.quiet_from >= quiet
    ]


def _repeated(
    minute: datetime,
    unresolved: Mapping[Key, Incident],
    continued: Mapping[Key, Incident],
    resolved: Sequence[Incident],
    gates: Gates,
) -> list[Incident]:
    """Incidents that nobody has taken on for so long that they are told again."""
    ended = {incident.key for incident in resolved}
    every = gates.tuned_at(minute).incident.repeat_after_minutes
    due = [
        continued.get(key, incident)
        for key, incident in unresolved.items()
        if incident.status == "open" and incident.snooze is None and key not in ended
    ]
    due = [i for i in due if minute - (i.told_minute or i.opened_minute) >= timedelta(minutes=every)]
    due.sort(key=lambda incident: most_first(incident, gates.pack))
    return [replace(incident, told_minute=minute) for incident in due[:REPEATED_AT_ONCE]]
