"""What becomes of actions: proposals follow the money, time ends them, the source confirms them.

Each step is a short transaction that only the leader can commit. An action that somebody has changed
meanwhile is left to the next turn.
"""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

import structlog

from pipeline.alarms.ornaments import LEADERSHIP, described
from pipeline.errors import MinuteriskError
from pipeline.judge.life import Event
from pipeline.minute import Span, floor_minute
from pipeline.money import Acted, Outcome
from pipeline.store.actions import LIVE, OURSELVES, said_of_action
from pipeline.store.database import as_json
from pipeline.store.incidents import incident_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from sqlalchemy import Connection

    from baselines.rules import Tuned
    from pipeline.judge.life import Incident
    from pipeline.money import Following, Proposal
    from pipeline.store.lake import Lake
    from pipeline.store.state import State

log = structlog.get_logger("minuterisk.actions")

#: A proposal follows the money where that moved by more than one part in so many; less is not worth a change.
_MOVED: Final = 20
#: What was declined is proposed again once half as much again could be kept, as a snooze ends.
_MORE_NUMERATOR, _MORE_DENOMINATOR = 3, 2
_A_DAY: Final = timedelta(days=1)


def follow_money(state: State, minute: datetime) -> int:
    """Propose about what lasts without a proposal, bring ours up to the money of now; how many changed."""
    newest = {(row["incident_id"], row["kind"]): row for row in state.rows("actions_newest")}
    live = {row["incident_id"]: row for row in newest.values() if row["status"] in LIVE}
    changed = 0
    for incident in state.unresolved().values():
        proposal = state.proposer(incident, minute)
        if proposal is None or incident.incident_id is None:
            continue
        ours = live.get(incident.incident_id)
        if ours is not None:
            if ours["status"] == "proposed" and _differs(ours, proposal):
                with state.committing() as connection:
                    changed += state.follow_action(connection, ours["action_id"], proposal, incident.at_risk)
        elif _is_new(newest.get((incident.incident_id, proposal.kind)), proposal):
            with state.committing() as connection:
                changed += state.propose_ourselves(connection, [(incident.incident_id, incident)], minute)
    return changed


def _differs(before: Mapping[str, Any], proposal: Proposal) -> bool:
    """Is it worth a change? What a person reads must not move under the eyes for a few won."""
    same = ("kind", "percent")
    if (
        any(before[name] != getattr(proposal, name) for name in same)
        or before["helps_until"] != proposal.until
    ):
        return True
    old, new = before["amount"], proposal.amount
    if old is None or new is None:
        return old is not new
    return bool(abs(new - old) * _MOVED > old)


def _is_new(before: Mapping[str, Any] | None, proposal: Proposal) -> bool:
    """Is it something that was not proposed and ended before? `before`: the newest of its kind, which has."""
    if before is None:
        return True
    old_end, new_end = before["helps_until"], proposal.until
    # Who said no to it has said so of the whole day on which it is due.
    same_day = _A_DAY if before["status"] in ("declined", "withdrawn") else timedelta(0)
    if old_end is not None and new_end is not None and new_end > old_end + same_day:
        return True
    old, new = before["amount"], proposal.amount
    if old is None or new is None:
        return False
    return bool(new > old and new * _MORE_DENOMINATOR >= old * _MORE_NUMERATOR)


def end_by_time(state: State) -> int:
    """End what helps no more and nobody was told of, and what we proposed about incidents that are over."""
    ended = 0
    for row in state.rows("actions_due"):
        ended += _end(
            state, row, "lapsed", (row["status"],), "it helps no more", tells=row["status"] == "approved"
        )
    for row in state.rows("actions_over"):
        ended += _end(state, row, "lapsed", ("proposed",), "the incident is over", tells=False)
    return ended


def mark_told(state: State) -> int:
    """Actions of which everybody was told; how many."""
    told = 0
    for row in state.rows("actions_to_tell"):
        with state.committing() as connection:
            told += state.ask(connection, "action_told", id=row["action_id"]).first() is not None
    return told


def follow_outcomes(state: State, lake: Lake, now: datetime, tuned: Tuned) -> dict[int, str]:
    """See what the source shows of actions that were told; of which it could not be read, and why.

    One that cannot be read keeps no other from being followed.
    """
    exposures, unread = lake.pack.exposures, dict[int, str]()
    if exposures is None or exposures.following is None:
        return unread
    for row in state.rows("actions_followed"):
        try:
            if row["kind"] in exposures.by_people and row["status"] == "told":
                _by_people(state, row, exposures.following, now)
            else:
                _by_source(state, row, _outcome(state, lake, exposures.following, row, now, tuned))
        except LEADERSHIP:
            raise
        except Exception as error:  # whatever it is, the others are followed
            log.warning("action.not_followed", action_id=row["action_id"], exc_info=error)
            unread[row["action_id"]] = error.what if isinstance(error, MinuteriskError) else described(error)
    return unread


def _by_people(state: State, row: Mapping[str, Any], following: Following[Any], now: datetime) -> None:
    """What nobody has confirmed for so long was not done, as far as anybody knows."""
    if now >= row["told_at"] + following.after:
        _end(state, row, "lapsed", ("told",), "nobody has confirmed it", tells=True)


def _by_source(state: State, row: Mapping[str, Any], outcome: Outcome) -> None:
    _keep(state, row, outcome)
    if row["status"] == "told" and outcome.shown is not None:
        status = "confirmed" if outcome.shown else "lapsed"
        why = "the source shows it" if outcome.shown else "the source shows that it was not done"
        _end(state, row, status, ("told",), why, tells=True)


def _outcome(
    state: State,
    lake: Lake,
    following: Following[Any],
    row: Mapping[str, Any],
    now: datetime,
    tuned: Tuned,
) -> Outcome:
    told_at, files = row["told_at"], state.publication().files
    end, frames = floor_minute(min(now, told_at + following.after)), {}
    for name, before in following.before.items():
        span = Span(floor_minute(told_at - before), end)
        frames[name] = lake.read(files, name, span, [row["entity_id"]])
    acted = Acted(
        kind=row["kind"],
        entity_id=row["entity_id"],
        percent=row["percent"],
        amount=row["amount"],
        until=row["helps_until"],
        money=row["money"],
        told_at=told_at,
        label=row["label"],
    )
    found = following.outcome(acted, frames, now, lake.zone, tuned)
    late = now >= told_at + following.after
    return Outcome(
        found.shown if found.shown is not None or not late else False, found.figures, found.settled or late
    )


def _keep(state: State, row: Mapping[str, Any], outcome: Outcome) -> None:
    kept = {**outcome.figures, "settled": outcome.settled}
    if kept != row["outcome"]:
        with state.committing() as connection:
            state.ask(connection, "action_outcome", id=row["action_id"], outcome=json.dumps(kept))


def _end(
    state: State, row: Mapping[str, Any], status: str, statuses: tuple[str, ...], why: str, *, tells: bool
) -> bool:
    with state.committing() as connection:
        locked = state.ask(connection, "lock_incident", id=row["incident_id"]).mappings().one()
        if not state.end_action(connection, row["action_id"], status, statuses, why=why):
            return False  # somebody was faster
        action = dict(state.ask(connection, "action", id=row["action_id"]).mappings().one())
        if status == "lapsed":
            state.stop_call(connection, action, why)
        if tells:
            _tell(state, connection, action, incident_of(dict(locked)), why)
    log.info("action.ended", action_id=row["action_id"], status=status, why=why)
    return True


def _tell(
    state: State, connection: Connection, action: Mapping[str, Any], incident: Incident, why: str
) -> None:
    said = said_of_action(action, why=why)
    given = {"id": action["incident_id"], "by": OURSELVES, "account_id": None}
    state.ask(connection, "record_act", act="action", given=as_json([said]), **given)
    state.tell_act(connection, Event("action", incident.last_breach_minute, incident, said=said))
