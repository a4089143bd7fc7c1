"""The screen of one merchant as Streamlit runs it, against files and a real PostgreSQL."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
import streamlit as st
from sqlalchemy import text

from app.merchants import why
from app.pages.entity.find import TYPED
from pipeline.errors import UsageError
from pipeline.minute import MINUTE
from tests.app.merchants.home import (
    HOSTILE,
    add_incident,
    add_ledger,
    lead,
    recent,
    write_file,
    write_manifest,
)
from tests.app.seen import figures, run_again, text_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from typing import Any

    from sqlalchemy.engine import Engine
    from streamlit.testing.v1 import AppTest

    Shown = Callable[..., AppTest]


@pytest.fixture(autouse=True)
def _nothing_kept() -> None:
    """What is known of entities is kept by its version: here each test has its own."""
    st.cache_resource.clear()


@pytest.fixture
def shown(page: Callable[..., AppTest], busy: dict[str, int], state_engine: Engine) -> Shown:
    """The screen of a running pipeline that knows names and categories."""
    know(state_engine, {"m1": "그린상회", "m2": HOSTILE, "m8": "다나와"}, {"m1": "food", "m2": "food"})

    span = recent(25 * 60, datetime.now(UTC))
    add_ledger(state_engine, span)

    def show(**query: str) -> AppTest:
        return page("entity", **query)

    return show


def know(engine: Engine, names: dict[str, str], categories: dict[str, str]) -> None:
    with engine.begin() as connection:
        for entity, name in names.items():
            insert = "INSERT INTO entity_name VALUES ('merchants', :entity, left(:name, 80))"
            connection.execute(text(insert), {"entity": entity, "name": name})
        for entity, category in categories.items():
            insert = "INSERT INTO entity_fact VALUES (:entity, to_timestamp(0), :category, 'merchants')"
            connection.execute(text(insert), {"entity": entity, "category": category})


def labels(tested: AppTest) -> list[str]:
    return [str(b.label) for b in tested.button if b.key and b.key.startswith("entity-m")]


def test_without_an_id_it_is_about_all_and_offers_those_with_incidents(shown: Shown) -> None:
    tested = shown()
    assert "전체 가맹점" in text_of(tested)
    assert figures(tested) == 4  # no category, and when approvals were made is not stored of all
    assert "전체를 합한 값은 저장하지 않습니다" in text_of(tested)
    offered = labels(tested)
    assert len(offered) == 4
    assert all("진행 중" in label for label in offered[:3])


@pytest.mark.parametrize("typed", ["ㄱㄹㅅㅎ", "그린", "상회", "m1", "M1", "그ㄹ"])
def test_a_merchant_is_found_and_chosen(shown: Shown, typed: str) -> None:
    tested = shown()
    tested.text_input(key=TYPED).set_value(typed).run()
    assert [label.split(" · ")[0] for label in labels(tested)] == ["**그린상회**"]
    tested.button(key="entity-m1").click().run()
    assert tested.query_params["id"] in ("m1", ["m1"])
    assert tested.text_input(key=TYPED).value == ""
    assert "그린상회" in text_of(tested)


def test_a_category_finds_its_merchants_and_nothing_is_said_to_be_nothing(shown: Shown) -> None:
    tested = shown()
    tested.text_input(key=TYPED).set_value("FOOD").run()
    assert len(labels(tested)) == 2
    assert "2곳" in text_of(tested)
    tested.text_input(key=TYPED).set_value("없는 곳").run()
    assert "찾는 것이 없습니다" in text_of(tested)


def test_one_merchant_with_its_incidents_and_category(shown: Shown, busy: dict[str, int]) -> None:
    tested = shown(id="m1")
    seen = text_of(tested)
    assert all(word in seen for word in ("그린상회", "m1 · food · 상위 1%", "업종: food", "오늘"))
    assert figures(tested) == 6
    assert len(tested.get("page_link")) == 2  # above, and in the list below


@pytest.mark.parametrize("unknown", ["nobody", HOSTILE, "'; DROP TABLE x --", "*"])
def test_an_unknown_id_is_said(shown: Shown, unknown: str) -> None:
    tested = shown(id=unknown)
    assert "알 수 없는 가맹점입니다" in text_of(tested)
    assert figures(tested) == 0


@pytest.mark.parametrize("wrong", ["x" * 10_000, " "])
def test_an_id_that_cannot_be_one_is_said(shown: Shown, wrong: str) -> None:
    tested = shown(id=wrong)
    assert "id" in text_of(tested)
    assert figures(tested) == 4


@pytest.mark.parametrize("name", ["period", "from", "to", "at"])
@pytest.mark.parametrize("wrong", ["yesterday", "2026-99-99", "<b>", "9" * 10_000])
def test_what_the_address_says_wrongly_is_said(shown: Shown, name: str, wrong: str) -> None:
    tested = shown(id="m1", **{name: wrong})
    assert f"{name}" in text_of(tested)
    assert figures(tested) == 6


def test_a_merchant_without_a_name_is_shown_by_its_id(shown: Shown, home: Path) -> None:
    tested = shown(id="m4")  # known from an incident alone
    assert "옛 가게" in text_of(tested)
    span = recent(5, datetime.now(UTC))
    files = [write_file(home, "new.parquet", span, [(span.start, "m77", 1, 0, 7, 0)])]
    write_manifest(home, files, span.end, 42)
    tested = shown(id="m77")  # known from its rows alone
    assert "알 수 없는" not in text_of(tested)
    assert "업종을 알 수 없습니다" in text_of(tested)


def test_a_hostile_name_stays_a_text(shown: Shown) -> None:
    tested = shown(id="m2")
    html = "\n".join(str(e.proto.body) for e in tested.get("html"))
    assert "<img" not in html
    assert "\u202e" not in html
    tested.text_input(key=TYPED).set_value("나쁜").run()
    (label,) = labels(tested)
    assert "](" not in label.replace("\\]\\(", "")
    assert all("onerror" not in str(c.proto) for c in tested.get("plotly_chart"))


def test_periods_change_the_step_and_stay_in_the_address(shown: Shown) -> None:
    tested = shown(id="m1")
    assert "10분 단위" in text_of(tested)
    for period, words in (("3h", "1분 단위"), ("8d", "10분 단위")):  # 25 hours are published
        tested.button_group(key="entity-period").set_value(period).run()
        assert tested.query_params["period"] in (period, [period])
        assert words in text_of(tested)
    tested.button_group(key="entity-period").set_value("own").run()
    assert {"from", "to"} <= set(tested.query_params)
    assert tested.button_group(key="entity-period").value == "own"


def test_a_period_of_the_address_is_shown_as_far_as_it_is_published(shown: Shown) -> None:
    now = datetime.now(UTC)
    tested = shown(id="m1", **{"from": (now - timedelta(hours=2)).isoformat()})
    assert "1분 단위" in text_of(tested)
    tested = shown(id="m1", **{"from": "2020-01-01T00:00:00+00:00"})
    assert "게시된 구간" in text_of(tested)
    tested = shown(id="m1", **{"from": "2020-01-01T00:00:00+00:00", "to": "2020-01-02T00:00:00+00:00"})
    assert "이 기간에는 게시된 분이 없습니다" in text_of(tested)
    assert figures(tested) == 6


def test_why_not_is_asked_for_and_said_in_words(
    shown: Shown, monkeypatch: pytest.MonkeyPatch, page: Callable[..., AppTest]
) -> None:
    asked: list[Any] = []

    def explained(settings: object, entity_id: str, minute: datetime) -> dict[str, Any]:
        asked.append((entity_id, minute))
        return EXPLAINED

    monkeypatch.setattr(why, "explain", explained)
    tested = shown(id="m1")
    assert asked == []  # only where somebody asks
    tested.button(key="why-ask").click().run()
    assert [entity for entity, _ in asked] == ["m1"]
    seen = text_of(tested)
    assert all(
        word in seen for word in ("발생하지 않음", "기준을 넘지 않음", "직전 7일", "1,234", "규칙 버전 3")
    )
    monkeypatch.setattr(why, "explain", refused)
    assert "설명할 수 없습니다" in text_of(shown(id="m2", at="2026-11-21T01:00:00+00:00"))


def refused(*_: object) -> dict[str, Any]:
    msg = "merchant 'm2' is unknown"
    raise UsageError(msg, "ask another")


EXPLAINED = {
    "policy": "budgeted",
    "rules_version": 3,
    "accounts": [
        {
            "rule": "cancel_surge",
            "numbers": {"approvals_hour": 1234, "cancels_hour": 2},
            "conditions": [{"name": "cancels(hour) >= 1", "left": 2, "sign": ">=", "right": 1, "holds": 1}],
            "gates": [{"name": "minimum_cancels_hour", "left": 2, "sign": ">=", "right": 5, "holds": False}],
            "breach": False,
            "verdicts": {"budgeted": {"fires": False, "reason": "no_breach"}},
            "budgeted": {"prior": "own"},
            "windows": [
                {
                    "minutes": 60, "against": "the week", "counted": "cancels", "count": 2, "expected": 1,
                    "evidence": 10, "evidence_needed": 5000, "passed": False, "missing": 4,
                }
            ],
            "first_fires": {"budgeted": {"minute": None, "minutes_from_asked": None, "why": "never"}},
        }
    ],
}  # fmt: skip


def test_english(shown: Shown, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MINUTERISK_LANGUAGE", "en")
    seen = text_of(shown(id="m1"))
    assert all(word in seen for word in ("per 10 minutes", "Category: food", "Why, or why not", "Incidents"))


def test_an_empty_lake(page: Callable[..., AppTest], home: Path, state_engine: Engine) -> None:
    lead(state_engine)
    write_manifest(home, [], recent(1, datetime.now(UTC)).end)
    tested = page("entity")
    assert "없습니다" in text_of(tested)
    assert figures(tested) == 0


def test_without_the_operational_database_the_rest_is_said(
    shown: Shown, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MINUTERISK_STATE_URL", "postgresql://127.0.0.1:1/nothing")
    tested = shown(id="m1")
    assert figures(tested) >= 3  # what comes from the files
    assert "m1" in text_of(tested)


def test_the_page_shows_a_new_publication(shown: Shown, home: Path) -> None:
    tested = shown(id="m1")
    span = recent(5, datetime.now(UTC) - 2 * MINUTE)
    files = [write_file(home, "new.parquet", span, [(span.start, "m1", 1, 0, 7, 0)])]
    write_manifest(home, files, span.end, 42)
    run_again(tested)
    assert "1분 단위" in text_of(tested)  # five minutes are all there is


def test_a_new_incident_is_on_the_page(shown: Shown, state_engine: Engine) -> None:
    tested = shown(id="m8")
    assert "사건이 없었습니다" in text_of(tested)
    add_incident(state_engine, recent(30, datetime.now(UTC)).start, merchant_id="m8", merchant_name="다나와")
    assert "취소 급증" in str([link.proto for link in run_again(tested).get("page_link")])
