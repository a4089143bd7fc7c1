"""A real Chromium, and the dashboard's server as `minuterisk dashboard` starts it."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.error import URLError
from urllib.request import urlopen

import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

from app.serve import HEALTH_PATH, dashboard_command, dashboard_environment
from tests.servers import PATIENCE_S, free_port

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from selenium.webdriver.chrome.webdriver import WebDriver

    from pipeline.settings import Settings

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


@contextmanager
def chromium(folder: Path) -> Iterator[WebDriver]:
    """A browser with a profile of its own."""
    binary, driver = find_browser()
    options = webdriver.ChromeOptions()
    options.binary_location = binary
    for flag in (*FLAGS, f"--user-data-dir={folder / 'profile'}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    started = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))
    yield started
    started.quit()


@contextmanager
def served(settings: Settings, folder: Path, *, demo: bool = False) -> Iterator[str]:
    """The dashboard's address, once its server answers."""
    find_browser()
    port = free_port()
    log = (folder / "dashboard.log").open("wb")
    command = dashboard_command(settings, port=port, demo=demo)
    environment = dashboard_environment(settings, os.environ)
    process = subprocess.Popen(command, env=environment, cwd=folder, stdout=log, stderr=subprocess.STDOUT)
    try:
        url = f"http://127.0.0.1:{port}"
        wait_for_health(process, url, folder)
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
            with urlopen(url + HEALTH_PATH, timeout=PATIENCE_S) as answer:  # noqa: S310 - our own server
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


def complaints(browser: WebDriver) -> list[str]:
    """Errors in the browser's console."""
    log = browser.get_log("browser")  # type: ignore[no-untyped-call]
    return [entry["message"] for entry in log if entry["level"] == "SEVERE"]


def strangers(browser: WebDriver, address: str) -> list[str]:
    """Whatever the page fetched from anywhere but its own server."""
    fetched = browser.execute_script("return performance.getEntriesByType('resource').map(e => e.name)")
    return [url for url in fetched if not url.startswith((address, "data:", "blob:"))]
