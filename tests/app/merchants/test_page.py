"""The page as Streamlit runs it, against files and a real PostgreSQL, without a browser."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

import app.merchants.reads
from app.door import Door
from pipeline.errors import ConfigurationError
from pipeline.minute import MINUTE, Span
from pipeline.settings import Settings
from tests.app.merchants.home import (
    DROP_REASON,
    HOSTILE,
    add_event,
    add_incident,
    lead,
    publish,
    recent,
    write_file,
    write_manifest,
)
from tests.app.seen import figures, html_of, run_again, text_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sqlalchemy.engine import Engine
    from streamlit.testing.v1 import AppTest

NOW = datetime.now(UTC)


@pytest.fixture(autouse=True)
def _now(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test's own: the page calls what is older than three minutes behind, and a run takes longer."""
    monkeypatch.setitem(globals(), "NOW", datetime.now(UTC))


@pytest.fixture
def busy(home: Path, state_engine: Engine) -> dict[str, int]:
    """A running pipeline with three open incidents and a resolved one."""
    span = recent(25 * 60, NOW)  # today is whole, whatever the hour
    publish(home, span, ["m1", "m2"], version=41)
    lead(state_engine, next_minute=span.end)
    opened = span.end - 60 * MINUTE
    surge = add_incident(state_engine, opened)
    drop = add_incident(
        state_engine,
        opened,
        rule="volume_drop",
        merchant_id="m2",
        merchant_name=HOSTILE,
        severity="high",
        status="acknowledged",
        paid=500_000_000,
        reason=DROP_REASON,
        latest=DROP_REASON,
    )
    small = add_incident(state_engine, opened, merchant_id="m3", severity="medium", paid=1, cancelled=0)
    old = add_incident(state_engine, opened, merchant_id="m4", merchant_name="옛 가게", status="resolved")
    return {"surge": surge, "drop": drop, "small": small, "old": old}


# header


def test_a_running_pipeline(page: Callable[..., AppTest], busy: dict[str, int]) -> None:
    seen = text_of(page())
    assert "정상 가동" in seen
    assert "#41" in seen
    assert "▲ 심각 1 · ◆ 높음 1 · ● 보통 1" in seen
    assert "3건" in seen
    assert "626,913,579원" in seen  # the resolved one is not counted
    assert "KST" in seen


def test_the_budget_says_what_is_allowed_and_what_chance_alone_opens(
    page: Callable[..., AppTest], home: Path, state_engine: Engine
) -> None:
    lead(state_engine)
    assert "아직 측정되지 않음" in text_of(page())
    with state_engine.begin() as connection:
        connection.execute(
            text("""
            INSERT INTO nightly (pack, day, result)
            SELECT 'merchants', day, jsonb_build_object(
                'merchants', 33000, 'parts', 3, 'incidents', incidents, 'allowed', 5,
                'drift_percent', 31, 'drift_measured', true
            )
            FROM (VALUES (date '2026-03-18', 1), (date '2026-03-19', 0)) AS night (day, incidents)
            """)
        )
    seen = text_of(page())
    assert "0건 / 5.0건" in seen
    assert "우연만으로는 하루 1.5건 (0.0–8.4)" in seen  # one incident on two thirds of a day


def test_english_on_request(
    page: Callable[..., AppTest], busy: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MINUTERISK_LANGUAGE", "en")
    tested = page(incident=str(busy["surge"]))
    seen = text_of(tested)
    assert all(words in seen for words in ("Running", "Cancel surge", "₩123,456,789", "Reason"))
    assert "가맹점" not in seen
    assert "사건" not in seen


def test_a_stopped_pipeline(page: Callable[..., AppTest], home: Path, state_engine: Engine) -> None:
    publish(home, recent(10, NOW), ["m1"])
    lead(state_engine, age=timedelta(minutes=5))
    assert "멈춤" in text_of(page())


def test_messages_that_do_not_arrive_are_said(
    page: Callable[..., AppTest], state_engine: Engine, busy: dict[str, int]
) -> None:
    number, minute = busy["surge"], NOW.replace(second=0, microsecond=0)
    assert "알림 1건" not in text_of(page())
    add_event(state_engine, number, minute, status="dead", last_error="channel_not_found", attempts=9)
    add_event(state_engine, number, minute, event="escalated", status="pending", age=timedelta(minutes=3))
    seen = text_of(page())
    assert "전달에 실패한 알림 1건" in seen
    assert "아직 전달되지 않은 알림 1건" in seen
    assert "3분" in seen


# states


def test_before_the_first_publication(page: Callable[..., AppTest], state_engine: Engine) -> None:
    lead(state_engine)
    tested = page()
    assert "아직 게시된 분이 없습니다." in text_of(tested)
    assert "진행 중인 사건이 없습니다." in text_of(tested)
    assert figures(tested) == 0


def test_an_unreadable_manifest(page: Callable[..., AppTest], home: Path, busy: dict[str, int]) -> None:
    (home / "manifest.json").write_text("{", encoding="utf-8")
    tested = page()
    assert "게시 목록을 읽을 수 없습니다." in text_of(tested)
    assert "튼튼 컴퓨터" in text_of(tested)  # the rest goes on


def test_a_state_database_that_is_down(
    page: Callable[..., AppTest], busy: dict[str, int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MINUTERISK_STATE_URL", f"postgresql:///none?host={tmp_path / 'nowhere'}")
    tested = page(incident=str(busy["surge"]))
    assert "운영 데이터베이스에 연결할 수 없습니다." in text_of(tested)
    assert "상태 확인 불가" in text_of(tested)
    assert figures(tested) == 2  # trends come from the files


def test_a_state_database_without_tables(
    page: Callable[..., AppTest], home: Path, state_engine: Engine, state_url: str
) -> None:
    with state_engine.begin() as connection:
        connection.execute(text("ALTER TABLE outbox RENAME TO outbox_gone"))
    door = Door(Settings(home=home, state_url=state_url))
    with pytest.raises(ConfigurationError, match="outbox"):
        door.overview()
    door.close()
    assert "운영 데이터베이스에 연결할 수 없습니다." in text_of(page())


def test_a_published_file_that_is_gone(
    page: Callable[..., AppTest], home: Path, busy: dict[str, int]
) -> None:
    (home / "lake" / "merchant_minute" / "41.parquet").unlink()
    tested = page()
    assert "게시된 파일을 읽을 수 없습니다." in text_of(tested)
    assert "튼튼 컴퓨터" in text_of(tested)


def test_a_setting_that_nobody_knows(page: Callable[..., AppTest], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MINUTERISK_LANGUAG", "ko")
    assert "did you mean MINUTERISK_LANGUAGE?" in text_of(page())


# incidents


def test_incidents_are_sorted_by_money_at_risk(page: Callable[..., AppTest], busy: dict[str, int]) -> None:
    tested = page()
    assert [b.key for b in tested.button] == [f"open-{busy[name]}" for name in ("drop", "surge", "small")]


def test_money_that_is_not_known_is_said_so_and_comes_first(
    page: Callable[..., AppTest], busy: dict[str, int], state_engine: Engine
) -> None:
    opened = recent(60, NOW).start
    unknown = add_incident(state_engine, opened, merchant_id="m8", severity="high", paid=None, cancelled=None)
    half = add_incident(state_engine, opened, merchant_id="m9", severity="critical", paid=None, cancelled=7)
    tested = page(incident=str(half))
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
            seen = text_of(page(incident=str(busy["surge"])))
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
    tested = page(incident=str(busy["surge"]))
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
    assert "옛 가게" in text_of(page(incident=str(busy["old"])))


@pytest.mark.parametrize(
    "asked", ["0", "99999", "-1", "x", "", "1 OR 1=1", "9" * 40, "<script>alert(1)</script>", "１"]
)
def test_an_address_without_an_incident_is_said(
    page: Callable[..., AppTest], busy: dict[str, int], asked: str
) -> None:
    tested = page(incident=asked)
    assert "사건이 없습니다" in text_of(tested)
    assert "<script" not in html_of(tested)
    assert figures(tested) == 2


def test_a_hostile_name_adds_no_markup(page: Callable[..., AppTest], busy: dict[str, int]) -> None:
    tested = page(incident=str(busy["drop"]))
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
    tested = page(incident=str(number))
    assert tested.button[0].key == f"open-{number}"
    seen = text_of(tested)
    for words in ("전체 가맹점", "전체 승인 중단", "2번째 발생", "미확인 재알림", "12,345", "거래 끊김"):
        assert words in seen, words
    assert "플랫폼 전체의 사건입니다" in seen
    assert figures(tested) == 2  # of everybody


# trend


def test_without_an_incident_the_trend_is_everybodys(
    page: Callable[..., AppTest], busy: dict[str, int]
) -> None:
    tested = page()
    assert tested.button_group(key="scope-none").value == "platform"
    assert figures(tested) == 2


def test_another_merchant_is_found_by_its_id(page: Callable[..., AppTest], busy: dict[str, int]) -> None:
    tested = page()
    tested.button_group(key="scope-none").set_value("other")
    run_again(tested)
    assert "가맹점 번호를 입력하세요" in text_of(tested)
    tested.text_input(key="merchant").set_value("m2")
    run_again(tested)
    assert figures(tested) == 2
    tested.text_input(key="merchant").set_value("nobody")
    run_again(tested)
    assert "이 기간에 게시된 거래가 없습니다." in text_of(tested)


def test_windows_change_the_step(page: Callable[..., AppTest], busy: dict[str, int]) -> None:
    tested = page()
    assert "1분 단위" in text_of(tested)
    for window, words in (("24h", "10분 단위"), ("8d", "1시간 단위")):
        tested.button_group(key="window").set_value(window)
        run_again(tested)
        assert words in text_of(tested)


def test_an_empty_lake(page: Callable[..., AppTest], home: Path, state_engine: Engine) -> None:
    lead(state_engine)
    write_manifest(home, [], recent(1, NOW).end)
    assert "이 기간에 게시된 거래가 없습니다." in text_of(page())


def test_the_page_shows_a_new_publication(
    page: Callable[..., AppTest], home: Path, busy: dict[str, int]
) -> None:
    tested = page()
    assert "#41" in text_of(tested)
    span = recent(5, NOW)
    files = [write_file(home, "new.parquet", span, [(span.start, "m9", 1, 0, 7, 0)])]
    write_manifest(home, files, span.end, 42)
    tested.run()
    assert "#42" in text_of(tested)
    assert "승인" in str(tested.get("plotly_chart")[0].proto)


# the door's connection


def test_the_connection_refuses_writes(home: Path, state_url: str, state_engine: Engine) -> None:
    door = Door(Settings(home=home, state_url=state_url))
    with door._engine().connect() as connection:
        with pytest.raises(Exception, match="read-only transaction"):
            connection.execute(text("UPDATE leader SET epoch = 9"))
        connection.rollback()
    door.close()


def test_what_the_database_stored_comes_back_as_it_is(
    home: Path, state_url: str, state_engine: Engine
) -> None:
    minute = datetime(2026, 11, 21, 1, 0, tzinfo=UTC)
    number = add_incident(state_engine, minute, merchant_name=None, status="acknowledged")
    door = Door(Settings(home=home, state_url=state_url))
    found = door.incident(number)
    assert found is not None
    assert (found.title, found.acknowledged_by, found.opened_minute) == ("m1", "김위험", minute)
    assert found.reason["approvals_week"] == 20160
    assert door.incidents().shown == (found,)
    assert door.incident(number + 1) is None
    assert Span(found.opened_minute, found.last_breach_minute).minutes == 20
    door.close()
