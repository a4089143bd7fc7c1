"""Lists, the day, the statistics, and what of the relays stands on the screen of health."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

from tests.app.seen import html_of, run_again, text_of
from tests.app.transfers.home import HOSTILE, NEW_PAYEE, add_hit, add_payment, insert, shipped

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy.engine import Engine
    from streamlit.testing.v1 import AppTest

    Page = Callable[..., AppTest]
    As = Callable[[str], None]

LARGE, HIGH = shipped("NEW_PAYEE_LARGE"), shipped("HIGH_VALUE")


def press(tested: AppTest, key: str) -> str:
    tested.button(key=key).click()
    return text_of(run_again(tested))


def line(tested: AppTest) -> str:
    return " ".join(text_of(tested).split())


@pytest.fixture
def judged(bank: Engine) -> Engine:
    """Three payments of just now: blocked, to review, and one whose hit was wrong."""
    moment = timedelta(seconds=1)
    add_payment(bank, "t1", ago=moment, judged={"decision": "block", "score": 90}, currency="USD")
    add_payment(bank, "t2", ago=moment, judged={"late": True})
    add_payment(bank, "t3", ago=moment, judged={"decision": "allow", "score": 0, "revision": 1})
    for transfer in ("t1", "t2"):
        add_hit(bank, transfer, LARGE, NEW_PAYEE)
    add_hit(bank, "t1", HIGH, {"amount": 4_500_000}, mode="shadow")
    wrong = {"corrected_at": datetime.now(UTC), "corrected_by": "minute"}
    add_hit(bank, "t3", LARGE, NEW_PAYEE, **wrong)
    insert(bank, "outcome", {"transfer_id": "t1", "fraud": True, "said_by": "kim"})
    insert(bank, "outcome", {"transfer_id": "t3", "fraud": True, "said_by": "kim"})
    return bank


# ---------------------------------------------------------------- lists


def test_a_value_is_put_on_a_list_and_taken_off(page: Page, bank: Engine, signed_in: As) -> None:
    signed_in("OPS_AGENT")
    tested = page("lists")
    assert "이 목록은 비어 있습니다" in text_of(tested)
    tested.text_input(key="list-value").set_value("acc-9")
    assert "'사유' 항목이 비어 있습니다" in press(tested, "list-add-button")
    tested.text_input(key="list-value").set_value("acc-9")
    tested.text_input(key="list-reason").set_value("경찰 요청")
    assert "1초 뒤부터 차단 목록에 있습니다" in press(tested, "list-add-button")
    seen = text_of(tested)
    assert all(words in seen for words in ("acc-9", "경찰 요청", "뺄 때까지", "kim OPS_AGENT이(가) 추가"))
    tested.text_input(key="why-remove-1").set_value("해제")
    assert "뺍니다" in press(tested, "remove-1")


def test_who_may_deny_may_not_allow(page: Page, bank: Engine, signed_in: As) -> None:
    entry = {"value": "acc-1", "reason": HOSTILE, "from_at": datetime.now(UTC), "added_by": HOSTILE}
    for name in ("allow", "vip"):
        insert(bank, "list_entry", {"list": name, **entry})
    signed_in("OPS_AGENT")
    for name in ("allow", "vip"):
        tested = page("lists", list=name)
        assert "규칙 관리자만 바꿀 수 있습니다" in text_of(tested)
        assert [button.key for button in tested.button if str(button.key).startswith("remove")] == []
        assert "<img" not in html_of(tested)
    signed_in("RULE_ADMIN")
    assert "remove-1" in [button.key for button in page("lists", list="allow").button]
    signed_in("READ_ONLY")
    assert "추가하기" not in text_of(page("lists"))


def test_a_list_that_nobody_knows_is_said(page: Page, bank: Engine) -> None:
    assert "그런 목록은 없습니다: nothing" in text_of(page("lists", list="nothing"))


# ---------------------------------------------------------------- a day


def test_a_day_is_told_in_figures(page: Page, judged: Engine) -> None:
    with judged.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO minute_ledger (pack, minute, rows, source_rows, sums, source_sums, source_xmin,"
                " source_clock) VALUES ('transfers', date_trunc('minute', now()), 1000, 1000,"
                " '{\"declined_count\": 7, \"reversed_count\": 2}', '{}', 1, now())"
            )
        )
    seen = line(page("daily"))
    figures = (
        "거래 1,000 거절 7 · 취소 2",
        "▲ 차단 1 1만 건에 10.0건",
        "규칙 적중 2 정정된 1건 제외",
        "45,000.00 USD",
    )
    assert [words for words in (*figures, "4,500,000원", "보고된 사기 2", "acc-1") if words not in seen] == []


@pytest.mark.parametrize(
    ("day", "words"),
    [("2031-01-01", "아직 오지 않았습니다"), ("x", "읽을 수 없습니다"), ("2026-01-02", "01-02 (금)")],
)
def test_another_day_is_named_by_its_address(page: Page, judged: Engine, day: str, words: str) -> None:
    assert words in text_of(page("daily", day=day))


def test_a_day_without_an_alert_is_a_good_one(page: Page, bank: Engine) -> None:
    assert "차단하거나 확인할 거래가 없습니다" in text_of(page("daily"))


# ---------------------------------------------------------------- statistics


def test_hits_are_counted_by_rule_and_hour_and_rules_by_how_often_they_were_right(
    page: Page, judged: Engine
) -> None:
    seen = line(page("statistics"))
    assert "정정된 1건 제외" in seen
    assert "새 수취인에게 큰 금액 ● 적용 중 2 100.0 % 20.6 % – 100.0 % 사기 1 · 정상 0 1 / 2" in seen
    assert "고액 거래 ◐ 시험 중 1 100.0 %" in seen


def test_without_hits_the_statistics_say_so(page: Page, bank: Engine) -> None:
    assert "이 기간에 걸린 거래가 없습니다" in text_of(page("statistics", period="today"))


# ---------------------------------------------------------------- health


def test_what_died_is_requeued(page: Page, bank: Engine, signed_in: As) -> None:
    assert "받지 못한 이벤트" not in text_of(page("health"))
    row = {"event_id": HOSTILE, "account_id": HOSTILE[:64], "payload": "{}", "error": HOSTILE, "attempts": 4}
    insert(bank, "dead_event", row)
    signed_in("READ_ONLY")
    tested = page("health")
    assert "받지 못한 이벤트 1건" in text_of(tested)
    assert "requeue-event-1" not in [button.key for button in tested.button]
    assert "<img" not in html_of(tested)
    signed_in("OPS_AGENT")
    assert "1번 이벤트를 다시 시도합니다" in press(page("health"), "requeue-event-1")
    assert "kim OPS_AGENT이(가) 다시 넣음" in text_of(page("health"))


def test_the_breaker_of_the_relays_is_held_and_let_go(page: Page, bank: Engine, signed_in: As) -> None:
    insert(
        bank, "relay", {"owner": "relay-1", "seen_at": datetime.now(UTC), "breaker": "open", "error": HOSTILE}
    )
    old = datetime.now(UTC) - timedelta(minutes=5)
    insert(bank, "relay", {"owner": "relay-2", "seen_at": old, "breaker": "closed"})
    signed_in("OPS_AGENT")
    tested = page("health")
    seen = text_of(tested)
    assert "받는 쪽이 응답하지 않음" in seen
    assert "사라짐" in seen
    tested.text_input(key="breaker-reason").set_value("점검")
    press(tested, "open_breaker")
    assert "이(가) 전달을 멈춰 두었습니다" in text_of(tested)
    assert "릴레이가 다시 전달합니다" in press(tested, "close_breaker")
    assert "<img" not in html_of(tested)
