"""The company's login: /oidc/login sends the browser away, /oidc/callback takes the provider's answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import structlog
from starlette.responses import RedirectResponse
from starlette.routing import Route

from app.gate.answers import NO_STORE, drop_cookie, seen_of, set_cookie
from app.gate.forms import Asked, notice
from app.gate.seen import COMPANY
from pipeline.desk.people.oidc import PENDING_S
from pipeline.desk.people.seal import Broken
from pipeline.errors import MinuteriskError, PassingError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import BaseRoute

    from app.gate.aside import Aside
    from app.gate.login import Login
    from app.gate.seen import Seen
    from pipeline.desk.people.entrance import Entrance
    from pipeline.desk.people.oidc import CompanyLogin
    from pipeline.desk.people.sign_in import SignedIn

log = structlog.get_logger()


class Company:
    """Both ends of a company login."""

    def __init__(self, entrance: Entrance, provider: CompanyLogin, login: Login, aside: Aside) -> None:
        self._entrance = entrance
        self._provider = provider
        self._login = login
        self._aside = aside

    @property
    def routes(self) -> list[BaseRoute]:
        """For the application."""
        return [
            Route("/oidc/login", self.begin, methods=["GET"]),
            Route("/oidc/callback", self.finish, methods=["GET"]),
        ]

    async def begin(self, request: Request) -> Response:
        """Off to the identity provider."""
        asked = seen_of(request)
        words = self._login.words(asked, dict(request.query_params))
        try:
            address, pending = await self._aside(self._provider.begin, self._entrance.clock())
        except MinuteriskError as error:
            return await self._refused(asked, words, error)
        kept = {**pending, "lang": words.language, "next": words.back_to}
        answer = RedirectResponse(address, 303, NO_STORE)
        # The answer comes by a link of another site, which brings no strict cookie.
        sealed = self._entrance.seal.close_text(kept, "company")
        set_cookie(answer, asked, COMPANY, sealed, seconds=PENDING_S, lax=True)
        return answer

    async def finish(self, request: Request) -> Response:
        """Back from it: with a session, or with why there is none."""
        asked = seen_of(request)
        try:
            pending = self._entrance.seal.open_text(asked.cookie(COMPANY), "company")
        except Broken:
            pending = None
        words = self._login.words(asked, pending or {})
        try:
            done = await self._aside(self._sign_in, pending, dict(request.query_params), asked)
        except MinuteriskError as error:
            answer = await self._refused(asked, words, error)
        else:
            answer = self._login.begin(asked, words, done)
        drop_cookie(answer, asked, COMPANY)
        return answer

    def _sign_in(self, pending: Mapping[str, Any] | None, answer: Mapping[str, str], asked: Seen) -> SignedIn:
        person = self._provider.finish(pending, answer, self._entrance.clock())
        return self._entrance.sign_in.by_company(person, asked.address, asked.cookie())

    async def _refused(self, asked: Seen, words: Asked, error: MinuteriskError) -> Response:
        log.warning("company_login.refused", what=error.what)
        await self._login.refuse(asked, f"company login: {error.what}")
        what, hint = error.in_language(words.language)
        said = notice(words, "oidc", f"{what}. {hint}.")
        return self._login.form(asked, words, said, 503 if isinstance(error, PassingError) else 403)
