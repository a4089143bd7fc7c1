"""The door's answers, kept between reruns.

Streamlit runs the script again at each click and whenever something changed. What comes from the lake depends
on the publication alone, so it is kept by the manifest's version; what comes from the operational database is
kept by the mark of app/changes.py, and shared by everybody who looks.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import streamlit as st

from app.changes import mark_of
from app.door import Door
from app.format import capital
from app.pages import load_page
from app.texts import Texts, texts_of
from pipeline.desk.roles import may
from pipeline.errors import MinuteriskError, SettingsError
from pipeline.store.manifest import Manifest

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime
    from zoneinfo import ZoneInfo

    from app.pages import Screen
    from app.rows import Entry, Event, Heartbeat, Incident
    from baselines.rules import Tuned
    from pipeline.alarms import OpenAlarm
    from pipeline.desk.people.entrance import Entrance, Visit
    from pipeline.desk.precision import Labelled
    from pipeline.desk.roles import Actor
    from pipeline.pack import Budget, Pack
    from pipeline.settings import Settings

#: An answer of the operational database is the same at the same mark; what speaks of times may be so old.
SHARED_S: Final = 30
#: The mark itself is asked for by every open page each second.
HEARTBEAT_S: Final = 0.25
KEPT: Final = 64
#: While it does not answer it is asked so often why.
TROUBLE_S: Final = 2


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
    mark: str  # of app/changes.py, when the script began
    among_others: bool  # is it one of several packs?
    screens: Mapping[str, Any]  # Streamlit's pages, by the name of the screen

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

    def may_see(self, screen: Screen) -> bool:
        """May whoever looks see that screen?"""
        return any(may(self.actor, action, kind) for action, kind in screen.seen_by)

    @property
    def entity(self) -> str:
        """What one of those that are watched is called, as a heading begins."""
        return capital(self.texts("entity"))

    @property
    def title(self) -> str:
        """What is watched here."""
        return self.texts("title", entity=self.entity)

    @property
    def priced(self) -> bool:
        """Does the pack know of money at risk?"""
        return self.pack.has_money

    @property
    def money(self) -> frozenset[str]:
        """Numbers of a stored reason that are money at risk."""
        return frozenset((*self.pack.parts, *self.pack.figures, self.pack.at_risk_name))


def open_page(
    settings: Settings,
    language: str,
    clock: Callable[[], datetime],
    entrance: Entrance,
    visit: Visit,
    screens: Mapping[str, Any],
) -> Page:
    """What is needed to draw one pack of an installation; the door is opened once per process."""
    name = f"{settings.home} {settings.state_url} {settings.pack}"
    door = _open_door(name, settings)
    texts = texts_of(door.pack, load_page(settings.pack).words, language)
    mark = mark_of(door, _heartbeat(name, door), clock())
    others = len(entrance.settings.packs) > 1
    return Page(name, door, texts, settings.business_timezone, clock, entrance, visit, mark, others, screens)


def heartbeat(page: Page) -> Heartbeat | None:
    """See `Door.heartbeat`; None: the operational database does not answer."""
    return _heartbeat(page.name, page.door)


@st.cache_data(ttl=HEARTBEAT_S, max_entries=KEPT, show_spinner=False)
def _heartbeat(name: str, _door: Door) -> Heartbeat | None:  # noqa: ARG001 - the key of the cache
    own = load_page(_door.pack.name).seen
    try:
        found = _door.heartbeat()
        return replace(found, hash=f"{found.hash} {_door.rows(own, {})[0]['hash']}") if own else found
    except MinuteriskError:
        return None


def _name_of(page: Page) -> str:
    return page.name


@st.cache_data(ttl=TROUBLE_S, max_entries=KEPT, show_spinner=False, hash_funcs={Page: _name_of})
def revision(page: Page) -> str | MinuteriskError:
    """At which revision the tables stand, or why the operational database does not say."""
    try:
        return page.door.revision()
    except MinuteriskError as error:
        return error


def _marked(page: Page) -> str:
    return f"{page.name} {page.mark}"


def _publication_of(manifest: Manifest) -> str:
    # The version alone would do, were a home never made anew under a dashboard that runs on.
    return f"{manifest.version} {manifest.published_through} {manifest.generated_at}"


#: For what the operational database says.
shared = st.cache_data(ttl=SHARED_S, max_entries=KEPT, show_spinner=False, hash_funcs={Page: _marked})
#: For what follows from a publication alone.
published = st.cache_data(
    max_entries=KEPT, show_spinner=False, hash_funcs={Page: _name_of, Manifest: _publication_of}
)


@shared
def alarms(page: Page) -> tuple[OpenAlarm, ...]:
    """See `Door.alarms`."""
    return page.door.alarms()


@shared
def budget(page: Page, day_start: datetime) -> Budget | None:
    """See `Door.budget`."""
    return page.door.budget(day_start)


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


@shared
def tuned_at(page: Page, minute: datetime) -> Tuned | None:
    """The numbers in force at a minute; None where no version is kept, or this program cannot read it."""
    rows = page.door.rows("ops/app_rules_at", {"minute": minute})
    try:
        return page.pack.read_tuned(rows[0]["numbers"], "") if rows else None
    except SettingsError:
        return None


def look_again() -> None:
    """Somebody has just changed something: what comes next asks for the mark at once."""
    _heartbeat.clear()


@shared
def events(page: Page, incident_id: int) -> tuple[Event, ...]:
    """See `Door.events`."""
    return page.door.events(incident_id)


@st.cache_resource(show_spinner=False, on_release=Door.close)
def _open_door(name: str, _settings: Settings) -> Door:  # noqa: ARG001 - the key of the cache
    return Door(_settings)
