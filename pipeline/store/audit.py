"""The audit: who did what, by which session or key, from where, on what, and why; refused tries too.

Only ever added to. Each row holds the hash of the one before it, so whoever keeps the newest hash elsewhere
can tell whether any earlier row was changed, removed or moved. An advisory lock makes one chain of what
several processes do at once; it is taken last in a transaction, so it cannot be part of a circle.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import text

from pipeline.errors.phrases import phrase
from pipeline.figures import harmless
from queries import sql

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from sqlalchemy import Connection

    from pipeline.errors.phrases import Phrase

#: Key of the advisory lock under which a row is added ("audit" in ASCII).
_LOCK: Final = 0x6175646974
_PAGE: Final = 5_000
#: What the first row has for the hash before it.
GENESIS: Final = bytes(32)
#: The longest text of a row: a reason is a sentence, not a file.
_LONGEST: Final = 4_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One row before it has its place in the chain."""

    account_id: int | None
    actor: str
    role: str
    door: str
    credential: str
    origin: str
    act: str
    kind: str
    thing: str
    pack: str
    outcome: str  # done | refused
    before: Mapping[str, Any] | None = None
    after: Mapping[str, Any] | None = None
    why: str = ""


@dataclass(frozen=True, slots=True)
class Head:
    """How far the chain goes, and the hash that holds all of it."""

    number: int
    hash: bytes

    def as_json(self) -> dict[str, Any]:
        """For a statement and for the copy elsewhere."""
        return {"number": self.number, "sha256": self.hash.hex()}


def write(connection: Connection, entry: Entry) -> Head:
    """Add a row at the end of the chain, in the caller's transaction; gives the new head."""
    connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
    last = head(connection)
    at = connection.execute(text("SELECT clock_timestamp()")).scalar_one()
    row = {
        "number": last.number + 1,
        "at": at,
        "account_id": entry.account_id,
        **{name: _text(getattr(entry, name)) for name in _TEXTS},
        "before": _json(entry.before),
        "after": _json(entry.after),
        "previous": last.hash,
    }
    row["hash"] = hash_of(row)
    row["of_pack"] = row["pack"]
    connection.execute(text(sql("ops/audit_add")), row)
    return Head(last.number + 1, row["hash"])


def head(connection: Connection) -> Head:
    """The end of the chain."""
    row = connection.execute(text(sql("ops/audit_last"))).one()
    return Head(row.number, bytes(row.hash))


def hash_of(row: Mapping[str, Any]) -> bytes:
    """SHA-256 over the hash before it and every column, as unambiguous text."""
    said = [row["number"], _moment(row["at"]), row["account_id"], *(row[name] for name in _TEXTS)]
    content = json.dumps([*said, row["before"], row["after"]], ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(bytes(row["previous"]) + content.encode()).digest()


def wrong_rows(connection: Connection, heads: Iterable[Head]) -> Iterator[Phrase]:
    """What is wrong with the chain, a sentence each; `heads` were seen and kept elsewhere."""
    wanted: dict[int, set[bytes]] = {}
    for kept in heads:
        wanted.setdefault(kept.number, set()).add(kept.hash)
    number, previous = 0, GENESIS
    for row in _rows(connection):
        number += 1
        if row["number"] != number:
            gap = {"number": number, "next": row["number"], "before": number - 1}
            yield phrase("row {number} is gone: row {next} follows on {before}", **gap)
            number = row["number"]
        if bytes(row["previous"]) != previous:
            yield phrase("row {number} does not follow on the row that stands before it", number=number)
        if hash_of(row) != bytes(row["hash"]):
            yield phrase("row {number} was changed after it was written", number=number)
        previous = bytes(row["hash"])
        if any(kept != previous for kept in wanted.pop(number, ())):
            yield phrase(
                "row {number} is not the one that was there when its hash was kept elsewhere", number=number
            )
    for lost in sorted(n for n in wanted if n > 0):
        yield phrase("row {number} is gone: its hash was kept elsewhere", number=lost)


def _rows(connection: Connection) -> Iterator[Mapping[str, Any]]:
    after = 0
    while True:
        given = {"after_number": after, "at_most": _PAGE}
        page = connection.execute(text(sql("ops/audit_rows")), given).mappings().all()
        yield from map(dict, page)
        if len(page) < _PAGE:
            return
        after = page[-1]["number"]


#: Columns of text, in the order in which they are hashed.
_TEXTS: Final = (
    "actor",
    "role",
    "door",
    "credential",
    "origin",
    "act",
    "kind",
    "thing",
    "pack",
    "outcome",
    "why",
)


def _moment(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="microseconds")


def _text(value: str) -> str:
    """A text that the database takes, and that does nothing where it is shown."""
    return harmless(value)[:_LONGEST]


def _json(content: Mapping[str, Any] | None) -> str | None:
    return None if content is None else json.dumps(dict(content), sort_keys=True, default=str)
