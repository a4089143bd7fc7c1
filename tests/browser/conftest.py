"""A browser, a home with an operational database, and the dashboard's server over it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pipeline.settings import Settings
from tests.browser.chrome import chromium, served

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from selenium.webdriver.chrome.webdriver import WebDriver


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[WebDriver]:
    with chromium(tmp_path) as started:
        yield started


@pytest.fixture
def settings(tmp_path: Path, state_url: str) -> Settings:
    home = tmp_path / "home"
    home.mkdir()
    return Settings(home=home, state_url=state_url)


@pytest.fixture
def address(settings: Settings, tmp_path: Path) -> Iterator[str]:
    """The dashboard's address, once its server answers."""
    with served(settings, tmp_path) as url:
        yield url
