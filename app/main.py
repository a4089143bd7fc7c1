"""The dashboard's script, which Streamlit runs at each click. Importing it does nothing.

Started by `minuterisk dashboard` (see app/serve.py). One page with three parts, each of which refreshes by
itself; they read through app/door.py and compute no verdict.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Final

import streamlit as st

from app.markup import notice
from app.reads import REFRESH_S, Page, open_page
from app.sections.alone import alone
from app.sections.header import show_header
from app.sections.incidents import show_incidents
from app.sections.trend import show_trend
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
    texts = Texts(settings.language)

    def watch() -> None:
        show_watch(open_page(settings, _clock))

    pages = [st.Page(watch, title=texts("page"), url_path="watch", default=True)]
    st.navigation(pages, position="hidden").run()


def show_watch(page: Page) -> None:
    """The three parts, one below the other, each refreshed every few seconds on its own."""
    for part in (show_header, show_incidents, show_trend):
        st.fragment(_alone(part), run_every=REFRESH_S)(page)


def _alone(part: Callable[[Page], None]) -> Callable[[Page], None]:
    @wraps(part)
    def show(page: Page) -> None:
        with alone(page, part.__name__):
            part(page)

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
