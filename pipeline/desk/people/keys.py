"""API keys for machines: `mk_NUMBER_SECRET`. The secret is shown once; only its hash is kept.

A key belongs to an account. Until its day it may do what is in its list of actions and of the account's role.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from pipeline.desk.given import Parameter
from pipeline.desk.perform import Act, Deed
from pipeline.desk.roles import ACTIONS, Actor
from pipeline.errors import NotAllowed, UsageError
from pipeline.errors.phrases import phrase
from pipeline.figures import one_line

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from sqlalchemy import Row

    from pipeline.errors.phrases import Phrase
    from pipeline.store.state import State

DAYS: Final = 90
MOST_DAYS: Final = 366
SECRET_BYTES: Final = 32
#: The last use is written at most this often.
USED_EVERY: Final = timedelta(minutes=1)
_FORM: Final = re.compile(r"mk_(\d{1,18})_([\w-]{20,100})", re.ASCII)
_NOBODYS: Final = bytes(32)
_DAYS: Final = phrase("how long it works, at most {most} days; without: {days}", most=MOST_DAYS, days=DAYS)


class KeyRefused(UsageError):
    """No key, or one that may not be used."""


def actor_of(state: State, key: str, origin: str, now: datetime) -> Actor:
    """Who a key acts for. Raises KeyRefused with the next step."""
    found = _FORM.fullmatch(key)
    if found is None:
        msg = "this is no API key"
        raise KeyRefused(msg, "send the header Authorization: Bearer mk_NUMBER_SECRET")
    with state.changing() as connection:
        row = state.ask(connection, "key_now", api_key_id=int(found[1])).first()
        kept = bytes(row.secret_hash) if row is not None else _NOBODYS
        if not hmac.compare_digest(kept, _hash(found[2])) or row is None:
            msg = "this API key is not of this installation"
            raise KeyRefused(msg, "an administrator makes one: minuterisk keys add")
        if row.revoked_at is not None or row.expires_at <= now or row.disabled_at is not None:
            msg = _unusable(row, now)
            raise KeyRefused(msg, "an administrator makes another: minuterisk keys add")
        given = {"api_key_id": row.api_key_id, "origin": origin, "now": now, "before": now - USED_EVERY}
        state.ask(connection, "key_used", **given)
    return Actor(
        row.account_id, row.name, row.role, "api", str(row.api_key_id), origin, frozenset(row.actions)
    )


def listed(state: State, name: str | None = None) -> list[dict[str, Any]]:
    """All keys, without their secrets."""
    return [dict(row) for row in state.rows("keys_list", account=name)]


def add(deed: Deed) -> Mapping[str, Any]:
    """Make a key; the answer is the only place where it ever stands whole."""
    row = deed.state.ask(deed.connection, "account_hold", account=deed.thing_id).first()
    if row is None:
        msg = phrase("there is no account {name}", name=deed.thing_id)
        raise UsageError(msg, "see `minuterisk users list`; a machine gets an account of its own")
    actions = _actions(deed.given["actions"])
    _require_within(deed.actor, actions)
    days = DAYS if deed.given["days"] is None else deed.given["days"]
    if not 1 <= days <= MOST_DAYS:
        msg = phrase("a key of {days} days", days=days)
        raise UsageError(msg, phrase("say 1 to {most} days", most=MOST_DAYS))
    now, secret = deed.desk.clock(), secrets.token_urlsafe(SECRET_BYTES)
    given = {
        "secret_hash": _hash(secret),
        "account_id": row.account_id,
        "label": one_line(deed.given["name"]),
        "actions": list(actions),
        "now": now,
        "expires_at": now + timedelta(days=days),
    }
    number = deed.state.ask(deed.connection, "key_add", **given).scalar_one()
    shown = {"api_key_id": number, "name": given["label"], "actions": list(actions)}
    deed.after = {**shown, "expires_at": given["expires_at"]}
    return {
        **shown,
        "account": deed.thing_id,
        "expires_at": given["expires_at"],
        "key": f"mk_{number}_{secret}",
    }


def revoke(deed: Deed) -> Mapping[str, Any]:
    """A key that nobody may use any more."""
    given = {"api_key_id": deed.number, "now": deed.desk.clock()}
    row = deed.state.ask(deed.connection, "key_revoke", **given).first()
    if row is None:
        msg = phrase("there is no API key {number} in use", number=deed.number)
        raise UsageError(msg, "see `minuterisk keys list`")
    deed.before, deed.after = {"name": row.name}, {"revoked": True}
    return {"api_key_id": deed.number, "revoked": True}


def _unusable(row: Row[Any], now: datetime) -> Phrase:
    number = row.api_key_id
    if row.revoked_at is not None:
        return phrase("the API key {number} is revoked", number=number)
    if row.expires_at <= now:
        return phrase("the API key {number} has expired", number=number)
    return phrase("the API key {number} belongs to {name}, which is disabled", number=number, name=row.name)


def _actions(text: str) -> tuple[str, ...]:
    named = tuple(dict.fromkeys(part.strip() for part in text.split(",")))
    strange = [name for name in named if name not in ACTIONS]
    if strange:
        msg = phrase("there is no action {name!r}", name=strange[0])
        raise UsageError(msg, phrase("known are {known}", known=", ".join(ACTIONS)))
    return named


def _require_within(actor: Actor, actions: tuple[str, ...]) -> None:
    """A key makes no key that may more than itself."""
    more = [name for name in actions if actor.scope is not None and name not in actor.scope]
    if more:
        what = ", ".join(more)
        msg = phrase("the API key {number} is not for {actions}", number=actor.credential, actions=what)
        raise NotAllowed(msg, "make this key on the command line, or with one that is")


def _hash(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()


ACTS: Final = (
    Act(
        name="add_key",
        action="administer",
        kind="account",
        run=add,
        parameters={
            "name": Parameter("text", "what the key is for", required=True, longest=100),
            "actions": Parameter("text", "the actions it is for, with commas between", required=True),
            "days": Parameter("integer", _DAYS),
        },
    ),
    Act(name="revoke_key", action="administer", kind="api_key", run=revoke),
)
