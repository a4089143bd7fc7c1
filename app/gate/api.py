"""The API for machines, /api/v1: who am I, what can be done, do it. A key in a header, JSON both ways.

Every error is JSON with what was met and what to do next. Cookies count for nothing here, so no page
elsewhere can make a browser act.
"""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any, Final

import structlog
from starlette.responses import Response
from starlette.routing import Route

from app.gate.answers import NO_STORE, body_of, seen_of
from pipeline.desk.acts import ACTS
from pipeline.desk.given import Parameter
from pipeline.desk.people.keys import KeyRefused
from pipeline.desk.people.pace import Pace
from pipeline.desk.perform import require
from pipeline.desk.roles import ACTIONS, Thing, may
from pipeline.errors import ConfigurationError, MinuteriskError, NotAllowed, PassingError, UsageError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence

    from starlette.requests import Request
    from starlette.routing import BaseRoute

    from app.gate.aside import Aside
    from pipeline.desk.people.entrance import Entrance
    from pipeline.desk.roles import Actor

    Answer = Callable[["Api", Actor, Request], Awaitable[Mapping[str, Any]]]

log = structlog.get_logger()

#: Keys that fit nothing: so many at once from one address, then one every few seconds.
TRIES: Final = 20
EVERY_S: Final = 3.0
_BEARER: Final = "bearer "
_FEW: Final = 200
_AT_MOST: Final = 10_000


class Api:
    """Its routes."""

    def __init__(self, entrance: Entrance, aside: Aside) -> None:
        self.entrance = entrance
        self.aside = aside
        self._pace = Pace(TRIES, EVERY_S)

    @property
    def routes(self) -> list[BaseRoute]:
        """For the application; whatever else stands under /api does not exist."""
        return [
            self._route("/api/v1/me", _me, "GET"),
            self._route("/api/v1/acts", _acts, "GET"),
            self._route("/api/v1/acts/{name}", _do, "POST"),
            self._route("/api/v1/incidents", _incidents, "GET"),
            Route("/api/{rest:path}", self._nothing, methods=["GET", "POST", "PUT", "PATCH", "DELETE"]),
        ]

    def _route(self, path: str, answer: Answer, method: str) -> Route:
        async def endpoint(request: Request) -> Response:
            try:
                actor = await self._actor(request)
                return _json(await answer(self, actor, request))
            except MinuteriskError as error:
                return _error(error)
            except Exception as error:
                log.exception("api.fault", path=path)
                return _json({"error": type(error).__name__, "next": "see the dashboard's log"}, 500)

        return Route(path, endpoint, methods=[method])

    async def _actor(self, request: Request) -> Actor:
        """Who the key acts for. Raises KeyRefused; what is wrong with it stands in the audit."""
        asked, given = seen_of(request), request.headers.get("authorization", "")
        key = given[len(_BEARER) :].strip() if given.lower().startswith(_BEARER) else ""
        try:
            found: Actor = await self.aside(self.entrance.key, key, asked.address)
        except KeyRefused as error:
            if not self._pace.allows(asked.address, time.monotonic()):
                raise TooOften from error
            number = key.split("_")[1] if key.count("_") > 1 else ""
            note = (asked.address, error.what, "use_key", number[:18] if number.isdecimal() else "")
            await self.aside(lambda: self.entrance.sign_in.refused(*note))
            raise
        return found

    async def _nothing(self, _request: Request) -> Response:
        known = "/api/v1/me, /api/v1/acts, /api/v1/incidents"
        return _json({"error": "there is no such address", "next": f"known are {known}"}, 404)


class TooOften(KeyRefused):
    """Too many keys that fit nothing."""

    def __init__(self) -> None:
        super().__init__("too many keys from this address that are none", "wait a minute")


async def _me(_api: Api, actor: Actor, _request: Request) -> Mapping[str, Any]:
    return {
        "account": actor.name,
        "role": actor.role,
        "api_key_id": int(actor.credential),
        "actions": [action for action in ACTIONS if may(actor, action)],
    }


async def _acts(_api: Api, actor: Actor, _request: Request) -> Mapping[str, Any]:
    described = [
        {
            "name": one.name,
            "action": one.action,
            "kind": one.kind,
            "needs_id": one.needs_id,
            "may": may(actor, one.action, one.kind),
            "parameters": {name: _described(of) for name, of in one.parameters.items()},
        }
        for one in ACTS.values()
    ]
    return {"acts": described}


async def _do(api: Api, actor: Actor, request: Request) -> Mapping[str, Any]:
    name, given = request.path_params["name"], await _object(request)
    thing = given.pop("id", "")
    if isinstance(thing, bool) or not isinstance(thing, str | int):
        msg = f"id is {thing!r}"
        raise UsageError(msg, "give a number or a name")
    done: Mapping[str, Any] = await api.aside(
        lambda: api.entrance.act(actor, name, thing, given, _pack(api, request))
    )
    return done


async def _incidents(api: Api, actor: Actor, request: Request) -> Mapping[str, Any]:
    pack, asked = _pack(api, request), filters_of(request.query_params.multi_items())

    def read() -> Sequence[Mapping[str, Any]]:
        desk = api.entrance.desk_of(pack)
        require(desk, actor, "see", Thing("incident"))
        return desk.state.rows("list_incidents", **asked)

    return {"incidents": await api.aside(read)}


#: What /incidents may be asked, by the names of the command line, and what each is called in the query.
_FILTERS: Final = {
    "all": ("with_resolved", Parameter("flag", "resolved ones too")),
    "entity": ("entity_id", Parameter("text", "of one alone")),
    "from": ("start", Parameter("time", "opened at this minute or later")),
    "to": ("end", Parameter("time", "opened before this minute")),
    "owner": ("owner", Parameter("text", "to whom they are assigned")),
    "limit": ("limit", Parameter("integer", "at most so many")),
    "severity": ("severities", Parameter("text", "of these severities")),
    "state": ("states", Parameter("text", "in these states")),
    "rule": ("rules", Parameter("text", "of these rules")),
}
_SEVERAL: Final = ("severities", "states", "rules")


def filters_of(given: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """What the address asks for, as the query takes it. Raises UsageError."""
    asked: dict[str, Any] = dict.fromkeys(name for name, _ in _FILTERS.values())
    for name, text in given:
        if name == "pack":
            continue
        if name not in _FILTERS:
            msg = f"incidents are not asked for by {name!r}"
            raise UsageError(msg, f"known are pack, {', '.join(_FILTERS)}")
        column, parameter = _FILTERS[name]
        value = parameter.read(name, text)
        asked[column] = [*(asked[column] or []), value] if column in _SEVERAL else value
    limit = asked["limit"] or _FEW
    return {**asked, "limit": max(1, min(limit, _AT_MOST)), "with_resolved": bool(asked["with_resolved"])}


def _pack(api: Api, request: Request) -> str:
    """Which pack it is about: ?pack=NAME, else the first of the settings."""
    packs = api.entrance.settings.packs
    asked = request.query_params.get("pack", packs[0])
    if asked not in packs:
        msg = f"there is no pack {asked!r} here"
        raise UsageError(msg, f"known are {', '.join(packs)}")
    return asked


async def _object(request: Request) -> dict[str, Any]:
    body = await body_of(request)
    if body is None:
        msg = "the question is too large, or came too slowly"
        raise UsageError(msg, "send at most 64 KiB of JSON at once")
    try:
        given = json.loads(body or b"{}")
    except (ValueError, RecursionError):  # the latter: thousands of brackets
        given = None
    if not isinstance(given, dict):
        msg = "the question is no JSON object"
        raise UsageError(msg, 'send one, as {"id": 12}')
    return given


def _described(parameter: Parameter) -> dict[str, Any]:
    shown: dict[str, Any] = {"kind": parameter.kind, "text": parameter.text, "required": parameter.required}
    return {**shown, "choices": list(parameter.choices)} if parameter.choices else shown


def _error(error: MinuteriskError) -> Response:
    status = next((code for kind, code in _STATUS if isinstance(error, kind)), 500)
    if isinstance(error, ConfigurationError | PassingError):  # its words name the database and its machine
        log.warning("api.away", what=error.what)
        said = {"error": "the operational database cannot be asked now", "next": "try again in a minute"}
        return _json(said, 503)
    headers = {"www-authenticate": "Bearer"} if status == 401 else {}  # noqa: PLR2004 - of HTTP
    return _json({"error": error.what, "next": error.hint}, status, headers)


#: The first that fits.
_STATUS: Final = (
    (TooOften, 429),
    (KeyRefused, 401),
    (NotAllowed, 403),
    (UsageError, 400),
)


def _json(
    content: Mapping[str, Any], status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    body = json.dumps(content, ensure_ascii=False, default=_plain)
    # Half a letter that was sent comes back as its number: an answer is UTF-8 whatever it quotes.
    return Response(
        body.encode(errors="backslashreplace"), status, {**NO_STORE, **(headers or {})}, "application/json"
    )


def _plain(value: Any) -> Any:  # noqa: ANN401 - what JSON has no type for
    if hasattr(value, "isoformat"):
        return value.isoformat()
    return list(value) if isinstance(value, tuple | set | frozenset) else str(value)
