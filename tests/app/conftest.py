"""A home with an operational database, and its page."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from tests.app.seen import SCRIPT, run_again

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


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
    """The page at an address with this query."""

    def run(**query: str) -> AppTest:
        tested = AppTest.from_file(SCRIPT, default_timeout=30)
        for name, value in query.items():
            tested.query_params[name] = value
        return run_again(tested)

    return run
