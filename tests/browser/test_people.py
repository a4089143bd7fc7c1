"""People at the page, in a real browser: the form, the ways out, a link from elsewhere, the demo."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyotp
import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

from pipeline.desk.people import sessions
from pipeline.desk.people.accounts import DEMO
from tests.browser.chrome import complaints, count, served, wait_for
from tests.people import PASSWORD, add_people, do
from tests.servers import PATIENCE_S

if TYPE_CHECKING:
    from pathlib import Path

    from selenium.webdriver.chrome.webdriver import WebDriver

    from pipeline.settings import Settings
    from pipeline.store.state import State

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]


def sign_in(browser: WebDriver, name: str) -> None:
    browser.find_element(By.NAME, "name").send_keys(name)
    browser.find_element(By.NAME, "password").send_keys(PASSWORD)
    browser.find_element(By.CSS_SELECTOR, "button[type=submit]").click()


def until_at(browser: WebDriver, address: str) -> None:
    WebDriverWait(browser, PATIENCE_S).until(lambda b: b.current_url.endswith(address))


def test_somebody_signs_in_is_signed_out_by_an_administrator_and_in_again(
    browser: WebDriver, address: str, state: State
) -> None:
    people = add_people(state, {"boss": "SUPER_ADMIN", "kim": "OPS_AGENT"})
    browser.get(f"{address}/?incident=7")
    wait_for(browser, "로그인")
    browser.find_element(By.LINK_TEXT, "English").click()
    wait_for(browser, "Leave it empty")
    sign_in(browser, "kim")
    wait_for(browser, "운영 담당")
    until_at(browser, "/incidents?incident=7")
    assert complaints(browser) == []

    # The session ends elsewhere: the open page refuses by itself and shows nothing of before.
    (session,) = sessions.listed(state, state.clock())
    do(state, "revoke_session", session["session_id"], actor=people["boss"])
    wait_for(browser, "세션이 끝났습니다.")
    WebDriverWait(browser, PATIENCE_S).until(lambda b: count(b, ".mr-bar") == 0)
    browser.find_element(By.CSS_SELECTOR, "a[href^='/login']").click()
    wait_for(browser, "이 설치의 것이 아닙니다")

    # A link from another site brings no cookie, and opens all the same for whoever is signed in.
    sign_in(browser, "kim")
    wait_for(browser, "운영 담당")
    browser.get(address.replace("127.0.0.1", "localhost") + "/login")
    elsewhere = (
        "const a = document.createElement('a'); a.href = arguments[0]; document.body.append(a); a.click()"
    )
    browser.execute_script(elsewhere, f"{address}/?incident=7")
    wait_for(browser, "운영 담당")

    browser.find_element(By.CSS_SELECTOR, ".mr-who button").click()
    wait_for(browser, "로그아웃했습니다.")
    browser.get(address)
    wait_for(browser, "인증 앱")


def test_somebody_sets_an_authenticator_up_on_their_own_page_by_its_qr_code(
    browser: WebDriver, address: str, state: State
) -> None:
    add_people(state, {"boss": "SUPER_ADMIN", "kim": "OPS_AGENT"})
    browser.get(address)
    wait_for(browser, "로그인")
    sign_in(browser, "kim")
    wait_for(browser, "내 계정")
    browser.find_element(By.LINK_TEXT, "내 계정").click()
    wait_for(browser, "로그인한 곳")
    # On a telephone nothing stands past the edge.
    narrow = {"width": 390, "height": 800, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", narrow)
    fits = "return document.documentElement.scrollWidth <= window.innerWidth"
    assert browser.execute_script(fits)
    form = browser.find_element(By.CSS_SELECTOR, "form[action='/account/totp']")
    form.find_element(By.NAME, "current").send_keys(PASSWORD)
    form.find_element(By.TAG_NAME, "button").click()
    wait_for(browser, "비밀 값")
    drawn = browser.find_element(By.CSS_SELECTOR, ".qr svg").size
    assert drawn["width"] == drawn["height"] > 150
    assert browser.execute_script(fits)
    secret = browser.find_element(By.TAG_NAME, "code").text.replace(" ", "")
    browser.find_element(By.NAME, "code").send_keys(pyotp.TOTP(secret).now())
    browser.find_element(By.TAG_NAME, "button").click()
    wait_for(browser, "인증 앱을 등록했습니다.")
    browser.find_element(By.PARTIAL_LINK_TEXT, "화면으로").click()
    wait_for(browser, "운영 담당")
    assert complaints(browser) == []


def test_the_demo_opens_to_look_and_one_press_signs_in(
    browser: WebDriver, settings: Settings, state: State, tmp_path: Path
) -> None:
    add_people(state, DEMO)
    (settings.home / "run").mkdir()
    (settings.home / "run" / "demo").touch()
    with served(settings, tmp_path, demo=True) as address:
        browser.get(address)
        wait_for(browser, "보기 전용")
        browser.find_element(By.CSS_SELECTOR, "button[value=ops_agent]").click()
        wait_for(browser, "운영 담당")
        assert count(browser, "button[value=ops_agent]") == 0
        assert complaints(browser) == []
