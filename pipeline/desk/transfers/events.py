"""What people do with events that died or are wrong, and with the breaker of the relays."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pipeline.desk.given import WHY, Parameter
from pipeline.desk.incidents import refuse_unknown
from pipeline.desk.perform import Act, Deed
from pipeline.desk.transfers.asking import first
from pipeline.errors import UsageError
from pipeline.errors.phrases import phrase, word
from pipeline.figures import moment
from pipeline.packs.transfers.schema import STATUSES

if TYPE_CHECKING:
    from collections.abc import Mapping


def requeue_dead(deed: Deed) -> Mapping[str, Any]:
    """Let a dead event be tried again by the relay that delivers its account."""
    found = first(deed, "dead_event", number=deed.number)
    if found is None:
        refuse_unknown("dead event", deed.number)
    if first(deed, "dead_requeue", number=deed.number, actor=deed.actor.name, now=deed.desk.clock()) is None:
        msg = phrase("dead event {number} waits for its next try already", number=deed.number)
        if found["delivered_at"] is not None:
            msg = phrase("dead event {number} got through already", number=deed.number)
        raise UsageError(msg, "there is nothing left to do")
    deed.before, deed.after = {"requeued": False, "error": found["error"]}, {"requeued": True}
    return {"number": deed.number, "event_id": found["event_id"], "account_id": found["account_id"]}


def correct(deed: Deed) -> Mapping[str, Any]:
    """Give an event another status: windows, hits and incidents follow."""
    found = first(deed, "event_lock", transfer_id=deed.thing_id)
    if found is None:
        refuse_unknown("transfer", deed.thing_id)
    status = deed.given["status"]
    if found["status"] == status:
        msg = phrase("event {id} is {status} already", id=deed.thing_id, status=word(status))
        raise UsageError(msg, "there is nothing to correct")
    first(deed, "event_correct", transfer_id=deed.thing_id, status=status, origin="desk")
    deed.before, deed.after = {"status": found["status"]}, {"status": status}
    return {"transfer_id": deed.thing_id, "status": status, "was": found["status"]}


def open_breaker(deed: Deed) -> Mapping[str, Any]:
    """Hold the breaker open: relays deliver nothing until somebody closes it."""
    given = {"now": deed.desk.clock(), "actor": deed.actor.name, "reason": deed.given["reason"]}
    if first(deed, "breaker_open", **given) is None:
        held = first(deed, "breaker")
        since = moment(held["opened_at"], deed.desk.zone) if held else ""
        by = held["opened_by"] if held else ""
        msg = phrase("the breaker is held open already, since {at} by {by}", at=since, by=by)
        raise UsageError(msg, "close it to let relays deliver again")
    deed.before, deed.after = {"held": False}, {"held": True}
    return {"held": True}


def close_breaker(deed: Deed) -> Mapping[str, Any]:
    """Let relays deliver again."""
    if first(deed, "breaker_close") is None:
        msg = phrase("nobody holds the breaker open")
        raise UsageError(msg, "there is nothing to close")
    deed.before, deed.after = {"held": True}, {"held": False}
    return {"held": False}


ACTS: Final = (
    Act(
        name="requeue_dead_event",
        action="deliver",
        kind="dead_event",
        run=requeue_dead,
        parameters={"reason": Parameter("text", "why")},
    ),
    Act(
        name="correct_event",
        action="deliver",
        kind="transfer",
        run=correct,
        parameters={
            "status": Parameter("choice", "what it is now", required=True, choices=STATUSES),
            "reason": WHY,
        },
    ),
    Act(
        name="open_breaker",
        action="deliver",
        kind="breaker",
        run=open_breaker,
        needs_id=False,
        parameters={"reason": WHY},
    ),
    Act(
        name="close_breaker",
        action="deliver",
        kind="breaker",
        run=close_breaker,
        needs_id=False,
        parameters={"reason": Parameter("text", "why")},
    ),
)
