"""What people do with an incident: each act is told to everybody in the incident's thread.

The incident's row is locked first, so of two who do the same thing at once the second is told of the first.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, NoReturn

from pipeline.desk.given import WHY, Parameter, one_end
from pipeline.desk.perform import Act, Deed
from pipeline.desk.roles import allowed_roles
from pipeline.errors import UsageError
from pipeline.errors.phrases import phrase, word
from pipeline.figures import moment, one_line
from pipeline.judge.life import Event, Incident
from pipeline.judge.people import Dismissal, Snooze, limit_of
from pipeline.minute import MINUTE, floor_minute
from pipeline.money import TRUE_ALARM
from pipeline.store.database import as_json
from pipeline.store.incidents import incident_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from zoneinfo import ZoneInfo

    from sqlalchemy import Connection

    from pipeline.store.state import State

FALSE_ALARM: Final = "false_alarm"
#: Nobody remembers a longer snooze; who knows for sure adds an exclusion or a maintenance window.
LONGEST_SNOOZE: Final = timedelta(days=7)
#: A snooze that is there already is only made longer, not repeated: two who press at once mean one.
_LONGER: Final = 5 * MINUTE


def acknowledge(deed: Deed) -> Mapping[str, Any]:
    """Take an open incident on and tell people who has, as one; answers with the name as it is stored."""
    name = acting_name(deed)
    taken = deed.state.take(deed.connection, deed.number, name)
    if taken is None:
        raise _taken(show(deed.state, deed.connection, deed.number), deed.desk.zone)
    deed.before, deed.after = {"status": "open"}, {"status": "acknowledged", "by": name}
    _told(deed, Event("acknowledged", taken.last_breach_minute, taken, by=name), {})
    return {"incident_id": deed.number, "acknowledged_by": name}


def assign(deed: Deed) -> Mapping[str, Any]:
    """Give the incident to an account, which is told; without one it is the actor's own."""
    incident, owner = lock(deed)
    name = acting_name(deed)
    to = one_line(deed.given["to"] or name)
    known = deed.state.ask(deed.connection, "owner_to_be", owner=to).one()
    if known.accounts and (known.role is None or known.role not in allowed_roles("handle")):
        msg = phrase("{to} is no account that takes care of incidents", to=to)
        raise UsageError(msg, "name one that does, as `minuterisk users list` has it")
    if owner == to:
        msg = phrase("incident {number} is already assigned to {to}", number=deed.number, to=to)
        raise UsageError(msg, phrase("see `minuterisk incidents show {number}`", number=deed.number))
    _change(deed, "assign_incident", owner=to)
    deed.before, deed.after = {"owner": owner}, {"owner": to}
    _told(deed, Event("assigned", incident.last_breach_minute, incident, by=name, said={"to": to}))
    return {"incident_id": deed.number, "owner": to}


def note(deed: Deed) -> Mapping[str, Any]:
    """Write something down beside the incident."""
    incident, _ = lock(deed)
    text, name = str(deed.given["text"]), acting_name(deed)
    deed.before, deed.after = {}, {"note": text}
    _told(deed, Event("noted", incident.last_breach_minute, incident, by=name, said={"text": text}))
    return {"incident_id": deed.number, "note": text}


def snooze(deed: Deed) -> Mapping[str, Any]:
    """Tell nobody of the incident for a while, unless money passes a limit or it turns critical."""
    incident, _ = lock(deed)
    name, zone = acting_name(deed), deed.desk.zone
    if incident.resolved_minute is not None:
        at = moment(incident.resolved_minute, zone)
        msg = phrase("incident {number} is resolved since {at}", number=deed.number, at=at)
        raise UsageError(msg, "there is nothing to be told of it; open it again first")
    until = _until(deed)
    before = incident.snooze
    if before is not None and until < before.until + _LONGER:
        taken = {"number": deed.number, "by": before.by, "until": moment(before.until, zone)}
        msg = phrase("incident {number} is already snoozed by {by} until {until}", **taken)
        raise UsageError(msg, "wait for its end, or give a later one")
    made = Snooze(
        by=name,
        since=incident.last_breach_minute,
        until=until,
        at_risk=incident.at_risk.total,
        severity=incident.severity,
        limit=_limit(deed, incident),
    )
    _change(deed, "snooze_incident", snooze=as_json([made.as_json()]))
    deed.before = {"snooze": before and before.as_json()}
    deed.after = {"snooze": made.as_json()}
    said = {"until": until.isoformat(), "limit": made.limit}
    _told(deed, Event("snoozed", incident.last_breach_minute, incident, by=name, said=said))
    return {"incident_id": deed.number, "snoozed_until": until.isoformat(), "limit": made.limit}


def resolve(deed: Deed) -> Mapping[str, Any]:
    """Call the incident over; while breached it stays so until more is at risk or it turns critical."""
    incident, _ = lock(deed)
    name = acting_name(deed)
    if incident.resolved_minute is not None:
        over = {"number": deed.number, "at": moment(incident.resolved_minute, deed.desk.zone)}
        msg = phrase("incident {number} is resolved since {at}", **over)
        if incident.dismissal:
            msg = phrase("incident {number} is resolved by {by} since {at}", **over, by=incident.dismissal.by)
        raise UsageError(msg, "there is nothing left to take care of")
    minute = max(_next_minute(deed) or incident.last_breach_minute, incident.last_breach_minute + MINUTE)
    made = Dismissal(by=name, minute=minute, at_risk=incident.at_risk.total, limit=_limit(deed, incident))
    _change(deed, "resolve_incident", minute=minute, dismissal=as_json([made.as_json()]))
    deed.before, deed.after = {"status": incident.status}, {"status": "resolved", **made.as_json()}
    said = {"reason": deed.given["reason"], "limit": made.limit}
    _told(deed, Event("resolved_by", incident.last_breach_minute, incident, by=name, said=said))
    return {"incident_id": deed.number, "resolved_minute": minute.isoformat(), "resolved_by": name}


def reopen(deed: Deed) -> Mapping[str, Any]:
    """Take back that the incident is over, whoever said so; it stays open until it has been quiet again."""
    incident, _ = lock(deed)
    name = acting_name(deed)
    if incident.resolved_minute is None:
        found = {"number": deed.number, "status": word(incident.status)}
        msg = phrase("incident {number} is not resolved: it is {status}", **found)
        raise UsageError(msg, phrase("see `minuterisk incidents show {number}`", number=deed.number))
    other = deed.state.ask(deed.connection, "unresolved_of", id=deed.number).scalar()
    if other is not None:
        msg = phrase("incident {other} of the same rule and entity is open", other=other)
        raise UsageError(msg, phrase("go on with that one: `minuterisk incidents show {other}`", other=other))
    minute = _next_minute(deed) or incident.resolved_minute
    _change(deed, "reopen_incident", minute=minute)
    deed.before, deed.after = {"status": "resolved"}, {"status": "open"}
    said = {"reason": deed.given["reason"]}
    _told(deed, Event("reopened_by", incident.last_breach_minute, incident, by=name, said=said))
    return {"incident_id": deed.number, "reopened_by": name}


def label(deed: Deed) -> Mapping[str, Any]:
    """Say whether the alarm was a true one; the newest word counts, for the precision of its rule."""
    incident, _ = lock(deed)
    name, given = acting_name(deed), deed.given["label"]
    before = deed.state.ask(deed.connection, "label_of", id=deed.number).mappings().first()
    if before is not None and before["label"] == given:
        made = {"number": deed.number, "label": word(given), "by": before["by"]}
        msg = phrase("incident {number} is already labelled {label} by {by}", **made)
        raise UsageError(msg, phrase("see `minuterisk incidents show {number}`", number=deed.number))
    deed.before, deed.after = {"label": before and before["label"]}, {"label": given}
    said = {"label": given, "reason": deed.given["reason"]}
    _told(deed, Event("labelled", incident.last_breach_minute, incident, by=name, said=said))
    return {"incident_id": deed.number, "label": given}


def show(state: State, connection: Connection, incident_id: int) -> Mapping[str, Any]:
    """One incident, with everything that is stored of it."""
    found = state.ask(connection, "show_incident", id=incident_id).mappings().first()
    if found is None:
        refuse_unknown("incident", incident_id)
    return dict(found)


def refuse_unknown(what: str, number: int | str) -> NoReturn:
    """There is no such thing."""
    msg = phrase("there is no {what} {number}", what=word(what), number=number)
    raise UsageError(msg, "see the list for the known numbers")


def acting_name(deed: Deed, nobody: str = "") -> str:
    """Whose act it is: the actor's, or where there are no accounts whom the actor names; else `nobody`'s."""
    given = deed.given["by"]
    name = one_line(given or (deed.actor.name if deed.actor.account_id is not None else nobody))
    if not name:
        msg = "nobody is named" if given is None else phrase("{given!r} is no name", given=given)
        raise UsageError(msg, "say who takes care of it: --by NAME")
    if deed.actor.account_id is not None and name != deed.actor.name:
        msg = phrase("{actor} acts for nobody else: {name}", actor=deed.actor.name, name=name)
        raise UsageError(msg, "leave the name out: it is the account's")
    return name


def lock(deed: Deed) -> tuple[Incident, str | None]:
    """The incident as it stands, kept from changing until the act is done, and whose it is."""
    row = deed.state.ask(deed.connection, "lock_incident", id=deed.number).mappings().first()
    if row is None:
        refuse_unknown("incident", deed.number)
    return incident_of(dict(row)), row["owner"]


def _change(deed: Deed, query: str, **given: object) -> None:
    deed.state.ask(deed.connection, query, id=deed.number, **given)


def _told(deed: Deed, event: Event, given: Mapping[str, Any] | None = None) -> None:
    """Keep the act for the incident's timeline, and write what people are told of it."""
    row = {"by": event.by, "account_id": deed.actor.account_id}
    act, said = _ACT_OF[event.kind], event.said if given is None else given
    deed.state.ask(deed.connection, "record_act", id=deed.number, act=act, given=as_json([said]), **row)
    deed.state.tell_act(deed.connection, event)


#: A limit that money never reaches would silence an incident for good.
_MOST_TIMES: Final = 10


def _limit(deed: Deed, incident: Incident) -> int | None:
    """The money at risk past which people hear of it all the same."""
    limit, money = deed.given["limit"], incident.at_risk.total
    if limit is None:
        return limit_of(money)
    if limit < (money or 0):
        passed = {"limit": limit, "money": money or 0}
        msg = phrase("the limit {limit:,} is passed already: {money:,} are at risk", **passed)
        raise UsageError(msg, "give a higher one, or none")
    if money and limit > _MOST_TIMES * money:
        far = {"limit": limit, "times": _MOST_TIMES, "money": money}
        msg = phrase("the limit {limit:,} is more than {times} times the {money:,} that are at risk", **far)
        most = _MOST_TIMES * money
        raise UsageError(msg, phrase("give at most {most:,}: nobody would hear of it again", most=most))
    return int(limit)


def _next_minute(deed: Deed) -> datetime | None:
    found: datetime | None = deed.state.ask(deed.connection, "watermark").scalar()
    return found


def _until(deed: Deed) -> datetime:
    """When a snooze ends. Where minutes are judged late, the next one counts as now."""
    now, following = floor_minute(deed.desk.clock()), _next_minute(deed)
    end = floor_minute(one_end("a snooze", now, deed.given["for"], deed.given["until"]))
    if end <= (now if following is None else min(now, following)):
        msg = phrase("a snooze until {until} is over already", until=moment(end, deed.desk.zone))
        raise UsageError(msg, "give a later time")
    if end > now + LONGEST_SNOOZE:
        wanted = {"until": moment(end, deed.desk.zone), "days": LONGEST_SNOOZE.days}
        msg = phrase("a snooze until {until} is longer than {days} days", **wanted)
        raise UsageError(msg, "give an earlier time, or add an exclusion with its reason")
    return end


def _taken(incident: Mapping[str, Any], zone: ZoneInfo) -> UsageError:
    """Why an incident that is there cannot be acknowledged."""
    number, by, at = (incident[name] for name in ("incident_id", "acknowledged_by", "acknowledged_at"))
    taken = {"number": number, "by": one_line(by or ""), "at": moment(at, zone) if at else ""}
    if incident["status"] != "resolved":
        msg = phrase("incident {number} is already acknowledged by {by} at {at}", **taken)
        hint = phrase("agree with them; see `minuterisk incidents show {number}`", number=number)
        return UsageError(msg, hint)
    since = moment(incident["resolved_minute"], zone)
    msg = phrase("incident {number} is resolved since {at}", number=number, at=since)
    if by and at:
        msg = phrase(
            "incident {number} is resolved since {since}; it was acknowledged by {by} at {at}",
            **taken,
            since=since,
        )
    return UsageError(msg, "there is nothing left to take care of")


BY: Final = Parameter("text", "--by NAME, who does it, where there are no accounts", longest=200)
_LIMIT: Final = Parameter(
    "integer", "money at risk past which people hear of it all the same; without one, half as much again"
)
_ACT_OF: Final = {
    "acknowledged": "acknowledge",
    "assigned": "assign",
    "noted": "note",
    "snoozed": "snooze",
    "resolved_by": "resolve",
    "reopened_by": "reopen",
    "labelled": "label",
}
_PARAMETERS: Final[Mapping[str, Mapping[str, Parameter]]] = {
    "acknowledge": {},
    "assign": {
        "to": Parameter("text", "the account that takes care of it; without one, yourself", longest=80)
    },
    "note": {"text": Parameter("text", "what there is to know", required=True)},
    "snooze": {
        "for": Parameter("duration", "for how long, as 1h"),
        "until": Parameter("time", "until when"),
        "limit": _LIMIT,
    },
    "resolve": {"reason": WHY, "limit": _LIMIT},
    "reopen": {"reason": WHY},
    "label": {
        "label": Parameter("choice", "what the alarm was", required=True, choices=(TRUE_ALARM, FALSE_ALARM)),
        "reason": WHY,
    },
}
ACTS: Final = tuple(
    Act(
        name=run.__name__,
        action="handle",
        kind="incident",
        run=run,
        parameters={**_PARAMETERS[run.__name__], "by": BY},
    )
    for run in (acknowledge, assign, note, snooze, resolve, reopen, label)
)
