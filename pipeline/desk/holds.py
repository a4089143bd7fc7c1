"""What people hold back: maintenance windows, and exclusions such as test shops.

Each begins and ends with a minute that nobody judges yet: not the next one, which may be under judgement
while this is written, but the one after it. So every judgement of a minute meets the same, whenever it is
made.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from pipeline.desk.given import Parameter, one_end
from pipeline.desk.incidents import BY, name_of, refuse_unknown
from pipeline.desk.perform import Act, Deed
from pipeline.errors import UsageError
from pipeline.errors.phrases import phrase, word
from pipeline.figures import moment
from pipeline.judge.verdicts import EVERYBODY, EXCLUDED, MAINTENANCE
from pipeline.minute import MINUTE, floor_minute
from pipeline.packs import load_pack

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

#: What is held back for longer is an exclusion, or a rule that has to be changed.
LONGEST_WINDOW: Final = timedelta(days=90)
#: Within a year somebody looks whether the shop is still one that nobody has to hear of.
LONGEST_EXCLUSION: Final = timedelta(days=366)
#: What each kind is called.
NOUNS: Final = {MAINTENANCE: "maintenance window", EXCLUDED: "exclusion"}


def add_window(deed: Deed) -> Mapping[str, Any]:
    """Hold back the signals of a rule, an entity or everybody for a while."""
    rule, entity, everybody = (deed.given[name] for name in ("rule", "entity", "everybody"))
    if everybody and (rule or entity):
        msg = "everybody is said beside a rule or an entity"
        raise UsageError(msg, "name the one or the other")
    if not (rule or entity or everybody):
        msg = "a maintenance window is about nothing"
        raise UsageError(msg, "name a rule, an entity, both, or everybody")
    start = _start(deed)
    end = _end_of_hold(
        deed, start, "a maintenance window", LONGEST_WINDOW, "exclude an entity, or change the rule"
    )
    return _add(deed, MAINTENANCE, start, end)


def add_exclusion(deed: Deed) -> Mapping[str, Any]:
    """Hold back what one entity does until a time, or until somebody ends that earlier: a test shop, say."""
    if deed.given["entity"] == EVERYBODY:
        msg = phrase("{everybody} is everybody, who is no exclusion", everybody=EVERYBODY)
        raise UsageError(msg, "add a maintenance window with its end")
    start = _start(deed)
    end = _end_of_hold(deed, start, "an exclusion", LONGEST_EXCLUSION, "add it again when that is over")
    return _add(deed, EXCLUDED, start, end)


def end_window(deed: Deed) -> Mapping[str, Any]:
    """End a maintenance window before its time; one that has not begun never does."""
    return _finish(deed, MAINTENANCE)


def end_exclusion(deed: Deed) -> Mapping[str, Any]:
    """End an exclusion: what the entity does is judged as everybody's again."""
    return _finish(deed, EXCLUDED)


def _add(deed: Deed, kind: str, start: datetime, end: datetime) -> Mapping[str, Any]:
    rule, entity = deed.given["rule"], deed.given["entity"]
    known = [r.name for r in load_pack(deed.state.pack).rules]
    if rule is not None and rule not in known:
        msg = phrase("there is no rule {rule!r}", rule=rule)
        raise UsageError(msg, phrase("known are {known}", known=", ".join(known)))
    row = {"kind": kind, "rule": rule, "entity_id": entity, "start": start, "end": end}
    other = deed.state.ask(deed.connection, "withheld_already", **row).scalar()
    if other is not None:
        what = word(NOUNS[kind])
        msg = phrase("{what} {number} already holds the same back at that time", what=what, number=other)
        raise UsageError(msg, "end that one first, or choose another time")
    given = {"reason": deed.given["reason"], "by": name_of(deed, deed.actor.name)}
    number = deed.state.ask(deed.connection, "withhold", **row, **given).scalar_one()
    deed.thing_id = str(number)
    deed.before, deed.after = {}, _said(number, row)
    return _said(number, row)


def _finish(deed: Deed, kind: str) -> Mapping[str, Any]:
    earliest = _earliest(deed)
    found = deed.state.ask(deed.connection, "withheld_one", id=deed.number, kind=kind).mappings().first()
    if found is None:
        refuse_unknown(NOUNS[kind], deed.number)
    if found["ended_by"] is not None or (found["end"] is not None and found["end"] <= earliest):
        of = {"what": word(NOUNS[kind]), "number": deed.number, "at": moment(found["end"], deed.desk.zone)}
        msg = phrase("{what} {number} is over: {at}", **of)
        if found["ended_by"]:
            msg = phrase("{what} {number} is over, ended by {by}: {at}", **of, by=found["ended_by"])
        raise UsageError(msg, "there is nothing left to end")
    end = max(earliest, found["start"])
    deed.state.ask(
        deed.connection, "end_withheld", id=deed.number, end=end, by=name_of(deed, deed.actor.name)
    )
    deed.before = {"end": found["end"] and found["end"].isoformat()}
    deed.after = {"end": end.isoformat()}
    return _said(deed.number, {**found, "end": end})


def _said(number: int, row: Mapping[str, Any]) -> dict[str, Any]:
    times = {name: row[name] and row[name].isoformat() for name in ("start", "end")}
    return {
        "withheld_id": number,
        "kind": row["kind"],
        "rule": row["rule"],
        "entity_id": row["entity_id"],
        **times,
    }


def _earliest(deed: Deed) -> datetime:
    """The first minute that nobody can be judging; the watermark stands still until this is committed."""
    following: datetime | None = deed.state.ask(deed.connection, "lock_watermark").scalar()
    now = floor_minute(deed.desk.clock())
    return now if following is None else following + MINUTE


def _start(deed: Deed) -> datetime:
    earliest, given = _earliest(deed), deed.given["from"]
    if given is None:
        return max(earliest, floor_minute(deed.desk.clock()))
    start = floor_minute(given)
    if start < earliest:
        at, first = moment(start, deed.desk.zone), moment(earliest, deed.desk.zone)
        msg = phrase("{at} is judged already, or just being judged", at=at)
        raise UsageError(msg, phrase("begin at {first} or later", first=first))
    return start


def _end_of_hold(deed: Deed, start: datetime, what: str, longest: timedelta, otherwise: str) -> datetime:
    """When it ends; `otherwise` is what to do where that shall be later than allowed."""
    end = floor_minute(one_end(what, start, deed.given["for"], deed.given["until"], longest))
    ends = moment(end, deed.desk.zone)
    if end <= start:
        starts = moment(start, deed.desk.zone)
        msg = phrase("the end {end} is not after the start {start}", end=ends, start=starts)
        raise UsageError(msg, "give a later end")
    if end - start > longest:
        given = {"what": word(what), "end": ends, "days": longest.days}
        msg = phrase("{what} until {end} lasts more than {days} days", **given)
        raise UsageError(msg, phrase("give an earlier end; or {otherwise}", otherwise=word(otherwise)))
    return end


_ADDED: Final = {
    "rule": Parameter("text", "the rule; without one, every rule", longest=100),
    "from": Parameter("time", "from when on; without it, from now on"),
    "for": Parameter("duration", "for how long, as 2h"),
    "until": Parameter("time", "until when"),
    "reason": Parameter("text", "why", required=True),
    "by": BY,
}
_ENDED: Final = {"reason": Parameter("text", "why"), "by": BY}
_ENTITY: Final = "whose signals; without it, everybody's"

ACTS: Final = (
    Act(
        name="add_window",
        action="deliver",
        kind="window",
        run=add_window,
        needs_id=False,
        parameters={
            **_ADDED,
            "entity": Parameter("text", _ENTITY, longest=200),
            "everybody": Parameter("flag", "all signals of everybody"),
        },
    ),
    Act(name="end_window", action="deliver", kind="window", run=end_window, parameters=_ENDED),
    Act(
        name="add_exclusion",
        action="deliver",
        kind="exclusion",
        run=add_exclusion,
        needs_id=False,
        parameters={**_ADDED, "entity": Parameter("text", "whose signals", required=True, longest=200)},
    ),
    Act(name="end_exclusion", action="deliver", kind="exclusion", run=end_exclusion, parameters=_ENDED),
)
