"""Answers over HTTP: JSON, and every error with what was met and the next step."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import structlog
from starlette.responses import Response

from pipeline.desk.people.keys import KeyRefused
from pipeline.errors import ConfigurationError, MinuteriskError, NotAllowed, PassingError, UsageError
from pipeline.online.transfers.check.callers import TooOften
from pipeline.online.transfers.check.checks import Conflict, Unknown
from pipeline.online.transfers.check.pace import TooMany
from pipeline.online.transfers.check.read import TooLarge, Unfit
from pipeline.online.transfers.check.records import Unrecorded

if TYPE_CHECKING:
    from collections.abc import Mapping

log = structlog.get_logger()

NO_STORE: Final = {"cache-control": "no-store", "x-content-type-options": "nosniff"}
#: The first that fits.
_STATUS: Final = (
    (TooOften, 429),
    (TooMany, 429),
    (TooLarge, 413),
    (KeyRefused, 401),
    (NotAllowed, 403),
    (Conflict, 409),
    (Unknown, 404),
    (UsageError, 400),
)
_AWAY: Final = {"error": "the operational database cannot be asked now", "next": "try again in a minute"}


def json_answer(
    content: Mapping[str, Any], status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """Plain JSON in UTF-8, whatever it quotes."""
    body = json.dumps(content, ensure_ascii=False, separators=(",", ":"), default=_plain)
    return Response(
        body.encode(errors="backslashreplace"), status, {**NO_STORE, **(headers or {})}, "application/json"
    )


def error_answer(error: Exception, path: str) -> Response:
    """What went wrong."""
    if isinstance(error, Unrecorded | ConfigurationError | PassingError):
        log.warning("serve.away", what=getattr(error, "what", "not recorded"))  # its words name the database
        return json_answer(_AWAY, 503, {"retry-after": "1"})
    if not isinstance(error, MinuteriskError):
        log.error("serve.fault", path=path, exc_info=error)
        return json_answer({"error": type(error).__name__, "next": "see the log of minuterisk serve"}, 500)
    status = next((code for kind, code in _STATUS if isinstance(error, kind)), 500)
    headers = {401: {"www-authenticate": "Bearer"}, 429: {"retry-after": "1"}}.get(status, {})
    said = {"error": error.what, "next": error.hint}
    if isinstance(error, Unfit) and error.field:
        said["field"] = error.field
    return json_answer(said, status, headers)


def _plain(value: Any) -> Any:  # noqa: ANN401 - what JSON has no type for
    if hasattr(value, "isoformat"):
        return value.isoformat()
    return list(value) if isinstance(value, tuple | set | frozenset) else str(value)
