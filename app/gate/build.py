"""The dashboard as one application: Streamlit's page, the gate around it, and the routes of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st
from starlette.middleware import Middleware

from app.gate import language
from app.gate.account import Account
from app.gate.api import Api
from app.gate.aside import Aside
from app.gate.company import Company
from app.gate.login import Login
from app.gate.middleware import Gate
from app.serve import SCRIPT

if TYPE_CHECKING:
    from pipeline.desk.people.entrance import Entrance

#: What looks something up, or does an act, at once.
_PLACES = 8


def build(entrance: Entrance) -> st.App:
    """The application behind its gate."""
    aside = Aside(_PLACES)
    login = Login(entrance, aside)
    routes = [*login.routes, *Account(entrance, login, aside).routes, *Api(entrance, aside).routes]
    routes += language.routes(entrance.settings.language)
    if entrance.company is not None:
        routes += Company(entrance, entrance.company, login, aside).routes
    return st.App(SCRIPT, routes=routes, middleware=[Middleware(Gate, entrance=entrance)])
