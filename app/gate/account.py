"""One's own account by forms without script: /account, its password, its authenticator, its sessions.

Each form is tied to its session by a signature, so a page elsewhere cannot send it. Every change is an act of
the desk. What asks for a password takes its turn and its pace with the sign-ins.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

import structlog
from starlette.responses import RedirectResponse
from starlette.routing import Route

from app.gate.account_forms import ADDRESS, Own, account_page, offer_page
from app.gate.answers import NO_STORE, form_of, page_of, seen_of
from app.gate.forms import Asked, notice, said_page
from app.gate.seen import language_asked
from app.markup import Markup
from pipeline.desk.people import accounts, sessions
from pipeline.desk.people.accounts import NotProven
from pipeline.desk.people.passwords import Busy, Weak
from pipeline.desk.people.totp import Enrol, TooLate, WrongCode
from pipeline.errors import MinuteriskError, PassingError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import BaseRoute

    from app.gate.aside import Aside
    from app.gate.login import Login
    from app.gate.seen import Seen
    from pipeline.desk.people.entrance import Entrance
    from pipeline.desk.roles import Actor

log = structlog.get_logger()

#: What a form here is signed for.
FORM: Final = "account"
#: What the page says after a change; the address names it.
_DONE: Final = {
    "password": "done.password",
    "totp": "done.totp",
    "session": "done.session",
    "sessions": "done.sessions",
}


@dataclass(frozen=True, slots=True)
class _Sent:
    """A form that came from its page, by whoever is signed in."""

    words: Asked
    actor: Actor
    given: Mapping[str, str]


class Account:
    """The page and its forms."""

    def __init__(self, entrance: Entrance, login: Login, aside: Aside) -> None:
        self._entrance = entrance
        self._login = login
        self._aside = aside

    @property
    def routes(self) -> list[BaseRoute]:
        """For the application."""
        return [
            Route(ADDRESS, self.show, methods=["GET"]),
            self._form("/password", self._password, proves=True),
            self._form("/totp", self._begin_totp, proves=True),
            self._form("/totp/code", self._enrol_totp, proves=True),
            self._form("/sessions/end", self._end_session),
            self._form("/sessions/end-others", self._end_others),
        ]

    async def show(self, request: Request) -> Response:
        """The page; whoever is not signed in does that first."""
        asked, given = seen_of(request), dict(request.query_params)
        words, done = self._words(asked, given), given.get("done", "")
        visit = await self._aside(self._entrance.visit, asked.cookie(), asked.address)
        if visit.actor is None or not visit.signed_in:
            return _to_login(asked, words)
        said = notice(words, _DONE[done], good=True) if done in _DONE else Markup("")
        return await self._page(words, visit.actor, said)

    def _form(
        self, path: str, answer: Callable[[_Sent], Awaitable[Response]], *, proves: bool = False
    ) -> Route:
        """Where a form is sent to; `proves`: with what somebody could guess, so only so often."""

        async def endpoint(request: Request) -> Response:
            asked, given = seen_of(request), await form_of(request)
            words = self._words(asked, given)
            visit = await self._aside(self._entrance.visit, asked.cookie(), asked.address)
            if visit.actor is None or not visit.signed_in:
                return _to_login(asked, words)
            sent = _Sent(words, visit.actor, given)
            signed = self._entrance.seal.is_signed(asked.cookie(), FORM, given.get("token", ""))
            if not (signed and asked.own_origin):
                await self._login.refuse(asked, f"a form for {visit.actor.name} that its page did not make")
                return await self._refused(sent, notice(words, "account.form"), 403)
            if proves and not self._login.allows(asked):
                return await self._refused(sent, notice(words, "pace"), 429)
            try:
                await self._aside(self._entrance.seen, asked.cookie())
                return await answer(sent)
            except MinuteriskError as error:
                return await self._failed(sent, error)

        return Route(ADDRESS + path, endpoint, methods=["POST"])

    async def _password(self, sent: _Sent) -> Response:
        given = sent.given
        if given.get("new", "") != given.get("again", ""):
            return await self._refused(sent, notice(sent.words, "secret.differs"), 400)
        word = {"password": given.get("new", ""), "current": given.get("current", "")}
        await self._act(sent, "set_password", sent.actor.name, word, hashes=True)
        return _done(sent, "password")

    async def _begin_totp(self, sent: _Sent) -> Response:
        proof = {"password": sent.given.get("current", ""), "code": sent.given.get("present", "")}
        found = await self._act(sent, "begin_totp", sent.actor.name, proof, hashes=True)
        return page_of(offer_page(sent.words, Markup(""), Enrol(**found)))

    async def _enrol_totp(self, sent: _Sent) -> Response:
        first = {name: sent.given.get(name, "") for name in ("ticket", "code")}
        await self._act(sent, "enrol_totp", sent.actor.name, first)
        return _done(sent, "totp")

    async def _end_session(self, sent: _Sent) -> Response:
        await self._act(sent, "revoke_session", sent.given.get("session", ""), {})
        return _done(sent, "session")

    async def _end_others(self, sent: _Sent) -> Response:
        await self._act(sent, "revoke_sessions", sent.actor.name, {})
        return _done(sent, "sessions")

    async def _act(
        self, sent: _Sent, name: str, thing: str, given: Mapping[str, str], *, hashes: bool = False
    ) -> dict[str, Any]:
        """Do an act for whoever is signed in. Raises what stands in its way."""
        work = partial(self._entrance.act, sent.actor, name, thing, given)
        done: dict[str, Any] = await (self._login.hashed(work) if hashes else self._aside(work))
        return done

    async def _failed(self, sent: _Sent, error: MinuteriskError) -> Response:
        """What stood in the way, in the person's language."""
        words = sent.words
        if isinstance(error, WrongCode):
            return page_of(offer_page(words, notice(words, "enrol.wrong"), error.enrol), 403)
        if isinstance(error, PassingError):
            log.warning("account.failed", what=error.what)
            said = notice(words, "account.busy" if isinstance(error, Busy) else "database")
            return await self._refused(sent, said, 503)
        if isinstance(error, NotProven):
            return await self._refused(sent, notice(words, "proof"), 403)
        if isinstance(error, Weak):
            return await self._refused(sent, notice(words, "secret.weak", words.text("secret.rule")), 400)
        if isinstance(error, TooLate):
            return await self._refused(sent, notice(words, "totp.late"), 403)
        what, hint = error.in_language(words.language)
        said = notice(words, "account.refused", f"{what}. {hint}.")
        return await self._refused(sent, said, 403)

    async def _refused(self, sent: _Sent, said: Markup, status: int) -> Response:
        return await self._page(sent.words, sent.actor, said, status)

    async def _page(self, words: Asked, actor: Actor, said: Markup, status: int = 200) -> Response:
        try:
            own = await self._aside(self._own, actor)
        except MinuteriskError as error:
            log.warning("account.not_shown", what=error.what)
            return page_of(said_page(words, notice(words, "database")), 503)
        return page_of(account_page(words, said, own), status)

    def _own(self, actor: Actor) -> Own:
        desk = self._entrance.desk
        (account,) = accounts.listed(desk.state, actor.name)
        own = sessions.listed(desk.state, desk.clock(), actor.name)
        return Own(account, own, int(actor.credential), desk.zone)

    def _words(self, asked: Seen, given: Mapping[str, str]) -> Asked:
        language = language_asked(asked, given, self._entrance.settings.language)
        return Asked(language, ADDRESS, self._entrance.seal.sign(asked.cookie(), FORM))


def _to_login(asked: Seen, words: Asked) -> Response:
    why = {"why": "ended"} if asked.cookie() else {}
    given = {"next": ADDRESS, "lang": words.language, **why}
    return RedirectResponse(f"/login?{urlencode(given)}", 303, NO_STORE)


def _done(sent: _Sent, what: str) -> Response:
    asked = {"lang": sent.words.language, "done": what}
    return RedirectResponse(f"{ADDRESS}?{urlencode(asked)}", 303, NO_STORE)
