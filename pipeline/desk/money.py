"""What people do about an incident's money: propose, approve what somebody else proposed, decline, take back.

We change nothing in the source. An action that is approved is told in the incident's thread and to the
company's own systems; what the source shows later confirms it, or it lapses.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, NoReturn

from pipeline.desk.given import WHY, Parameter
from pipeline.desk.incidents import BY, acting_name, lock, refuse_unknown
from pipeline.desk.perform import Act, Deed
from pipeline.errors import UsageError
from pipeline.errors.phrases import phrase, word
from pipeline.figures import moment, one_line
from pipeline.judge.life import Event
from pipeline.minute import floor_minute
from pipeline.packs import load_pack
from pipeline.store.actions import LIVE, said_of_action
from pipeline.store.database import as_json

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Connection

    from pipeline.judge.life import Incident
    from pipeline.money import Exposures, Proposal
    from pipeline.store.state import State

#: No account has this number: what minuterisk itself proposes is nobody's own, so anybody allowed may decide.
_NOBODYS: Final = 0
_RECALLED_FROM: Final = ("approved", "told")
_GIVEN_UP: Final = {"dead", "nowhere"}


def propose(deed: Deed) -> Mapping[str, Any]:
    """Propose what is to be done about the money of an incident; somebody else has to approve it."""
    incident, _ = lock(deed)
    name, exposures = acting_name(deed), _exposures(deed)
    if incident.resolved_minute is not None:
        at = moment(incident.resolved_minute, deed.desk.zone)
        msg = phrase("incident {number} is resolved since {at}", number=deed.number, at=at)
        raise UsageError(msg, "open it again first: nothing is proposed about what is over")
    proposal = _proposal(deed, incident, exposures)
    _refuse_same(deed, proposal.kind)
    by = {"by": name, "account_id": deed.actor.account_id, "why": deed.given["reason"]}
    number = deed.state.add_action(deed.connection, deed.number, incident, proposal, **by)
    action = _row(deed, number)
    deed.before, deed.after = {}, said_of_action(action)
    _told(deed, incident, action, name, why=deed.given["reason"])
    return _answer(action)


def approve(deed: Deed) -> Mapping[str, Any]:
    """Approve what somebody else proposed: people and the company's systems are told."""
    action, incident = _locked(deed)
    name, zone = acting_name(deed), deed.desk.zone
    _require(deed, action, ("proposed",))
    _refuse_own(deed, action)
    until = action["helps_until"]
    if until is not None and until <= deed.state.now(deed.connection):
        msg = phrase("action {number} helps no more since {at}", number=deed.number, at=moment(until, zone))
        raise UsageError(msg, "propose what helps now: `minuterisk incidents action propose`")
    given = {"id": deed.number, "by": name, "account_id": deed.actor.account_id}
    deed.state.ask(deed.connection, "action_approve", **given)
    now = _row(deed, deed.number)
    deed.before, deed.after = {"status": "proposed"}, said_of_action(now)
    deed.state.add_call(deed.connection, now, "approved")
    _told(deed, incident, now, name, why=deed.given["reason"] or "")
    return _answer(now)


def decline(deed: Deed) -> Mapping[str, Any]:
    """Say no to what is proposed."""
    return _ended(deed, "declined", ("proposed",))


def withdraw(deed: Deed) -> Mapping[str, Any]:
    """Take a proposal back that nobody has decided on."""
    return _ended(deed, "withdrawn", ("proposed",))


def recall(deed: Deed) -> Mapping[str, Any]:
    """Call an approved action off; the company's systems are told of that as well."""
    answer = _ended(deed, "withdrawn", _RECALLED_FROM)
    deed.state.add_call(deed.connection, _row(deed, deed.number), "withdrawn")
    return answer


def confirm(deed: Deed) -> Mapping[str, Any]:
    """Say that something was done that nothing in the source shows."""
    action, _ = _locked(deed, keep=False)
    exposures = _exposures(deed)
    if action["kind"] not in exposures.by_people:
        kinds = ", ".join(exposures.by_people) or word("nothing")
        msg = phrase("{kind} is confirmed by what the source shows", kind=action["kind"])
        raise UsageError(msg, phrase("people confirm {kinds}", kinds=kinds))
    return _ended(deed, "confirmed", ("told",))


def retell(deed: Deed) -> Mapping[str, Any]:
    """Let the company's systems be told again of what they did not take, or had no address for."""
    action, _ = _locked(deed, keep=False)
    calls = deed.state.ask(deed.connection, "call_requeue", id=deed.number).all()
    if not calls:
        _refuse_retell(deed)
    deed.before, deed.after = {"status": action["status"]}, {"calls": len(calls)}
    return {"action_id": deed.number, "calls": len(calls)}


def _refuse_retell(deed: Deed) -> NoReturn:
    """Nothing was given up, or it was about what is over: an order of weeks ago is not given again."""
    action, number = _row(deed, deed.number), deed.number
    until = action["helps_until"]
    if not {action["call_status"], action["recall_status"]} & _GIVEN_UP:
        msg = phrase("nothing about action {number} was given up", number=number)
        raise UsageError(msg, phrase("see `minuterisk incidents action show {number}`", number=number))
    if action["status"] in _RECALLED_FROM and until is not None:
        msg = phrase(
            "action {number} helps no more since {at}", number=number, at=moment(until, deed.desk.zone)
        )
        raise UsageError(msg, "propose what helps now: `minuterisk incidents action propose`")
    met = {"number": number, "status": word(action["status"])}
    msg = phrase("action {number} is {status}: what is over is not told again", **met)
    raise UsageError(msg, "propose what helps now: `minuterisk incidents action propose`")


def show(state: State, connection: Connection, action_id: int) -> Mapping[str, Any]:
    """One action, with everything that is stored of it."""
    found = state.ask(connection, "action", id=action_id).mappings().first()
    if found is None:
        refuse_unknown("action", action_id)
    return dict(found)


def _exposures(deed: Deed) -> Exposures[Any]:
    exposures = load_pack(deed.state.pack).exposures
    if exposures is None or not exposures.actions:
        msg = phrase("the pack {pack} knows nothing to do about money", pack=deed.state.pack)
        raise UsageError(msg, "choose an incident of another pack")
    return exposures


def _proposal(deed: Deed, incident: Incident, exposures: Exposures[Any]) -> Proposal:
    """What was given, with what it keeps by the incident's money of now."""
    kind, percent = deed.given["kind"], deed.given["percent"]
    if kind not in exposures.actions:
        msg = phrase("there is no action {kind!r}", kind=kind)
        raise UsageError(msg, phrase("known are {known}", known=", ".join(exposures.actions)))
    if (percent is not None) != (kind in exposures.shares):
        if percent is None:
            raise UsageError(phrase("{kind} needs a share", kind=kind), "give it: --percent 10")
        raise UsageError(phrase("{kind} has no share", kind=kind), "leave --percent out")
    if percent is not None and not 1 <= percent <= 100:  # noqa: PLR2004 - per cent
        raise UsageError(phrase("the share is {percent} %", percent=percent), "give one from 1 to 100")
    amount = deed.given["amount"]
    if amount is not None and amount < 0:
        raise UsageError(phrase("the amount is {amount:,}", amount=amount), "give one that is not negative")
    made = _effect(deed, incident, exposures)
    return made if amount is None else replace(made, amount=amount)


def _effect(deed: Deed, incident: Incident, exposures: Exposures[Any]) -> Proposal:
    """What it keeps and until when it helps, counted now: the last breach may lie on the day before."""
    now, zone, until = deed.state.now(deed.connection), deed.desk.zone, deed.given["until"]
    if until is not None and until <= now:
        raise UsageError(phrase("{at} is over already", at=moment(until, zone)), "give a later time")
    given = (deed.given["kind"], deed.given["percent"], incident.at_risk, floor_minute(now), zone)
    made = exposures.effect(*given)
    if until is not None:
        return replace(made, until=until)
    if made.until is not None and made.until <= now:
        msg = phrase("by the incident's money it helps no more since {at}", at=moment(made.until, zone))
        raise UsageError(msg, "say until when it helps: --until")
    return made


def _refuse_same(deed: Deed, kind: str) -> None:
    """Two of a kind at once would be told twice."""
    asked = {"incident_id": deed.number, "statuses": list(LIVE), "limit": 100}
    for row in deed.state.ask(deed.connection, "actions_list", **asked).mappings():
        if row["kind"] == kind:
            same = {"number": row["action_id"], "kind": kind, "status": word(row["status"])}
            msg = phrase("action {number} is {kind} already, and {status}", **same)
            hint = phrase("see `minuterisk incidents action show {number}`", number=row["action_id"])
            raise UsageError(msg, hint)


def _refuse_own(deed: Deed, action: Mapping[str, Any]) -> None:
    """By the account and by the name: whoever had no account then may have one now."""
    if action["by_machine"]:
        return
    if action["proposer_id"] is None and deed.actor.account_id is not None:
        whose = {"number": deed.number, "name": one_line(action["proposed_by"])}
        msg = phrase("nobody can tell whose proposal {number} is: {name} had no account", **whose)
        raise UsageError(msg, "propose it again by an account")
    if action["proposed_by"] == deed.actor.name:
        msg = phrase("action {number} is {name}'s own proposal", number=deed.number, name=deed.actor.name)
        raise UsageError(msg, "somebody else has to approve it")


def _require(deed: Deed, action: Mapping[str, Any], statuses: tuple[str, ...]) -> None:
    if action["status"] in statuses:
        return
    who = action["ended_by"] or action["approved_by"]
    met = {"number": deed.number, "status": word(action["status"])}
    msg = phrase("action {number} is {status}", **met)
    if who:
        msg = phrase("action {number} is {status}, by {by}", **met, by=one_line(who))
    raise UsageError(msg, phrase("see `minuterisk incidents action show {number}`", number=deed.number))


def _ended(deed: Deed, status: str, statuses: tuple[str, ...]) -> Mapping[str, Any]:
    action, incident = _locked(deed)
    name, why = acting_name(deed), str(deed.given["reason"])
    _require(deed, action, statuses)
    deed.state.end_action(deed.connection, deed.number, status, statuses, by=name, why=why)
    now = _row(deed, deed.number)
    deed.before, deed.after = {"status": action["status"]}, said_of_action(now, why=why)
    _told(deed, incident, now, name, why=why)
    return _answer(now)


def _locked(deed: Deed, *, keep: bool = True) -> tuple[Mapping[str, Any], Incident]:
    """The action and its incident, kept from changing until the act is done; the incident always first."""
    found = deed.state.ask(deed.connection, "action", id=deed.number).mappings().first()
    if found is None:
        refuse_unknown("action", deed.number)
    incident, _ = lock(replace(deed, thing_id=str(found["incident_id"])))
    if keep:
        found = deed.state.ask(deed.connection, "action_lock", id=deed.number).mappings().one()
    return dict(found), incident


def _row(deed: Deed, number: int | None) -> Mapping[str, Any]:
    return dict(deed.state.ask(deed.connection, "action", id=number).mappings().one())


def _told(deed: Deed, incident: Incident, action: Mapping[str, Any], name: str, why: str = "") -> None:
    """Keep it in the incident's timeline, and write what people are told of it."""
    said = said_of_action(action, why=why)
    row = {"id": action["incident_id"], "by": name, "account_id": deed.actor.account_id}
    deed.state.ask(deed.connection, "record_act", act="action", given=as_json([said]), **row)
    deed.state.tell_act(
        deed.connection, Event("action", incident.last_breach_minute, incident, by=name, said=said)
    )


def _answer(action: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"incident_id": action["incident_id"], **said_of_action(action, why=action["end_why"])}


def _proposed_by(deed: Deed) -> int | None:
    """The account that proposed it; of what minuterisk itself proposed, none that anybody has."""
    found = _of(deed)
    return _NOBODYS if found is None or found["by_machine"] else found["proposer_id"]


def _is_own(deed: Deed) -> bool:
    """Is it a proposal of the actor's own?"""
    found = None if deed.actor.account_id is None or deed.actor.scope is not None else _of(deed)
    return found is not None and found["proposer_id"] == deed.actor.account_id


def _of(deed: Deed) -> Mapping[str, Any] | None:
    if not deed.thing_id.isdecimal():
        return None
    found = deed.state.ask(deed.connection, "action", id=deed.number).mappings().first()
    return None if found is None else dict(found)


_SAID: Final = {"reason": WHY, "by": BY}

ACTS: Final = (
    Act(
        name="propose_action",
        action="propose_money",
        kind="incident",
        run=propose,
        parameters={
            "kind": Parameter("text", "what is to be done", required=True, longest=100),
            "percent": Parameter("integer", "the share, of what has one"),
            "amount": Parameter("integer", "what it would keep; without it, by the money of now"),
            "until": Parameter("time", "from when on it helps no more; without it, by the money of now"),
            **_SAID,
        },
    ),
    Act(
        name="approve_action",
        action="approve_money",
        kind="action",
        run=approve,
        proposed_by=_proposed_by,
        parameters={"reason": Parameter("text", "why"), "by": BY},
    ),
    Act(
        name="decline_action",
        action="approve_money",
        kind="action",
        run=decline,
        proposed_by=lambda _: _NOBODYS,
        parameters=_SAID,
    ),
    Act(
        name="withdraw_action",
        action="propose_money",
        kind="action",
        run=withdraw,
        own=_is_own,
        parameters=_SAID,
    ),
    Act(
        name="recall_action",
        action="approve_money",
        kind="action",
        run=recall,
        proposed_by=lambda _: _NOBODYS,
        parameters=_SAID,
    ),
    Act(name="confirm_action", action="propose_money", kind="action", run=confirm, parameters=_SAID),
    Act(name="retell_action", action="deliver", kind="action", run=retell, parameters=_SAID),
)
