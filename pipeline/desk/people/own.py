"""What people change of their own account on the page: the authenticator, and where else they are signed in.

An authenticator is set up in two acts: the first proves who asks and offers a secret, the second takes its
first code. Password and present code are asked for as at a sign-in, and a failure counts as one there.
"""

from __future__ import annotations

import hashlib
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any, Final

from pipeline.desk.given import Parameter
from pipeline.desk.people import passwords, totp
from pipeline.desk.people.accounts import (
    NotProven,
    count_failure,
    held,
    is_own,
    open_totp,
    require_password,
    seal_totp,
)
from pipeline.desk.people.seal import Broken, Seal
from pipeline.desk.perform import Act, Deed
from pipeline.errors import UsageError
from pipeline.errors.phrases import phrase
from pipeline.figures import one_line

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Row

#: What a ticket of an authenticator is for, that somebody who is signed in sets up.
RENEW: Final = "renew"


def begin_totp(deed: Deed) -> Mapping[str, Any]:
    """Offer a new authenticator to whoever gives the password, and the code of the present one."""
    seal, now = _own_seal(deed), deed.desk.clock()
    row = require_password(deed, deed.given["password"])
    given = {"account_id": row.account_id, "totp_step": _present_step(deed, row, seal), "now": now}
    if deed.state.ask(deed.connection, "account_signed_in", password_hash=None, **given).first() is None:
        raise NotProven(_EITHER)  # the code was used before
    bound = {"session": deed.actor.credential, "had": _mark_of(row.totp)}
    deed.before, deed.after = {"totp": row.totp is not None}, {"totp": "offered"}
    return asdict(totp.offered(seal, RENEW, row.account_id, row.name, now, **bound))


def enrol_totp(deed: Deed) -> Mapping[str, Any]:
    """Set up the authenticator that was offered, by its first code; the one before counts no longer."""
    seal, now, ticket = _own_seal(deed), deed.desk.clock(), deed.given["ticket"]
    content = totp.opened(seal, RENEW, ticket, now)
    step = totp.first_step(content, ticket, deed.given["code"], now)
    row = held(deed)
    bound = (row.account_id, deed.actor.credential, _mark_of(row.totp))
    if bound != (content["account_id"], content["session"], content["had"]):
        raise totp.TooLate
    sealed = seal_totp(seal, content["secret"], row.account_id)
    given = {"account_id": row.account_id, "totp": sealed, "totp_step": step}
    deed.state.ask(deed.connection, "account_set_totp", **given)
    deed.before, deed.after = {"totp": row.totp is not None}, {"totp": True}
    return {"account": row.name, "totp": True}


def revoke_sessions(deed: Deed) -> Mapping[str, Any]:
    """End all sessions of an account, but the one on the page that asks."""
    row = held(deed)
    mine = deed.actor.credential if deed.actor.door == "page" and is_own(deed) else ""
    given = {"account_id": row.account_id, "but": int(mine) if mine else None, "now": deed.desk.clock()}
    ended = deed.state.ask(deed.connection, "sessions_end", **given).scalars().all()
    deed.before, deed.after = {"sessions": sorted(ended)}, {"sessions": []}
    return {"account": row.name, "ended": len(ended)}


def _own_seal(deed: Deed) -> Seal:
    """The key of the home, for whoever sets up their own authenticator."""
    if not is_own(deed):
        msg = phrase("only {name} sets up their authenticator", name=one_line(deed.thing_id))
        raise UsageError(msg, "for somebody else: minuterisk users totp NAME")
    return Seal.of(deed.desk.settings.home)


def _present_step(deed: Deed, row: Row[Any], seal: Seal) -> int | None:
    """The step of the present authenticator's code; None where the account has none. Raises NotProven."""
    if row.totp is None:
        return None
    try:
        secret = open_totp(seal, row.totp, row.account_id)
    except Broken as error:
        msg = "the present authenticator was set up with another key than this home's"
        hint = phrase("an administrator renews it: minuterisk users totp {name}", name=row.name)
        raise UsageError(msg, hint) from error
    step = totp.step_of(secret, deed.given["code"] or "", deed.desk.clock())
    if step is None:
        raise NotProven(_EITHER)
    return step


def _mark_of(sealed: bytes | None) -> str:
    """By what a ticket knows the authenticator that it is to replace."""
    return "" if sealed is None else hashlib.sha256(bytes(sealed)).hexdigest()


_EITHER: Final = "the password or the code"
_CODE: Final = Parameter("text", "the code of the authenticator", longest=20, secret=True)

ACTS: Final = (
    Act(
        name="begin_totp",
        action="administer",
        kind="account",
        run=begin_totp,
        own=is_own,
        refused=count_failure,
        parameters={
            "password": Parameter(
                "text", "the password", required=True, longest=passwords.LONGEST, secret=True
            ),
            "code": replace(_CODE, text="the code of the present authenticator"),
        },
    ),
    Act(
        name="enrol_totp",
        action="administer",
        kind="account",
        run=enrol_totp,
        own=is_own,
        parameters={
            "ticket": Parameter("text", "what was offered", required=True, longest=2_000, secret=True),
            "code": replace(_CODE, required=True),
        },
    ),
    Act(
        name="revoke_sessions",
        action="administer",
        kind="account",
        run=revoke_sessions,
        own=is_own,
        parameters={"reason": Parameter("text", "why")},
    ),
)
