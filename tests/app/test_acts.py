"""Buttons, filters and the timeline of the page: shown to those who may, refused by the desk all the same."""

from __future__ import annotations

from datetime import UTC, datetime
from html import escape
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import text

from pipeline.desk.roles import ROLES, Actor, may
from pipeline.minute import MINUTE
from tests.app.merchants.home import HOSTILE, add_incident, lead
from tests.app.seen import html_of, rows_of, run_again, text_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy.engine import Engine
    from streamlit.testing.v1 import AppTest

OPENED = datetime.now(UTC).replace(second=0, microsecond=0) - 30 * MINUTE


@pytest.fixture
def incident(state_engine: Engine) -> int:
    lead(state_engine, next_minute=OPENED + 29 * MINUTE)
    return add_incident(state_engine, OPENED)


def rows(engine: Engine, query: str) -> list[dict[str, Any]]:
    with engine.connect() as connection:
        return [dict(row) for row in connection.execute(text(query)).mappings()]


def acts_of(tested: AppTest) -> list[str]:
    """The acts that are offered."""
    return [b.key.split("-")[1] for b in tested.button if b.key and b.key.startswith("act-")]


def press(tested: AppTest, act: str, number: int, words: str = "") -> str:
    """Press a button, perhaps after writing something; what the page then says."""
    if words:
        tested.text_input(key=f"act-words-{number}").set_value(words)
    tested.button(key=f"act-{act}-{number}").click()
    tested.run()
    assert not tested.exception
    return text_of(tested)


@pytest.mark.parametrize("role", ROLES)
def test_buttons_are_shown_to_those_who_may_handle_and_to_nobody_else(
    role: str, page: Callable[..., AppTest], signed_in: Callable[[str], None], incident: int
) -> None:
    signed_in(role)
    shown = acts_of(page("incidents", incident=str(incident)))
    offered = ["acknowledge", "assign", "note", "snooze", "resolve", "true_alarm", "false_alarm"]
    assert shown == (offered if may(Actor(1, "kim", role, "page"), "handle") else [])


def test_without_a_login_nothing_is_offered(page: Callable[..., AppTest], incident: int) -> None:
    assert acts_of(page("incidents", incident=str(incident))) == []


def test_each_press_is_done_told_and_shown(
    page: Callable[..., AppTest], signed_in: Callable[[str], None], incident: int, state_engine: Engine
) -> None:
    signed_in("OPS_AGENT")
    tested = page("incidents", incident=str(incident))
    assert "완료" in press(tested, "acknowledge", incident)
    for act, words in (
        ("assign", ""),
        ("note", "**called** <b>the shop</b>"),
        ("snooze", ""),
        ("false_alarm", "sale"),
        ("resolve", "sale"),
        ("reopen", "no sale"),
    ):
        assert f"사건 {incident}" in press(tested, act, incident, words), act
    told = rows(state_engine, "SELECT event FROM outbox ORDER BY outbox_id")
    assert [row["event"] for row in told] == [
        *("acknowledged", "assigned", "noted", "snoozed", "labelled", "resolved_by", "reopened_by")
    ]
    seen = text_of(run_again(tested))
    assert seen.count("kim OPS_AGENT") >= 8  # the owner, and the timeline
    assert "**called** <b>the shop</b>" in seen
    assert acts_of(tested) == ["note", "snooze", "resolve", "true_alarm"]


def test_what_is_refused_is_a_notice_and_never_a_traceback(
    page: Callable[..., AppTest], signed_in: Callable[[str], None], incident: int, state_engine: Engine
) -> None:
    signed_in("RISK_ANALYST")
    tested = page("incidents", incident=str(incident))
    said = press(tested, "resolve", incident)
    assert "'사유' 항목이 비어 있습니다" in said
    assert "입력하세요: 왜 그렇게 하는지" in said
    late = page("incidents", incident=str(incident))
    press(tested, "acknowledge", incident)
    said = press(late, "acknowledge", incident)
    assert f"사건 {incident}: 이미 확인되었습니다 (확인한 사람 kim RISK_ANALYST, " in said
    assert f"`minuterisk incidents show {incident}`" in said
    again = page("incidents", incident=str(incident))
    with state_engine.begin() as connection:
        connection.execute(text("UPDATE account SET role = 'READ_ONLY'"))
    said = press(again, "snooze", incident)
    assert (
        f"kim RISK_ANALYST 계정의 역할 보기 전용(으)로는 할 수 없습니다: 사건 처리 (사건 {incident})" in said
    )
    assert "다음 역할의 사람에게 요청하세요: 최고 관리자 또는 운영 담당 또는 리스크 분석" in said
    assert acts_of(again) == []
    why = [row["why"] for row in rows(state_engine, "SELECT why FROM audit ORDER BY number")]
    assert why[0] == "reason is missing", "the audit keeps one language"
    assert why[-1].startswith("kim RISK_ANALYST is READ_ONLY, which may not handle")
    with state_engine.begin() as connection:
        connection.execute(text("UPDATE account SET role = 'RISK_ANALYST'"))
    again = page("incidents", incident=str(incident))
    with state_engine.begin() as connection:
        connection.execute(text("ALTER TABLE incident RENAME TO elsewhere"))
    said = press(again, "snooze", incident)
    assert "운영 데이터베이스가 요청을 거절했습니다: " in said
    assert "relation" in said


def test_an_english_page_refuses_in_english(
    page: Callable[..., AppTest],
    signed_in: Callable[[str], None],
    incident: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("MINUTERISK_LANGUAGE", "en")
    signed_in("RISK_ANALYST")
    said = press(page("incidents", incident=str(incident)), "resolve", incident)
    assert "reason is missing" in said
    assert "say it: why" in said


def test_a_name_from_outside_acts_in_no_sentence(
    page: Callable[..., AppTest], signed_in: Callable[[str], None], incident: int, state_engine: Engine
) -> None:
    signed_in("OPS_AGENT")
    tested = page("incidents", incident=str(incident))
    name = "<img src=x>{by}{0.__class__}draft"
    taken = text(
        "UPDATE incident SET status = 'acknowledged', acknowledged_by = :name, acknowledged_at = now()"
    )
    with state_engine.begin() as connection:
        connection.execute(taken, {"name": name})
    press(tested, "acknowledge", incident)
    seen = next(part for part in html_of(tested).split("mr-notice") if "이미 확인되었습니다" in part)
    assert f"(확인한 사람 {escape(name)}, " in seen


def test_filters_narrow_the_list_down(page: Callable[..., AppTest], state_engine: Engine) -> None:
    lead(state_engine)
    for merchant, name, more in (
        ("m1", "튼튼 컴퓨터", {}),
        ("m2", "Blue Shop", {"severity": "medium", "rule": "volume_drop"}),
        ("m3", "Red Shop", {"status": "resolved"}),
        ("m4", "Green Shop", {"status": "acknowledged", "severity": "high"}),
    ):
        add_incident(state_engine, OPENED, merchant_id=merchant, merchant_name=name, **more)
    tested = page("incidents", p="1")

    def listed() -> set[str]:
        run_again(tested)
        shown = " ".join(rows_of(tested).values())
        return {name for name in ("튼튼 컴퓨터", "Blue Shop", "Red Shop", "Green Shop") if name in shown}

    assert listed() == {"튼튼 컴퓨터", "Blue Shop", "Green Shop"}
    for name, chosen, found in (
        ("state", ["resolved", "acknowledged"], {"Red Shop", "Green Shop"}),
        ("severity", ["medium"], {"Blue Shop"}),
        ("rule", ["volume_drop"], {"Blue Shop"}),
    ):
        tested.button_group(key=f"inbox-{name}").set_value(chosen)
        assert listed() == found
        assert sorted(tested.query_params[name].split(",")) == sorted(chosen)
        assert "p" not in tested.query_params, "another list begins at its beginning"
        tested.button_group(key=f"inbox-{name}").set_value([])
    tested.text_input(key="inbox-q").set_value("SHOP")
    assert listed() == {"Blue Shop", "Green Shop"}
    assert tested.query_params["q"] == "SHOP"
    tested.text_input(key="inbox-q").set_value("%")
    assert "조건에 맞는 사건이 없습니다" in text_of(run_again(tested))
    tested.button(key="inbox-clear").click()
    assert listed() == {"튼튼 컴퓨터", "Blue Shop", "Green Shop"}


def test_a_view_is_one_press_and_another_one_takes_it_back(
    page: Callable[..., AppTest], signed_in: Callable[[str], None], incident: int, state_engine: Engine
) -> None:
    signed_in("OPS_AGENT")
    high = add_incident(state_engine, OPENED, merchant_id="m2", severity="high", status="acknowledged")
    with state_engine.begin() as connection:
        own = text("UPDATE incident SET owner = 'kim OPS_AGENT' WHERE incident_id = :n")
        connection.execute(own, {"n": high})
    tested = page("incidents")
    for view, found in (("mine", {high}), ("unacknowledged", {incident}), ("critical", {incident})):
        tested.button(key=f"view-{view}").click()
        assert set(rows_of(run_again(tested))) == {str(number) for number in found}
        tested.button(key=f"view-{view}").click()
        assert len(rows_of(run_again(tested))) == 2
    tested.button(key="view-today").click()
    run_again(tested)
    assert tested.query_params["from"] == "today"


def test_a_person_keeps_views_and_sees_nobody_elses(
    page: Callable[..., AppTest],
    signed_in: Callable[[str], None],
    incident: int,
    state_engine: Engine,
) -> None:
    signed_in("READ_ONLY")
    tested = page("incidents", severity="high", q="m")
    tested.text_input(key="view-name").set_value(HOSTILE)
    tested.button(key="view-save").click()
    assert "보기 저장" in text_of(run_again(tested))
    (kept,) = rows(state_engine, "SELECT view_id, pack, query FROM saved_view")
    assert (kept["pack"], kept["query"]) == ("merchants", "severity=high&q=m")
    tested = page("incidents")
    (label,) = [b.label for b in tested.button if b.key == f"own-{kept['view_id']}"]
    assert "\\[나쁜\\]\\(http\\:" in label
    tested.button(key=f"own-{kept['view_id']}").click()
    run_again(tested)
    assert (tested.query_params["severity"], tested.query_params["q"]) == ("high", "m")
    tested.button(key="view-save").click()
    assert "'이름' 항목이 비어 있습니다" in text_of(run_again(tested))
    with state_engine.begin() as connection:
        connection.execute(text("UPDATE session SET ended_at = now()"))
    signed_in("AUDITOR")
    assert not any((b.key or "").startswith("own-") for b in page("incidents").button)


def test_several_are_done_at_once_and_one_refusal_stops_no_other(
    page: Callable[..., AppTest], signed_in: Callable[[str], None], incident: int, state_engine: Engine
) -> None:
    signed_in("OPS_AGENT")
    numbers = [incident] + [add_incident(state_engine, OPENED, merchant_id=f"m{n}") for n in range(2, 5)]
    tested = page("incidents")
    tested.toggle(key="bulk").set_value(True)
    run_again(tested)
    assert tested.button(key="bulk-acknowledge").disabled
    tested.checkbox(key="bulk-all").set_value(True)
    run_again(tested)
    with state_engine.begin() as connection:  # somebody else is quicker with one of them
        taken = text(
            "UPDATE incident SET status = 'acknowledged', acknowledged_by = '<b>lee</b>',"
            " acknowledged_at = now() WHERE incident_id = :n"
        )
        connection.execute(taken, {"n": numbers[1]})
    tested.button(key="bulk-acknowledge").click().run()
    seen = text_of(tested)
    assert "확인: 4건 중 3건 완료" in seen
    assert f"거절 1건 · {numbers[1]}: 사건 {numbers[1]}: 이미 확인되었습니다" in seen
    assert "<b>lee" not in html_of(tested)
    statuses = rows(state_engine, "SELECT DISTINCT status FROM incident")
    assert statuses == [{"status": "acknowledged"}]
    tested.checkbox(key="bulk-all").set_value(False)
    run_again(tested)
    for number in numbers[:2]:
        tested.checkbox(key=f"pick-{number}").set_value(True)
    run_again(tested)
    tested.button(key="bulk-resolve").click().run()
    assert "해소 처리: 2건 중 0건 완료" in text_of(tested)
    assert "'사유' 항목이 비어 있습니다" in text_of(tested)
    tested.text_input(key="bulk-words").set_value("payout held")
    tested.button(key="bulk-resolve").click().run()
    assert "해소 처리: 2건 중 2건 완료" in text_of(tested)
    told = rows(state_engine, "SELECT event, count(*) AS n FROM outbox GROUP BY event ORDER BY event")
    assert [(row["event"], row["n"]) for row in told] == [("acknowledged", 3), ("resolved_by", 2)]


@pytest.mark.parametrize("role", ROLES)
def test_several_are_chosen_by_those_who_may_handle_alone(
    role: str, page: Callable[..., AppTest], signed_in: Callable[[str], None], incident: int
) -> None:
    signed_in(role)
    offered = [toggle.key for toggle in page("incidents").toggle]
    assert offered == (["bulk"] if may(Actor(1, "kim", role, "page"), "handle") else [])


def test_a_name_to_choose_is_written_as_it_is(
    page: Callable[..., AppTest], signed_in: Callable[[str], None], incident: int, state_engine: Engine
) -> None:
    with state_engine.begin() as connection:
        insert = text("INSERT INTO account (name, role) VALUES (:name, 'OPS_AGENT')")
        connection.execute(insert, {"name": "kim.a_b[1]"})
    signed_in("OPS_AGENT")
    tested = page("incidents", incident=str(incident))
    for key in (f"act-to-{incident}", "inbox-owner"):
        assert "kim.a_b[1]" in tested.selectbox(key=key).options  # it is no Markdown


def test_an_incident_is_given_to_somebody_and_snoozed_until_the_morning(
    page: Callable[..., AppTest], signed_in: Callable[[str], None], incident: int, state_engine: Engine
) -> None:
    signed_in("RISK_ANALYST")
    signed_in("OPS_AGENT")
    tested = page("incidents", incident=str(incident))
    tested.selectbox(key=f"act-to-{incident}").set_value("kim RISK_ANALYST")
    tested.button(key=f"assign-to-{incident}").click()
    assert "담당자 kim RISK_ANALYST" in text_of(run_again(tested))
    tested.button(key=f"snooze-tomorrow-{incident}").click()
    run_again(tested)
    (row,) = rows(state_engine, "SELECT owner, snooze ->> 'until' AS until FROM incident")
    assert row["owner"] == "kim RISK_ANALYST"
    until = datetime.fromisoformat(row["until"]).astimezone(ZoneInfo("Asia/Seoul"))
    assert (until.hour, until.minute) == (9, 0)


def test_a_press_after_the_session_ended_changes_nothing(
    page: Callable[..., AppTest],
    signed_in: Callable[[str], None],
    incident: int,
    state_engine: Engine,
) -> None:
    signed_in("OPS_AGENT")
    tested = page("incidents", incident=str(incident))
    with state_engine.begin() as connection:
        connection.execute(text("UPDATE session SET ended_at = now()"))
    tested.button(key=f"act-acknowledge-{incident}").click().run()
    assert "세션이 끝났습니다" in text_of(tested)
    assert rows(state_engine, "SELECT status FROM incident") == [{"status": "open"}]
    assert acts_of(tested) == []


def test_the_second_press_of_a_double_click_is_none(
    page: Callable[..., AppTest],
    signed_in: Callable[[str], None],
    incident: int,
    state_engine: Engine,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    signed_in("OPS_AGENT")
    tested = page("incidents", incident=str(incident))

    def noted(words: str) -> int:
        press(tested, "note", incident, words)
        return len(rows(state_engine, "SELECT FROM incident_act WHERE act = 'note'"))

    monkeypatch.setattr("app.pages.press.TWICE_S", 3600.0)
    assert [noted("전화함"), noted("전화함"), noted("다시 전화함")] == [1, 1, 2]
    monkeypatch.setattr("app.pages.press.TWICE_S", 0.0)
    assert noted("다시 전화함") == 3
