"""One check while it is answered, and what it answers. Nothing here waits or reads anything."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from pipeline.minute import require_aware
from pipeline.packs.transfers.schema import EVENT

if TYPE_CHECKING:
    from asyncio import Future
    from collections.abc import Mapping, Sequence

#: So long a check holds what it was asked about, unless the event is booked or released before.
HELD: Final = timedelta(seconds=30)
RULES: Final = "rules"
FALLBACK: Final = "fallback"
BLOCK: Final = "block"

#: Why the fallback answered.
WARMING: Final = "warming"  # what rules ask about is still read
STALE: Final = "stale"  # the newest events that the state knows are too old
STANDBY: Final = "standby"  # another process checks
BUDGET: Final = "budget"  # the answer did not come in time
DATABASE: Final = "database"  # it could not be recorded
FAULT: Final = "fault"  # judging failed: our own bug

#: Times of an event.
_TIMES: Final = ("occurred_at", "account_opened")


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the rules say of one event."""

    decision: str
    score: int
    hits: Sequence[Mapping[str, Any]] = ()  # of live rules: rule, version, say, values


@dataclass(slots=True, eq=False)
class Asked:
    """A check: of which event, by whom, and what became of it."""

    event: Mapping[str, Any]  # EVENT, with status `intended`
    content_sha256: str
    api_key_id: int
    checked_at: datetime
    answer: Mapping[str, Any] = field(default_factory=dict)
    decided_by: str = RULES
    doubt: str | None = None
    seen: str | None = None  # which transactions the state had read
    beside: Sequence[str] = ()  # the reservations that counted
    held_until: datetime | None = None  # None: it holds nothing
    settled: Future[Mapping[str, Any]] | None = None  # waits for its record; None: it stands in the database

    @property
    def transfer_id(self) -> str:
        """Its event's id."""
        return str(self.event["transfer_id"])

    @property
    def account_id(self) -> str:
        """Who pays."""
        return str(self.event["account_id"])

    def as_row(self) -> dict[str, Any]:
        """As it is recorded, in plain JSON."""
        return {
            "transfer_id": self.transfer_id,
            "account_id": self.account_id,
            "event": as_plain(self.event),
            "content_sha256": self.content_sha256,
            "answer": self.answer,
            "decided_by": self.decided_by,
            "doubt": self.doubt,
            "seen": self.seen,
            "beside": list(self.beside),
            "checked_at": self.checked_at.isoformat(),
            "reserved_until": (self.held_until or self.checked_at).isoformat(),
            "api_key_id": self.api_key_id,
        }


def answer_of(
    transfer_id: str, verdict: Verdict, stale_ms: int, held_until: datetime | None, *, decided_by: str = RULES
) -> dict[str, Any]:
    """What whoever asked is answered."""
    return {
        "transfer_id": transfer_id,
        "decision": verdict.decision,
        "score": verdict.score,
        "hits": list(verdict.hits),
        "decided_by": decided_by,
        "stale_ms": stale_ms,
        "reserved_until": None if held_until is None else held_until.isoformat(),
    }


def held_until_of(verdict: Verdict, checked_at: datetime) -> datetime | None:
    """Until when a check holds it: what is blocked will not be booked, and holds nothing."""
    return None if verdict.decision == BLOCK else checked_at + HELD


def as_plain(event: Mapping[str, Any]) -> dict[str, Any]:
    """An event in plain JSON; what is missing is left out."""
    return {
        name: value.isoformat() if isinstance(value, datetime) else value
        for name, value in event.items()
        if value is not None
    }


def from_plain(content: Mapping[str, Any]) -> dict[str, Any]:
    """The event again."""
    read = {name: require_aware(datetime.fromisoformat(content[name])) for name in _TIMES if name in content}
    return {**dict.fromkeys(EVENT), **content, **read}


def hash_of(event: Mapping[str, Any]) -> str:
    """The same for the same content, in whatever order and form it was sent."""
    text = json.dumps(as_plain(event), sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
