"""The screen of incidents as Streamlit runs it, against a real PostgreSQL."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

import app.merchants.reads
from app.door import Door
from tests.app.merchants.home import (
    add_event,
    add_incident,
    lead,
    recent,
)
from tests.app.seen import figures, html_of, run_again, text_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sqlalchemy.engine import Engine
    from streamlit.testing.v1 import AppTest

NOW = datetime.now(UTC)

NOW = datetime.now(UTC)


@pytest.fixture(autouse=True)
def _now(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test's own: the page calls what is older than three minutes behind, and a run takes longer."""
    monkeypatch.setitem(globals(), "NOW", datetime.now(UTC))


def test_incidents_are_sorted_by_money_at_risk(page: Callable[..., AppTest], busy: dict[str, int]) -> None:
    tested = page()
    assert [b.key for b in tested.button] == [f"open-{busy[name]}" for name in ("drop", "surge", "small")]


def test_money_that_is_not_known_is_said_so_and_comes_first(
    page: Callable[..., AppTest], busy: dict[str, int], state_engine: Engine
) -> None:
    opened = recent(60, NOW).start
    unknown = add_incident(state_engine, opened, merchant_id="m8", severity="high", paid=None, cancelled=None)
    half = add_incident(state_engine, opened, merchant_id="m9", severity="critical", paid=None, cancelled=7)
    tested = page("incidents", incident=str(half))
    first = [b.key for b in tested.button][:3]
    assert first == [f"open-{half}", f"open-{unknown}", f"open-{busy['drop']}"]
    seen = text_of(tested)
    assert "위험 금액 알 수 없음" in seen
    assert re.search(r"지급 후 취소 가능 알 수 없음\s+·\s+취소 후 미회수 7원", seen)
    assert re.search(r"626,913,579원 · 2건은 알 수 없음", seen)
    assert " 0원" not in seen


def test_a_part_of_the_page_fails_alone(
    page: Callable[..., AppTest],
    busy: dict[str, int],
    state_engine: Engine,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    notice = "이 부분을 지금 보여줄 수 없습니다"
    whole = {
        "events": ("정상 가동", "판단 근거"),
        "budget": ("정상 가동", "사건"),
        "alarms": ("정상 가동", "사건"),
        "incidents": ("정상 가동", "추이"),
        "overview": ("사건", "추이"),
        "read_trend": ("정상 가동", "판단 근거"),
    }
    for method, others in whole.items():
        lead(state_engine)  # on a busy machine the pages before have taken longer than a heartbeat may be old
        with monkeypatch.context() as patched:
            patched.setattr(app.merchants.reads if method == "read_trend" else Door, method, broken)
            seen = text_of(page("incidents", incident=str(busy["surge"])))
        assert all(other in seen for other in others), method
        assert (notice in seen) == (method != "budget"), method


def test_resolved_ones_come_last_and_only_on_request(
    page: Callable[..., AppTest], busy: dict[str, int]
) -> None:
    tested = page()
    assert "옛 가게" not in text_of(tested)
    tested.toggle(key="with_resolved").set_value(True)
    run_again(tested)
    assert tested.button[-1].key == f"open-{busy['old']}"


def test_the_address_chooses_an_incident(
    page: Callable[..., AppTest], busy: dict[str, int], state_engine: Engine
) -> None:
    minute = recent(60, NOW).start
    add_event(state_engine, busy["surge"], minute, attempts=3, ambiguous=True)
    add_event(state_engine, busy["surge"], minute, event="escalated", status="dead", last_error="HTTP 500")
    tested = page("incidents", incident=str(busy["surge"]))
    seen = text_of(tested)
    assert "123,456,789원" in seen
    assert "120,000,000원" in seen
    assert re.search(r"최근 1시간 취소 건수\s+48\s+57", seen)
    assert re.search(r"직전 7일 승인 건수\s+20,160\s+20,160", seen)
    assert "3회 시도 · 중복 전달되었을 수 있음" in seen
    assert re.search(r"격상.*실패.*HTTP 500", seen, re.DOTALL)
    assert tested.button_group(key=f"scope-{busy['surge']}").value == "incident"


def test_a_click_chooses_an_incident_and_writes_the_address(
    page: Callable[..., AppTest], busy: dict[str, int]
) -> None:
    tested = page()
    assert "왼쪽에서 사건을 고르면" in text_of(tested)
    tested.button(key=f"open-{busy['drop']}").click()
    run_again(tested)
    assert tested.query_params["incident"] == str(busy["drop"])
    assert "오늘 이 시각까지 승인액" in text_of(tested)
    assert "410,000,000원" in text_of(tested)


def test_a_resolved_incident_opens_by_its_address(page: Callable[..., AppTest], busy: dict[str, int]) -> None:
    assert "옛 가게" in text_of(page("incidents", incident=str(busy["old"])))


@pytest.mark.parametrize(
    "asked", ["0", "99999", "-1", "x", "", "1 OR 1=1", "9" * 40, "<script>alert(1)</script>", "１"]
)
def test_an_address_without_an_incident_is_said(
    page: Callable[..., AppTest], busy: dict[str, int], asked: str
) -> None:
    tested = page("incidents", incident=asked)
    assert "사건이 없습니다" in text_of(tested)
    assert "<script" not in html_of(tested)
    assert figures(tested) == 2


def test_a_hostile_name_adds_no_markup(page: Callable[..., AppTest], busy: dict[str, int]) -> None:
    tested = page("incidents", incident=str(busy["drop"]))
    assert "<img src=x onerror=alert(1)>[나쁜](http://bad.example)" in text_of(tested)
    assert "<img" not in html_of(tested)
    assert "\u202e" not in html_of(tested)
    # Streamlit reads Markdown in labels and in Markdown elements: the name may be in none of them.
    labels = [e.label for kind in (tested.button, tested.toggle, tested.button_group) for e in kind]
    told = [e.value for kind in (tested.markdown, tested.caption, tested.warning, tested.error) for e in kind]
    assert not any("bad.example" in str(words) for words in [*labels, *told])
    assert not any("bad.example" in str(e.proto) for e in tested.get("plotly_chart"))


def test_a_long_list_says_how_much_it_leaves_out(
    page: Callable[..., AppTest], home: Path, state_engine: Engine
) -> None:
    for i in range(55):
        add_incident(state_engine, recent(60, NOW).start, merchant_id=f"t{i}", paid=i, cancelled=0)
    tested = page()
    assert len(tested.button) == 50
    assert "위험 금액이 큰 50건만 표시합니다 (전체 55건)." in text_of(tested)


def test_an_incident_of_the_platform_stands_first_and_is_about_all_merchants(
    page: Callable[..., AppTest], busy: dict[str, int], state_engine: Engine
) -> None:
    reason = {"window_minutes": 5, "approvals_window": 0, "expected_window": 10_400, "kind": "silence"}
    number = add_incident(
        state_engine,
        recent(60, NOW).start,
        rule="platform_outage",
        merchant_id="*",
        merchant_name=None,
        paid=0,
        cancelled=0,
        reason=reason,
        latest={**reason, "merchants_held": 12_345},
    )
    add_event(state_engine, number, recent(60, NOW).start, event="repeated")
    change = "UPDATE incident SET times = 2 WHERE rule = 'platform_outage'"
    with state_engine.begin() as connection:
        connection.execute(text(change))
    tested = page("incidents", incident=str(number))
    assert tested.button[0].key == f"open-{number}"
    seen = text_of(tested)
    for words in ("전체 가맹점", "전체 승인 중단", "2번째 발생", "미확인 재알림", "12,345", "거래 끊김"):
        assert words in seen, words
    assert "플랫폼 전체의 사건입니다" in seen
    assert figures(tested) == 2  # of everybody
