"""The dashboard in a real browser, started by the command that `minuterisk dashboard` runs."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from selenium.webdriver.support.ui import WebDriverWait
from sqlalchemy import text

from tests.app.merchants.home import lead, publish, recent
from tests.browser.chrome import read, wait_for
from tests.servers import PATIENCE_S

if TYPE_CHECKING:
    from selenium.webdriver.chrome.webdriver import WebDriver
    from sqlalchemy.engine import Engine

    from pipeline.settings import Settings

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]


def test_the_page_outlives_its_database(
    browser: WebDriver, address: str, settings: Settings, state_engine: Engine
) -> None:
    span = recent(26 * 60, datetime.now(UTC))
    publish(settings.home, span, ["m1"], version=41)
    lead(state_engine, next_minute=span.end)
    browser.get(address)
    wait_for(browser, "진행 중인 사건이 없습니다.")
    with state_engine.begin() as connection:
        connection.execute(text("ALTER TABLE leader RENAME TO leader_gone"))
    wait_for(browser, "운영 데이터베이스에 연결할 수 없습니다.")
    assert "그동안의 변화" in read(browser)  # what is known is still shown
    with state_engine.begin() as connection:
        connection.execute(text("ALTER TABLE leader_gone RENAME TO leader"))
    WebDriverWait(browser, PATIENCE_S).until(lambda b: "연결할 수 없습니다" not in read(b))
