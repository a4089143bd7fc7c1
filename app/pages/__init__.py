"""The screens that every pack has, and which pack has something of its own to show, there or beside them.

A screen is one address with one question of a person's. A shared one is drawn from the pack's words alone,
and says what the pack's own page adds. A pack's own screens stand in the menu where that pack is looked at.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

    from starlette.routing import BaseRoute

    from app.gate.aside import Aside
    from app.reads import Page
    from pipeline.desk.people.entrance import Entrance

#: Where each pack's own page lives: a module with one value, PAGE. Imported when it is asked for.
PAGES: Final = {"merchants": "app.merchants", "transfers": "app.transfers"}


@dataclass(frozen=True, slots=True)
class Screen:
    """One address. It lives in ROOM/NAME: `show` in page.py, its texts in words.py."""

    name: str  # of the address, of the folder, and of its title: the text `screen.NAME`
    icon: str  # of Streamlit's own set, which comes with it
    #: Who may look: actions of `roles.TABLE`, any of them, each with the kind of the thing.
    seen_by: tuple[tuple[str, str], ...] = (("see", ""),)
    from_the_start: bool = False  # has it something to show where nothing has ever run?
    room: str = __name__  # the module that its folder stands in

    def show(self, page: Page) -> None:
        """Draw it."""
        importlib.import_module(f"{self.room}.{self.name}.page").show(page)


#: In the order of the menu; the first one is where people arrive.
SCREENS: Final = (
    Screen("now", ":material/notifications_active:"),
    Screen("incidents", ":material/inbox:"),
    Screen("entity", ":material/storefront:"),
    Screen("statistics", ":material/bar_chart:"),
    Screen("rules", ":material/rule:"),
    Screen("health", ":material/monitor_heart:"),
    Screen(
        "access",
        ":material/admin_panel_settings:",
        (("administer", ""), ("read_audit", "rules")),
        from_the_start=True,
    ),
)
#: A pack's own screens stand in the menu before this one of all packs.
_BEFORE: Final = "entity"


@dataclass(frozen=True, slots=True)
class OwnPage:
    """What a pack adds: texts, sections below what is there on the shared screens, and screens of its own."""

    words: Mapping[str, Mapping[str, str]] = field(default_factory=dict)  # language -> key -> text
    now: Sequence[Callable[[Page], None]] = ()
    entity: Sequence[Callable[[Page], None]] = ()
    statistics: Sequence[Callable[[Page], None]] = ()
    health: Sequence[Callable[[Page], None]] = ()
    screens: Sequence[Screen] = ()
    #: A query of the operational database with one row and its `hash` of what these show: more for the mark.
    seen: str = ""
    #: What its screens ask for by themselves. The gate lets only those in who are signed in.
    routes: Callable[[Entrance, Aside], Sequence[BaseRoute]] = lambda *_: ()
    scripts: Sequence[Path] = ()  # files that its screens run; the gate allows exactly these


def load_page(pack: str) -> OwnPage:
    """The own page of that pack; an empty one where it has none."""
    if pack not in PAGES:
        return OwnPage()
    page: OwnPage = importlib.import_module(PAGES[pack]).PAGE
    return page


def menu(own: Iterable[Screen]) -> tuple[Screen, ...]:
    """All screens with those of one pack, or of several, in the order of the menu."""
    at = [screen.name for screen in SCREENS].index(_BEFORE)
    return (*SCREENS[:at], *own, *SCREENS[at:])


def screens_of(packs: Iterable[str]) -> tuple[Screen, ...]:
    """Every screen that an installation of these packs has an address for."""
    return menu(screen for pack in packs for screen in load_page(pack).screens)
