"""Reports that were written by themselves, for whoever may see the screens: as it was signed, or none.

A report runs in a sandbox of its own: whatever stands in the file, it can reach no cookie, page or address.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final

import structlog
from starlette.responses import HTMLResponse
from starlette.routing import Route

from app.gate.answers import NO_STORE, page_of, seen_of
from app.gate.forms import Asked, notice, said_page
from app.gate.seen import LANGUAGE, language_of
from app.markup import join, tag
from pipeline.desk.perform import require
from pipeline.desk.roles import Thing
from pipeline.errors import MinuteriskError, NotAllowed

if TYPE_CHECKING:
    from pathlib import Path

    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import BaseRoute

    from app.gate.aside import Aside
    from pipeline.desk.people.entrance import Entrance

log = structlog.get_logger()

ADDRESS: Final = "/report/"
#: Over what the file itself says, which names its two scripts by their hashes.
SANDBOX: Final = (
    "sandbox allow-scripts allow-modals; default-src 'none'; script-src 'unsafe-inline'; "
    "style-src 'unsafe-inline'; img-src data: blob:; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
_LONGEST: Final = 40


class Reports:
    """Its route."""

    def __init__(self, entrance: Entrance, aside: Aside) -> None:
        self._entrance = entrance
        self._aside = aside

    @property
    def routes(self) -> list[BaseRoute]:
        """For the application; the gate has let in whoever asks."""
        return [
            Route(f"{ADDRESS}{{pack}}/{{about}}", self._answer, methods=["GET"]),
            Route(f"{ADDRESS}{{rest:path}}", self._nothing, methods=["GET"]),
        ]

    async def _answer(self, request: Request) -> Response:
        try:
            content = await self._aside(self._read, request)
        except NotAllowed:
            return self._said(request, "report.not_allowed", 403)
        except MinuteriskError as error:
            log.warning("gate.report", what=error.what)
            return self._said(request, "database", 503)
        if content is None:
            return self._said(request, "report.none", 404)
        return HTMLResponse(content, headers={"content-security-policy": SANDBOX, **NO_STORE})

    async def _nothing(self, request: Request) -> Response:
        """Below this address there is nothing else; Streamlit would answer with its own page."""
        return self._said(request, "report.none", 404)

    def _read(self, request: Request) -> bytes | None:
        """The file; None where there is none, or another one than was written."""
        pack, about = request.path_params["pack"], request.path_params["about"][:_LONGEST]
        seen, settings = seen_of(request), self._entrance.settings
        if pack not in settings.packs or not about.isascii() or not about.isprintable():
            return None
        visit, desk = self._entrance.visit(seen.cookie(), seen.address), self._entrance.desk_of(pack)
        if visit.actor is None:
            msg = "nobody is signed in"
            raise NotAllowed(msg, "sign in first")
        require(desk, visit.actor, "see", Thing("incident"))
        rows = desk.state.rows("app_reports", about=about, at_most=1)
        return whole_file(settings.home, rows[0]["path"], rows[0]["sha256"]) if rows else None

    def _said(self, request: Request, what: str, status: int) -> Response:
        language = language_of(seen_of(request).cookie(LANGUAGE), self._entrance.settings.language)
        words = Asked(language, "/", "")
        first = tag("p", tag("a", words.text("page.first"), href="/"))
        return page_of(said_page(words, join([notice(words, what), first])), status)


def whole_file(home: Path, path: str, sha256: str) -> bytes | None:
    """A file below the home's reports, if it is the one that was written."""
    folder = (home / "reports").resolve()
    file = (home / path).resolve()
    if folder not in file.parents:
        return None
    try:
        content = file.read_bytes()
    except OSError:
        return None
    if hashlib.sha256(content).hexdigest() != sha256:
        log.warning("gate.report_changed", path=path, alarm=True)
        return None
    return content
