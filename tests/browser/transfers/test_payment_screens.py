"""The screens that payments alone have, on a desk and on a telephone, in a real browser."""

from __future__ import annotations

import time
from itertools import product
from typing import TYPE_CHECKING

import pytest
import requests
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait
from sqlalchemy import text

from tests.app.transfers.home import NEW_PAYEE, add_hit, add_payment, shipped
from tests.browser.chrome import complaints, count, read, strangers, wait_for
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
from tests.servers import PATIENCE_S

if TYPE_CHECKING:
    from collections.abc import Callable

    from selenium.webdriver.chrome.webdriver import WebDriver

    from tests.browser.transfers.conftest import Bank

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]

ADDRESSES = (
    "/feed",
    "/feed?transfer=pay-0001",
    "/event_rules?rule=HIGH_VALUE",
    "/lists",
    "/daily",
    "/health?pack=transfers",
)
BOTH = ("/event_rules?rule=HIGH_VALUE",)


#: Both languages of the screens that have most of their own; the others differ by their texts alone.
FACES = [*((path, "ko") for path in ADDRESSES), *((path, "en") for path in BOTH)]


@pytest.mark.parametrize(("path", "language"), FACES)
def test_a_screen_can_be_read_by_everybody(bank: Bank, eyes: WebDriver, path: str, language: str) -> None:
    be(eyes, bank.address, bank.token("boss"))
    speak(eyes, bank.address, language)
    resize(eyes, DESKTOP)
    complaints(eyes)  # those of before
    eyes.get(bank.address + path)
    wait_until_it_stands(eyes)
    assert complaints(eyes) == []
    assert strangers(eyes, bank.address) == []
    assert count(eyes, "[data-testid='stException']") == 0
    assert count(eyes, "img[src='x'], a[href*='//b.example'], .katex") == 0
    for theme, size in product(("light", "dark"), (DESKTOP, TELEPHONE)):
        turn(eyes, theme)
        resize(eyes, size)
        assert (sideways(eyes), findings(eyes)) == (0, []), (theme, size)


def first_row(browser: WebDriver) -> str:
    row = browser.find_elements(By.CSS_SELECTOR, "#mr-feed tbody tr")
    return str(row[0].get_attribute("data-transfer")) if row else ""


def state(browser: WebDriver) -> str:
    return str(browser.find_element(By.ID, "mr-feed").get_attribute("data-state"))


def until(browser: WebDriver, met: Callable[[WebDriver], bool]) -> float:
    """Wait for it; how many seconds that took."""
    begin = time.monotonic()
    WebDriverWait(browser, PATIENCE_S, poll_frequency=0.05).until(met)
    return time.monotonic() - begin


def test_an_alert_stands_on_an_open_page_within_two_seconds(bank: Bank, eyes: WebDriver) -> None:
    be(eyes, bank.address, bank.token("ben"))
    speak(eyes, bank.address, "ko")
    resize(eyes, DESKTOP)
    complaints(eyes)
    eyes.get(f"{bank.address}/feed?pack=transfers")
    wait_until_it_stands(eyes)
    until(eyes, lambda b: state(b) == "good")
    blocked = {"decision": "block", "score": 100}
    add_payment(bank.state.engine, "fresh-1", judged=blocked, account_id="acc-fresh")
    add_hit(bank.state.engine, "fresh-1", shipped("HIGH_VALUE"), NEW_PAYEE)
    waited = until(eyes, lambda b: first_row(b) == "fresh-1")
    assert waited < 2, waited
    until(eyes, lambda b: count(b, ".st-key-mr-feed-table table") == 0)  # nothing is drawn twice for it
    eyes.find_element(By.CSS_SELECTOR, "#mr-feed .mr-hold").click()
    add_payment(bank.state.engine, "fresh-2", judged=blocked)
    time.sleep(1.5)
    assert first_row(eyes) == "fresh-1"  # whoever reads holds it still
    eyes.find_element(By.CSS_SELECTOR, "#mr-feed .mr-hold").click()
    until(eyes, lambda b: first_row(b) == "fresh-2")
    eyes.find_element(By.LINK_TEXT, "acc-fresh · 이체").click()
    wait_for(eyes, "걸린 규칙")
    assert "고액 거래: acc-1" in read(eyes)
    assert complaints(eyes) == []


def test_a_session_that_is_ended_is_told_nothing_more(bank: Bank, eyes: WebDriver) -> None:
    be(eyes, bank.address, bank.token("ben"))
    eyes.get(f"{bank.address}/feed?pack=transfers")
    wait_until_it_stands(eyes)
    until(eyes, lambda b: state(b) == "good")
    ended = "UPDATE session SET ended_at = now() WHERE ended_at IS NULL AND account_id = :number"
    with bank.state.changing() as connection:
        connection.execute(text(ended), {"number": bank.people["ben"].account_id})
    wait_for(eyes, "세션이 끝났습니다")
    assert count(eyes, "#mr-feed tbody tr") == 0 or state(eyes) == "bad"


def test_nobody_is_told_of_alerts_without_a_session(bank: Bank) -> None:
    answer = requests.get(f"{bank.address}/feed/stream", allow_redirects=False, timeout=PATIENCE_S)
    assert (answer.status_code, answer.headers["location"]) == (303, "/login?next=%2Ffeed%2Fstream")


def test_what_is_refused_is_marked_as_it_is_typed(bank: Bank, eyes: WebDriver) -> None:
    be(eyes, bank.address, bank.token("boss"))
    speak(eyes, bank.address, "ko")
    resize(eyes, DESKTOP)
    eyes.get(f"{bank.address}/event_rules?pack=transfers&rule=CARD_TESTING")
    wait_for(eyes, "규칙 쓰기")
    eyes.execute_script("document.querySelector('.st-key-rule-editor summary').click()")
    until(eyes, lambda b: count(b, ".st-key-rule-editor textarea") == 1)
    area = eyes.find_element(By.CSS_SELECTOR, ".st-key-rule-editor textarea")
    written = str(area.get_attribute("value")).replace(
        '"ge": [{"measure": "n"}, 8]', '"ge": [{"measure": "n"}, "8"]'
    )
    area.send_keys(Keys.CONTROL, "a")
    area.send_keys(Keys.NULL, written)
    area.send_keys(Keys.CONTROL, Keys.ENTER)
    wait_for(eyes, "when.all[0].ge")
    assert eyes.find_element(By.CSS_SELECTOR, ".mr-text mark").text.startswith("[{")
    for theme, size in product(("light", "dark"), (DESKTOP, TELEPHONE)):
        turn(eyes, theme)
        resize(eyes, size)
        assert (sideways(eyes), findings(eyes)) == (0, []), (theme, size)


def test_another_pack_leaves_a_screen_that_it_does_not_have(bank: Bank, eyes: WebDriver) -> None:
    be(eyes, bank.address, bank.token("boss"))
    speak(eyes, bank.address, "ko")
    eyes.get(f"{bank.address}/lists")
    wait_for(eyes, "차단 목록")
    assert "pack=transfers" in eyes.current_url
    eyes.find_element(By.XPATH, "//button[contains(., '가맹점 정산 위험 관제')]").click()
    wait_for(eyes, "튼튼 컴퓨터")
    assert "차단 목록" not in read(eyes)
    assert "pack=merchants" in eyes.current_url
