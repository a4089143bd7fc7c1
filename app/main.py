"""The dashboard's script, which Streamlit runs at each click. Importing it does nothing.

Started by `minuterisk dashboard` (see app/serve.py). It says who looks, and at which pack, and draws the
screen of the address; the screens read through app/door.py and compute no verdict.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import streamlit as st

from app.gate.here import entrance_of, language_of_page, visit_of_page
from app.markup import notice
from app.pages import SCREENS, load_page, menu
from app.pages.choice import INCIDENT
from app.pages.head import show_head
from app.pages.links import go
from app.pages.packs import PACK, choose_pack
from app.pages.press import show_outcome
from app.pages.rights import show_or_refuse
from app.pages.who import show_over, show_who
from app.reads import open_page
from app.texts import KOREAN, Texts
from pipeline.errors import SettingsError
from pipeline.errors.secrets import clean_hooks
from pipeline.settings import Settings, load_settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from app.pages import Screen
    from app.reads import Page

STYLE: Final = Path(__file__).parent / "style.css"
#: The gate allows exactly this script (app/gate/middleware.py).
KEYS: Final = Path(__file__).parent / "keys.js"
#: From our own disk: a named icon would be fetched from its maker's server.
ICON: Final = Path(__file__).parent / "icon.svg"


def main() -> None:
    """Show the screen that the address asks for."""
    clean_hooks()  # what libraries log of an address leaves without its password
    st.set_page_config(
        page_title="minuterisk",
        page_icon=ICON,
        layout="wide",
        initial_sidebar_state="collapsed",
        menu_items={"About": "minuterisk"},
    )
    st.html(STYLE)
    st.html(f"<script>{KEYS.read_text(encoding='utf-8')}</script>", unsafe_allow_javascript=True)
    settings = _settings()
    if settings is None:
        return
    entrance = entrance_of(settings)
    visit, language = visit_of_page(entrance), language_of_page(settings)
    if visit.actor is None:
        show_over(Texts(language))
        return
    screens: dict[str, Any] = {}
    pages = {
        pack: open_page(settings.of(pack), language, _clock, entrance, visit, screens)
        for pack in settings.packs
    }
    chosen = choose_pack(pages)
    for screen in menu(load_page(chosen.pack.name).screens):
        screens[screen.name] = _screen(chosen, screen)
    for pack in settings.packs:
        if pack != chosen.pack.name:
            elsewhere = [_elsewhere(chosen, pages[pack], screen) for screen in load_page(pack).screens]
            screens.update({screen.url_path: screen for screen in elsewhere})
    shown = st.navigation(list(screens.values()), position="top")
    show_who(chosen)
    show_head(chosen)
    if shown.url_path == "" and INCIDENT in st.query_params:  # links of before there were screens
        go(chosen, "incidents", incident=st.query_params[INCIDENT])
    show_outcome()
    shown.run()


def _screen(page: Page, screen: Screen) -> Any:  # noqa: ANN401 - Streamlit names no type for it
    return st.Page(
        _drawing(page, screen),
        title=page.texts(f"screen.{screen.name}", entity=page.entity),
        icon=screen.icon,
        url_path=screen.name,
        default=screen is SCREENS[0],
        visibility="visible" if page.may_see(screen) else "hidden",
    )


def _elsewhere(chosen: Page, page: Page, screen: Screen) -> Any:  # noqa: ANN401
    """A screen of a pack that is not looked at: its address leads there, and no menu shows it."""
    title = page.texts(f"screen.{screen.name}", entity=page.entity)
    return st.Page(
        lambda: _turn(chosen, page, screen), title=title, url_path=screen.name, visibility="hidden"
    )


def _turn(chosen: Page, page: Page, screen: Screen) -> None:
    """To the pack of the screen where the address names none, else to the pack that was chosen."""
    if PACK in st.query_params:
        go(chosen, SCREENS[0].name, **{PACK: chosen.pack.name})
    go(page, screen.name, **{**st.query_params.to_dict(), PACK: page.pack.name})


def _drawing(page: Page, screen: Screen) -> Callable[[], None]:
    return lambda: show_or_refuse(page, screen)


def _settings() -> Settings | None:
    try:
        return load_settings(os.environ)
    except SettingsError as error:
        # Without settings the language is not known either.
        st.html(notice(KOREAN["state.settings"], f"{error.what} — {error.hint}", tone="bad"))
        return None


def _clock() -> datetime:
    return datetime.now(UTC)


if __name__ == "__main__":
    main()
