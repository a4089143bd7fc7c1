"""The entrance of this process, for the script of the page, and who stands before it."""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING

import streamlit as st

from app.gate.seen import COOKIE, FORM, LANGUAGE, SECURE_COOKIE, language_of
from pipeline.desk.people.entrance import Entrance

if TYPE_CHECKING:
    from pipeline.desk.people.entrance import Visit
    from pipeline.settings import Settings

_lock = Lock()
_known: dict[str, Entrance] = {}
_LOOPBACK = "127.0.0.1"


def put(entrance: Entrance) -> None:
    """The server's own, which knows whom it lets in."""
    with _lock:
        _known[_name_of(entrance.settings)] = entrance


def entrance_of(settings: Settings) -> Entrance:
    """The entrance of these settings; without a server in front, one that opens on this machine alone."""
    with _lock:
        name = _name_of(settings)
        if name not in _known:
            _known[name] = Entrance(settings)
        return _known[name]


def token_of_page() -> str:
    """The session's word in the cookie that this page's connection was opened with."""
    return _cookie()


def form_tie_of_page() -> str:
    """The word that a form of this page is tied to."""
    return _cookie(f"-{FORM}")


def language_of_page(settings: Settings) -> str:
    """The language that this browser chose, or that of the settings."""
    return language_of(_cookie(f"-{LANGUAGE}"), settings.language)


def _cookie(suffix: str = "") -> str:
    cookies = st.context.cookies.to_dict()
    return str(cookies.get(f"{SECURE_COOKIE}{suffix}") or cookies.get(f"{COOKIE}{suffix}") or "")


def visit_of_page(entrance: Entrance) -> Visit:
    """Who looks at this page at this moment. Asked again at every run: a session that was ended is over."""
    return entrance.visit(token_of_page(), st.context.ip_address or _LOOPBACK)


def _name_of(settings: Settings) -> str:
    return f"{settings.home} {settings.state_url}"
