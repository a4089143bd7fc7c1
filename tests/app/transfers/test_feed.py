"""The feed, and one payment with why it was judged as it was."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
import streamlit as st
from sqlalchemy import text

from tests.app.seen import html_of, run_again, text_of
from tests.app.transfers.home import (
    HOSTILE,
    NEW_PAYEE,
    add_hit,
    add_payment,
    add_rule,
    explained,
    insert,
    shipped,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy.engine import Engine
    from streamlit.testing.v1 import AppTest

    Page = Callable[..., AppTest]

NEW_PAYEE_LARGE = shipped("NEW_PAYEE_LARGE")


@pytest.fixture
def alert(bank: Engine) -> Engine:
    add_rule(bank, NEW_PAYEE_LARGE)
    add_payment(bank, "t1", judged={})
    add_hit(bank, "t1", NEW_PAYEE_LARGE, NEW_PAYEE)
    return bank


def test_without_an_alert_the_feed_says_so(page: Page, bank: Engine) -> None:
    add_payment(bank, "quiet", judged={"decision": "allow", "score": 0})
    assert "아직 경보가 없습니다" in text_of(page("feed"))


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("ko", ("◆ 확인", "acc-1", "4,500,000원", "새 수취인에게 큰 금액", "이체")),
        ("en", ("◆ review", "acc-1", "₩4,500,000", "Large to a new payee", "transfer")),
    ],
)
def test_an_alert_is_a_row(
    page: Page, alert: Engine, monkeypatch: pytest.MonkeyPatch, language: str, words: tuple[str, ...]
) -> None:
    monkeypatch.setenv("MINUTERISK_LANGUAGE", language)
    seen = text_of(page("feed"))
    assert [word for word in words if word not in seen] == []


def test_the_latest_hundred_are_shown_and_all_that_came_just_now(page: Page, bank: Engine) -> None:
    for n in range(103):
        add_payment(bank, f"p{n}", judged={"decision": "block", "score": 100, "why": "denied"})
    shown = re.findall(r'<tr data-transfer="(\w+)"', html_of(page("feed")))
    assert (shown[:2], len(shown)) == (["p102", "p101"], 103)
    with bank.begin() as connection:
        earlier = "UPDATE transfers.risk_log SET judged_at = judged_at - interval '1 minute'"
        connection.execute(text(f"{earlier} WHERE transfer_id <> 'p102'"))
    st.cache_data.clear()
    shown = re.findall(r'<tr data-transfer="(\w+)"', html_of(page("feed")))
    assert (shown[:2], len(shown)) == (["p102", "p101"], 100)


def test_a_corrected_alert_says_so_and_is_not_gone(page: Page, alert: Engine) -> None:
    with alert.begin() as connection:
        connection.execute(text("UPDATE transfers.risk_log SET decision = 'allow', score = 0, revision = 1"))
        connection.execute(
            text("UPDATE transfers.risk_rule_hit SET corrected_at = now(), corrected_by = 'minute'")
        )
    seen = text_of(page("feed"))
    assert "정정됨" in seen
    assert "acc-1" in seen
    assert "분 단위 집계" in text_of(page("feed", transfer="t1"))


def test_a_payment_shows_every_node_of_what_fired(page: Page, alert: Engine) -> None:
    tested = page("feed", transfer="t1")
    seen = text_of(tested)
    line = " ".join(seen.split())
    nodes = ("금액 4,500,000 ≥ 3,000,000", "age 알 수 없음 < 86,400", "avg 300,000 × 3 = 900,000")
    assert [words for words in (*nodes, "✓ 참", "✗ 거짓", "? 모름") if words not in line] == []
    assert "새 수취인에게 큰 금액: acc-1 → payee-9" in seen
    assert "같은 계좌 · 같은 수취인" in seen
    assert "확인 50" in seen


def test_what_is_stored_of_a_hit_is_shown_as_it_is(page: Page, alert: Engine) -> None:
    with alert.connect() as connection:
        stored = connection.execute(text("SELECT explanation FROM transfers.risk_rule_hit")).scalar_one()
    assert stored in text_of(page("feed", transfer="t1"))


def test_an_explanation_that_nobody_can_read_is_said(page: Page, alert: Engine) -> None:
    with alert.begin() as connection:
        connection.execute(text("UPDATE transfers.risk_rule_hit SET explanation = '{\"when\": 3}'"))
    assert "저장된 설명을 읽을 수 없습니다" in text_of(page("feed", transfer="t1"))


def test_an_unknown_payment_and_a_bad_address_are_said(page: Page, bank: Engine) -> None:
    assert "알 수 없는 거래입니다: nowhere" in text_of(page("feed", transfer="nowhere"))
    tested = page("feed", transfer="x" * 1_000)
    assert "읽을 수 없습니다" in text_of(tested)


def test_hostile_texts_do_nothing_in_any_field(page: Page, bank: Engine) -> None:
    names = ("account_id", "user_id", "payee_id", "card_id", "device_id", "merchant_id", "channel", "country")
    name = HOSTILE[:64]
    changes: dict[str, Any] = dict.fromkeys(names, name)
    add_payment(bank, name, judged={}, **changes)
    add_hit(bank, name, NEW_PAYEE_LARGE, {**NEW_PAYEE, "account_id": name, "payee_id": name})
    states = {"before": f'{{"status": "{name}"}}', "after": '{"status": "x"}'}
    insert(bank, "correction_log", {"transfer_id": name, "kind": "conflict", "origin": "http", **states})
    for tested in (page("feed"), page("feed", transfer=name)):
        assert "<img src=x" not in html_of(tested)
        assert "\u202e" not in text_of(tested)
        assert [link for link in tested.get("page_link") if "](http" in str(link.proto.label)] == []


def test_what_became_of_it_is_reported_and_shown(
    page: Page, alert: Engine, signed_in: Callable[[str], None]
) -> None:
    signed_in("RISK_ANALYST")
    tested = page("feed", transfer="t1")
    tested.button(key="outcome-fraud").click()
    run_again(tested)
    assert "사기로 확인된 거래입니다" in text_of(tested)
    assert "outcome-honest" in [button.key for button in tested.button]


def test_a_status_is_corrected_by_those_who_may(
    page: Page, alert: Engine, signed_in: Callable[[str], None]
) -> None:
    signed_in("READ_ONLY")
    keys = [button.key for button in page("feed", transfer="t1").button]
    assert not {"correct-button", "outcome-fraud"} & set(keys)
    signed_in("OPS_AGENT")
    tested = page("feed", transfer="t1")
    tested.selectbox(key="correct-status").set_value("reversed")
    tested.text_input(key="correct-reason").set_value("고객이 취소")
    tested.button(key="correct-button").click()
    run_again(tested)
    seen = text_of(tested)
    assert "정정했습니다" in seen
    assert "status: completed → reversed" in seen


def test_why_a_rule_did_not_fire_is_what_the_command_says(
    page: Page, alert: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = shipped("HIGH_VALUE")
    add_rule(alert, content)
    asked = []

    def answer(_settings: object, *about: str) -> dict[str, object]:
        asked.append(about)
        return {"version": 1, "explanation": json.loads(explained(content, {"amount": 1_000_000}))}

    monkeypatch.setattr("app.transfers.feed.payment.explain", answer)
    tested = page("feed", transfer="t1")
    assert tested.selectbox(key="payment-why-not").options == ["고액 거래"]
    tested.button(key="why-not-ask").click()
    run_again(tested)
    assert asked == [("t1", "HIGH_VALUE")]
    assert "금액 1,000,000 > 1,000,000" in " ".join(text_of(tested).split())


def test_a_payment_that_came_late_says_so(page: Page, bank: Engine) -> None:
    add_payment(bank, "t2", ago=timedelta(days=2), judged={"late": True, "revision": 2})
    seen = text_of(page("feed"))
    assert "늦게 도착 · 2번 다시 판정" in seen
