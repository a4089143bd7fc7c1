"""The screen Now as Streamlit runs it, against files and a real PostgreSQL, without a browser."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

from app.merchants import today
from app.merchants.today import paced_spans
from pipeline.minute import MINUTE, Span, business_date, business_day
from pipeline.settings import Settings
from tests.app.merchants.home import HOSTILE, add_event, add_incident, lead
from tests.app.seen import html_of, text_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from zoneinfo import ZoneInfo

    from sqlalchemy.engine import Engine
    from streamlit.testing.v1 import AppTest

NOW = datetime.now(UTC)


@pytest.fixture(autouse=True)
def _now(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test's own: the page calls what is older than three minutes behind, and a run takes longer."""
    monkeypatch.setitem(globals(), "NOW", datetime.now(UTC))


def change(engine: Engine, query: str, **given: object) -> None:
    with engine.begin() as connection:
        connection.execute(text(query), given)


def links(tested: AppTest) -> list[str]:
    """Where the links of the page lead, in their order: the query of each."""
    return [str(element.proto.query_string) for element in tested.get("page_link")]


# what needs a decision


def test_decisions_come_by_money_those_that_nobody_has_taken_first(
    page: Callable[..., AppTest], busy: dict[str, int]
) -> None:
    tested = page()
    seen = text_of(tested)
    assert "정상 가동" in seen
    assert "3건, 담당 없음 2건 · 6.26억원" in seen  # the resolved one is not counted
    assert links(tested) == [f"incident={busy[name]}" for name in ("surge", "small", "drop")]
    assert "▲ 심각" in seen
    assert "1.23억원" in seen
    assert "김위험" in seen  # who has acknowledged the drop
    assert "옛 가게" not in seen


def test_money_that_nobody_knows_comes_first_and_is_said_to_be_unknown(
    page: Callable[..., AppTest], busy: dict[str, int], state_engine: Engine
) -> None:
    unknown = add_incident(state_engine, NOW.replace(second=0, microsecond=0), merchant_id="m9", paid=None)
    tested = page()
    assert links(tested)[0] == f"incident={unknown}"
    assert "6.26억원 · 1건은 알 수 없음" in text_of(tested)
    assert "0원" not in text_of(tested)
    del busy


def test_what_is_snoozed_asks_for_nothing(
    page: Callable[..., AppTest], busy: dict[str, int], state_engine: Engine
) -> None:
    snooze = {"by": "kim", "since": "", "until": "2100-01-01T00:00Z", "at_risk": 1, "severity": "high"}
    given = json.dumps({**snooze, "limit": None, "breaches": 1})
    set_snooze = "UPDATE incident SET snooze = CAST(:given AS jsonb) WHERE incident_id = :number"
    change(state_engine, set_snooze, given=given, number=busy["surge"])
    assert f"incident={busy['surge']}" not in links(page())


def test_of_many_incidents_a_dozen_is_shown_and_the_way_to_all(
    page: Callable[..., AppTest], state_engine: Engine
) -> None:
    lead(state_engine)
    for number in range(15):
        add_incident(state_engine, NOW.replace(second=0, microsecond=0), merchant_id=f"m{number}")
    tested = page()
    assert len([link for link in links(tested) if link.startswith("incident=")]) == 12
    assert "사건 15건 모두 보기" in [element.proto.label for element in tested.get("page_link")]


def test_a_hostile_name_acts_nowhere(
    page: Callable[..., AppTest], busy: dict[str, int], state_engine: Engine
) -> None:
    add_event(state_engine, busy["drop"], NOW.replace(second=0, microsecond=0), event="escalated")
    tested = page()
    assert "<img" not in html_of(tested)
    labels = [str(element.proto.label) for element in tested.get("page_link")]
    hostile = [label for label in labels if "onerror" in label]
    assert len(hostile) == 2  # in the list, and among what has changed
    assert all(r"\[나쁜\]\(" in label for label in hostile)
    assert "\u202e" not in "".join(labels)
    assert HOSTILE not in html_of(tested)


# what has changed


def test_changes_of_today_are_said_to_whoever_has_no_account(
    page: Callable[..., AppTest], busy: dict[str, int], state_engine: Engine
) -> None:
    assert "달라진 사건이 없습니다" in text_of(page())
    minute = NOW.replace(second=0, microsecond=0)
    for name, event in (("surge", "opened"), ("drop", "escalated"), ("old", "resolved"), ("small", "noted")):
        add_event(state_engine, busy[name], minute, event=event, age=timedelta())
    add_event(state_engine, busy["surge"], minute, event="opened", age=timedelta(days=2), number=1)
    tested = page()
    seen = text_of(tested)
    assert "오늘 00:00 KST부터" in seen
    assert [words for words in ("발생 1", "격상 1", "해소 1") if words not in " ".join(seen.split())] == []
    assert "옛 가게" in seen


def test_changes_are_since_the_last_visit_and_name_what_was_given_to_me(
    page: Callable[..., AppTest],
    busy: dict[str, int],
    state_engine: Engine,
    signed_in: Callable[[str], None],
) -> None:
    signed_in("OPS_AGENT")
    assert "오늘 00:00 KST부터" in text_of(page())  # a first session
    earlier = """
        INSERT INTO session (token_hash, account_id, way, created_at, seen_at, expires_at)
        SELECT sha256('x'), account_id, way, created_at - interval '2 hours', created_at - interval '1 hour',
            expires_at
        FROM session
    """
    change(state_engine, earlier)
    minute = NOW.replace(second=0, microsecond=0)
    add_event(state_engine, busy["surge"], minute, event="opened", age=timedelta(minutes=90))
    assert "달라진 사건이 없습니다" in text_of(page())
    assign = """
        INSERT INTO incident_act (incident_id, act, by, given)
        VALUES (:number, 'assign', 'lee', jsonb_build_object('to', CAST(:to AS text)))
    """
    change(state_engine, assign, number=busy["small"], to="kim OPS_AGENT")
    change(state_engine, assign, number=busy["drop"], to="park")
    seen = " ".join(text_of(page()).split())
    assert "지난 접속" in seen
    assert "나에게 배정 1" in seen
    assert "발생 1" not in seen


# today


def fill(engine: Engine, first: datetime, minutes: int, approvals: int) -> None:
    """Minutes of the ledger, each with the same sums."""
    query = """
        INSERT INTO minute_ledger (pack, minute, rows, sums, source_rows, source_sums, source_xmin,
            source_clock)
        SELECT 'merchants', CAST(:first AS timestamptz) + minute * interval '1 minute', CAST(:n AS bigint),
            jsonb_build_object('approval_count', CAST(:n AS bigint), 'cancel_count', 1, 'approval_amount',
                CAST(:n AS bigint) * 100000),
            CAST(:n AS bigint), '{}', 1, now()
        FROM generate_series(0, CAST(:minutes AS integer) - 1) AS minute
    """
    change(engine, query, first=first, n=approvals, minutes=minutes)


def today_of(home: Path) -> tuple[datetime, datetime]:
    """When this business day began, and its newest whole minute."""
    zone, until = Settings(home=home).business_timezone, NOW.replace(second=0, microsecond=0)
    return business_day(business_date(until - MINUTE, zone), zone).start, until


def test_today_stands_beside_like_days_at_the_same_time(
    page: Callable[..., AppTest], home: Path, state_engine: Engine
) -> None:
    start, until = today_of(home)
    minutes = Span(start, until).minutes
    lead(state_engine, next_minute=until)
    fill(state_engine, start, minutes, 20)
    seen = text_of(page())
    assert "비슷한 날이 아직 없습니다" in seen
    assert "예상 알 수 없음" in seen
    assert "비교할 수 없음" in seen
    for days in range(1, 8):
        fill(state_engine, start - timedelta(days=days), minutes, 10)
    seen = " ".join(text_of(page()).split())
    assert f"승인 {20 * minutes:,} 예상 {10 * minutes:,} 예상의 2.0배" in seen
    assert f"취소 {minutes:,} 예상 {minutes:,} 평소와 비슷" in seen
    assert "빠져" not in seen


def test_missing_minutes_of_today_are_said(
    page: Callable[..., AppTest], home: Path, state_engine: Engine
) -> None:
    start, until = today_of(home)
    lead(state_engine, next_minute=until)
    fill(state_engine, start + MINUTE, Span(start, until).minutes - 1, 20)
    assert "오늘 1분이 빠져 있어" in text_of(page())


# the pipeline


def test_budget_and_precision_are_shown_once_they_say_something(
    page: Callable[..., AppTest], home: Path, state_engine: Engine
) -> None:
    del home
    lead(state_engine)
    number = add_incident(state_engine, NOW.replace(second=0, microsecond=0))
    assert "파이프라인" not in text_of(page()).replace("파이프라인을", "")
    change(
        state_engine,
        """
        INSERT INTO nightly (pack, day, result)
        SELECT 'merchants', day, jsonb_build_object(
            'merchants', 33000, 'parts', 3, 'incidents', incidents, 'allowed', 5,
            'drift_percent', 31, 'drift_measured', true
        )
        FROM (VALUES (date '2026-03-18', 1), (date '2026-03-19', 0)) AS night (day, incidents)
        """,
    )
    seen = text_of(page())
    assert "0건 / 5.0건" in seen
    assert "우연만으로는 하루 1.5건 (0.0–8.4)" in seen  # one incident on two thirds of a day
    assert "정밀도" not in seen
    label = """
        INSERT INTO incident_act (incident_id, act, by, given)
        VALUES (:n, 'label', 'kim', CAST(:given AS jsonb))
    """
    change(state_engine, label, n=number, given=json.dumps({"label": "true_alarm", "reason": "x"}))
    assert "100.0 %" in text_of(page())


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


def test_english_on_request(
    page: Callable[..., AppTest], busy: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    del busy
    monkeypatch.setenv("MINUTERISK_LANGUAGE", "en")
    seen = text_of(page())
    for words in ("Running", "Cancel surge", "₩123M", "Needs a decision", "3 open, 2 nobody's"):
        assert words in seen, words
    assert "가맹점" not in seen
    assert "사건" not in seen


def test_like_days_are_those_of_the_rules_in_force_and_not_of_the_file(
    page: Callable[..., AppTest], home: Path, state_engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def remember(until: datetime, zone: ZoneInfo, holidays: str) -> list[Span]:
        asked.append(holidays)
        return paced_spans(until, zone, holidays)

    monkeypatch.setattr(today, "paced_spans", remember)
    lead(state_engine, next_minute=today_of(home)[1])
    numbers = Settings(home=home).rules.read_text(encoding="utf-8").replace('"KR"', '"none"')
    insert = """
        INSERT INTO rule_version (pack, version, origin, numbers, author, reason, status, in_force_from)
        VALUES ('merchants', 1, 'file', :numbers, 'kim', 'r', 'approved', '2020-01-01 00:00Z')
    """
    change(state_engine, insert, numbers=numbers)
    page()
    assert asked == ["none"]
