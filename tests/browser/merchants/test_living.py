"""Pages that stay open while something happens: incidents that come, people who act, a telephone of Slack."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

from data.slack_standin import SlackStandIn
from data.slack_workspace import Workspace
from tests.browser.chrome import complaints, count, read, wait_for
from tests.browser.look import DESKTOP, be, resize, speak, wait_until_it_stands
from tests.integration.delivery import TOKEN, make_world
from tests.servers import PATIENCE_S

if TYPE_CHECKING:
    from selenium.webdriver.chrome.webdriver import WebDriver

    from tests.browser.merchants.conftest import House

#: The line for a note or a reason, beside the field that searches.
WORDS = "[data-testid='stTextInput'] input:not([type=search])"

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]


def come(browser: WebDriver, house: House, name: str, path: str, language: str = "ko") -> None:
    """Somebody opens a page."""
    be(browser, house.address, house.token(name))
    speak(browser, house.address, language)
    resize(browser, DESKTOP)
    complaints(browser)  # those of before
    browser.get(house.address + path)
    wait_until_it_stands(browser)
    browser.execute_script("window.stays = true")


def never_reloaded(browser: WebDriver) -> bool:
    return bool(browser.execute_script("return window.stays === true"))


def press(browser: WebDriver, label: str) -> None:
    """Press the button whose text begins so, once it is there."""
    path = f"//button[starts-with(normalize-space(), '{label}')]"
    WebDriverWait(browser, PATIENCE_S).until(lambda b: b.find_elements(By.XPATH, path))
    browser.find_element(By.XPATH, path).click()


def say(browser: WebDriver, words: str) -> None:
    """Write the line that an act takes, and leave it."""
    browser.find_element(By.CSS_SELECTOR, WORDS).send_keys(words, Keys.ENTER)
    browser.execute_script("document.activeElement.blur()")
    wait_until_it_stands(browser)


def until(browser: WebDriver, true: str) -> None:
    """Until a script gives true."""
    WebDriverWait(browser, PATIENCE_S).until(lambda b: b.execute_script(f"return {true}"))


def test_a_new_incident_comes_by_itself_and_takes_nothing_away(house: House, eyes: WebDriver) -> None:
    come(eyes, house, "kim", f"/incidents?incident={house.incidents['surge']}")
    words = eyes.find_element(By.CSS_SELECTOR, WORDS)
    words.send_keys("반쯤 쓴")
    scrolled = (
        "const m = document.querySelector('[data-testid=\"stMain\"]'); "
        "if (arguments[0] !== null) m.scrollTop = arguments[0]; return m.scrollTop"
    )
    before = eyes.execute_script(scrolled, 120)
    assert before > 0
    house.add("한밤의 가게", merchant_id="m7", severity="medium")
    wait_for(eyes, "한밤의 가게")
    assert words.get_attribute("value") == "반쯤 쓴"
    assert eyes.execute_script("return document.activeElement === arguments[0]", words)
    assert eyes.execute_script(scrolled, None) == before
    assert never_reloaded(eyes)
    assert complaints(eyes) == []


def test_the_keyboard_goes_through_the_inbox_and_acts(house: House, eyes: WebDriver) -> None:
    first = house.add("키보드 가게", merchant_id="k1", paid=9 * 10**12)
    house.add("다음 가게", merchant_id="k2", paid=8 * 10**12)
    come(eyes, house, "kim", "/incidents")
    wait_for(eyes, "다음 가게")
    body = eyes.find_element(By.TAG_NAME, "body")
    body.send_keys("j")
    until(eyes, f"location.search.includes('incident={first}')")
    body.send_keys("j")
    until(eyes, f"!location.search.includes('incident={first}')")
    body.send_keys("k")
    until(eyes, f"location.search.includes('incident={first}')")
    wait_until_it_stands(eyes)
    body.send_keys("a")
    WebDriverWait(eyes, PATIENCE_S).until(lambda _: _status(house, first) == "acknowledged")
    body.send_keys("s")
    WebDriverWait(eyes, PATIENCE_S).until(lambda _: _of(house, first, "snooze") is not None)
    say(eyes, "고객과 확인했습니다")
    body.send_keys("e")
    WebDriverWait(eyes, PATIENCE_S).until(lambda _: _status(house, first) == "resolved")
    body.send_keys("/")
    until(eyes, "document.activeElement.tagName === 'INPUT'")
    eyes.switch_to.active_element.send_keys("jjj")  # letters in a field are letters
    assert never_reloaded(eyes)
    assert complaints(eyes) == []


def test_two_people_act_at_once_and_slack_is_told(
    house: House, eyes: WebDriver, other_eyes: WebDriver
) -> None:
    number = house.add("둘의 가게", merchant_id="m9")
    with SlackStandIn(Workspace(token=TOKEN)) as slack:
        told = make_world(house.state.engine, slack)
        come(eyes, house, "kim", f"/incidents?incident={number}")
        come(other_eyes, house, "lee", f"/incidents?incident={number}", "en")
        wait_for(other_eyes, "둘의 가게")
        press(eyes, "확인")
        wait_for(other_eyes, "acknowledged")  # by itself, in their own language
        assert never_reloaded(other_eyes)
        told.drain()
        (message,) = [one for one in slack.messages if "둘의 가게" in str(one)][:1]
        assert "kim" in str(message)
        say(other_eyes, "done")
        press(other_eyes, "Resolve")
        WebDriverWait(eyes, PATIENCE_S).until(lambda _: _status(house, number) == "resolved")
        wait_for(eyes, "lee")
        told.drain()
        (message,) = [one for one in slack.messages if "둘의 가게" in str(one)][:1]
        assert "lee" in str(message)
    assert never_reloaded(eyes)
    assert complaints(eyes) + complaints(other_eyes) == []


def test_the_menu_and_the_language_keep_where_one_is(house: House, eyes: WebDriver) -> None:
    come(eyes, house, "kim", "/")
    icon = "fetch(document.querySelector('link[rel~=icon]').href).then(r => arguments[0](r.status))"
    assert eyes.execute_async_script(icon) == 200  # what a page holds comes from its own server
    path = "//a[contains(@href, '/incidents')]"
    WebDriverWait(eyes, PATIENCE_S).until(lambda b: b.find_elements(By.XPATH, path))
    eyes.find_element(By.XPATH, path).click()
    until(eyes, "location.pathname === '/incidents'")
    wait_until_it_stands(eyes)
    assert never_reloaded(eyes)
    eyes.get(f"{house.address}/incidents?incident={house.incidents['old']}")
    wait_for(eyes, "옛 가게")
    eyes.find_element(By.LINK_TEXT, "English").click()
    wait_until_it_stands(eyes)
    wait_for(eyes, "resolved")
    assert eyes.current_url.endswith(f"/incidents?incident={house.incidents['old']}")
    assert eyes.execute_script("return document.documentElement.lang") == "en"
    assert complaints(eyes) == []


def test_a_link_of_an_old_message_opens_its_incident(house: House, eyes: WebDriver) -> None:
    number = house.incidents["hostile"]
    come(eyes, house, "kim", f"/?incident={number}")
    until(eyes, f"location.pathname + location.search === '/incidents?incident={number}'")
    wait_for(eyes, "[나쁜](http://bad.example)")
    assert count(eyes, "img[src='x'], a[href*='bad.example'], .katex") == 0
    assert complaints(eyes) == []


def test_an_address_that_nothing_fits_is_told_on_the_page(house: House, eyes: WebDriver) -> None:
    come(eyes, house, "kim", "/incidents?incident=%3Cimg%20src%3Dx%3E", "en")
    wait_for(eyes, "<img src=x>")
    assert count(eyes, "img[src='x']") == 0
    come(eyes, house, "kim", f"/entity?id={'9' * 10_000}", "en")
    assert "Traceback" not in read(eyes)
    assert complaints(eyes) == []


def _of(house: House, number: int, column: str) -> object:
    with house.state.engine.connect() as connection:
        query = f"SELECT {column} FROM incident WHERE incident_id = {number}"
        return connection.exec_driver_sql(query).scalar_one()


def _status(house: House, number: int) -> object:
    return _of(house, number, "status")
