"""Sessions: a random word in a cookie, of which only the hash is kept. They end by themselves, or are ended.

Half an hour without anybody doing anything ends one, and eight hours end it whatever happens. An open page
that only refreshes itself is nobody doing anything.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from pipeline.desk.perform import Act, Deed
from pipeline.desk.roles import Actor
from pipeline.errors import UsageError
from pipeline.errors.phrases import phrase

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from sqlalchemy import Connection

    from pipeline.store.state import State

IDLE: Final = timedelta(minutes=30)
LONGEST: Final = timedelta(hours=8)
TOKEN_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class Seen:
    """What the database says of a token at one moment."""

    accounts: bool  # are there any at all
    actor: Actor | None  # None: no such session, or it is over
    display_name: str = ""


def hash_of(token: str) -> bytes:
    """What is kept of a token. It has 256 random bits, so a plain hash cannot be turned around."""
    return hashlib.sha256(token.encode()).digest()


def begin(
    state: State, connection: Connection, account_id: int, way: str, origin: str, now: datetime
) -> tuple[str, int]:
    """A new session of an account; gives the token, which nothing else will ever know, and its number."""
    token = secrets.token_urlsafe(TOKEN_BYTES)
    given = {"account_id": account_id, "way": way, "origin": origin, "now": now, "expires_at": now + LONGEST}
    row = state.ask(connection, "session_begin", token_hash=hash_of(token), **given).one()
    return token, int(row.session_id)


def look(state: State, token: str, origin: str, now: datetime) -> Seen:
    """Whose session a token is, with the role of this moment."""
    with state.reading() as connection:
        given = {"token_hash": hash_of(token), "now": now, "idle_since": now - IDLE}
        row = state.ask(connection, "session_now", **given).one()
    if row.session_id is None:
        return Seen(accounts=bool(row.accounts), actor=None)
    actor = Actor(row.account_id, row.name, row.role, "page", str(row.session_id), origin)
    return Seen(accounts=True, actor=actor, display_name=row.display_name or row.name)


def seen(state: State, token: str, now: datetime) -> None:
    """Somebody did something in it."""
    with state.changing() as connection:
        state.ask(connection, "session_seen", token_hash=hash_of(token), now=now, idle_since=now - IDLE)


def end(state: State, connection: Connection, token: str, now: datetime) -> int | None:
    """End the session of a token; gives its number, None where there was none."""
    given = {"session_id": None, "token_hash": hash_of(token), "now": now}
    row = state.ask(connection, "session_end", **given).first()
    return None if row is None else int(row.session_id)


def listed(state: State, now: datetime, name: str | None = None) -> list[dict[str, Any]]:
    """The sessions that are not over, newest first."""
    given = {"account": name, "session_id": None, "now": now, "idle_since": now - IDLE}
    return [dict(row) for row in state.rows("sessions_list", **given)]


def _account_of(deed: Deed) -> Mapping[str, Any] | None:
    now = deed.desk.clock()
    given = {"account": None, "session_id": deed.number, "now": now, "idle_since": now - IDLE}
    found = deed.state.ask(deed.connection, "sessions_list", **given).mappings().first()
    return None if found is None else dict(found)


def _is_own(deed: Deed) -> bool:
    found = _account_of(deed)
    return found is not None and is_self(deed, found["account_id"])


def is_self(deed: Deed, account_id: int) -> bool:
    """Is it the actor's own account? An API key never stands for the person: it is for some actions alone."""
    return deed.actor.scope is None and deed.actor.account_id == account_id


def revoke(deed: Deed) -> Mapping[str, Any]:
    """End a session; the page that is open in it refuses at its next look."""
    found = _account_of(deed)
    given = {"session_id": deed.number, "token_hash": b"", "now": deed.desk.clock()}
    if found is None or deed.state.ask(deed.connection, "session_end", **given).first() is None:
        msg = phrase("there is no open session {number}", number=deed.number)
        raise UsageError(msg, "see `minuterisk sessions list`")
    deed.before, deed.after = {"account": found["name"], "origin": found["origin"]}, {"ended": True}
    return {"session_id": deed.number, "account": found["name"], "ended": True}


ACTS: Final = (Act(name="revoke_session", action="administer", kind="session", run=revoke, own=_is_own),)
