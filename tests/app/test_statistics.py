"""The statistics' screen: its numbers are those of plain SQL, in every period and state."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import text

from pipeline.minute import MINUTE, Span, business_date, business_day
from pipeline.packs import PACKS
from queries import sql
from tests.app.merchants.home import HOSTILE, add_event, add_incident, lead, publish, recent
from tests.app.seen import figures, html_of, text_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sqlalchemy.engine import Engine
    from streamlit.testing.v1 import AppTest

    Page = Callable[..., AppTest]

ZONE = ZoneInfo("Asia/Seoul")
NOW = datetime.now(UTC)
TODAY = business_date(NOW, ZONE)
PARTS = ("시간대별 사건", "구분별 지연", "규칙·주별 정밀도", "오경보 예산")


def at(days_ago: int, hour: int, minute: int = 0) -> datetime:
    """A minute of a business day."""
    start = business_day(TODAY - timedelta(days=days_ago), ZONE).start
    return start + timedelta(hours=hour, minutes=minute)


def rows(engine: Engine, query: str, **given: object) -> list[dict[str, Any]]:
    with engine.connect() as connection:
        return [dict(row) for row in connection.execute(text(query), given).mappings()]


def change(engine: Engine, query: str, **given: object) -> None:
    with engine.begin() as connection:
        connection.execute(text(query), given)


def label(engine: Engine, number: int, said: str) -> None:
    given = json.dumps({"label": said, "reason": "r"})
    insert = "INSERT INTO incident_act (incident_id, act, by, given) VALUES (:n, 'label', 'kim', :given)"
    change(engine, insert, n=number, given=given)


@pytest.fixture
def week(home: Path, state_engine: Engine) -> list[int]:
    """Incidents of yesterday, of 3 days ago and of 20 days ago, with labels, messages and owners."""
    del home
    lead(state_engine)
    opened = [at(1, 9), at(1, 9, 30), at(1, 14), at(3, 9), at(20, 23)]
    rules = ["cancel_surge", "cancel_surge", "volume_drop", "cancel_surge", "cancel_surge"]
    tiers = ["top", "top", "top", "tail", "tail"]
    numbers = [
        add_incident(state_engine, minute, rule=rule, tier=tier, merchant_id=f"m{n}")
        for n, (minute, rule, tier) in enumerate(zip(opened, rules, tiers, strict=True))
    ]
    for n, number in enumerate(numbers):
        waited = timedelta(seconds=6 + n)
        change(
            state_engine,
            "UPDATE incident SET opened_at = opened_minute + interval '1 minute' + :waited,"
            " acknowledged_at = opened_minute + interval '1 minute' + :waited + interval '5 minutes'"
            " WHERE incident_id = :n",
            n=number,
            waited=waited,
        )
    for number in numbers[:2]:
        add_event(state_engine, number, opened[0])
        change(
            state_engine,
            "UPDATE outbox SET sent_at = (SELECT opened_at FROM incident WHERE incident_id = :n)"
            " + interval '2 seconds' WHERE incident_id = :n",
            n=number,
        )
    label(state_engine, numbers[0], "false_alarm")
    label(state_engine, numbers[0], "true_alarm")  # the newest counts
    label(state_engine, numbers[1], "false_alarm")
    change(state_engine, "UPDATE incident SET owner = :who WHERE incident_id = :n", n=numbers[0], who=HOSTILE)
    return numbers


def heat(tested: AppTest, rule: str) -> str:
    """The row of a rule in the table of hours."""
    line = next(part for part in html_of(tested).split("<tr>") if f'scope="row">{rule}<' in part)
    return " ".join(line.replace("<", " <").split())


def test_incidents_stand_at_their_hour_and_rule_as_sql_counts_them(
    page: Page, week: list[int], state_engine: Engine
) -> None:
    del week
    tested = page("statistics")
    span = Span(business_day(TODAY - timedelta(days=6), ZONE).start, business_day(TODAY, ZONE).end)
    counted = rows(
        state_engine,
        "SELECT rule, extract(hour FROM opened_minute AT TIME ZONE 'Asia/Seoul')::int AS hour, count(*) AS n"
        " FROM incident WHERE opened_minute >= :a AND opened_minute < :b GROUP BY 1, 2",
        a=span.start,
        b=span.end,
    )
    assert len(counted) == 2
    seen = html_of(tested)
    words = {"cancel_surge": "취소 급증", "volume_drop": "거래액 급감"}
    for row in counted:
        assert f'title="{words[row["rule"]]} {row["hour"]}시: {row["n"]}건"' in seen
    assert "<strong> 3" in heat(tested, "취소 급증").replace("<strong>3", "<strong> 3")
    assert figures(tested) == 2


def test_delays_are_those_of_sql(page: Page, week: list[int], state_engine: Engine) -> None:
    del week
    seen = text_of(page("statistics"))
    (found,) = rows(
        state_engine,
        "SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY late) AS m,"
        " percentile_disc(0.95) WITHIN GROUP (ORDER BY late) AS p"
        " FROM (SELECT opened_at - opened_minute - interval '1 minute' AS late FROM incident"
        " WHERE tier = 'top') AS top",
    )
    assert (found["m"], found["p"]) == (timedelta(seconds=7), timedelta(seconds=8))
    assert "7.0초 · p95 8.0초" in seen
    assert "2.0초 · p95 2.0초" in seen  # commit to delivery
    assert "8.0초 · p95 9.0초" in seen  # of the two that were delivered
    assert "알 수 없음" in seen  # none of the others was


def test_precision_says_how_many_labels_it_rests_on(page: Page, week: list[int]) -> None:
    del week
    seen = text_of(page("statistics"))
    assert "50.0 %" in seen
    assert "9.4 % – 90.5 %" in seen
    assert "정탐 1 · 오탐 1" in seen
    assert "아직 모름" in seen


def test_people_are_told_apart_and_a_hostile_name_never_acts(page: Page, week: list[int]) -> None:
    del week
    tested = page("statistics")
    assert "<img" not in html_of(tested)
    seen = text_of(tested)
    assert "<img src=x" in seen
    assert "담당자 없음" in seen
    assert "5분" in seen


def test_a_longer_period_holds_more_and_the_address_keeps_it(page: Page, week: list[int]) -> None:
    del week
    tested = page("statistics", period="28d")
    assert "취소 급증 23시: 1건" in html_of(tested)
    assert "28일" in text_of(tested)
    tested.button_group(key="period-chosen").set_value("today")
    tested.run()
    assert not tested.exception
    assert tested.query_params["period"] in ("today", ["today"])
    assert "이 기간에 열린 사건이 없습니다." in text_of(tested)
    first, last = (TODAY - timedelta(days=3)).isoformat(), (TODAY - timedelta(days=2)).isoformat()
    tested = page("statistics", **{"period": "range", "from": first, "to": last})
    assert "취소 급증 9시: 1건" in html_of(tested)
    assert "2일" in text_of(tested)


@pytest.mark.parametrize(
    "query",
    [
        {"period": "week"},
        {"period": "x" * 10_000},
        {"period": HOSTILE},
        {"from": "yesterday", "to": "2026-13-01"},
        {"from": "0001-01-01", "to": "9999-12-31"},
        {"period": "range", "from": "2026-11-20", "to": "2026-11-10"},
        {"period": "range", "from": "2020-01-01", "to": "2026-11-10"},
    ],
)
def test_a_bad_period_is_said_and_seven_days_are_shown(
    page: Page, week: list[int], query: dict[str, str]
) -> None:
    del week
    tested = page("statistics", **query)
    seen = text_of(tested)
    assert "읽을 수 없습니다" in seen or "넘지 않아야 합니다" in seen
    assert "<img" not in html_of(tested)
    assert "7일" in seen


def test_the_budget_of_each_day_and_the_days_that_nobody_measured(
    page: Page, week: list[int], state_engine: Engine
) -> None:
    del week
    change(state_engine, "UPDATE incident SET policy = 'budgeted'")
    night = {"merchants": 100, "parts": 1, "incidents": 2, "allowed": 5.0, "drift_percent": 40}
    change(
        state_engine,
        "INSERT INTO nightly (pack, day, result) VALUES ('merchants', :day, CAST(:result AS jsonb))",
        day=TODAY - timedelta(days=1),
        result=json.dumps({**night, "drift_measured": True}),
    )
    seen = text_of(page("statistics"))
    assert "오경보 예산" in seen
    assert "6일은 밤 측정이 없어" in seen


def test_who_moved_most_is_named_with_a_way_to_them(page: Page, home: Path, state_engine: Engine) -> None:
    span = recent(27 * 60, NOW)
    publish(home, span, ["m1", "m2"])
    lead(state_engine, next_minute=span.end)
    seen = text_of(page("statistics"))
    assert "가장 크게 움직인 가맹점" in seen
    assert "눈에 띄게 움직인 가맹점이 없습니다." in seen  # the same in every hour


def test_before_a_day_is_published_nobody_is_compared(page: Page, home: Path, state_engine: Engine) -> None:
    span = recent(60, NOW)
    publish(home, span, ["m1"])
    lead(state_engine, next_minute=span.end)
    assert "비교할 수 있는 한 시간이 아직 게시되지 않았습니다." in text_of(page("statistics"))


def test_nothing_is_said_as_nothing(page: Page, home: Path, state_engine: Engine) -> None:
    del home
    lead(state_engine)
    seen = text_of(page("statistics"))
    assert [part for part in PARTS if part not in seen] == []
    assert "이 기간에 열린 사건이 없습니다." in seen
    assert "0원" not in seen


def test_in_english(page: Page, week: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    del week
    monkeypatch.setenv("MINUTERISK_LANGUAGE", "en")
    seen = text_of(page("statistics"))
    assert "Incidents by hour" in seen
    assert "7.0 s · p95 8.0 s" in seen


def test_another_pack_shows_no_word_of_merchants(
    page: Page, home: Path, state_engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    del home
    monkeypatch.setitem(PACKS, "doors", "tests.doors")
    monkeypatch.setenv("MINUTERISK_PACKS", "doors")
    insert = (
        "INSERT INTO incident (pack, rule, entity_id, tier, severity, status, policy, opened_minute,"
        " last_breach_minute, currency, parts, reason, latest_reason) VALUES"
        " ('doors', 'forced_entry', 'gate', 'top', 'high', 'open', 'literal', :at, :at, 'KRW', '{}', '{}',"
        " '{}')"
    )
    with state_engine.begin() as connection:
        connection.execute(text(sql("ops/enter_pack")), {"pack": "doors"})
        connection.execute(text(insert), {"at": NOW.replace(second=0, microsecond=0) - 10 * MINUTE})
    lead(state_engine)
    seen = text_of(page("statistics"))
    assert "강제 개방" in seen
    assert [word for word in ("가맹점", "취소", "승인", "오경보 예산", "merchant") if word in seen] == []


def test_each_table_can_be_taken_along_by_whoever_may(
    page: Page, week: list[int], signed_in: Callable[[str], None]
) -> None:
    names = {"incidents-by-hour", "precision", "delays", "responses", "budget"}

    def offered() -> set[str]:
        tested = page("statistics")
        keys = {field.key for field in tested.text_input}
        taken = (key.removeprefix("download-reason-") for key in keys if key and key.startswith("download-"))
        return {name.partition("-20")[0] for name in taken}  # behind it stand the days

    assert offered() == set()
    signed_in("RISK_ANALYST")
    assert names <= offered()
