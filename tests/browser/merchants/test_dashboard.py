"""The dashboard in a real browser, started by the command that `minuterisk dashboard` runs."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from urllib.error import URLError
from urllib.request import urlopen

import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait
from sqlalchemy import text

from app.serve import HEALTH_PATH, dashboard_command, dashboard_environment
from pipeline.minute import MINUTE
from pipeline.settings import Settings
from tests.app.merchants.home import HOSTILE, add_event, add_incident, lead, publish, recent

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from selenium.webdriver.chrome.webdriver import WebDriver
    from sqlalchemy.engine import Engine

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--lang=ko",
    "--window-size=1500,1800",
)
PATIENCE_S = 60


def find_browser() -> tuple[str, str]:
    """(browser, driver); without them the test is skipped, or fails where a browser is required."""
    names = ("chromium", "chromium-browser", "google-chrome")
    browser = next(filter(None, map(shutil.which, names)), None)
    driver = shutil.which("chromedriver")
    if browser and driver:
        return browser, driver
    reason = f"not run: {'chromedriver' if browser else 'chromium'} is not installed"
    if os.environ.get("MINUTERISK_TEST_BROWSER") == "required":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[WebDriver]:
    binary, driver = find_browser()
    options = webdriver.ChromeOptions()
    options.binary_location = binary
    for flag in (*FLAGS, f"--user-data-dir={tmp_path / 'profile'}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    started = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))
    yield started
    started.quit()


@pytest.fixture
def settings(tmp_path: Path, state_url: str) -> Settings:
    home = tmp_path / "home"
    home.mkdir()
    return Settings(home=home, state_url=state_url)


@pytest.fixture
def address(settings: Settings, tmp_path: Path) -> Iterator[str]:
    """The dashboard's address, once its server answers."""
    find_browser()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = (tmp_path / "dashboard.log").open("wb")
    command, environment = dashboard_command(settings, port=port), dashboard_environment(settings, os.environ)
    process = subprocess.Popen(command, env=environment, cwd=tmp_path, stdout=log, stderr=subprocess.STDOUT)
    try:
        url = f"http://127.0.0.1:{port}"
        wait_for_health(process, url, tmp_path)
        yield url
    finally:
        process.terminate()
        process.wait(30)
        log.close()


def wait_for_health(process: subprocess.Popen[bytes], url: str, folder: Path) -> None:
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until:
        assert process.poll() is None, (folder / "dashboard.log").read_text(encoding="utf-8")
        try:
            with urlopen(url + HEALTH_PATH, timeout=2) as answer:  # noqa: S310 - our own server
                assert answer.read() == b"ok"
                return
        except (URLError, TimeoutError, ConnectionError):
            time.sleep(0.2)
    pytest.fail("the dashboard's server did not answer")


def wait_for(browser: WebDriver, words: str) -> None:
    """Until the page shows `words`; its text is in the failure otherwise."""
    try:
        WebDriverWait(browser, PATIENCE_S).until(lambda b: words in read(b))
    except Exception as error:
        msg = f"{words!r} is not in: {read(browser)}"
        raise AssertionError(msg) from error


def read(browser: WebDriver) -> str:
    return str(browser.execute_script("return document.body ? document.body.innerText : ''"))


def count(browser: WebDriver, selector: str) -> int:
    return len(browser.find_elements(By.CSS_SELECTOR, selector))


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


def complaints(browser: WebDriver) -> list[str]:
    """Errors in the browser's console."""
    log = browser.get_log("browser")  # type: ignore[no-untyped-call]
    return [entry["message"] for entry in log if entry["level"] == "SEVERE"]


def strangers(browser: WebDriver, address: str) -> list[str]:
    """Whatever the page fetched from anywhere but its own server."""
    fetched = browser.execute_script("return performance.getEntriesByType('resource').map(e => e.name)")
    return [url for url in fetched if not url.startswith((address, "data:", "blob:"))]
