"""The dashboard's script, which Streamlit runs at each click. Importing it does nothing.

Started by `minuterisk dashboard` (see app/serve.py). One page of sections, each of which refreshes by itself:
those that every pack has, and the pack's own. They read through app/door.py and compute no verdict.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Final

import streamlit as st

from app.gate.here import entrance_of, visit_of_page
from app.markup import notice
from app.pages import load_page
from app.pages.alone import alone
from app.pages.header import show_header
from app.pages.incidents import show_incidents
from app.pages.packs import choose_pack
from app.pages.who import show_who
from app.reads import REFRESH_S, Page, open_page
from app.texts import KOREAN, Texts
from pipeline.errors import SettingsError
from pipeline.errors.secrets import clean_hooks
from pipeline.settings import Settings, load_settings

if TYPE_CHECKING:
    from collections.abc import Callable

STYLE: Final = Path(__file__).parent / "style.css"
#: From our own disk: a named icon would be fetched from its maker's server.
ICON: Final = Path(__file__).parent / "icon.svg"


def main() -> None:
    """Show the page that the settings of this process ask for."""
    clean_hooks()  # what libraries log of an address leaves without its password
    st.set_page_config(
        page_title="minuterisk", page_icon=ICON, layout="wide", initial_sidebar_state="collapsed"
    )
    st.html(STYLE)
    settings = _settings()
    if settings is None:
        return
    texts, entrance = Texts(settings.language), entrance_of(settings)
    visit = visit_of_page(entrance)
    show_who(texts, entrance, visit)
    if visit.actor is None:
        return

    def watch() -> None:
        pages = {pack: open_page(settings.of(pack), _clock, entrance, visit) for pack in settings.packs}
        show_watch(choose_pack(pages))

    pages = [st.Page(watch, title=texts("page"), url_path="watch", default=True)]
    st.navigation(pages, position="hidden").run()


def show_watch(page: Page) -> None:
    """The sections, one below the other, each refreshed every few seconds on its own."""
    for section in (show_header, show_incidents, *load_page(page.pack.name).sections):
        st.fragment(_alone(section), run_every=REFRESH_S)(page)


def _alone(section: Callable[[Page], None]) -> Callable[[Page], None]:
    @wraps(section)
    def show(page: Page) -> None:
        visit = visit_of_page(page.entrance)
        if visit.actor != page.visit.actor:  # signed out, another role: nothing of before may stay
            st.rerun()
        with alone(page, section.__name__):
            section(page)

    return show


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
