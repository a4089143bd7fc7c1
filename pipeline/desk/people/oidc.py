"""Company login: OpenID Connect, the authorization code flow with PKCE. Who somebody is, no more.

    begin()   an address of the provider, and what to remember until it answers: state, nonce, verifier
    finish()  the answer: state compared, code redeemed, the signed token checked; gives a Person

Everything that is not exactly as it must be is refused with what was met and the next step. Nothing of the
answer is believed before its signature, issuer, audience, nonce and times were checked.
"""

from __future__ import annotations

import hmac
import secrets
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import requests
from authlib.integrations.base_client import OAuthError
from authlib.integrations.requests_client import OAuth2Session
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import ClaimError, JoseError
from joserfc.jwk import KeySet

from pipeline.errors import PassingError, UsageError
from pipeline.errors.phrases import phrase, word
from pipeline.figures import one_line

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    from pipeline.settings import Settings

#: Clocks may differ by so much; more is told as what it is.
LEEWAY_S: Final = 60
TIMEOUT_S: Final = 10
#: An answer is waited for this long.
PENDING_S: Final = 600
#: Signatures that only the provider can make. "none" and shared secrets are not among them.
ALGORITHMS: Final = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512")
SCOPE: Final = "openid email profile"
_LONGEST: Final = 200


class LoginRefused(UsageError):
    """The identity provider's answer is not as it must be."""


class ProviderUnavailable(PassingError):
    """The identity provider does not answer, or fails by itself."""


@dataclass(frozen=True, slots=True)
class Person:
    """Whom the identity provider vouches for."""

    issuer: str
    subject: str
    name: str
    email: str | None  # only one that the provider has verified
    values: tuple[str, ...]  # of the claim that roles are taken from


class CompanyLogin:
    """The identity provider of an installation. One per process; threads share it."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.issuer = settings.oidc_issuer or ""
        self._callback = f"{settings.dashboard_url}oidc/callback"
        self._lock = Lock()
        self._described: dict[str, Any] | None = None
        self._keys: KeySet | None = None

    def begin(self, now: datetime) -> tuple[str, dict[str, Any]]:
        """Where to send the browser, and what to keep, sealed, until it comes back."""
        found = self._description()
        pending = {
            "state": secrets.token_urlsafe(32),
            "nonce": secrets.token_urlsafe(32),
            "verifier": secrets.token_urlsafe(48),
            "until": now.timestamp() + PENDING_S,
        }
        with self._session() as session:
            address, _ = session.create_authorization_url(
                found["authorization_endpoint"],
                state=pending["state"],
                nonce=pending["nonce"],
                code_verifier=pending["verifier"],
            )
        return address, pending

    def finish(self, pending: Mapping[str, Any] | None, answer: Mapping[str, str], now: datetime) -> Person:
        """Who came back. Raises LoginRefused or ProviderUnavailable."""
        self._require_ours(pending, answer, now)
        if pending is None or "code" not in answer:
            met = answer.get("error_description") or answer.get("error")
            said = one_line(met, _LONGEST) if met else word("no code")
            msg = phrase("the identity provider lets nobody in: {said}", said=said)
            raise LoginRefused(msg, "begin again, or ask whoever runs the identity provider")
        given = self._redeem(answer["code"], pending["verifier"])
        claims = self._claims(given, pending["nonce"], now)
        email = claims.get("email") if claims.get("email_verified") is True else None
        name = claims.get("preferred_username") or claims.get("email") or claims["sub"]
        values = _values(claims, self._settings.oidc_role_claim)
        return Person(self.issuer, str(claims["sub"]), one_line(str(name), _LONGEST), email, values)

    def _require_ours(
        self, pending: Mapping[str, Any] | None, answer: Mapping[str, str], now: datetime
    ) -> None:
        """Was it this browser that began, here, not long ago?"""
        state = answer.get("state", "").encode()
        if pending is None or not hmac.compare_digest(str(pending.get("state")).encode(), state):
            msg = "the answer of the identity provider belongs to no sign-in of this browser (state)"
            raise LoginRefused(msg, "begin again at /login, in one tab, with cookies allowed")
        if float(pending["until"]) < now.timestamp():
            msg = phrase("the sign-in took longer than {minutes} minutes", minutes=PENDING_S // 60)
            raise LoginRefused(msg, "begin again at /login")
        if answer.get("iss", self.issuer) != self.issuer:  # RFC 9207: another provider answers in its place
            met = one_line(answer["iss"], _LONGEST)
            msg = phrase("another identity provider answers: {met}", met=met)
            hint = phrase("set MINUTERISK_OIDC_ISSUER if it is no longer {issuer}", issuer=self.issuer)
            raise LoginRefused(msg, hint)

    def _redeem(self, code: str, verifier: str) -> dict[str, Any]:
        endpoint = self._description()["token_endpoint"]
        try:
            with _away(self.issuer), self._session() as session:
                given: dict[str, Any] = session.fetch_token(
                    endpoint, code=code, code_verifier=verifier, grant_type="authorization_code"
                )
        except OAuthError as error:
            met = one_line(str(error), _LONGEST)
            msg = phrase("the identity provider refuses the code: {met}", met=met)
            raise LoginRefused(
                msg, "begin again; check MINUTERISK_OIDC_CLIENT_ID and _CLIENT_SECRET"
            ) from error
        if not isinstance(given.get("id_token"), str):
            msg = phrase("the identity provider gives no id_token")
            raise LoginRefused(msg, "let its client of minuterisk use the scope openid")
        return given

    def _claims(self, given: Mapping[str, Any], nonce: str, now: datetime) -> dict[str, Any]:
        """What the signed token says, once it is the provider's, for us, for this sign-in, and in time."""
        token = self._decode(given["id_token"])
        wanted = {"iss": {"value": self.issuer}, "aud": {"value": self._settings.oidc_client_id}}
        known = {
            "nonce": nonce,
            "client_id": self._settings.oidc_client_id,
            "access_token": given.get("access_token"),
        }
        claims = CodeIDToken(token.claims, token.header, wanted, known)
        _require_clock(claims, now)
        try:
            claims.validate(int(now.timestamp()), LEEWAY_S)
        except ClaimError as error:
            shown = one_line(f"{error.description} ({error.claim}: {claims.get(error.claim)!r})", _LONGEST)
            msg = phrase("the identity provider's token is not for us: {met}", met=shown)
            raise LoginRefused(
                msg, "check MINUTERISK_OIDC_ISSUER and _CLIENT_ID, then begin again"
            ) from error
        return dict(claims)

    def _decode(self, token: str) -> jwt.Token:
        """The token with a good signature; keys that changed meanwhile are fetched once more."""
        for fresh in (False, True):
            try:
                return jwt.decode(token, self._key_set(fresh=fresh), algorithms=list(ALGORITHMS))
            except (JoseError, ValueError) as error:
                if fresh:
                    shown = one_line(str(error), _LONGEST)
                    msg = phrase("the identity provider's token has no good signature: {met}", met=shown)
                    hint = "begin again; if it lasts, see whether MINUTERISK_OIDC_ISSUER is the right one"
                    raise LoginRefused(msg, hint) from error
        raise AssertionError

    def _description(self) -> dict[str, Any]:
        """What the provider says of itself; asked for once."""
        with self._lock:
            if self._described is None:
                address = f"{self.issuer.rstrip('/')}/.well-known/openid-configuration"
                found = self._fetch(address)
                _require_sound(found, self.issuer)
                self._described = found
            return self._described

    def _key_set(self, *, fresh: bool) -> KeySet:
        address = self._description()["jwks_uri"]
        with self._lock:
            if self._keys is None or fresh:
                self._keys = KeySet.import_key_set(self._fetch(address))
            return self._keys

    def _fetch(self, address: str) -> Any:  # noqa: ANN401 - JSON
        with _away(self.issuer), self._session() as session:
            answer = session.get(address, withhold_token=True, allow_redirects=False)
            answer.raise_for_status()
            found: Any = answer.json()
        return found

    def _session(self) -> OAuth2Session:
        return OAuth2Session(
            self._settings.oidc_client_id,
            self._settings.oidc_client_secret,
            scope=SCOPE,
            redirect_uri=self._callback,
            code_challenge_method="S256",
            default_timeout=TIMEOUT_S,
        )


@contextmanager
def _away(issuer: str) -> Iterator[None]:
    try:
        yield
    except (requests.RequestException, ValueError) as error:
        met = {"issuer": issuer, "met": type(error).__name__}
        msg = phrase("the identity provider {issuer} does not answer as it should: {met}", **met)
        raise ProviderUnavailable(
            msg, "try again; sign in with a password of minuterisk meanwhile"
        ) from error


def _require_sound(found: Any, issuer: str) -> None:  # noqa: ANN401 - JSON
    """The provider must be the one of the settings, and nothing of it may be spoken in the clear."""
    ends = ("authorization_endpoint", "token_endpoint", "jwks_uri")
    if not isinstance(found, dict) or found.get("issuer") != issuer:
        met = one_line(str(found.get("issuer") if isinstance(found, dict) else None), _LONGEST)
        msg = phrase("the identity provider calls itself {met}, not {issuer}", met=met, issuer=issuer)
        raise LoginRefused(msg, "set MINUTERISK_OIDC_ISSUER to exactly what it calls itself")
    for end in ends:
        if urlsplit(str(found.get(end))).scheme not in ("https", urlsplit(issuer).scheme):
            met = one_line(str(found.get(end)), _LONGEST)
            msg = phrase("the identity provider's {end} is {met}", end=end, met=met)
            raise LoginRefused(msg, "it must be an https address; ask whoever runs the identity provider")


def _require_clock(claims: Mapping[str, Any], now: datetime) -> None:
    """Clocks that are apart are the usual reason, and look like an attack: say which it is."""
    at = now.timestamp()
    for name, late in (("exp", True), ("iat", False), ("nbf", False)):
        value = claims.get(name)
        if not isinstance(value, int | float) or isinstance(value, bool):
            continue
        apart = at - value if late else value - at
        if apart > LEEWAY_S:
            ended = phrase("the identity provider's token ended {apart:.0f} s ago", apart=apart)
            begins = phrase("the identity provider's token begins only in {apart:.0f} s", apart=apart)
            hint = phrase(
                "clocks may differ by {leeway} s: set both by NTP, then begin again", leeway=LEEWAY_S
            )
            raise LoginRefused(ended if late else begins, hint)


def _values(claims: Mapping[str, Any], path: str) -> tuple[str, ...]:
    """The values of a claim, one or a list; its name may lead into others with points between."""
    found: Any = claims
    if path in claims:
        found = claims[path]
    else:
        for part in path.split("."):
            found = found.get(part) if isinstance(found, dict) else None
    listed = found if isinstance(found, list) else [found]
    return tuple(value for value in listed if isinstance(value, str))


def role_of(person: Person, roles: Sequence[tuple[str, str]]) -> str | None:
    """The role of the first value, in the settings' order, that the person has; None: no access."""
    return next((role for value, role in roles if value in person.values), None)
