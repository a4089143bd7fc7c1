"""The language of a person's screens: kept in a cookie of this browser, whoever signs in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl

from starlette.responses import RedirectResponse
from starlette.routing import Route

from app.gate.answers import NO_STORE, seen_of, set_cookie
from app.gate.seen import LANGUAGE, language_of

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

#: `?to=en`; afterwards the page is shown again from which it was asked.
ADDRESS: Final = "/language"
_KEPT_S: Final = 365 * 24 * 3600


def routes(otherwise: str) -> list[Route]:
    """The one way to another language; one that we do not have gives `otherwise`."""

    async def change(request: Request) -> Response:
        asked = seen_of(request)
        chosen = language_of(dict(parse_qsl(asked.query)).get("to"), otherwise)
        answer = RedirectResponse(asked.came_from, 303, NO_STORE)
        set_cookie(answer, asked, LANGUAGE, chosen, seconds=_KEPT_S)
        return answer

    return [Route(ADDRESS, change, methods=["GET"])]
