"""The door's answers, kept between reruns.

Streamlit runs the page again at each click and every few seconds. What comes from the lake depends on the
publication alone, so it is kept by the manifest's version; what comes from the operational database is
shared for two seconds by everybody who looks.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import streamlit as st

from app.door import Door
from app.format import capital
from app.pages import load_page
from app.texts import Texts, texts_of
from pipeline.store.manifest import Manifest

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from zoneinfo import ZoneInfo

    from app.rows import Entry, Event, Filters, Incident, IncidentList, Overview
    from pipeline.alarms import OpenAlarm
    from pipeline.desk.people.entrance import Entrance, Visit
    from pipeline.desk.precision import Labelled
    from pipeline.desk.roles import Actor
    from pipeline.pack import Budget, Pack
    from pipeline.settings import Settings

REFRESH_S: Final = 5
SHARED_S: Final = 2
KEPT: Final = 64


@dataclass(frozen=True, slots=True)
class Page:
    """What every section needs: where data comes from, which language and zone, and what time it is."""

    name: str
    door: Door
    texts: Texts
    zone: ZoneInfo
    clock: Callable[[], datetime]
    entrance: Entrance
    visit: Visit

    @property
    def pack(self) -> Pack[Any, Any]:
        """The pack whose page this is."""
        return self.door.pack

    @property
    def actor(self) -> Actor:
        """Who looks, with the role of this moment."""
        if self.visit.actor is None:
            raise AssertionError
        return self.visit.actor

    @property
    def title(self) -> str:
        """What is watched here."""
        return self.texts("title", entity=capital(self.texts("entity")))

    @property
    def priced(self) -> bool:
        """Does the pack know of money at risk?"""
        return self.pack.at_risk is not None

    @property
    def money(self) -> frozenset[str]:
        """Numbers of a stored reason that are money at risk."""
        return frozenset((*self.pack.parts, self.pack.at_risk_name))


def open_page(settings: Settings, clock: Callable[[], datetime], entrance: Entrance, visit: Visit) -> Page:
    """The page of one installation's pack; the door is opened once per process."""
    name = f"{settings.home} {settings.state_url} {settings.pack}"
    door = _open_door(name, settings)
    texts = texts_of(door.pack, load_page(settings.pack).words, settings.language)
    return Page(name, door, texts, settings.business_timezone, clock, entrance, visit)


def _name_of(page: Page) -> str:
    return page.name


def _publication_of(manifest: Manifest) -> str:
    # The version alone would do, were a home never made anew under a dashboard that runs on.
    return f"{manifest.version} {manifest.published_through} {manifest.generated_at}"


#: For what the operational database says.
shared = st.cache_data(ttl=SHARED_S, max_entries=KEPT, show_spinner=False, hash_funcs={Page: _name_of})
#: For what follows from a publication alone.
published = st.cache_data(
    max_entries=KEPT, show_spinner=False, hash_funcs={Page: _name_of, Manifest: _publication_of}
)


@shared
def overview(page: Page) -> Overview:
    """See `Door.overview`."""
    return page.door.overview()


@shared
def alarms(page: Page) -> tuple[OpenAlarm, ...]:
    """See `Door.alarms`."""
    return page.door.alarms()


@shared
def budget(page: Page, day_start: datetime) -> Budget | None:
    """See `Door.budget`."""
    return page.door.budget(day_start)


@shared
def incidents(page: Page, filters: Filters) -> IncidentList:
    """See `Door.incidents`."""
    return page.door.incidents(filters)


@shared
def incident(page: Page, incident_id: int) -> Incident | None:
    """See `Door.incident`."""
    return page.door.incident(incident_id)


@shared
def timeline(page: Page, incident_id: int) -> tuple[Entry, ...]:
    """See `Door.timeline`."""
    return page.door.timeline(incident_id)


@shared
def precision(page: Page) -> tuple[Labelled, ...]:
    """See `Door.precision`."""
    return page.door.precision(page.clock())


def forget_shared() -> None:
    """Read anew what the operational database says: somebody has just changed it."""
    for answer in (overview, incidents, incident, timeline, events, precision):
        answer.clear()


@shared
def events(page: Page, incident_id: int) -> tuple[Event, ...]:
    """See `Door.events`."""
    return page.door.events(incident_id)


@st.cache_resource(show_spinner=False, on_release=Door.close)
def _open_door(name: str, _settings: Settings) -> Door:  # noqa: ARG001 - the key of the cache
    return Door(_settings)
