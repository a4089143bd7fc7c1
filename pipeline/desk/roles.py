"""Who may do what: six roles and one table, and the one question that every door asks of it.

The table is code, so that a change of it is reviewed and released like any other.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from pipeline.errors import NotAllowed
from pipeline.errors.phrases import either, phrase, word

if TYPE_CHECKING:
    from collections.abc import Mapping

SUPER_ADMIN: Final = "SUPER_ADMIN"
RULE_ADMIN: Final = "RULE_ADMIN"
AUDITOR: Final = "AUDITOR"
OPS_AGENT: Final = "OPS_AGENT"
RISK_ANALYST: Final = "RISK_ANALYST"
READ_ONLY: Final = "READ_ONLY"
ROLES: Final = (SUPER_ADMIN, RULE_ADMIN, AUDITOR, OPS_AGENT, RISK_ANALYST, READ_ONLY)

#: Who may take each action. Where the kind of the thing matters it stands behind the action.
TABLE: Final[Mapping[str, frozenset[str]]] = MappingProxyType(
    {
        # screens, incidents and their reasons, personal values masked
        "see": frozenset(ROLES),
        # SQL and downloads; a reason is asked and kept
        "export": frozenset({SUPER_ADMIN, AUDITOR, RISK_ANALYST}),
        # acknowledge, assign, note, snooze, resolve, reopen, label
        "handle": frozenset({SUPER_ADMIN, OPS_AGENT, RISK_ANALYST}),
        # a rule or a tuned number: write it down and judge the past by it
        "draft": frozenset({SUPER_ADMIN, RULE_ADMIN, RISK_ANALYST}),
        "submit": frozenset({SUPER_ADMIN, RULE_ADMIN}),
        "approve": frozenset({SUPER_ADMIN, RULE_ADMIN}),
        # pause a rule, stop switches
        "pause": frozenset({SUPER_ADMIN, RULE_ADMIN, OPS_AGENT}),
        "deny": frozenset({SUPER_ADMIN, RULE_ADMIN, OPS_AGENT}),
        "allow": frozenset({SUPER_ADMIN, RULE_ADMIN}),
        # hold, recover, respond
        "propose_money": frozenset({SUPER_ADMIN, OPS_AGENT, RISK_ANALYST}),
        "approve_money": frozenset({SUPER_ADMIN, OPS_AGENT}),
        # dead messages, routes, silences, maintenance windows, exclusions
        "deliver": frozenset({SUPER_ADMIN, OPS_AGENT}),
        # ask about a payment before it happens, hand in payments: what machines of the company do
        "check": frozenset({SUPER_ADMIN, OPS_AGENT}),
        # a personal value; a reason is asked and kept
        "unmask": frozenset({SUPER_ADMIN, AUDITOR}),
        "read_audit": frozenset({SUPER_ADMIN, AUDITOR}),
        "read_audit:rules": frozenset({SUPER_ADMIN, AUDITOR, RULE_ADMIN}),
        # users, roles, sessions, API keys, settings
        "administer": frozenset({SUPER_ADMIN}),
        # nobody: it is only added to
        "change_audit": frozenset(),
    }
)
ACTIONS: Final = tuple(action for action in TABLE if ":" not in action)
#: What nobody may do to what they proposed themselves.
BY_ANOTHER: Final = frozenset({"approve", "approve_money"})


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts, through which door, and by what they are known there."""

    account_id: int | None  # None: nobody's account
    name: str
    role: str
    door: str  # page | cli | api | slack
    credential: str = ""  # the number of the session or key, never its secret
    origin: str = ""  # an address, a terminal, a Slack workspace
    scope: frozenset[str] | None = None  # the actions that an API key is for; None: all of the role


@dataclass(frozen=True, slots=True)
class Thing:
    """What is acted on."""

    kind: str  # incident, message, account, rules, …
    id: str = ""
    proposed_by: int | None = None  # the account that asks to have it approved


def may(actor: Actor, action: str, kind: str = "") -> bool:
    """May the actor take the action on a thing of this kind, if it is not the actor's own proposal?"""
    return (actor.scope is None or action in actor.scope) and actor.role in allowed_roles(action, kind)


def allowed_roles(action: str, kind: str = "") -> frozenset[str]:
    """The roles that may take an action on things of a kind."""
    return TABLE.get(f"{action}:{kind}", TABLE[action])


def authorize(actor: Actor, action: str, thing: Thing) -> None:
    """Let the actor take the action on the thing, or raise NotAllowed with who may."""
    if actor.scope is not None and action not in actor.scope:
        given = {"number": actor.credential, "name": actor.name, "action": word(action)}
        msg = phrase("the API key {number} of {name} is not for {action}", **given)
        raise NotAllowed(msg, phrase("use a key made with --action {action}", action=action))
    if not may(actor, action, thing.kind):
        who = [role for role in ROLES if role in allowed_roles(action, thing.kind)]
        asked = {
            "name": actor.name,
            "role": word(actor.role),
            "action": word(action),
            "kind": word(thing.kind),
        }
        msg = phrase("{name} is {role}, which may not {action} ({kind})", **asked)
        if thing.id:
            msg = phrase("{name} is {role}, which may not {action} ({kind} {id})", **asked, id=thing.id)
        raise NotAllowed(msg, phrase("ask one who is {roles}", roles=either(who)) if who else "nobody may")
    if action in BY_ANOTHER and thing.proposed_by == actor.account_id:
        own = {"kind": word(thing.kind), "id": thing.id, "name": actor.name}
        msg = phrase("{kind} {id} is {name}'s own proposal", **own)
        raise NotAllowed(msg, "somebody else has to approve it")
