"""Calls to the company's systems, one unit of work a step, by the discipline of the outbox.

    pending ──claim──> sending ──> sent
       ^                  ├─later─> pending   (after a wait that doubles; as long as the receiver asks)
       └──requeue── dead <┘                   (refused, or tried for too long: an alarm, told in the thread)

`sending` is committed before the call leaves, and every try is the same bytes under the same key: a receiver
that has taken it already answers the same again. What was claimed by one that died is claimed again.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

import structlog

from pipeline.judge.life import Event
from pipeline.store.actions import OURSELVES, said_of_action
from pipeline.store.database import as_json
from pipeline.store.incidents import incident_of
from pipeline.tell.deliver import LIMITS
from pipeline.tell.slack import DeliveryError, NotPosted, Refused

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

    from pipeline.act.receiver import Receiver
    from pipeline.store.state import State
    from pipeline.tell.deliver import Limits
    from pipeline.tell.pace import Pace

log = structlog.get_logger("minuterisk.actions")

#: What the thread says of a call that was not taken: nobody is asked to do what was called off.
_UNTAKEN: Final = {"approved": "failed", "withdrawn": "recall_failed"}


@dataclass(frozen=True, slots=True)
class Call:
    """A call in the hands of one sender."""

    call_id: int
    action_id: int
    event: str
    idempotency_key: object  # a UUID
    body: str
    attempts: int
    created_at: datetime
    leased_until: datetime


def call_one(state: State, receiver: Receiver | None, pace: Pace, limits: Limits = LIMITS) -> str | None:
    """Do one call and say what became of it: sent, later, dead, nowhere or lost; None: there is nothing.

    Without a receiver, which means that no address is set, a call goes nowhere and says so.
    """
    if pace.paused():
        return None
    call = _claim(state, pace.now(), limits)
    if call is None:
        return None
    if receiver is None:
        return _settle(state, call, pace, "nowhere", error="MINUTERISK_ACTION_URL is not set")
    try:
        receiver.send(str(call.idempotency_key), call.body.encode())
    except DeliveryError as error:
        return _failed(state, call, pace, limits, error)
    except Exception as error:
        # A fault of ours: the call is given back, so that it holds up no other, and then it is said.
        _later(state, call, pace, limits, NotPosted(type(error).__name__))
        raise
    pace.channel_answers()
    return _settle(state, call, pace, "sent")


def _claim(state: State, now: datetime, limits: Limits) -> Call | None:
    given = {"now": now, "expired_before": now - limits.margin, "leased_until": now + limits.lease}
    with state.committing() as connection:
        row = state.ask(connection, "call_claim", **given).mappings().first()
    return None if row is None else Call(**row)


def _failed(state: State, call: Call, pace: Pace, limits: Limits, error: DeliveryError) -> str:
    age = pace.now() - call.created_at
    counted = not isinstance(error, NotPosted)
    spent = age >= limits.age or (counted and call.attempts >= limits.tries)
    if isinstance(error, Refused) or spent:
        said = error.code if isinstance(error, Refused) else f"given up: {error.code}"
        return _dead(state, call, pace, said, error.hint)
    return _later(state, call, pace, limits, error)


def _later(state: State, call: Call, pace: Pace, limits: Limits, error: DeliveryError) -> str:
    if isinstance(error, NotPosted):
        wait = pace.channel_away(error.retry_after, limits.back_off_most_s)
    else:
        wait = pace.back_off(call.attempts, limits.back_off_most_s)
    counted = not isinstance(error, NotPosted)
    at = pace.now() + max(wait, timedelta(0))
    return _settle(state, call, pace, "pending", next_attempt_at=at, error=error.code, counted=counted)


def _dead(state: State, call: Call, pace: Pace, error: str, hint: str) -> str:
    """Set it aside for a person, and say in the incident's thread that somebody has to tell them."""
    with state.committing() as connection:
        if not _write(state, connection, call, pace, "dead", error=error):
            return "lost"
        _tell_failed(state, connection, call, error)
    log.error(
        "action.call_dead", alarm=True, action_id=call.action_id, notice=call.event, error=error, hint=hint
    )
    return "dead"


def _tell_failed(state: State, connection: Connection, call: Call, error: str) -> None:
    action = state.ask(connection, "action", id=call.action_id).mappings().one()
    row = state.ask(connection, "lock_incident", id=action["incident_id"]).mappings().one()
    incident = incident_of(dict(row))
    said = said_of_action(dict(action), _UNTAKEN[call.event], error)
    given = {"id": action["incident_id"], "by": OURSELVES, "account_id": None}
    state.ask(connection, "record_act", act="action", given=as_json([said]), **given)
    state.tell_act(
        connection, Event("action", incident.last_breach_minute, incident, visible=True, said=said)
    )


def _settle(
    state: State, call: Call, pace: Pace, status: str, *, error: str | None = None, **more: object
) -> str:
    with state.committing() as connection:
        written = _write(state, connection, call, pace, status, error=error, **more)
    outcome = {"pending": "later"}.get(status, status) if written else "lost"
    log.info("action.called", outcome=outcome, action_id=call.action_id, notice=call.event, error=error)
    return outcome


def _write(state: State, connection: Connection, call: Call, pace: Pace, status: str, **more: object) -> bool:
    """Write what became of it, with what differs from this; False where the lease was lost."""
    held = {"id": call.call_id, "leased_until": call.leased_until, "now": pace.now(), "status": status}
    given = {"next_attempt_at": None, "error": None, "counted": True, **more}
    return state.ask(connection, "call_settle", **held, **given).first() is not None
