"""The dashboard in a real browser, started by the command that `minuterisk dashboard` runs."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait
from sqlalchemy import text

from pipeline.minute import MINUTE
from tests.app.merchants.home import HOSTILE, add_event, add_incident, lead, publish, recent
from tests.browser.chrome import complaints, count, read, strangers, wait_for
from tests.servers import PATIENCE_S

if TYPE_CHECKING:
    from selenium.webdriver.chrome.webdriver import WebDriver
    from sqlalchemy.engine import Engine

    from pipeline.settings import Settings

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]


def test_an_operator_opens_an_incident_and_sees_the_next_one_come(
    browser: WebDriver, address: str, settings: Settings, state_engine: Engine
) -> None:
    span = recent(26 * 60, datetime.now(UTC))
    publish(settings.home, span, ["m1", "m2"], version=41)
    lead(state_engine, next_minute=span.end)
    opened = span.end - 60 * MINUTE
    first = add_incident(state_engine, opened)
    hostile = add_incident(
        state_engine, opened, merchant_id="m2", merchant_name=HOSTILE, severity="high", paid=1000
    )
    add_event(state_engine, first, opened)

    browser.get(address)
    wait_for(browser, "튼튼 컴퓨터")
    assert "2건" in read(browser)
    assert "#41" in read(browser)
    assert HOSTILE[:20] in read(browser)

    # The whole card can be clicked, once the page stands; the address says what was chosen.
    WebDriverWait(browser, PATIENCE_S).until(lambda b: count(b, ".js-plotly-plot .main-svg") >= 2)
    browser.find_element(By.CSS_SELECTOR, f".st-key-incident-{first}").click()
    wait_for(browser, "123,456,789원")
    assert browser.current_url.endswith(f"?incident={first}")
    assert "직전 7일 취소 건수" in read(browser)
    assert "전달됨" in read(browser)
    WebDriverWait(browser, PATIENCE_S).until(lambda b: count(b, ".js-plotly-plot .main-svg") >= 2)
    wait_for(browser, "튼튼 컴퓨터 · m1")

    # Nobody reloads: the page itself fetches what is new.
    add_incident(state_engine, opened, merchant_id="m3", merchant_name="새로운 가게", severity="medium")
    publish(settings.home, recent(26 * 60, datetime.now(UTC)), ["m1", "m2"], version=42)
    wait_for(browser, "새로운 가게")
    wait_for(browser, "#42")
    assert browser.current_url.endswith(f"?incident={first}")

    # A link from a message opens the same incident; its merchant's name stays a text.
    browser.get(f"{address}/?incident={hostile}")
    wait_for(browser, "3,457,789원")
    assert count(browser, "img[src='x'], a[href*='bad.example'], .katex") == 0
    assert "[나쁜](http://bad.example)" in read(browser)

    assert strangers(browser, address) == []
    assert complaints(browser) == []


def test_the_page_outlives_its_database(
    browser: WebDriver, address: str, settings: Settings, state_engine: Engine
) -> None:
    publish(settings.home, recent(26 * 60, datetime.now(UTC)), ["m1"], version=41)
    lead(state_engine)
    browser.get(address)
    wait_for(browser, "진행 중인 사건이 없습니다.")
    with state_engine.begin() as connection:
        connection.execute(text("ALTER TABLE leader RENAME TO leader_gone"))
    wait_for(browser, "운영 데이터베이스에 연결할 수 없습니다.")
    assert "전체 가맹점" in read(browser)
    with state_engine.begin() as connection:
        connection.execute(text("ALTER TABLE leader_gone RENAME TO leader"))
    WebDriverWait(browser, PATIENCE_S).until(lambda b: "연결할 수 없습니다" not in read(b))
