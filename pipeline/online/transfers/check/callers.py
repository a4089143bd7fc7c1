"""Who asks: an API key in a header, or for what is only looked at the session of the dashboard's cookie.

A key that the database vouched for a moment ago is taken at its word, and the database is asked again when
the answer is recorded: a key that was revoked is refused with the next request. While the database is away,
keys that it knew still get the fallback's answers.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import ipaddress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import structlog
from anyio import CapacityLimiter, to_thread

from pipeline.desk.people.entrance import OUTAGE_S
from pipeline.desk.people.keys import KeyRefused
from pipeline.desk.people.pace import Pace
from pipeline.desk.perform import require
from pipeline.desk.roles import Actor, Thing, may
from pipeline.errors import ConfigurationError, PassingError

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from starlette.requests import Request

    from pipeline.desk.people.entrance import Entrance

log = structlog.get_logger()

#: A key is looked up in the database at least so often, which also keeps its last use.
LOOKED_UP_S: Final = 60.0
#: Keys that fit nothing: so many at once from one address, then one every few seconds.
TRIES: Final = 20
EVERY_S: Final = 3.0
_BEARER: Final = "bearer "
_COOKIES: Final = ("__Host-minuterisk", "minuterisk")
_LOCAL: Final = ("127.0.0.1", "localhost", "::1")
_PLACES: Final = 4


class TooOften(KeyRefused):
    """Too many keys that fit nothing."""

    def __init__(self) -> None:
        super().__init__("too many keys from this address that are none", "wait a minute")


class SignInFirst(KeyRefused):
    """Nobody that may look."""

    def __init__(self) -> None:
        super().__init__("nobody is signed in", "sign in on the dashboard, or send an API key")


@dataclass(frozen=True, slots=True)
class _Vouched:
    secret: bytes  # of the whole key, as a hash
    actor: Actor
    at_s: float


class Callers:
    """One per process."""

    def __init__(self, entrance: Entrance) -> None:
        self._entrance = entrance
        self._vouched: dict[str, _Vouched] = {}  # by the key's number
        self._pace = Pace(TRIES, EVERY_S)
        self._limiter = CapacityLimiter(_PLACES)

    async def checker(self, request: Request) -> Actor:
        """Who may check. Raises KeyRefused, NotAllowed."""
        key = _key_of(request)
        number, hashed = _number_of(key), hashlib.sha256(key.encode()).digest()
        known, now_s = self._vouched.get(number), _now_s()
        fits = known is not None and hmac.compare_digest(known.secret, hashed)
        if known is not None and fits and now_s - known.at_s < LOOKED_UP_S:
            return known.actor
        try:
            actor = await self._of_key(request, key)
        except (PassingError, ConfigurationError):
            if known is not None and fits and now_s - known.at_s < OUTAGE_S:
                return known.actor
            raise
        except KeyRefused:
            self._vouched.pop(number, None)
            raise
        await self._require(actor, "check", "payment")
        self._vouched[number] = _Vouched(hashed, actor, now_s)
        return actor

    def ended(self, actor: Actor) -> None:
        """The database no longer vouches for the key."""
        self._vouched.pop(actor.credential, None)

    async def key(self, request: Request, action: str, kind: str) -> Actor:
        """Whose key it is, asked in the database, if they may take the action."""
        actor = await self._of_key(request, _key_of(request))
        await self._require(actor, action, kind)
        return actor

    async def looker(self, request: Request) -> Actor:
        """Who may look: by a key, or as the dashboard lets in the same browser."""
        if _key_of(request):
            return await self.key(request, "see", "payment")
        token = next((request.cookies[name] for name in _COOKIES if name in request.cookies), "")
        visit = await self._aside(self._entrance.visit, token, _address(request))
        if visit.problem is not None and visit.actor is None:
            raise visit.problem
        # Without a session it opens on this machine alone, by this machine's own name.
        if visit.actor is None or not (visit.signed_in or request.url.hostname in _LOCAL):
            raise SignInFirst
        await self._require(visit.actor, "see", "payment")
        found: Actor = visit.actor
        return found

    async def _of_key(self, request: Request, key: str) -> Actor:
        address = _address(request)
        try:
            actor: Actor = await self._aside(self._entrance.key, key, address)
        except KeyRefused as error:
            if not self._pace.allows(address, _now_s()):
                raise TooOften from error
            note = (address, error.what, "use_key", _number_of(key))
            await self._aside(lambda: self._entrance.sign_in.refused(*note))
            raise
        return actor

    async def _require(self, actor: Actor, action: str, kind: str) -> None:
        if may(actor, action, kind):
            return
        await self._aside(lambda: require(self._entrance.desk, actor, action, Thing(kind)))

    async def _aside(self, work: Callable[..., Any], *given: object) -> Any:  # noqa: ANN401 - passed through
        return await to_thread.run_sync(lambda: work(*given), limiter=self._limiter)


def is_local(address: str) -> bool:
    """Is it an address of this machine alone?"""
    if address == "localhost":
        return True
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False


def _key_of(request: Request) -> str:
    given = request.headers.get("authorization", "")
    return given[len(_BEARER) :].strip() if given.lower().startswith(_BEARER) else ""


def _number_of(key: str) -> str:
    number = key.split("_")[1] if key.count("_") > 1 else ""
    return number[:18] if number.isdecimal() else ""


def _address(request: Request) -> str:
    return request.client.host if request.client else ""


def _now_s() -> float:
    return asyncio.get_running_loop().time()
