"""A home with an operational database, and its page."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
import streamlit as st
from sqlalchemy import text
from streamlit.testing.v1 import AppTest

from app.gate import here
from pipeline.desk.people import sessions
from pipeline.store.state import State
from tests.app.seen import SCRIPT, run_again, show_screen

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from sqlalchemy.engine import Engine


@pytest.fixture(autouse=True)
def _at_leisure(monkeypatch: pytest.MonkeyPatch) -> None:
    """A test presses the same button again faster than a person who means it."""
    monkeypatch.setattr("app.pages.press.TWICE_S", 0.0)


@pytest.fixture(autouse=True)
def _without_components_of_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """Streamlit reads the metadata of all packages for each page under test: most of what one took."""
    monkeypatch.setattr("streamlit.components.v2.manifest_scanner.scan_component_manifests", list)


@pytest.fixture
def home(tmp_path: Path, state_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty home with a migrated operational database, named by the environment."""
    monkeypatch.setenv("MINUTERISK_HOME", str(tmp_path))
    monkeypatch.setenv("MINUTERISK_STATE_URL", state_url)
    st.cache_data.clear()
    yield tmp_path
    st.cache_resource.clear()  # closes the doors


@pytest.fixture
def page(home: Path) -> Callable[..., AppTest]:
    """The page at the address of a screen, with this query."""

    def run(screen: str = "", **query: str) -> AppTest:
        tested = AppTest.from_file(SCRIPT, default_timeout=30)
        show_screen(tested, screen)
        for name, value in query.items():
            tested.query_params[name] = value
        return run_again(tested)

    return run


@pytest.fixture
def signed_in(state_engine: Engine, home: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Look at the page as an account of that role."""

    def sign_in(role: str) -> None:
        with state_engine.begin() as connection:
            insert = text("INSERT INTO account (name, role) VALUES (:name, :role) RETURNING account_id")
            number = connection.execute(insert, {"name": f"kim {role}", "role": role}).scalar_one()
            now = datetime.now(UTC)
            state = State(state_engine, os.environ["MINUTERISK_STATE_URL"], "merchants", "KRW")
            token, _ = sessions.begin(state, connection, number, "password", "", now)
        monkeypatch.setattr(here, "token_of_page", lambda: token)

    return sign_in
