"""What the databases say of the pipeline itself: frozen values; times are aware, delays in seconds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date, datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Freshness:
    """From the end of a minute to its verdict, in the last hour and day; None: there were none."""

    minutes_hour: int
    median_s_hour: float | None
    p95_s_hour: float | None
    worst_s_hour: float | None
    minutes_day: int
    median_s_day: float | None
    p95_s_day: float | None
    worst_s_day: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """How long a step of a minute took in the last hour and day."""

    step: str
    median_ms_hour: float | None
    p95_ms_hour: float | None
    median_ms_day: float
    p95_ms_day: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A job's newest report, and how long it took in the last hour and day."""

    job: str
    at: datetime
    took_ms: float
    result: Mapping[str, Any]
    times_hour: int
    median_ms_hour: float | None
    p95_ms_hour: float | None
    times_day: int
    median_ms_day: float | None
    p95_ms_day: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What one query of the source was answered in the last hour and day; sums over the judged minutes."""

    query: str
    times_hour: int
    ms_hour: float
    times_day: int
    ms_day: float
    minutes_hour: int
    minutes_day: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Deliveries:
    """What was told at one destination in the last day, and what waits there or could not be told."""

    destination: str
    sent: int
    median_s: float | None
    p95_s: float | None
    worst_s: float | None
    waiting: int
    oldest_waiting_at: datetime | None
    dead: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadMessage:
    """A message that could not be delivered, and what it was to tell."""

    outbox_id: int
    incident_id: int
    event: str
    minute: datetime
    destination: str
    attempts: int
    ambiguous: bool
    last_error: str
    created_at: datetime
    rule: str
    entity_id: str
    entity_name: str | None
    severity: str
    message: object
    total: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerDay:
    """The published minutes of a business day."""

    day: date
    minutes: int
    final: int
    revised: int
    rows: int
    set_aside: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Correction:
    """How many minutes were counted anew for a cause, or wait for it."""

    cause: str
    minutes: int
    newest_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PastAlarm:
    """Something that is or was wrong; `ended_at` None: it is."""

    name: str
    subject: str
    what: str
    hint: str
    since: datetime
    seen_at: datetime
    ended_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Versions:
    """Which versions are at work, how large what they made is, and who leads."""

    schema_version: str
    server_version: str
    database_bytes: int
    publication: int | None
    next_minute: datetime | None
    rules_version: int | None
    rules_from: datetime | None
    rules_by: str | None
    epoch: int | None  # None, 0: the pack has never run
    holder: str | None
    heartbeat_at: datetime | None
    database_clock: datetime
    files: int
    bytes: int
    first_minute: datetime | None
