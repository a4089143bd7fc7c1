"""Signing in and out by forms without script: /login, /login/code, /login/demo, /logout.

A form is tied to a cookie by a signature, so a page elsewhere cannot send it. Every sign-in begins a session
with a number that nobody knew before. How often one address may try, and how many wait at once, is bounded
before a password is hashed.
"""

from __future__ import annotations

import secrets
import time
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import structlog
from starlette.responses import RedirectResponse
from starlette.routing import Route

from app.gate.answers import NO_STORE, drop_cookie, form_of, page_of, seen_of, set_cookie
from app.gate.aside import Aside
from app.gate.forms import Asked, enrol_page, notice, sign_in_page
from app.gate.seen import FORM, back_to, language_asked
from app.markup import Markup
from pipeline.desk.people.pace import Pace
from pipeline.desk.people.passwords import AT_ONCE, Busy
from pipeline.desk.people.sessions import LONGEST
from pipeline.desk.people.sign_in import NotSignedIn, Tried
from pipeline.desk.people.totp import Enrol, TooLate, WrongCode
from pipeline.errors import MinuteriskError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import BaseRoute

    from app.gate.seen import Seen
    from pipeline.desk.people.entrance import Entrance, Visit
    from pipeline.desk.people.sign_in import SignedIn

log = structlog.get_logger()

#: Tries of one address: so many at once, then one every few seconds.
TRIES: Final = 10
EVERY_S: Final = 6.0
#: So many sign-ins may wait for their turn; further ones are sent away.
WAITING: Final = 20
_WHY: Final = ("ended", "left")
#: How the first account is made.
FIRST: Final = "minuterisk users add NAME --role SUPER_ADMIN"


class Login:
    """The forms and what they do."""

    def __init__(self, entrance: Entrance, aside: Aside) -> None:
        self._entrance = entrance
        self._aside = aside
        self._hashing = Aside(AT_ONCE)
        self._pace = Pace(TRIES, EVERY_S)

    @property
    def routes(self) -> list[BaseRoute]:
        """For the application."""
        return [
            Route("/login", self.show, methods=["GET"]),
            Route("/login", self.enter, methods=["POST"]),
            Route("/login/code", self.enrol, methods=["POST"]),
            Route("/login/demo", self.enter_demo, methods=["POST"]),
            Route("/logout", self.leave, methods=["POST"]),
        ]

    async def show(self, request: Request) -> Response:
        """The form; whoever is signed in goes on instead."""
        asked, given = seen_of(request), dict(request.query_params)
        words = self.words(asked, given)
        visit = await self._aside(self._entrance.visit, asked.cookie(), asked.address)
        if visit.signed_in:
            return RedirectResponse(words.back_to, 303, NO_STORE)
        if visit.problem is not None:
            return self.form(asked, words, notice(words, "database"), 503)
        if not asked.cookie():
            return self.form(asked, words, _greeting(words, given.get("why", ""), visit))
        await self.refuse(asked, "the session of the cookie has ended, or is of another installation")
        answer = self.form(asked, words, notice(words, "why.ended"))
        drop_cookie(answer, asked, "")
        return answer

    async def enter(self, request: Request) -> Response:
        """Name, password and code."""
        asked, given, words, refused = await self._received(request)
        if refused is not None:
            return refused
        name, password, code = (given.get(field, "") for field in ("name", "password", "code"))
        tried = Tried(name, password, code, asked.address, asked.cookie())
        return await self.admit(asked, words, lambda: self._entrance.sign_in.by_password(tried))

    async def enrol(self, request: Request) -> Response:
        """The first code of an authenticator."""
        asked, given, words, refused = await self._received(request)
        if refused is not None:
            return refused
        tried = (given.get("ticket", ""), given.get("code", ""), asked.address, asked.cookie())
        return await self.admit(asked, words, lambda: self._entrance.sign_in.by_first_code(*tried))

    async def enter_demo(self, request: Request) -> Response:
        """One press, for an account of a demo on this machine."""
        asked, given, words, refused = await self._received(request)
        if refused is not None:
            return refused
        name = given.get("account", "")
        if name not in self._entrance.demo or not asked.local:
            await self.refuse(asked, "there is no demo here that opens without a password")
            return self.form(asked, words, notice(words, "refused"), 403)
        tried = (name, asked.address, asked.cookie())
        return await self.admit(asked, words, lambda: self._entrance.sign_in.as_demo(*tried))

    async def leave(self, request: Request) -> Response:
        """End the session; the page's form for it is tied to it."""
        asked, given = seen_of(request), await form_of(request)
        token, words = asked.cookie(), self.words(asked, given)
        signed = self._entrance.seal.is_signed(token, "leave", given.get("token", ""))
        if not (token and signed and asked.own_origin):
            return self.form(asked, words, notice(words, "form"), 403)
        try:
            await self._aside(self._entrance.sign_in.sign_out, token, asked.address)
            self._entrance.forget()
        except MinuteriskError:
            return self.form(asked, words, notice(words, "database"), 503)
        answer = RedirectResponse("/login?why=left", 303, NO_STORE)
        drop_cookie(answer, asked, "")
        return answer

    async def admit(self, asked: Seen, words: Asked, work: Callable[[], SignedIn | Enrol]) -> Response:
        """Do the work of a sign-in, and answer with its session or with why there is none."""
        try:
            done = await self.hashed(work)
        except WrongCode as error:
            return page_of(enrol_page(words, notice(words, "enrol.wrong"), error.enrol), 403)
        except (NotSignedIn, TooLate):
            return self.form(asked, words, notice(words, "refused"), 403)
        except MinuteriskError as error:
            why = "busy" if isinstance(error, Busy) else "database"
            log.warning("sign_in.failed", what=error.what)
            return self.form(asked, words, notice(words, why), 503)
        if isinstance(done, Enrol):
            return page_of(enrol_page(words, Markup(""), done))
        return self.begin(asked, words, done)

    async def hashed(self, work: Callable[[], Any]) -> Any:  # noqa: ANN401 - what the work gives
        """Do what hashes a password, in its turn. Raises Busy where too many wait."""
        if self._hashing.waiting >= WAITING:
            raise Busy
        return await self._hashing(work)

    def allows(self, asked: Seen) -> bool:
        """May this address try a password once more?"""
        return self._pace.allows(asked.address, time.monotonic())

    def begin(self, asked: Seen, words: Asked, done: SignedIn) -> Response:
        """Go on with the new session in a cookie."""
        answer = RedirectResponse(words.back_to, 303, NO_STORE)
        set_cookie(answer, asked, "", done.token, seconds=int(LONGEST.total_seconds()))
        drop_cookie(answer, asked, FORM)
        return answer

    def form(self, asked: Seen, words: Asked, said: Markup, status: int = 200) -> Response:
        """The form to sign in with, tied to the browser's cookie, or to a new one."""
        tie = asked.cookie(FORM) or secrets.token_urlsafe(24)
        tied = Asked(words.language, words.back_to, self._entrance.seal.sign(tie, "form"))
        demo = self._entrance.demo if asked.local else ()
        company = self._entrance.company is not None
        answer = page_of(sign_in_page(tied, said, company=company, demo=demo), status)
        if not asked.cookie(FORM):
            set_cookie(answer, asked, FORM, tie)
        return answer

    def words(self, asked: Seen, given: Mapping[str, str]) -> Asked:
        """Language and way back of a form, and its tie."""
        language = language_asked(asked, given, self._entrance.settings.language)
        tie = self._entrance.seal.sign(asked.cookie(FORM), "form")
        return Asked(language, back_to(given.get("next") or "/"), tie)

    async def refuse(self, asked: Seen, why: str) -> None:
        """Note a try that leads nowhere, as often as its address may."""
        if not self._pace.allows(f"note {asked.address}", time.monotonic()):
            return
        try:
            await self._aside(partial(self._entrance.sign_in.refused, asked.address, why))
        except MinuteriskError as error:
            log.warning("sign_in.not_noted", why=why, what=error.what)

    async def _received(self, request: Request) -> tuple[Seen, dict[str, str], Asked, Response | None]:
        """A form that was sent, and its refusal where that is too often, or the form not ours."""
        asked, given = seen_of(request), await form_of(request)
        words = self.words(asked, given)
        if not self.allows(asked):
            return asked, given, words, self.form(asked, words, notice(words, "pace"), 429)
        tie, token = asked.cookie(FORM), given.get("token", "")
        if not (tie and asked.own_origin and self._entrance.seal.is_signed(tie, "form", token)):
            await self.refuse(asked, "the form was not made by this page for this browser")
            return asked, given, words, self.form(asked, words, notice(words, "form"), 403)
        return asked, given, words, None


def _greeting(words: Asked, why: str, visit: Visit) -> Markup:
    if not visit.accounts:
        return notice(words, "none", words.text("none.note", command=FIRST))
    return notice(words, f"why.{why}", good=why == "left") if why in _WHY else Markup("")
