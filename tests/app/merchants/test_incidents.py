"""The screen of incidents as Streamlit runs it, against a real PostgreSQL."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

from app.door import Door
from app.pages.incidents import reads
from tests.app.merchants.home import (
    add_event,
    add_incident,
    add_ledger,
    lead,
    recent,
)
from tests.app.seen import figures, html_of, rows_of, run_again, text_of

if TYPE_CHECKING:
    from collections.abc import Callable

    import polars as pl
    from sqlalchemy.engine import Engine
    from streamlit.testing.v1 import AppTest

NOW = datetime.now(UTC)
ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(autouse=True)
def _now(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test's own: the page calls what is older than three minutes behind, and a run takes longer."""
    monkeypatch.setitem(globals(), "NOW", datetime.now(UTC))


def test_incidents_are_sorted_by_money_at_risk(page: Callable[..., AppTest], busy: dict[str, int]) -> None:
    assert list(rows_of(page("incidents"))) == [str(busy[name]) for name in ("drop", "surge", "small")]


def test_money_that_is_not_known_is_said_so_and_comes_first(
    page: Callable[..., AppTest], busy: dict[str, int], state_engine: Engine
) -> None:
    opened = recent(60, NOW).start
    unknown = add_incident(state_engine, opened, merchant_id="m8", severity="high", paid=None, cancelled=None)
    half = add_incident(state_engine, opened, merchant_id="m9", severity="critical", paid=None, cancelled=7)
    tested = page("incidents", incident=str(half))
    listed = rows_of(tested)
    assert list(listed)[:3] == [str(half), str(unknown), str(busy["drop"])]
    assert "위험 금액 알 수 없음" in listed[str(unknown)]
    seen = text_of(tested)
    assert re.search(r"지급 후 취소 가능 알 수 없음.*취소 후 미회수 7원", seen)
    assert " 0원" not in seen


def test_a_part_of_the_page_fails_alone(
    page: Callable[..., AppTest],
    busy: dict[str, int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    whole = {
        (Door, "events"): ("판단 근거", "비슷한 지난 사건"),
        (Door, "timeline"): ("판단 근거", "비슷한 지난 사건"),
        (reads, "steps"): ("판단 근거", "경과"),
    }
    for (whose, method), others in whole.items():
        with monkeypatch.context() as patched:
            patched.setattr(whose, method, broken)
            seen = text_of(page("incidents", incident=str(busy["surge"])))
        assert "이 부분을 지금 보여줄 수 없습니다" in seen, method
        assert all(other in seen for other in others), method


def test_resolved_ones_come_last_and_only_on_request(
    page: Callable[..., AppTest], busy: dict[str, int]
) -> None:
    assert str(busy["old"]) not in rows_of(page("incidents"))
    everything = "open,acknowledged,snoozed,resolved"
    assert list(rows_of(page("incidents", state=everything)))[-1] == str(busy["old"])


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
    assert figures(tested) == 1
    assert re.search(r"발생.*전달됨", seen, re.DOTALL)


def test_the_keys_go_through_the_list_and_write_the_address(
    page: Callable[..., AppTest], busy: dict[str, int]
) -> None:
    tested = page("incidents", q="m")
    assert "왼쪽에서 사건을 고르면" in text_of(tested)
    for key, name in (("go-next", "drop"), ("go-next", "surge"), ("go-previous", "drop")):
        tested.button(key=key).click()
        run_again(tested)
        assert tested.query_params["incident"] == str(busy[name])
    assert str(tested.query_params["q"]).strip("[]'") == "m"
    assert "오늘 이 시각까지 승인액" in text_of(tested)
    assert "410,000,000원" in text_of(tested)
    assert tested.button(key="go-previous").disabled


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
    assert list(rows_of(tested))


def test_a_hostile_name_adds_no_markup(page: Callable[..., AppTest], busy: dict[str, int]) -> None:
    tested = page("incidents", incident=str(busy["drop"]))
    assert "<img src=x onerror=alert(1)>[나쁜](http://bad.example)" in text_of(tested)
    assert "<img" not in html_of(tested)
    assert "\u202e" not in html_of(tested)
    # A row is Markdown: each sign of the name that could act has a stroke before it.
    (label,) = [e.proto.label for e in tested.get("page_link") if "나쁜" in e.proto.label]
    assert re.search(r"(?<!\\)[<>\[$]", label.replace(":small[", "")) is None
    assert "\u202e" not in label
    # Streamlit reads Markdown in labels and in Markdown elements: the name may be in none of the others.
    labels = [e.label for kind in (tested.button, tested.toggle, tested.button_group) for e in kind]
    told = [e.value for kind in (tested.markdown, tested.caption, tested.warning, tested.error) for e in kind]
    assert not any("bad.example" in str(words) for words in [*labels, *told])
    assert not any("bad.example" in str(e.proto) for e in tested.get("plotly_chart"))


def test_a_long_list_has_pages(page: Callable[..., AppTest], home: Path, state_engine: Engine) -> None:
    lead(state_engine)
    numbers = [
        add_incident(state_engine, recent(60, NOW).start, merchant_id=f"t{i}", paid=i, cancelled=0)
        for i in range(45)
    ]
    tested = page("incidents")
    assert list(rows_of(tested)) == [str(number) for number in numbers[:-21:-1]]
    assert "45건" in text_of(tested)
    last = page("incidents", p="3")
    assert list(rows_of(last)) == [str(number) for number in numbers[4::-1]]
    assert "이 쪽에는 사건이 없습니다" in text_of(page("incidents", p="4"))


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
    add_ledger(state_engine, recent(25 * 60, NOW))
    tested = page("incidents", incident=str(number))
    assert next(iter(rows_of(tested))) == str(number)
    seen = text_of(tested) + rows_of(tested)[str(number)]
    for words in ("전체 가맹점", "전체 승인 중단", "2번째 발생", "미확인 재알림", "12,345", "거래 끊김"):
        assert words in seen, words
    assert "플랫폼 전체의 사건입니다" in seen
    assert figures(tested) == 1  # of everybody


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("state", "closed"),
        ("severity", "critical,"),
        ("rule", "forced_entry"),
        ("tier", "<b>top</b>"),
        ("from", "2026-13-40"),
        ("to", "yesterday"),
        ("q", "m" * 10_000),
        ("q", "a\0b"),
        ("p", "-1"),
        ("p", "9223372036854775807"),
        ("owner", " "),
        ("owner", "a\0b"),
    ],
)
def test_an_unknown_filter_is_said_and_left_out(
    page: Callable[..., AppTest], busy: dict[str, int], name: str, said: str
) -> None:
    tested = page("incidents", **{name: said})
    assert f"주소의 {name} 값을 읽을 수 없습니다" in text_of(tested)
    assert len(rows_of(tested)) == 3
    assert "<b>top" not in html_of(tested)


def test_the_address_filters_and_every_row_keeps_it(
    page: Callable[..., AppTest], busy: dict[str, int], state_engine: Engine
) -> None:
    with state_engine.begin() as connection:
        connection.execute(
            text("UPDATE incident SET owner = '**이담당**' WHERE incident_id = :n"), {"n": busy["small"]}
        )
    for query, found in (
        ({"state": "acknowledged"}, {"drop"}),
        ({"severity": "critical,medium"}, {"surge", "small"}),
        ({"rule": "volume_drop"}, {"drop"}),
        ({"tier": "tail"}, set()),
        ({"owner": "nobody"}, {"drop", "surge"}),
        ({"owner": "**이담당**"}, {"small"}),
        ({"q": "M2"}, {"drop"}),
        ({"q": "%"}, set()),
        ({"from": "today", "state": "resolved"}, {"old"}),
        ({"to": "2020-01-01"}, set()),
        ({"from": "2100-01-01"}, set()),
    ):
        tested = page("incidents", **query)
        assert set(rows_of(tested)) == {str(busy[name]) for name in found}, query
        if not found:
            assert "조건에 맞는 사건이 없습니다" in text_of(tested)
    tested = page("incidents", severity="critical,medium", q="m")
    queries = [e.proto.query_string for e in tested.get("page_link") if "incident=" in e.proto.query_string]
    assert all("severity=critical%2Cmedium" in query and "q=m" in query for query in queries)


def test_what_is_alike_and_over_is_shown_with_its_outcome(
    page: Callable[..., AppTest], busy: dict[str, int], state_engine: Engine
) -> None:
    earlier = recent(300, NOW).start
    same = add_incident(state_engine, earlier, merchant_id="m1", status="resolved", paid=7, cancelled=0)
    add_incident(state_engine, earlier, merchant_id="m1", rule="volume_drop", tier="tail", status="open")
    add_incident(state_engine, earlier, merchant_id="m7", tier="tail", status="resolved")
    insert = "INSERT INTO incident_act (incident_id, act, by, given) VALUES (:n, 'label', 'kim', :given)"
    with state_engine.begin() as connection:
        for number, label in ((same, "true_alarm"), (busy["old"], "false_alarm")):
            given = json.dumps({"label": label, "reason": "x"})
            connection.execute(text(insert), {"n": number, "given": given})
    tested = page("incidents", incident=str(busy["surge"]))
    assert "2건 중 판정 2건 · 정탐 1건 (50%)" in text_of(tested)
    listed = rows_of(tested)
    assert list(listed)[-2:] == [str(same), str(busy["old"])]
    assert "같은 가맹점" in listed[str(same)]
    assert "40분 만에 저절로 해소" in listed[str(same)]
    assert "옛 가게" in listed[str(busy["old"])]


def test_the_threshold_of_the_rule_in_force_is_drawn_in_the_picture(
    page: Callable[..., AppTest], busy: dict[str, int], state_engine: Engine
) -> None:
    rules = (ROOT / "baselines/merchants/rules.toml").read_text(encoding="utf-8")
    insert = text(
        "INSERT INTO rule_version (pack, version, origin, numbers, author, reason, status, in_force_from)"
        " VALUES ('merchants', 1, 'file', :numbers, 'rules.toml', 'start', 'approved', '2020-01-01 00:00Z')"
    )
    with state_engine.begin() as connection:
        connection.execute(insert, {"numbers": rules})
    (figure,) = page("incidents", incident=str(busy["surge"])).get("plotly_chart")
    assert "기준: 평소의 2배" in json.dumps(json.loads(figure.proto.spec), ensure_ascii=False)
    seen = text_of(page("incidents", incident=str(busy["drop"])))
    assert "이 규칙의 기준은 이 그림의 축에 없는 값" in seen


def test_how_fast_the_money_grows_is_said_of_what_was_stored(
    page: Callable[..., AppTest], busy: dict[str, int], state_engine: Engine
) -> None:
    assert "늘어난 금액은 알 수 없습니다" in text_of(page("incidents", incident=str(busy["surge"])))
    add_event(state_engine, busy["surge"], recent(60, NOW).start)
    with state_engine.begin() as connection:
        connection.execute(text("UPDATE outbox SET message = '{\"at_risk\": 23456789}'"))
    seen = text_of(page("incidents", incident=str(busy["surge"])))
    assert "발생 뒤 20분 동안 +1억원 · 시간당 +3억원" in seen


def test_the_screen_speaks_english(
    page: Callable[..., AppTest], busy: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MINUTERISK_LANGUAGE", "en")
    tested = page("incidents", incident=str(busy["surge"]), state="closed")
    seen = text_of(tested) + " ".join(rows_of(tested).values())
    for words in (
        "▲ critical · Cancel surge · open",
        "Like it, before",
        "The address says of state",
        "At risk",
    ):
        assert words in seen, words


def test_the_way_back_leaves_the_incident_and_keeps_the_filters(
    page: Callable[..., AppTest], busy: dict[str, int]
) -> None:
    tested = page("incidents", incident=str(busy["surge"]), severity="critical")
    tested.button(key="inbox-back").click()
    run_again(tested)
    assert "incident" not in tested.query_params
    assert "severity" in tested.query_params


def test_the_list_can_be_taken_along_with_what_its_filters_leave(
    page: Callable[..., AppTest],
    busy: dict[str, int],
    signed_in: Callable[[str], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    offered: dict[str, Callable[[], pl.DataFrame]] = {}
    monkeypatch.setattr("app.pages.incidents.page.offer", lambda _, name, made: offered.update({name: made}))
    signed_in("RISK_ANALYST")
    page("incidents", severity="critical")
    frame = offered["incidents"]()
    assert frame["incident_id"].to_list() == [busy["surge"]]
    assert frame["at_risk"].to_list() == [123_456_789]
    assert json.loads(frame["reason"][0])["cancels_hour"] == 48
