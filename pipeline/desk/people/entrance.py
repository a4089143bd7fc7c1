"""Who stands at the door: the one place that page, WebSocket and API ask. Knows nothing of HTTP."""

from __future__ import annotations

import time
from collections import OrderedDict
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from threading import Event, Lock
from typing import TYPE_CHECKING, Any, Final

from pipeline.desk.acts import ACTS, act
from pipeline.desk.people import keys, passwords, sessions
from pipeline.desk.people.accounts import DEMO
from pipeline.desk.people.oidc import CompanyLogin
from pipeline.desk.people.seal import FILE, Seal
from pipeline.desk.people.sign_in import SignIn
from pipeline.desk.perform import Desk
from pipeline.desk.roles import READ_ONLY, ROLES, Actor
from pipeline.embedded import connect_urls
from pipeline.errors import MinuteriskError, SettingsError
from pipeline.errors.phrases import phrase
from pipeline.store.database import connect_state
from pipeline.store.state import State

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sqlalchemy import Engine

    from pipeline.settings import Settings

#: While the database is away, whoever it knew goes on looking for so long, and may change nothing.
OUTAGE_S: Final = 600
#: An open page asks at least this often, also in a tab behind others. Whom the database knew longer before
#: its last answer has no page open, and may have been signed out elsewhere since.
OPEN_PAGE_S: Final = 120
_MOST_REMEMBERED: Final = 1_000
#: Acts on these may end a session, or change what it may do.
_ENDS_SESSIONS: Final = ("account", "session")


@dataclass(frozen=True, slots=True)
class Visit:
    """Who somebody is at this moment."""

    actor: Actor | None  # None: nobody, who has to sign in
    display_name: str = ""
    signed_in: bool = False
    accounts: bool = True  # are there any
    problem: MinuteriskError | None = None  # why nobody can be told apart now


class Entrance:
    """Sessions, sign-ins and keys of one installation. One per process; threads share it."""

    def __init__(
        self,
        settings: Settings,
        *,
        local: bool = True,
        demo: bool = False,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.settings = settings
        self.local = local  # reached from this machine alone: it may open without accounts
        self.demo = tuple(DEMO) if demo else ()  # accounts that need no password here
        self.clock = clock
        self.ending = Event()  # set when the server is told to end: what goes on for ever ends then
        self.company = CompanyLogin(settings) if settings.oidc_issuer else None
        self._lock = Lock()
        self._engine: Engine | None = None
        self._url = ""
        self._seal: Seal | None = None
        self._remembered: OrderedDict[bytes, tuple[Visit, float]] = OrderedDict()
        self._answered = 0.0  # when the database last said who somebody is
        _require_known_roles(settings)

    @property
    def desk(self) -> Desk:
        """Where acts are done that are no pack's own. Raises ConfigurationError where nothing runs."""
        return self.desk_of(self.settings.pack)

    def desk_of(self, pack: str) -> Desk:
        """Where acts are done on what is a pack's."""
        url = self.settings.state_url or connect_urls(self.settings).state_url
        with self._lock:
            if self._engine is None or self._url != url:  # an embedded server comes and goes
                self._dispose()
                self._engine, self._url = connect_state(url), url
            state = State(self._engine, url, pack, self.settings.currency)
        return Desk(state, self.settings.of(pack), self.clock)

    @property
    def seal(self) -> Seal:
        """The key of the home."""
        with self._lock:
            if self._seal is None:
                self._seal = Seal.of(self.settings.home)
            return self._seal

    @property
    def sign_in(self) -> SignIn:
        """The ways in."""
        return SignIn(self.desk, passwords.shared(), self.seal)

    def has_accounts(self) -> bool:
        """Are there any? None in a database that nothing has set up yet. Raises what the database raises."""
        state = self.desk.state
        if not state.rows("desk_made")[0]["made"]:
            return False
        return sessions.look(state, "", "", self.clock()).accounts

    def visit(self, token: str, origin: str) -> Visit:
        """Who somebody with this token is; an empty one is none."""
        try:
            seen = sessions.look(self.desk.state, token, origin, self.clock())
        except MinuteriskError as error:
            return self._while_away(token, origin, error)
        self._answered = time.monotonic()
        if seen.actor is not None:
            found = Visit(seen.actor, seen.display_name, signed_in=True)
            self._remember(token, found)
            return found
        with self._lock:
            self._remembered.pop(sessions.hash_of(token), None)
        if self.local and (self.demo or not seen.accounts):
            return Visit(_onlooker(origin), accounts=seen.accounts)
        return Visit(None, accounts=seen.accounts)

    def key(self, key: str, origin: str) -> Actor:
        """Who an API key acts for. Raises KeyRefused."""
        return keys.actor_of(self.desk.state, key, origin, self.clock())

    def act(
        self, actor: Actor, name: str, thing_id: str | int, given: Mapping[str, Any], pack: str = ""
    ) -> dict[str, Any]:
        """Do an act for somebody who was let in; see `perform`."""
        done = act(self.desk_of(pack or self.settings.pack), actor, name, thing_id, given)
        if ACTS[name].kind in _ENDS_SESSIONS:
            self.forget()
        return done

    def forget(self) -> None:
        """Somebody may be in no longer: remember nobody but whom the database vouches for from now on."""
        with self._lock:
            self._remembered.clear()

    def seen(self, token: str) -> None:
        """Somebody did something in the session of the token."""
        sessions.seen(self.desk.state, token, self.clock())

    def close(self) -> None:
        """Give the connections back."""
        with self._lock:
            self._dispose()

    def _dispose(self) -> None:
        if self._engine is not None:
            self._engine.dispose()
            self._engine = None

    def _remember(self, token: str, found: Visit) -> None:
        with self._lock:
            key = sessions.hash_of(token)
            self._remembered[key] = (found, time.monotonic())
            self._remembered.move_to_end(key)
            if len(self._remembered) > _MOST_REMEMBERED:
                self._remembered.popitem(last=False)

    def _while_away(self, token: str, origin: str, error: MinuteriskError) -> Visit:
        """The database cannot be asked: nobody new comes in, and who was in can only look."""
        with self._lock:
            found, at = self._remembered.get(sessions.hash_of(token), (None, 0.0))
        lasts = time.monotonic() - at < OUTAGE_S and self._answered - at < OPEN_PAGE_S
        if found is not None and found.actor is not None and lasts:
            return replace(found, actor=replace(found.actor, role=READ_ONLY), problem=error)
        # The key is made with the first account's authenticator or form: without it there never was one.
        if self.local and (self.demo or not self.settings.home.joinpath(*FILE).exists()):
            return Visit(_onlooker(origin), accounts=False, problem=error)
        return Visit(None, problem=error)


def _onlooker(origin: str) -> Actor:
    """Somebody on this machine who did not sign in."""
    return Actor(None, "", READ_ONLY, "page", origin=origin)


def _require_known_roles(settings: Settings) -> None:
    strange = [role for _, role in settings.oidc_roles if role not in ROLES]
    if strange:
        msg = phrase("MINUTERISK_OIDC_ROLES names the role {role!r}, which there is not", role=strange[0])
        raise SettingsError(msg, phrase("known are {known}", known=", ".join(ROLES)))
