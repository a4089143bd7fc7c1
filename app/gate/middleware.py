"""The one gate in front of everything: page, WebSocket, files and uploads. What is not let in stays outside.

Open are the health check, the forms for signing in, and /api, whose routes ask for a key themselves.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode

import structlog
from starlette.datastructures import MutableHeaders
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse
from streamlit.proto.BackMsg_pb2 import BackMsg

from app.gate.answers import set_cookie
from app.gate.aside import Aside
from app.gate.document import document
from app.gate.document import scripts as scripts_in
from app.gate.forms import POLICY, Asked, bounce_page, notice, said_page
from app.gate.language import ADDRESS
from app.gate.reports import ADDRESS as REPORTS
from app.gate.seen import FORM, LANGUAGE, Seen, language_of, seen, told
from app.gate.texts import LANGUAGES
from app.markup import join, tag
from app.pages import SCREENS, load_page, screens_of
from app.serve import HEALTH_PATH
from pipeline.errors import MinuteriskError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from starlette.responses import Response
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from pipeline.desk.people.entrance import Entrance, Visit

log = structlog.get_logger()

#: The one script that the page itself brings; see app/main.py.
KEYS: Final = Path(__file__).parents[1] / "keys.js"
#: What anybody may ask for; each of these routes looks after itself.
OPEN: Final = frozenset(
    {HEALTH_PATH, "/login", "/login/code", "/login/demo", "/logout", "/oidc/login", "/oidc/callback"}
)
API: Final = "/api/"
#: Where people change their own account; a form there that comes after the session's end goes back to it.
ACCOUNT: Final = "/account"
#: Ways of Streamlit's own that this page does not have.
CLOSED: Final = ("/_stcore/agent", "/auth/", "/oauth2callback", "/_stcore/metrics", "/_stcore/script-health")
#: Parts of a page, which a browser does not show by themselves.
PARTS: Final = ("/_stcore/", "/static/", "/media/", "/component/", "/app/static/")
#: A session is marked as in use at most this often for each open page.
MARK_S: Final = 15
#: So many look-ups at a time; the rest waits its turn.
_LOOKUPS: Final = 8


class Gate:
    """ASGI middleware around the whole application."""

    def __init__(self, app: ASGIApp, entrance: Entrance) -> None:
        self._app = app
        self._entrance = entrance
        self._always_secure = entrance.settings.dashboard_url.startswith("https://")
        self._documents = {language: document(language) for language in LANGUAGES}
        packs = entrance.settings.packs
        names = [screen.name for screen in screens_of(packs)]
        self._screens = frozenset(("", *names))
        self._paths = frozenset(("/", *(f"/{name}{end}" for name in names for end in ("", "/"))))
        self._policy = page_policy(*self._documents.values(), scripts=scripts_of(packs))
        self._aside = Aside(_LOOKUPS)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let in, or answer in its place."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        asked = self.seen(scope)
        told(scope, asked)
        scope["minuterisk.seen"] = asked
        if scope["type"] == "websocket":
            await self._socket(scope, receive, send, asked)
        else:
            await self._request(scope, receive, partial(self._send, asked, send), asked)

    def seen(self, scope: Scope) -> Seen:
        """The request as the gate sees it."""
        proxies = self._entrance.settings.trusted_proxies
        return seen(scope, proxies, always_secure=self._always_secure)

    async def _socket(self, scope: Scope, receive: Receive, send: Send, asked: Seen) -> None:
        visit = await self._visit(asked)
        if not self._admits(visit, asked) or asked.path.startswith(CLOSED):
            await receive()  # the browser's connect
            await send({"type": "websocket.close", "code": 1008})  # answered with 403
            return
        if visit.signed_in:
            receive = self._marking(receive, asked.cookie())
        await self._app(scope, receive, send)

    async def _request(self, scope: Scope, receive: Receive, send: Send, asked: Seen) -> None:
        if asked.path.startswith(CLOSED):
            await PlainTextResponse("not found", 404)(scope, receive, send)
        elif asked.path in OPEN or asked.path.startswith(API):
            await self._app(scope, receive, send)
        else:
            visit = await self._visit(asked)
            if self._admits(visit, asked) and asked.is_document and not self._knows(asked.path):
                words = self._words(asked)
                first = tag("p", tag("a", words.text("page.first"), href="/"))
                await _html(said_page(words, join([notice(words, "page"), first])), 404)(scope, receive, send)
            elif self._admits(visit, asked):
                behind = self._document(asked) if self._is_screen(asked) else self._app
                await behind(scope, receive, self._tying(send, asked) if self._entrance.demo else send)
            else:
                await self._outside(visit, asked)(scope, receive, send)

    def _words(self, asked: Seen) -> Asked:
        language = language_of(asked.cookie(LANGUAGE), self._entrance.settings.language)
        return Asked(language, "/", "")

    def _knows(self, path: str) -> bool:
        """Is there anything at the path? Streamlit would answer with its own page, whatever it is."""
        return path in self._paths or path == ADDRESS or path.startswith((ACCOUNT, REPORTS))

    def _is_screen(self, asked: Seen) -> bool:
        # What ends in a stroke Streamlit sends to the address without it: the document's links are relative.
        return asked.method in ("GET", "HEAD") and asked.path[1:] in self._screens

    def _document(self, asked: Seen) -> Response:
        if asked.path[1:] == SCREENS[0].name:  # Streamlit knows its first page by the address without a name
            return RedirectResponse("/" + (f"?{asked.query}" if asked.query else ""), 307)
        text = self._documents[self._words(asked).language]
        return HTMLResponse(text, headers={"cache-control": "no-cache", "vary": "cookie"})

    def _tying(self, send: Send, asked: Seen) -> Send:
        """The page of a demo holds a form itself, which is tied to a cookie."""

        async def tying(message: Message) -> None:
            if message["type"] == "http.response.start" and not asked.cookie(FORM):
                made = PlainTextResponse()
                set_cookie(made, asked, FORM, secrets.token_urlsafe(24))
                MutableHeaders(scope=message).append("set-cookie", made.headers["set-cookie"])
            await send(message)

        return send if asked.path.startswith(PARTS) else tying

    def _admits(self, visit: Visit, asked: Seen) -> bool:
        # Without a session it opens on this machine alone, by this machine's own name.
        return visit.actor is not None and (visit.signed_in or asked.local)

    def _outside(self, visit: Visit, asked: Seen) -> Response:
        words = self._words(asked)
        own = asked.path.startswith(ACCOUNT)
        if (asked.method not in ("GET", "HEAD") and not own) or asked.path.startswith(PARTS):
            return PlainTextResponse("sign in first: /login", 403)
        if visit.actor is not None:
            return _html(said_page(words, notice(words, "host")), 403)
        if visit.problem is not None:
            return _html(said_page(words, notice(words, "database")), 503)
        if asked.from_elsewhere and not asked.cookie():
            return _html(bounce_page(words, asked.target))
        given = {"next": ACCOUNT if own else asked.target, **({"why": "ended"} if asked.cookie() else {})}
        return RedirectResponse(f"/login?{urlencode(given)}", 303, {"cache-control": "no-store"})

    async def _visit(self, asked: Seen) -> Visit:
        found: Visit = await self._aside(self._entrance.visit, asked.cookie(), asked.address)
        return found

    def _marking(self, receive: Receive, token: str) -> Receive:
        """The messages of an open page; what a person did there keeps the session from ending."""
        marked = [float("-inf")]

        async def marking() -> Message:
            message = await receive()
            now = self._entrance.clock().timestamp()
            if now - marked[0] >= MARK_S and by_a_person(message.get("bytes")):
                marked[0] = now
                try:
                    await self._aside(self._entrance.seen, token)
                except MinuteriskError as error:
                    log.warning("gate.not_marked", what=error.what)
            return message

        return marking

    async def _send(self, asked: Seen, send: Send, message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in self._headers(asked).items():
                headers.setdefault(name, value)
        await send(message)

    def _headers(self, asked: Seen) -> dict[str, str]:
        headers = {
            "content-security-policy": self._policy,
            "x-frame-options": "DENY",
            "x-content-type-options": "nosniff",
            "referrer-policy": "same-origin",
            "cross-origin-opener-policy": "same-origin",
            "permissions-policy": "camera=(), geolocation=(), microphone=()",
        }
        if asked.secure:
            headers["strict-transport-security"] = "max-age=31536000"
        return headers


def by_a_person(content: bytes | None) -> bool:
    """Is a message of the page what a person did? What it sends by itself every few seconds is not."""
    if not content:
        return False
    message = BackMsg()
    try:
        message.ParseFromString(content)
    except Exception:  # noqa: BLE001 - Streamlit closes the connection for it
        return False
    return message.WhichOneof("type") == "rerun_script" and not message.rerun_script.is_auto_rerun


def scripts_of(packs: Iterable[str]) -> tuple[str, ...]:
    """Our keys, and what the own pages of these packs run."""
    own = (path for pack in packs for path in load_page(pack).scripts)
    return tuple(path.read_text(encoding="utf-8") for path in (KEYS, *own))


def page_policy(*documents: str, scripts: Iterable[str]) -> str:
    """What the page may load and run: its own, the scripts in its documents, and those that we bring."""
    found = dict.fromkeys((*(script for text in documents for script in scripts_in(text)), *scripts))
    hashes = (base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in found)
    allowed = " ".join(f"'sha256-{one}'" for one in hashes)
    return "; ".join(
        (
            "default-src 'self'",
            f"script-src 'self' 'unsafe-eval' {allowed}",
            "style-src 'self' 'unsafe-inline'",
            "img-src 'self' data: blob:",
            "font-src 'self' data:",
            "connect-src 'self' data: blob:",
            "worker-src 'self' blob:",
            "object-src 'none'",
            "base-uri 'self'",
            "form-action 'self'",
            "frame-ancestors 'none'",
        )
    )


def _html(text: str, status: int = 200) -> HTMLResponse:
    return HTMLResponse(text, status, {"content-security-policy": POLICY, "cache-control": "no-store"})


__all__ = ["FORM", "Gate"]
