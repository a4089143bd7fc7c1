"""What this screen alone asks of the database and of the published files, kept between reruns."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from app.minutes import in_steps, minutes_of
from app.reads import shared
from pipeline.desk.roles import allowed_roles
from pipeline.minute import DAY_MINUTES, MINUTE, Span

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    import polars as pl

    from app.reads import Page
    from app.rows import Filters, Incident, IncidentList
    from pipeline.store.manifest import Manifest

#: Rows of a page of the list.
ROWS: Final = 20
LIKES: Final = 6
#: As the picture of a message: the last day, beside the week before it.
STEP: Final = timedelta(minutes=10)
SHOWN: Final = DAY_MINUTES * MINUTE
BEFORE: Final = 7 * SHOWN
#: How much of what came after it is shown of one that is over.
AFTER: Final = timedelta(hours=3)


@dataclass(frozen=True, slots=True, kw_only=True)
class Before:
    """An earlier incident that is like another one, and how it ended."""

    incident_id: int
    rule: str
    entity_id: str
    entity_name: str | None
    of_entity: bool  # is it of the same entity? Else of the same rule and tier
    severity: str
    opened_minute: datetime
    resolved_minute: datetime
    resolved_by: str | None  # None: by itself
    at_risk: int | None
    label: str | None


@dataclass(frozen=True, slots=True)
class Likes:
    """Incidents of before that are like one, and what people said of all there are."""

    shown: tuple[Before, ...]
    alike: int
    labelled: int
    true_alarms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """Filters that an account keeps by a name; `query` is what the address says."""

    view_id: int
    name: str
    query: str


@shared
def inbox(page: Page, filters: Filters, place: int) -> IncidentList:
    """A page of the list, counted from 1."""
    return page.door.incidents(filters, at_most=ROWS, past=(place - 1) * ROWS)


@shared
def owners(page: Page) -> tuple[str, ...]:
    """Names of those who take care of incidents, or may."""
    rows = page.door.rows("ops/app_owners", {"roles": sorted(allowed_roles("handle"))})
    return tuple(row["name"] for row in rows)


@shared
def actions(page: Page, incident_id: int) -> tuple[Mapping[str, Any], ...]:
    """What is done about the incident's money, newest first."""
    asked = {"incident_id": incident_id, "statuses": None, "limit": 20}
    return tuple(dict(row) for row in page.door.rows("ops/actions_list", asked))


@shared
def views(page: Page, account_id: int) -> tuple[View, ...]:
    """What an account keeps by a name."""
    return tuple(View(**row) for row in page.door.rows("ops/app_views", {"account_id": account_id}))


@shared
def likes(page: Page, incident_id: int) -> Likes:
    """Incidents of before that are like one."""
    rows = page.door.rows("ops/app_likes", {"incident_id": incident_id, "at_most": LIKES})
    counts = tuple(rows[0][name] for name in ("alike", "labelled", "true_alarms")) if rows else (0, 0, 0)
    of_all = {"alike", "labelled", "true_alarms"}
    shown = tuple(Before(**{name: row[name] for name in row if name not in of_all}) for row in rows)
    return Likes(shown, *counts)


def picture_span(incident: Incident, manifest: Manifest) -> Span:
    """What the picture of an incident is made of: of one that lasts all up to now, else up to its end."""
    end = manifest.published_through
    if incident.resolved_minute is not None:
        end = min(end, incident.resolved_minute + AFTER)
    end -= (end - end.replace(minute=0)) % STEP  # so that the next minute asks for the same
    first = min(max(end - SHOWN - BEFORE, manifest.first_minute or end), end)
    return Span(end - (end - first) // STEP * STEP, end)


def steps(page: Page, manifest: Manifest, incident: Incident, span: Span) -> pl.DataFrame:
    """The pack's sums of whom an incident is about in each step of a span: `start` and the sums."""
    entity_id = None if incident.of_everybody else incident.entity_id
    return in_steps(minutes_of(page, manifest, entity_id, span), page.pack.sums, span, STEP)
