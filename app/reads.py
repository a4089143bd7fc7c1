"""The door's answers, kept between reruns.

Streamlit runs the page again at each click and every few seconds. What comes from the lake depends on the
publication alone, so it is kept by the manifest's version; what comes from the operational database is
shared for two seconds by everybody who looks.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import streamlit as st

from app.door import Door
from app.texts import Texts
from pipeline.store.manifest import Manifest

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from zoneinfo import ZoneInfo

    import polars as pl

    from app.rows import Event, Incident, IncidentList, Overview
    from pipeline.alarms import OpenAlarm
    from pipeline.packs.merchants.spent import Spent
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


def open_page(settings: Settings, clock: Callable[[], datetime]) -> Page:
    """The page of one installation; the door is opened once per process."""
    name = f"{settings.home} {settings.state_url}"
    return Page(name, _open_door(name, settings), Texts(settings.language), settings.business_timezone, clock)


def _name_of(page: Page) -> str:
    return page.name


def _publication_of(manifest: Manifest) -> str:
    # The version alone would do, were a home never made anew under a dashboard that runs on.
    return f"{manifest.version} {manifest.published_through} {manifest.generated_at}"


_shared = st.cache_data(ttl=SHARED_S, max_entries=KEPT, show_spinner=False, hash_funcs={Page: _name_of})
_published = st.cache_data(
    max_entries=KEPT, show_spinner=False, hash_funcs={Page: _name_of, Manifest: _publication_of}
)


@_shared
def overview(page: Page) -> Overview:
    """See `Door.overview`."""
    return page.door.overview()


@_shared
def alarms(page: Page) -> tuple[OpenAlarm, ...]:
    """See `Door.alarms`."""
    return page.door.alarms()


@_shared
def budget(page: Page, day_start: datetime) -> Spent:
    """See `Door.budget`."""
    return page.door.budget(day_start)


@_shared
def incidents(page: Page, *, with_resolved: bool) -> IncidentList:
    """See `Door.incidents`."""
    return page.door.incidents(with_resolved=with_resolved)


@_shared
def incident(page: Page, incident_id: int) -> Incident | None:
    """See `Door.incident`."""
    return page.door.incident(incident_id)


@_shared
def events(page: Page, incident_id: int) -> tuple[Event, ...]:
    """See `Door.events`."""
    return page.door.events(incident_id)


@_published
def trend(page: Page, manifest: Manifest, merchant_id: str | None, window: str) -> pl.DataFrame:
    """See `Door.trend`."""
    return page.door.trend(manifest, merchant_id, window)


@_published
def pace(page: Page, manifest: Manifest, merchant_id: str | None) -> pl.DataFrame:
    """See `Door.pace`."""
    return page.door.pace(manifest, merchant_id)


@st.cache_resource(show_spinner=False, on_release=Door.close)
def _open_door(name: str, _settings: Settings) -> Door:  # noqa: ARG001 - the key of the cache
    return Door(_settings)
