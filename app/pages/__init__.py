"""The screens that every pack has, and which pack has something of its own to show on them.

A screen is one address with one question of a person's. It is drawn from the pack's words alone, and says
what the pack's own page adds.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from app.reads import Page

#: Where each pack's own page lives: a module with one value, PAGE. Imported when it is asked for.
PAGES: Final = {"merchants": "app.merchants", "transfers": "app.transfers"}


@dataclass(frozen=True, slots=True)
class Screen:
    """One address. It lives in app/pages/NAME: `show` in page.py, its texts in words.py."""

    name: str  # of the address, of the folder, and of its title: the text `screen.NAME`
    icon: str  # of Streamlit's own set, which comes with it
    #: Who may look: actions of `roles.TABLE`, any of them, each with the kind of the thing.
    seen_by: tuple[tuple[str, str], ...] = (("see", ""),)
    from_the_start: bool = False  # has it something to show where nothing has ever run?

    def show(self, page: Page) -> None:
        """Draw it."""
        importlib.import_module(f"{__name__}.{self.name}.page").show(page)


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


@dataclass(frozen=True, slots=True)
class OwnPage:
    """What a pack adds to the shared screens: texts, and sections below what is there."""

    words: Mapping[str, Mapping[str, str]] = field(default_factory=dict)  # language -> key -> text
    now: Sequence[Callable[[Page], None]] = ()
    entity: Sequence[Callable[[Page], None]] = ()
    statistics: Sequence[Callable[[Page], None]] = ()


def load_page(pack: str) -> OwnPage:
    """The own page of that pack; an empty one where it has none."""
    if pack not in PAGES:
        return OwnPage()
    page: OwnPage = importlib.import_module(PAGES[pack]).PAGE
    return page
