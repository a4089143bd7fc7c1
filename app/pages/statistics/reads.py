"""What the database says of a period, kept by the mark. Each question is bounded by the period's days."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from app.reads import shared
from pipeline.desk.budget import budgets_of
from pipeline.desk.precision import Labelled

if TYPE_CHECKING:
    from datetime import date, datetime, timedelta

    from app.pages.statistics.period import Period
    from app.reads import Page
    from pipeline.pack import Budget

#: So many reports are listed: a day each, for a month, and its weeks.
REPORTS: Final = 36
#: So many owners are told apart, all together not counted.
OWNERS: Final = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """How many incidents a rule opened in an hour of a business day."""

    rule: str
    policy: str
    day: date
    hour: int
    incidents: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Delay:
    """From the end of the judged minute to the commit, and to the first delivered message."""

    tier: str
    incidents: int
    delivered: int
    committed_median: timedelta | None  # None: not known
    committed_p95: timedelta | None
    sent_median: timedelta | None
    sent_p95: timedelta | None
    whole_median: timedelta | None
    whole_p95: timedelta | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """How long people took, from when an incident opened."""

    owner: str | None
    of_all: bool
    incidents: int
    acknowledged: int
    acknowledged_median: timedelta | None
    resolved: int
    resolved_median: timedelta | None


@shared
def openings(page: Page, period: Period) -> tuple[Opening, ...]:
    """In the order of time."""
    asked = {**_span(page, period), "zone": page.zone.key}
    return tuple(Opening(**row) for row in page.door.rows("ops/app_openings", asked))


@shared
def labels(page: Page, period: Period) -> tuple[Labelled, ...]:
    """By rule and week, the newest week first."""
    asked = {**_span(page, period), "zone": page.zone.key}
    return tuple(Labelled(tier="", **row) for row in page.door.rows("ops/app_labels", asked))


@shared
def delays(page: Page, period: Period) -> tuple[Delay, ...]:
    """By tier."""
    return tuple(Delay(**row) for row in page.door.rows("ops/app_delays", _span(page, period)))


@shared
def responses(page: Page, period: Period) -> tuple[Response, ...]:
    """All together first, then by owner; without the row of those that nobody owns where nobody owns any."""
    asked = {**_span(page, period), "at_most": OWNERS + 2}
    return tuple(Response(**row) for row in page.door.rows("ops/app_responses", asked))


@shared
def budgets(page: Page, period: Period) -> tuple[tuple[date, Budget], ...]:
    """The false-alarm budget of each day; none where the pack has none."""
    nightly = page.pack.nightly
    if nightly is None:
        return ()
    nights = page.door.rows("ops/app_nights", {"first": period.first, "last": period.last})
    opened = ((one.day, one.policy, one.rule, one.incidents) for one in openings(page, period))
    return tuple(budgets_of(nightly, period.days, nights, opened))


def _span(page: Page, period: Period) -> dict[str, Any]:
    span = period.span(page.zone)
    return {"start": span.start, "stop": span.end}


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """A report that was written by itself."""

    about: str
    path: str
    sha256: str
    bytes: int
    written_at: datetime


@shared
def written(page: Page) -> tuple[Written, ...]:
    """The newest reports, the newest first."""
    rows = page.door.rows("ops/app_reports", {"about": None, "at_most": REPORTS})
    return tuple(Written(**row) for row in rows)
