"""The dashboard as one application: Streamlit's page, the gate around it, and the routes of its own."""

from __future__ import annotations

import gc
import importlib
from contextlib import asynccontextmanager, contextmanager
from threading import Thread
from typing import TYPE_CHECKING

import streamlit as st
from anyio import to_thread
from starlette.middleware import Middleware
from streamlit.logger import get_logger
from streamlit.runtime.pages_manager import PagesManager

from app.gate import language
from app.gate.account import Account
from app.gate.api import Api
from app.gate.aside import Aside
from app.gate.company import Company
from app.gate.login import Login
from app.gate.middleware import Gate
from app.gate.reports import Reports
from app.pages import load_page, screens_of
from app.serve import SCRIPT
from pipeline.packs import load_pack

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Sequence

    from pipeline.desk.people.entrance import Entrance

#: What looks something up, or does an act, at once.
_PLACES = 8
#: What libraries import when they are first used: for a table or figure, an icon, a query, a calendar.
_FIRST_USED = (
    "pandas",
    "plotly.offline",
    "PIL.Image",
    "streamlit.emojis",
    "streamlit.material_icon_names",
    "sqlalchemy.dialects.postgresql.psycopg",
    "holidays.countries",
)


def build(entrance: Entrance) -> st.App:
    """The application behind its gate."""
    aside = Aside(_PLACES)
    login = Login(entrance, aside)
    routes = [*login.routes, *Account(entrance, login, aside).routes, *Api(entrance, aside).routes]
    routes += [*language.routes(entrance.settings.language), *Reports(entrance, aside).routes]
    with _before_streamlit_runs():
        pages = [load_page(pack) for pack in entrance.settings.packs]
    for page in pages:
        routes += page.routes(entrance, aside)
    if entrance.company is not None:
        routes += Company(entrance, entrance.company, login, aside).routes

    @asynccontextmanager
    async def lifespan(_app: st.App) -> AsyncIterator[None]:
        ahead = Thread(target=load_ahead, args=(entrance.settings.packs,), daemon=True)
        ahead.start()
        yield
        await to_thread.run_sync(ahead.join)
        gc.unfreeze()  # else what is left at the end of the process is called a leak

    # Else Streamlit takes app/pages for scripts of its own until the first page is drawn, and tells whoever
    # comes first by the address of a screen that there is none.
    PagesManager.uses_pages_directory = False
    gate = Middleware(Gate, entrance=entrance)
    return st.App(SCRIPT, routes=routes, middleware=[gate], lifespan=lifespan)


@contextmanager
def _before_streamlit_runs() -> Iterator[None]:
    """Import pages without a line for each thing that they keep: nothing is kept before it runs."""
    logger = get_logger("streamlit.runtime.caching.cache_data_api")
    logger.disabled = True
    try:
        yield
    finally:
        logger.disabled = False


def load_ahead(packs: Sequence[str]) -> None:
    """Import what the screens need, so that the first one need not wait for it.

    None of it ever goes: Python need not look through it each time that it collects what did.
    """
    importlib.import_module("app.main")
    for screen in screens_of(packs):
        importlib.import_module(f"{screen.room}.{screen.name}.page")
    for pack in packs:
        load_pack(pack)
    for name in _FIRST_USED:
        importlib.import_module(name)
    gc.freeze()
