"""How a screen is looked at: language, theme and width, whether it stands, and what axe-core finds in it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import selenium_axe_python
from selenium.webdriver.support.ui import WebDriverWait

from tests.browser.chrome import read
from tests.servers import PATIENCE_S

if TYPE_CHECKING:
    from selenium.webdriver.chrome.webdriver import WebDriver

AXE = Path(selenium_axe_python.__file__).parent / "axe-core" / "axe.min.js"
DESKTOP, TELEPHONE = (1440, 900), (390, 844)
#: What is in Streamlit's own pieces and no option of it changes: rule of axe-core -> where -> why it stays.
KNOWN: dict[str, dict[str, str]] = {}

_STANDS = """
const app = document.querySelector('[data-testid="stApp"]');
return !!app && app.dataset.testScriptState === 'notRunning'
  && app.dataset.testConnectionState === 'CONNECTED'
  && !!document.querySelector('.mr-bar') && !document.querySelector('[data-testid="stSkeleton"]')
"""
_SIDEWAYS = "const page = document.documentElement; return page.scrollWidth - page.clientWidth"
_THEME = """
const app = document.querySelector('[data-testid="stApp"]');
return app && getComputedStyle(app).colorScheme
"""
_AXE = """
const done = arguments[arguments.length - 1];
axe.run(document, {resultTypes: ['violations']}).then(
  found => done(found.violations.flatMap(one => one.nodes.map(
    node => [one.impact, one.id, node.target.join(' '), node.html.slice(0, 300), node.failureSummary]))),
  error => done([['critical', 'axe', String(error), '', '']]))
"""


def speak(browser: WebDriver, address: str, language: str) -> None:
    """From now on pages open in this language."""
    cookie = {"url": address, "name": "minuterisk-language", "value": language}
    browser.execute_cdp_cmd("Network.setCookie", cookie)


def turn(browser: WebDriver, theme: str) -> None:
    """The system's theme is now `light` or `dark`; an open page follows."""
    feature = {"name": "prefers-color-scheme", "value": theme}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [feature]})
    WebDriverWait(browser, PATIENCE_S).until(lambda b: b.execute_script(_THEME) in (theme, None))


def be(browser: WebDriver, address: str, token: str) -> None:
    """From now on pages open for whose session it is."""
    browser.execute_cdp_cmd("Network.setCookie", {"url": address, "name": "minuterisk", "value": token})


def resize(browser: WebDriver, size: tuple[int, int]) -> None:
    width, height = size
    metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)


def stands(browser: WebDriver) -> bool:
    """Has the script of the page run, and is every piece of it there?"""
    return bool(browser.execute_script(_STANDS))


def wait_until_it_stands(browser: WebDriver) -> None:
    """Until the page stands; its text is in the failure otherwise."""
    try:
        WebDriverWait(browser, PATIENCE_S).until(stands)
    except Exception as error:
        msg = f"the screen does not stand: {read(browser)}"
        raise AssertionError(msg) from error


def sideways(browser: WebDriver) -> int:
    """So many pixels can the page be scrolled to the side."""
    return int(
        browser.execute_script(
            "return document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )
    )


def findings(browser: WebDriver) -> list[str]:
    """What axe-core calls serious or critical, but for what is known."""
    browser.execute_script(AXE.read_text(encoding="utf-8"))
    found: list[list[Any]] = browser.execute_async_script(_AXE)
    return [
        f"{impact} {rule}: {where}\n  {html}\n  {why}"
        for impact, rule, where, html, why in found
        if impact in ("serious", "critical") and not any(known in html for known in KNOWN.get(rule, ()))
    ]
