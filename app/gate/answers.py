"""What the gate's routes share: the request as the gate saw it, a form that was sent, cookies."""

from __future__ import annotations

from asyncio import timeout
from contextlib import suppress
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl

from starlette.requests import ClientDisconnect
from starlette.responses import HTMLResponse

from app.gate.forms import POLICY

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from app.gate.seen import Seen

#: The largest form or question that is read.
MOST_BYTES: Final = 65_536
#: Whoever sends one more slowly holds a connection, and nothing else.
LONGEST_S: Final = 10.0
_MOST_FIELDS: Final = 20
NO_STORE: Final = {"cache-control": "no-store"}


def seen_of(request: Request) -> Seen:
    """The request as the gate saw it."""
    found: Seen = request.scope["minuterisk.seen"]
    return found


async def body_of(request: Request) -> bytes | None:
    """What was sent; None when it is too much, too slow, or broken off."""
    body = b""
    with suppress(TimeoutError, ClientDisconnect):
        async with timeout(LONGEST_S):
            async for piece in request.stream():
                body += piece
                if len(body) > MOST_BYTES:
                    return None
        return body
    return None


async def form_of(request: Request) -> dict[str, str]:
    """The fields of a form; none where it is too large, or no form."""
    body = await body_of(request)
    if not request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        return {}
    try:
        return dict(parse_qsl((body or b"").decode(), max_num_fields=_MOST_FIELDS))
    except ValueError:
        return {}


def page_of(text: str, status: int = 200) -> HTMLResponse:
    """A page of the gate's own: kept nowhere, and it runs nothing."""
    return HTMLResponse(text, status, {"content-security-policy": POLICY, **NO_STORE})


def set_cookie(
    answer: Response, asked: Seen, which: str, value: str, *, seconds: int | None = None, lax: bool = False
) -> None:
    """A cookie that no script reads and no other site sends; `lax`: an answer from elsewhere may bring it."""
    answer.set_cookie(
        asked.cookie_name(which),
        value,
        max_age=seconds,
        path="/",
        secure=asked.secure,
        httponly=True,
        samesite="lax" if lax else "strict",
    )


def drop_cookie(answer: Response, asked: Seen, which: str) -> None:
    """Take a cookie back."""
    answer.set_cookie(
        asked.cookie_name(which),
        "",
        max_age=0,
        path="/",
        secure=asked.secure,
        httponly=True,
        samesite="strict",
    )
