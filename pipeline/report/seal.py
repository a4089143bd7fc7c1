"""The seal at the end of a report: what is proven, and a signature over every byte before it.

The file ends with one element of JSON: the proof, the signed daily statements that tell of the period, and
the SHA-256 of all that stands before. It is signed as the daily statements are (Ed25519, RFC 8032), so
whoever has the installation's public key can tell that no number, word or picture was changed.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any, Final

from pipeline.errors import DifferencesFound, UsageError
from pipeline.prove.statement import PUBLIC, is_signed, sign
from pipeline.report.html import data_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from pipeline.settings import Settings

_BEFORE: Final = '<script type="application/json" id="seal">'
_AFTER: Final = "</script></body></html>\n"
FORMAT: Final = "minuterisk report 1"
_NEXT: Final = "compare it with a copy kept elsewhere"


def seal(
    page: str, settings: Settings, said: Mapping[str, Any], statements: Sequence[Mapping[str, Any]]
) -> str:
    """The whole file: the page, which is not closed yet, with its seal."""
    content = {
        "format": FORMAT,
        **said,
        "statements": list(statements),
        "body_sha256": hashlib.sha256(page.encode()).hexdigest(),
    }
    return f"{page}{_BEFORE}{data_of(sign(settings, content))}{_AFTER}"


def verify_report(settings: Settings, path: Path, public_key: Path | None = None) -> dict[str, Any]:
    """What a report says is proven, if the file is as it was signed; writes nothing.

    `public_key` is a PEM file kept elsewhere; the default is the installation's own, never one beside the
    file. Raises UsageError for a file that is no report, DifferencesFound for one that was changed.
    """
    try:
        whole = path.read_bytes().decode()
    except (OSError, UnicodeDecodeError) as error:
        msg = f"{path} cannot be read as a report"
        raise UsageError(msg, "name a file that `minuterisk report` has written") from error
    page, found, rest = whole.rpartition(_BEFORE)
    content = _content(rest.removesuffix(_AFTER)) if found and rest.endswith(_AFTER) else None
    if content is None:
        msg = f"{path} does not end with the seal of a report"
        raise UsageError(msg, "name a whole file that `minuterisk report` has written")
    key = public_key or settings.home / "reports" / PUBLIC
    # Nothing stands in the seal's element but what was signed: no byte that a browser would read otherwise.
    same = f"{data_of(content)}{_AFTER}" == rest
    if not same or not is_signed(content, key):
        msg = f"{path} was changed after it was signed, or comes from another installation"
        raise DifferencesFound(msg, _NEXT)
    if hashlib.sha256(page.encode()).hexdigest() != content.get("body_sha256"):
        msg = f"what {path} shows was changed after it was signed"
        raise DifferencesFound(msg, _NEXT)
    if not all(is_signed(statement, key) for statement in content["statements"]):
        msg = f"a daily statement in {path} is not signed by this installation"
        raise DifferencesFound(msg, _NEXT)
    return content


def _content(text: str) -> dict[str, Any] | None:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    ours = isinstance(found, dict) and found.get("format") == FORMAT
    return found if ours and isinstance(found.get("statements"), list) else None
