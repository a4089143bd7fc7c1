"""Rows of the operational database as the pages see them: frozen, times aware and in UTC."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from pipeline.judge.verdicts import EVERYBODY
from pipeline.minute import Span
from pipeline.money import AtRisk

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Heartbeat:
    """The leader's sign of life by the database's own clock, and a hash of what screens show."""

    epoch: int
    heartbeat_at: datetime
    database_clock: datetime
    next_minute: datetime | None  # None: nothing is published yet
    history_until: (
        datetime | None
    )  # the end of the history that the first start reads; None: it was not asked for
    revision: str  # of the database's tables
    hash: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """How far the reading of the first start's history is."""

    first_minute: datetime | None  # None: nothing is published yet
    minutes: int
    minutes_since: int  # those of all pieces but the first, which took `lasted`
    lasted: timedelta | None

    def of(self, until: datetime) -> int:
        """How many minutes there are to read up to `until`; 0 before the first piece."""
        return 0 if self.first_minute is None else Span(self.first_minute, until).minutes

    def left(self, until: datetime) -> timedelta | None:
        """How long the rest takes at this pace; None before there is one."""
        if not self.minutes_since or not self.lasted:
            return None
        return self.lasted * ((self.of(until) - self.minutes) / self.minutes_since)


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """One incident with the reason that was stored when it opened and the latest one."""

    incident_id: int
    rule: str
    entity_id: str
    entity_name: str | None
    tier: str
    severity: str
    status: str
    policy: str
    times: int
    opened_minute: datetime
    last_breach_minute: datetime
    resolved_minute: datetime | None
    at_risk: int | None  # None: not known
    parts: Mapping[str, int | None]  # of the money at risk
    figures: Mapping[str, int | str | None]  # what a book says of it beside them; none without one
    reason: Mapping[str, Any]
    latest_reason: Mapping[str, Any]
    opened_at: datetime
    acknowledged_at: datetime | None
    acknowledged_by: str | None
    resolved_at: datetime | None
    owner: str | None  # to whom it is assigned
    snoozed_until: datetime | None
    snoozed_by: str | None
    resolved_by: str | None  # None: by itself
    label: str | None  # true_alarm, false_alarm; None: nobody has said

    @property
    def of_everybody(self) -> bool:
        """Is it about all entities together?"""
        return self.entity_id == EVERYBODY

    @property
    def title(self) -> str:
        """The entity's name, or its id where the source gave no name. Not safe as markup."""
        return self.entity_name or self.entity_id

    @property
    def expected_loss(self) -> int | None:
        """What is likely to be lost; None: not known."""
        return AtRisk(figures=self.figures).expected_loss

    @property
    def has_money(self) -> bool:
        """Is money said of it? Of everybody together a book alone says it."""
        return bool(self.figures) or not self.of_everybody


@dataclass(frozen=True, slots=True)
class Filters:
    """Which incidents are listed; what is empty restricts nothing."""

    with_resolved: bool = False  # where states are chosen, they decide
    states: tuple[str, ...] = ()
    severities: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()
    text: str = ""  # in the entity's id or name
    tiers: tuple[str, ...] = ()
    owner: str | None = None  # "": nobody's
    first: datetime | None = None  # opened at it or later
    stop: datetime | None = None  # and before it

    @property
    def any(self) -> bool:
        """Is anything left out besides what is resolved?"""
        return replace(self, with_resolved=False) != Filters()


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One thing that happened to an incident: what a person did, or what the judge told of."""

    at: datetime
    what: str
    by: str | None  # None: the judge
    said: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class IncidentList:
    """The first incidents and how many there are in all."""

    shown: tuple[Incident, ...]
    total: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One thing people were told, or are to be told, about an incident."""

    outbox_id: int
    event: str
    minute: datetime
    at_risk: int | None  # None: not known, or nothing was said of it
    status: str
    attempts: int
    ambiguous: bool
    channel: str | None
    destination: str | None  # None: the default channel
    last_error: str | None
    created_at: datetime
    next_attempt_at: datetime
    sent_at: datetime | None
