"""What this screen asks the operational database."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from app.pulse import waiting
from app.reads import shared
from pipeline.judge.verdicts import EVERYBODY
from pipeline.minute import business_date, business_day

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    from app.reads import Page

#: So many fit on the first screen of a phone, or nearly.
NEEDED_SHOWN: Final = 12
CHANGES_SHOWN: Final = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """An incident, as far as a line about it goes."""

    incident_id: int
    rule: str
    entity_id: str
    entity_name: str | None
    severity: str

    @property
    def of_everybody(self) -> bool:
        """Is it about all entities together?"""
        return self.entity_id == EVERYBODY

    @property
    def title(self) -> str:
        """The entity's name, or its id. Not safe as markup."""
        return self.entity_name or self.entity_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Needed(Line):
    """An incident that asks for a decision, and how many there are in all."""

    at_risk: int | None  # None: not known
    expected_loss: int | None  # None: not known
    opened_minute: datetime
    taken_by: str | None
    total: int
    untaken: int
    at_risk_in_all: int | None  # None: of none it is known; each entity once
    expected_loss_in_all: int | None  # the same
    unpriced: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Change(Line):
    """Something that happened to an incident, and how many times it happened to others."""

    what: str  # opened, escalated, resolved, assigned
    at: datetime
    of_kind: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Backlog:
    """What people were not told yet, or could not be, and what nothing counts."""

    database_clock: datetime
    undelivered: int
    oldest_undelivered_at: datetime | None
    dead: int
    stray_past: int  # minutes past the horizon
    stray_future: int  # minutes ahead of the source's clock

    @property
    def waiting(self) -> timedelta:
        """How long the oldest undelivered message has been waiting."""
        return waiting(self.oldest_undelivered_at, self.database_clock)


@dataclass(frozen=True, slots=True)
class Since:
    """From when on something is new to whoever looks."""

    at: datetime
    last_visit: bool  # False: since the business day began


@shared
def needed(page: Page) -> tuple[Needed, ...]:
    """The first of those that ask for a decision, those that nobody has taken before the others."""
    rows = page.door.rows("ops/app_needed", {"at_most": NEEDED_SHOWN})
    sums = ("at_risk_in_all", "expected_loss_in_all")
    return tuple(Needed(**{**row, **{name: _whole(row[name]) for name in sums}}) for row in rows)


@shared
def changes(page: Page, since: datetime, name: str) -> tuple[Change, ...]:
    """The newest changes since then; what was given to somebody counts for `name` alone."""
    asked = {"since": since, "name": name, "at_most": CHANGES_SHOWN}
    return tuple(Change(**row) for row in page.door.rows("ops/app_changed", asked))


@shared
def backlog(page: Page) -> Backlog:
    """What waits, or was left behind."""
    return Backlog(**page.door.rows("ops/app_backlog", {})[0])


def since_of(page: Page) -> Since:
    """Since the last visit of whoever looks; without one, since the business day began."""
    seen = _last_seen(page, page.actor.credential) if page.visit.signed_in else None
    if seen is not None:
        return Since(seen, last_visit=True)
    return Since(business_day(business_date(page.clock(), page.zone), page.zone).start, last_visit=False)


@shared
def _last_seen(page: Page, session: str) -> datetime | None:
    found: datetime | None = page.door.rows("ops/app_last_seen", {"session": int(session)})[0]["at"]
    return found


def _whole(number: object) -> int | None:
    return None if number is None else int(str(number))  # a sum may pass 64 bits
