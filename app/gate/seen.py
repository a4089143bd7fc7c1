"""What a request is, read off its ASGI scope: from where, over what, with which cookies."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import SplitResult, quote, urlsplit

from app.gate.texts import LANGUAGES

if TYPE_CHECKING:
    from collections.abc import Mapping, MutableMapping, Sequence

#: The session's cookie. Behind TLS it has the prefix that makes browsers refuse it from anywhere else.
COOKIE: Final = "minuterisk"
SECURE_COOKIE: Final = f"__Host-{COOKIE}"
#: Beside it: what a form is tied to, and what a company login waits for.
FORM: Final = "form"
LANGUAGE: Final = "language"
COMPANY: Final = "company"
_LOCAL: Final = ("127.0.0.1", "localhost", "::1")
_LONGEST: Final = 2_000


@dataclass(frozen=True, slots=True)
class Seen:
    """A request as the gate sees it."""

    method: str
    path: str
    query: str
    address: str  # of the person, not of a proxy that we know
    secure: bool  # does the browser speak TLS
    host: str
    headers: Mapping[str, str]
    cookies: Mapping[str, str]

    def cookie_name(self, which: str = "") -> str:
        """A cookie's name here."""
        base = f"{COOKIE}-{which}" if which else COOKIE
        return f"__Host-{base}" if self.secure else base

    def cookie(self, which: str = "") -> str:
        """A cookie of ours, or nothing."""
        return self.cookies.get(self.cookie_name(which), "")

    @property
    def local(self) -> bool:
        """Does the address line name this machine? Another name that was pointed here does not."""
        parts = _split(f"//{self.host}")
        return parts is not None and (parts.hostname or "") in _LOCAL

    @property
    def from_elsewhere(self) -> bool:
        """Does another site's page send the browser here? It withholds our cookie then."""
        return self.headers.get("sec-fetch-site") in ("cross-site", "same-site")

    @property
    def own_origin(self) -> bool:
        """Was a form sent by a page of ours, as far as the browser says?"""
        site, origin = self.headers.get("sec-fetch-site"), self.headers.get("origin")
        if site is not None and site not in ("same-origin", "none"):
            return False
        if origin is None:
            return True
        parts = _split(origin)
        return parts is not None and parts.netloc == self.host

    @property
    def is_document(self) -> bool:
        """Does somebody open a page, rather than a page one of its parts?"""
        wanted = self.headers.get("sec-fetch-dest")
        if wanted is not None:
            return wanted == "document"
        return "text/html" in self.headers.get("accept", "")

    @property
    def came_from(self) -> str:
        """The page of ours with the link that was followed; the first one where it was no page of ours."""
        parts = _split(self.headers.get("referer", ""))
        if parts is None or parts.netloc != self.host:
            return "/"
        return back_to(parts.path + (f"?{parts.query}" if parts.query else ""))

    @property
    def target(self) -> str:
        """Path and query, as they were asked for; two strokes in front would name another host."""
        return "/" + quote(self.path, safe="/").lstrip("/") + (f"?{self.query}" if self.query else "")


def seen(scope: Mapping[str, Any], proxies: Sequence[str], *, always_secure: bool) -> Seen:
    """Read a scope of http or websocket. Only known proxies are believed what they say of the person."""
    headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
    address = scope["client"][0] if scope.get("client") else ""
    secure = scope.get("scheme") in ("https", "wss") or always_secure
    if _is_of(address, proxies):
        secure = secure or headers.get("x-forwarded-proto", "").split(",")[-1].strip().lower() == "https"
        address = _person(headers.get("x-forwarded-for", ""), proxies) or address
    return Seen(
        scope.get("method", "GET"),
        scope["path"],
        scope.get("query_string", b"").decode("latin-1"),
        address,
        secure,
        headers.get("host", ""),
        headers,
        _cookies(headers.get("cookie", "")),
    )


def told(scope: MutableMapping[str, Any], found: Seen) -> None:
    """Let everything behind the gate see the person's own address and scheme."""
    if scope.get("client"):
        scope["client"] = (found.address, scope["client"][1])
    if found.secure:
        scope["scheme"] = "wss" if scope["type"] == "websocket" else "https"


def back_to(text: str) -> str:
    """Where to go after signing in: a page of ours, whatever the address says."""
    parts = _split(text[:_LONGEST])
    if parts is None:
        return "/"
    plain = text.isascii() and text.isprintable() and "\\" not in text and " " not in text
    if not plain or parts.scheme or parts.netloc or not text.startswith("/") or text.startswith("//"):
        return "/"
    return "/" if parts.path.startswith(("/login", "/logout", "/oidc/", "/api/", "/_stcore")) else text


def language_of(text: str | None, otherwise: str) -> str:
    """A language that we have."""
    return text if text is not None and text in LANGUAGES else otherwise


def language_asked(asked: Seen, given: Mapping[str, str], otherwise: str) -> str:
    """What a form or an address of the gate says, else what this browser chose, else `otherwise`."""
    said = given.get("language") or given.get("lang") or asked.cookie(LANGUAGE)
    return language_of(said, otherwise)


def _split(address: str) -> SplitResult | None:
    """The parts of an address that anybody may have written; None where it is none."""
    try:
        return urlsplit(address)
    except ValueError:  # a bracket that is not closed
        return None


def _is_of(address: str, networks: Sequence[str]) -> bool:
    try:
        known = ipaddress.ip_address(address)
    except ValueError:
        return False
    return any(known in ipaddress.ip_network(network) for network in networks)


def _person(forwarded: str, proxies: Sequence[str]) -> str:
    """The last address that is no proxy of ours: anything before it anybody could have written."""
    hops = [hop.strip() for hop in forwarded.split(",") if hop.strip()]
    found = next((hop for hop in reversed(hops) if not _is_of(hop, proxies)), "")
    try:
        return str(ipaddress.ip_address(found))
    except ValueError:
        return ""


def _cookies(text: str) -> dict[str, str]:
    jar: SimpleCookie = SimpleCookie()
    for part in text.split(";"):  # one that is malformed must not hide the others
        try:
            jar.load(part.strip())
        except CookieError:
            continue
    return {name: morsel.value for name, morsel in jar.items()}
