"""Every screen, in both languages and themes, on a desk and on a telephone, in a real browser."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

import pytest

from app.pages import SCREENS
from tests.browser.chrome import complaints, count, read, strangers
from tests.browser.look import (
    DESKTOP,
    TELEPHONE,
    be,
    findings,
    resize,
    sideways,
    speak,
    turn,
    wait_until_it_stands,
)

if TYPE_CHECKING:
    from selenium.webdriver.chrome.webdriver import WebDriver

    from tests.browser.merchants.conftest import House

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]

#: Beside the address of each screen, what shows another face of it; fields are incidents of the house.
FACES = {
    "now": ("?pack=merchants",),
    "incidents": ("?incident={surge}", "?incident={hostile}"),
    "entity": ("?id=m1",),
}
ADDRESSES = [f"/{screen.name}{face}" for screen in SCREENS for face in ("", *FACES.get(screen.name, ()))]


@pytest.mark.parametrize("language", ["ko", "en"])
@pytest.mark.parametrize("path", ADDRESSES)
def test_a_screen_can_be_read_by_everybody(house: House, eyes: WebDriver, path: str, language: str) -> None:
    be(eyes, house.address, house.token("boss"))
    speak(eyes, house.address, language)
    resize(eyes, DESKTOP)
    complaints(eyes)  # those of before
    eyes.get(house.address + path.format(**house.incidents))
    wait_until_it_stands(eyes)
    assert complaints(eyes) == []
    assert strangers(eyes, house.address) == []
    assert count(eyes, "[data-testid='stException']") == 0
    assert count(eyes, "img[src='x'], a[href*='bad.example'], .katex") == 0
    assert eyes.execute_script("return document.documentElement.lang") == language
    for theme, size in product(("light", "dark"), (DESKTOP, TELEPHONE)):
        turn(eyes, theme)
        resize(eyes, size)
        assert (sideways(eyes), findings(eyes)) == (0, []), (theme, size)


def test_an_address_that_is_none_says_so(house: House, eyes: WebDriver) -> None:
    be(eyes, house.address, house.token("kim"))
    speak(eyes, house.address, "en")
    eyes.get(f"{house.address}/nowhere")
    assert "There is no screen at this address" in read(eyes)
    assert count(eyes, "a[href='/']") == 1
