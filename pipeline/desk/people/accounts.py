"""Accounts: who there is and what they may do. Every change is an act; nobody is ever deleted.

One SUPER_ADMIN who can sign in is always left: whoever changes accounts holds a lock first, and what is
left is counted under it.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy.exc

from pipeline.desk.given import Parameter
from pipeline.desk.people import passwords, totp
from pipeline.desk.people.seal import Seal
from pipeline.desk.people.sessions import is_self
from pipeline.desk.perform import Act, Deed, as_it_stands
from pipeline.desk.roles import ROLES, SUPER_ADMIN, Thing, authorize, may
from pipeline.errors import UsageError
from pipeline.errors.phrases import phrase, word
from pipeline.figures import one_line

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from sqlalchemy import Connection, Row

    from pipeline.store.state import State

#: Key of the advisory lock under which accounts change ("accounts" in ASCII).
LOCK: Final = 0x6163636F756E7473
#: So many failures in a row lock an account for so long.
MOST_FAILURES: Final = 5
LOCKED: Final = timedelta(minutes=15)
#: Accounts of a demo and their roles.
DEMO: Final = {role.lower(): role for role in ROLES}
#: What the seal of an authenticator's secret is for.
TOTP: Final = "totp"
_NAME: Final = re.compile(r"\w[\w.@+-]{0,79}")
_SLACK: Final = re.compile(r"[TE][A-Z0-9]{2,20}/[UW][A-Z0-9]{2,20}")
_EMAIL: Final = re.compile(r"[^\s@]{1,64}@[^\s@]{1,255}")
#: PostgreSQL's words for a lock that did not come, and for two that wait for each other.
_TOO_LONG: Final = ("55P03", "40P01")


class NotProven(UsageError):
    """Whoever asks has not shown that the account is theirs: it counts like a failed sign-in."""

    def __init__(self, what: str = "the current password") -> None:
        minutes = LOCKED.seconds // 60
        super().__init__(
            phrase(
                "{what} is not right, or the account is locked for {minutes} minutes",
                what=word(what),
                minutes=minutes,
            ),
            "give it again, or ask an administrator",
        )


def account_name(text: str) -> str:
    """A name as it is kept: one form of each letter, all of them small. Raises UsageError."""
    name = unicodedata.normalize("NFKC", text).strip().lower()
    if not _NAME.fullmatch(name):
        msg = phrase("{name!r} cannot be the name of an account", name=one_line(text))
        raise UsageError(msg, "letters, digits and . _ - @ +, at most 80")
    return name


def listed(state: State, name: str | None = None) -> list[dict[str, Any]]:
    """All accounts, or one, without anything secret."""
    return [dict(row) for row in state.rows("accounts_list", account=name)]


def add(deed: Deed) -> Mapping[str, Any]:
    """A new account. The first one administers, and is whoever makes it on the command line."""
    name, role, password = account_name(deed.given["name"]), deed.given["role"], deed.given["password"]
    deed.thing_id = name
    if password is not None:
        passwords.require_good(password, name)
    kept = None if password is None else passwords.shared().hash(password)
    _hold_all(deed)
    first = not deed.state.ask(deed.connection, "count_accounts").scalar_one()
    os_user = deed.given["os_user"]
    if first and (role != SUPER_ADMIN or kept is None):
        msg = "the first account has to be able to make the others"
        raise UsageError(msg, phrase("add a {role} with a password first", role=word(SUPER_ADMIN)))
    if first and os_user is None and deed.actor.door == "cli":
        os_user = deed.actor.name
    elsewhere = _elsewhere(0, os_user, None, deed.given["email"])
    _require_free(deed, name, elsewhere)
    given = {
        "account": name,
        "display_name": one_line(deed.given["display_name"] or ""),
        "role": role,
        "password_hash": kept,
        "email": elsewhere["email"],
        "os_user": os_user,
        "now": deed.desk.clock(),
    }
    deed.state.ask(deed.connection, "account_add", oidc_issuer=None, oidc_subject=None, **given)
    deed.after = {"role": role, "os_user": os_user, "password": kept is not None}
    return {"account": name, "role": role, "os_user": os_user}


def set_role(deed: Deed) -> Mapping[str, Any]:
    """Another role, from the next click on."""
    row, role = held(deed), deed.given["role"]
    if role != SUPER_ADMIN:
        require_another_admin(deed.state, deed.connection, row)
    deed.state.ask(deed.connection, "account_set_role", account_id=row.account_id, role=role)
    deed.before, deed.after = {"role": row.role}, {"role": role}
    return {"account": row.name, "role": role}


def disable(deed: Deed) -> Mapping[str, Any]:
    """An account that may no longer act; its sessions and API keys end, also where it is enabled again."""
    row, now = held(deed), deed.desk.clock()
    if row.disabled_at is not None:
        msg = phrase("{name} is disabled already", name=row.name)
        raise UsageError(msg, "nothing is left to do")
    require_another_admin(deed.state, deed.connection, row)
    deed.state.ask(deed.connection, "account_disable", account_id=row.account_id, now=now)
    deed.state.ask(deed.connection, "sessions_end", account_id=row.account_id, but=None, now=now)
    ended = deed.state.ask(deed.connection, "keys_end", account_id=row.account_id, now=now).scalars().all()
    deed.before = {"disabled": False, "api_keys": sorted(ended)}
    deed.after = {"disabled": True, "api_keys": []}
    return {"account": row.name, "disabled": True}


def enable(deed: Deed) -> Mapping[str, Any]:
    """An account that may act again, and is locked no longer."""
    row = held(deed)
    deed.state.ask(deed.connection, "account_enable", account_id=row.account_id)
    deed.before = {"disabled": row.disabled_at is not None, "locked": row.locked_until is not None}
    deed.after = {"disabled": False, "locked": False}
    return {"account": row.name, "disabled": False}


def set_password(deed: Deed) -> Mapping[str, Any]:
    """Another password; every session of the account but the one that asks ends."""
    word = deed.given["password"]
    passwords.require_good(word, deed.thing_id)
    if not may(deed.actor, "administer", "account") or (deed.actor.door == "page" and is_own(deed)):
        require_password(deed, deed.given["current"])
    kept = passwords.shared().hash(word)
    row = held(deed)
    deed.state.ask(deed.connection, "account_set_password", account_id=row.account_id, password_hash=kept)
    mine = deed.actor.credential if deed.actor.door == "page" and is_self(deed, row.account_id) else None
    given = {"account_id": row.account_id, "but": int(mine) if mine else None, "now": deed.desk.clock()}
    deed.state.ask(deed.connection, "sessions_end", **given)
    deed.after = {"password": "changed"}
    return {"account": row.name, "password": "changed"}


def reset_totp(deed: Deed) -> Mapping[str, Any]:
    """Forget the secret of the authenticator, or make a new one, which the answer shows once."""
    row, secret = held(deed), None
    if deed.given["new"]:
        secret = totp.new_secret()
    sealed = None if secret is None else seal_totp(Seal.of(deed.desk.settings.home), secret, row.account_id)
    deed.state.ask(
        deed.connection, "account_set_totp", account_id=row.account_id, totp=sealed, totp_step=None
    )
    deed.before, deed.after = {"totp": row.totp is not None}, {"totp": secret is not None}
    shown = {} if secret is None else {"secret": secret, "address": totp.address(secret, row.name)}
    return {"account": row.name, "totp": secret is not None, **shown}


def link(deed: Deed) -> Mapping[str, Any]:
    """Who the account is on the command line, in Slack, by e-mail; `-` for nobody."""
    row = held(deed)
    kept = {"os_user": row.os_user, "slack_user": row.slack_user, "email": row.email}
    given = {name: deed.given[name] for name in kept}
    wanted = {name: kept[name] if said is None else said for name, said in given.items()}
    found = _elsewhere(row.account_id, wanted["os_user"], wanted["slack_user"], wanted["email"])
    _require_free(deed, None, found)
    deed.state.ask(deed.connection, "account_link", **found)
    after = {name: found[name] for name in kept}
    deed.before, deed.after = kept, after
    return {"account": row.name, **after}


def require_another_admin(state: State, connection: Connection, row: Row[Any]) -> None:
    """Refuse what would leave nobody who can administer. Under the lock."""
    if row.role != SUPER_ADMIN or row.disabled_at is not None:
        return
    given = {"account_id": row.account_id, "role": SUPER_ADMIN}
    if not state.ask(connection, "other_admins", **given).scalar_one():
        msg = phrase("{name} is the last {role} who can sign in", name=row.name, role=word(SUPER_ADMIN))
        raise UsageError(msg, phrase("make another {role} with a password first", role=word(SUPER_ADMIN)))


def seal_totp(seal: Seal, secret: str, account_id: int) -> bytes:
    """The secret of an authenticator as it is kept."""
    return seal.close(secret.encode(), TOTP, str(account_id))


def open_totp(seal: Seal, sealed: bytes, account_id: int) -> str:
    """The secret of an authenticator; raises Broken where the key of this home did not seal it."""
    return seal.open(bytes(sealed), TOTP, str(account_id)).decode()


def hold(state: State, connection: Connection) -> None:
    """Keep everybody else from changing accounts until the transaction ends."""
    try:
        state.ask(connection, "accounts_hold", key=LOCK)
    except sqlalchemy.exc.OperationalError as error:
        raise translated(error) from error


def _hold_all(deed: Deed) -> None:
    """Keep everybody else from changing accounts, then look again whether the actor still may."""
    hold(deed.state, deed.connection)
    actor = as_it_stands(deed.desk, deed.connection, deed.actor)
    if actor.role != deed.actor.role:
        authorize(actor, "administer", Thing("account", deed.thing_id))


def held(deed: Deed) -> Row[Any]:
    """The account that the act is about, kept from changing."""
    _hold_all(deed)
    try:
        row = deed.state.ask(deed.connection, "account_hold", account=deed.thing_id).first()
    except sqlalchemy.exc.OperationalError as error:
        raise translated(error) from error
    if row is None:
        msg = phrase("there is no account {name}", name=one_line(deed.thing_id))
        raise UsageError(msg, "see `minuterisk users list`")
    return row


def translated(error: sqlalchemy.exc.OperationalError) -> Exception:
    """A lock that did not come, as a refusal; anything else as it is."""
    if getattr(error.orig, "sqlstate", None) not in _TOO_LONG:
        return error
    msg = "somebody else changes accounts at this moment"
    return UsageError(msg, "try again")


def is_own(deed: Deed) -> bool:
    """Is the account that the act is about the actor's own?"""
    found = deed.state.ask(deed.connection, "account_to_sign_in", account=deed.thing_id).first()
    return found is not None and is_self(deed, found.account_id)


def _is_own_at_terminal(deed: Deed) -> bool:
    return deed.actor.door == "cli" and is_own(deed)


def require_password(deed: Deed, current: str | None) -> Row[Any]:
    """The actor's own account, once they gave its password. Raises NotProven."""
    row = deed.state.ask(deed.connection, "account_to_sign_in", account=deed.thing_id).one()
    if row.password_hash is None:
        msg = phrase("{name} has no password here", name=row.name)
        raise UsageError(msg, "whoever comes by the company login changes it there")
    locked = row.locked_until is not None and row.locked_until > deed.desk.clock()
    if locked or not passwords.shared().fits(row.password_hash, current or ""):
        raise NotProven
    return row


def count_failure(deed: Deed, error: UsageError) -> None:
    """What an act leaves that was refused to whoever did not prove that the account is theirs."""
    if isinstance(error, NotProven):
        failed(deed.state, deed.connection, deed.thing_id, deed.desk.clock())


def failed(state: State, connection: Connection, name: str, now: datetime) -> bool:
    """Count a failure; does it lock the account?"""
    given = {"most": MOST_FAILURES, "now": now, "locked_until": now + LOCKED}
    row = state.ask(connection, "account_failed", account=name, **given).first()
    return row is not None and row.locked


def _elsewhere(
    account_id: int, os_user: str | None, slack_user: str | None, email: str | None
) -> dict[str, Any]:
    """Names elsewhere as they are kept; `-` says nobody. Raises UsageError."""
    named = {"os_user": os_user, "slack_user": slack_user, "email": email}
    found = {name: None if said in (None, "-") else one_line(said or "") for name, said in named.items()}
    if found["slack_user"] is not None and not _SLACK.fullmatch(found["slack_user"]):
        msg = phrase("{user!r} is no Slack user", user=found["slack_user"])
        raise UsageError(msg, "write the team's id and the user's, as T0123ABCD/U0456EFGH")
    if found["email"] is not None and not _EMAIL.fullmatch(found["email"]):
        msg = phrase("{email!r} is no e-mail address", email=found["email"])
        raise UsageError(msg, "write it as kim@example.com")
    return {"account_id": account_id, **found}


def _require_free(deed: Deed, name: str | None, elsewhere: Mapping[str, Any]) -> None:
    taken = deed.state.ask(deed.connection, "account_linked", **elsewhere).scalars().all()
    if taken:
        msg = phrase("{name} is that user already", name=taken[0])
        raise UsageError(msg, phrase("take it away first: minuterisk users link {name}", name=taken[0]))
    if name is not None and deed.state.ask(deed.connection, "account_names", names=[name]).first():
        msg = phrase("there is an account {name} already", name=name)
        raise UsageError(msg, "choose another name, or enable it again: nobody is ever deleted")


_ROLE: Final = Parameter("choice", "what the account may do", required=True, choices=ROLES)
_PASSWORD: Final = Parameter("text", "the password", longest=passwords.LONGEST, secret=True)
_REASON: Final = Parameter("text", "why")
_OS_USER: Final = Parameter("text", "user of the operating system; - for none", longest=100)
_EMAIL_OF: Final = Parameter("text", "e-mail address; - for none", longest=320)

ACTS: Final = (
    Act(
        name="add_account",
        action="administer",
        kind="account",
        run=add,
        needs_id=False,
        parameters={
            "name": Parameter("text", "the name to sign in with", required=True, longest=80),
            "role": _ROLE,
            "display_name": Parameter("text", "the name people know", longest=100),
            "email": _EMAIL_OF,
            "password": _PASSWORD,
            "os_user": _OS_USER,
            "reason": _REASON,
        },
    ),
    Act(
        name="set_role",
        action="administer",
        kind="account",
        run=set_role,
        parameters={"role": _ROLE, "reason": _REASON},
    ),
    Act(
        name="disable_account",
        action="administer",
        kind="account",
        run=disable,
        parameters={"reason": _REASON},
    ),
    Act(
        name="enable_account", action="administer", kind="account", run=enable, parameters={"reason": _REASON}
    ),
    Act(
        name="set_password",
        action="administer",
        kind="account",
        run=set_password,
        own=is_own,
        refused=count_failure,
        parameters={
            "password": replace(_PASSWORD, required=True),
            "current": replace(_PASSWORD, text="the old password, for one's own"),
        },
    ),
    Act(
        name="reset_totp",
        action="administer",
        kind="account",
        run=reset_totp,
        own=_is_own_at_terminal,
        parameters={"new": Parameter("flag", "make a new secret and show it once")},
    ),
    Act(
        name="link_account",
        action="administer",
        kind="account",
        run=link,
        parameters={
            "os_user": _OS_USER,
            "slack_user": Parameter("text", "Slack user as TEAM/USER; - for none", longest=50),
            "email": _EMAIL_OF,
        },
    ),
)
