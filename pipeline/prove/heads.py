"""The hashes of the audit that are kept outside of its database: in each daily statement, and in a file.

Whoever may change a database may write a whole chain anew. What was copied elsewhere does not follow. The
file is `MINUTERISK_AUDIT_COPY`: put it on another machine, or where only appending is possible.
"""

from __future__ import annotations

import json
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import structlog

from pipeline.errors.translate import storage_errors
from pipeline.store.audit import Head, head

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pipeline.settings import Settings
    from pipeline.store.database import Database

log = structlog.get_logger()


def keep_head(database: Database, settings: Settings) -> bool:
    """Copy the newest hash to the file and the log, if there is a new one; says whether there was."""
    with database.reading() as connection:
        now = head(connection)
    path = settings.audit_copy
    kept = _last(path)
    if now.number == 0 or (kept is not None and kept.number >= now.number):
        return False
    with storage_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(now.as_json()) + "\n")
    log.info("audit.head", **now.as_json())
    return True


def kept_heads(settings: Settings) -> list[Head]:
    """Every hash that the statements and the file hold."""
    found = list(_of_file(settings.audit_copy))
    for path in sorted((settings.home / "reports").glob("statement-*.json")):
        with suppress(OSError, ValueError, AttributeError):
            said = _head_of(json.loads(path.read_text(encoding="utf-8")).get("audit"))
            found += [said] if said is not None else []
    return found


def _last(path: Path) -> Head | None:
    return max(_of_file(path), key=lambda kept: kept.number, default=None)


def _of_file(path: Path) -> Iterator[Head]:
    if not path.is_file():
        return
    with storage_errors(path):
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    for line in lines:
        with suppress(ValueError):  # a line that was cut off when the disk was full
            said = _head_of(json.loads(line))
            if said is not None:
                yield said


def _head_of(said: Any) -> Head | None:  # noqa: ANN401 - JSON
    if not isinstance(said, dict) or not isinstance(said.get("number"), int):
        return None
    with suppress(ValueError, TypeError):
        return Head(said["number"], bytes.fromhex(said["sha256"]))
    return None
