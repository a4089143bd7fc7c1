"""A pack without a page of its own, alone and beside another one: the toy pack of tests/doors."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import polars as pl
import pytest
import streamlit as st
from sqlalchemy import text

from app.markup import tag
from app.merchants import PAGE as MERCHANTS_PAGE
from app.minutes import minutes_of
from app.pages import PAGES, SCREENS, OwnPage, Screen, menu, screens_of
from app.pages.entity.choose import chosen_period
from app.pages.entity.subject import chosen_id, subject_of
from pipeline.minute import MINUTE, Span
from pipeline.packs import PACKS, manifest_name
from queries import sql
from tests.app.merchants.home import add_event, add_incident, lead
from tests.app.seen import run_again, text_of
from tests.doors import DOOR_MINUTE

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sqlalchemy.engine import Engine
    from streamlit.testing.v1 import AppTest

    from app.reads import Page

    Building = Callable[[str, str, str | None], int]

INSERT_INCIDENT = """
INSERT INTO incident (pack, rule, entity_id, entity_name, tier, severity, status, policy, opened_minute,
    last_breach_minute, currency, parts, reason, latest_reason)
VALUES ('doors', 'forced_entry', :door, :name, 'top', :severity, 'open', 'literal', :opened, :opened, 'KRW',
    '{}', CAST(:reason AS jsonb), CAST(:reason AS jsonb))
RETURNING incident_id
"""
BESIDE = "merchants,doors"


def show_visits(page: Page) -> None:
    st.html(tag("div", page.texts("visits.heading")))


def show_opened(page: Page) -> None:
    manifest, period = page.door.lake.manifest(), chosen_period(page)
    if manifest is not None and period is not None:
        minutes = minutes_of(page, manifest, subject_of(page, chosen_id()).entity_id, period.span)
        st.html(tag("div", f"opened {minutes['opened_count'].sum()}"))


#: The page of this module, where PAGES names it.
PAGE = OwnPage(
    words={
        "ko": {
            "title": "출입 관제",
            "visits.heading": "출입 추이",
            "visits.today": "오늘의 출입",
            "screen.visits": "출입",
            "number.forced_hour": "한 시간 강제 개방",
        },
        "en": {
            "title": "Entry watch",
            "visits.heading": "Visits",
            "visits.today": "Visits today",
            "screen.visits": "Visits",
            "number.forced_hour": "Forced, last hour",
        },
    },
    now=(show_visits,),
    entity=(show_opened,),
    statistics=(show_visits,),
    health=(show_visits,),
    screens=(Screen("visits", ":material/door_front:", room="tests.app"),),
)


@pytest.fixture
def building(home: Path, state_engine: Engine, monkeypatch: pytest.MonkeyPatch) -> Building:
    """A running pipeline of the doors; adds an incident at one of them."""
    monkeypatch.setitem(PACKS, "doors", "tests.doors")
    monkeypatch.setenv("MINUTERISK_PACKS", "doors")
    with state_engine.begin() as connection:
        connection.execute(text(sql("ops/enter_pack")), {"pack": "doors"})
    lead(state_engine)
    opened = datetime.now(UTC).replace(second=0, microsecond=0) - 5 * MINUTE
    reason = json.dumps({"forced_hour": 3, "opened_hour": 1200})

    def add(door: str, severity: str, name: str | None) -> int:
        asked = {"door": door, "severity": severity, "name": name, "opened": opened, "reason": reason}
        with state_engine.begin() as connection:
            number = int(connection.execute(text(INSERT_INCIDENT), asked).scalar_one())
        add_event(state_engine, number, opened)
        return number

    return add


SAID = {
    "ko": ("문 관제", "강제 개방", "주 출입문", "문 번호", "심각한 순서 · 2건", "판단 근거"),
    "en": ("Door watch", "forced entry", "main door", "Door id", "most severe first · 2", "Reason"),
}
MERCHANTS = ("가맹점", "취소", "승인", "erchant", "ancel", "pprov")
PAGE_FAILED = "이 부분을 지금 보여줄 수 없습니다"
MONEY = ("위험 금액", "오탐 예산", "0원", "t risk", "budget", "₩")


def said(tested: AppTest) -> str:
    """What a person reads, and what the links are called."""
    labels = [str(element.proto.label) for element in tested.get("page_link")]
    return text_of(tested) + " ".join(labels).replace("\\", "")


@pytest.mark.parametrize("language", SAID)
def test_a_pack_without_a_page_is_shown_in_its_own_words(
    page: Callable[..., AppTest], building: Building, monkeypatch: pytest.MonkeyPatch, language: str
) -> None:
    monkeypatch.setenv("MINUTERISK_LANGUAGE", language)
    gate, lift = building("gate-1", "high", None), building("lift-7", "critical", "화물 승강기")
    tested = page()
    wanted = [str(element.proto.query_string) for element in tested.get("page_link")][:2]
    assert wanted == [f"incident={lift}", f"incident={gate}"]  # the worst first
    seen = said(tested) + said(page("incidents", incident=str(lift)))
    assert [words for words in SAID[language] if words not in seen] == []
    assert all(words in seen for words in ("화물 승강기", "lift-7", "gate-1", "forced_hour", "1,200"))
    assert "pack" not in [group.key for group in tested.button_group]  # one pack: nothing to choose


@pytest.mark.parametrize("language", SAID)
@pytest.mark.parametrize("screen", [screen.name for screen in SCREENS])
def test_no_screen_of_another_pack_speaks_of_merchants_or_of_money(
    page: Callable[..., AppTest],
    building: Building,
    signed_in: Callable[[str], None],
    monkeypatch: pytest.MonkeyPatch,
    language: str,
    screen: str,
) -> None:
    monkeypatch.setenv("MINUTERISK_LANGUAGE", language)
    number = building("lift-7", "critical", "화물 승강기")
    signed_in("SUPER_ADMIN")
    tested = page("" if screen == "now" else screen, incident=str(number) if screen == "incidents" else "")
    seen = said(tested)
    assert [words for words in (*MERCHANTS, *MONEY) if words in seen] == []
    assert PAGE_FAILED not in seen


def test_a_page_that_is_added_brings_its_words_and_its_sections(
    page: Callable[..., AppTest], building: Building, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(PAGES, "doors", __name__)
    number = str(building("lift-7", "critical", None))
    seen = said(page()) + said(page("incidents", incident=number))
    words = ("출입 관제", "출입 추이", "한 시간 강제 개방", "강제 개방", "주 출입문", "문 번호")
    assert [word for word in words if word not in seen] == []
    assert "출입 추이" in said(page("statistics"))
    assert "출입 추이" in said(page("health"))


def test_a_page_that_is_added_shows_minutes_of_one_entity_over_the_period_of_its_screen(
    page: Callable[..., AppTest], building: Building, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(PAGES, "doors", __name__)
    building("lift-7", "critical", None)
    assert "게시 목록이 없습니다" in said(page("entity", id="lift-7"))
    end = datetime.now(UTC).replace(second=0, microsecond=0)
    rows = [(end - n * MINUTE, "lift-7", 2, 0) for n in range(1, 5 * 60 + 1)]
    publish_doors(home, pl.DataFrame(rows, DOOR_MINUTE, orient="row"), Span(rows[-1][0], end))
    assert "opened 360" in said(page("entity", id="lift-7", period="3h"))
    assert "opened 600" in said(page("entity", id="lift-7"))


def publish_doors(home: Path, rows: pl.DataFrame, span: Span) -> None:
    """One file of these counted minutes, and the doors' own list of files."""
    path = home / "lake" / "door_minute" / "1.parquet"
    path.parent.mkdir(parents=True)
    rows.write_parquet(path)
    ends = {"start": span.start.isoformat(), "end": span.end.isoformat()}
    file = {"path": "door_minute/1.parquet", **ends, "rows": rows.height, "sha256": "0" * 64}
    content = {
        "version": 1,
        "published_through": span.end.strftime("%Y-%m-%dT%H:%MZ"),
        "generated_at": span.end.isoformat(),
        "datasets": {"door_minute": [file]},
    }
    (home / manifest_name("doors")).write_text(json.dumps(content), encoding="utf-8")


def test_of_several_packs_one_is_chosen_and_stays_in_the_address(
    page: Callable[..., AppTest],
    building: Building,
    state_engine: Engine,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("MINUTERISK_PACKS", BESIDE)
    lift = building("lift-7", "critical", "화물 승강기")
    shop = add_incident(state_engine, datetime.now(UTC).replace(second=0, microsecond=0))
    tested = page("incidents", incident=str(shop))
    choice = tested.button_group(key="pack")
    assert choice.value == "merchants"
    assert list(choice.options) == ["가맹점 정산 위험 관제", "문 관제"]
    assert "튼튼 컴퓨터" in said(tested)
    assert "화물 승강기" not in said(tested)
    choice.set_value("doors")
    run_again(tested)
    assert tested.query_params == {"pack": "doors"}  # the incident was another pack's
    assert "화물 승강기" in said(tested)
    assert "튼튼 컴퓨터" not in said(tested)
    assert "lift-7" in said(page("incidents", pack="doors", incident=str(lift)))


def test_a_screen_that_one_pack_alone_has_is_in_its_menu_and_nowhere_else(
    page: Callable[..., AppTest], building: Building, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(PAGES, "doors", __name__)
    building("lift-7", "critical", None)
    assert [screen.name for screen in menu(PAGE.screens)][:3] == ["now", "incidents", "visits"]
    assert "오늘의 출입" in said(page("visits"))
    monkeypatch.setenv("MINUTERISK_PACKS", BESIDE)
    of_merchants = {screen.name for screen in (*SCREENS, *MERCHANTS_PAGE.screens)}
    assert {screen.name for screen in screens_of(["merchants"])} == of_merchants
    assert "visits" not in of_merchants
    tested = page("visits")  # its address says whose it is
    assert "오늘의 출입" in said(tested)
    assert tested.query_params["pack"] == "doors"
    tested = page("visits", pack="merchants")  # as whoever chooses the other one is led
    assert "오늘의 출입" not in said(tested)
    assert (tested.query_params["pack"], tested.button_group(key="pack").value) == ("merchants", "merchants")


def test_a_link_from_a_message_opens_the_page_of_the_incidents_pack(
    page: Callable[..., AppTest], building: Building, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MINUTERISK_PACKS", BESIDE)
    tested = page(incident=str(building("lift-7", "critical", None)))
    assert tested.button_group(key="pack").value == "doors"
    assert "lift-7" in text_of(tested)


@pytest.mark.parametrize(
    "query", [{}, {"pack": "strange"}, {"pack": ""}, {"incident": "99999"}, {"incident": "x"}]
)
def test_an_address_that_says_no_pack_shows_the_first(
    page: Callable[..., AppTest], building: Building, monkeypatch: pytest.MonkeyPatch, query: dict[str, str]
) -> None:
    monkeypatch.setenv("MINUTERISK_PACKS", BESIDE)
    assert page(**query).button_group(key="pack").value == "merchants"


def test_the_choice_stays_while_the_database_is_down(
    page: Callable[..., AppTest], building: Building, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("MINUTERISK_PACKS", BESIDE)
    monkeypatch.setenv("MINUTERISK_STATE_URL", f"postgresql:///none?host={tmp_path / 'nowhere'}")
    tested = page(incident="1")
    assert tested.button_group(key="pack").value == "merchants"
    assert "운영 데이터베이스에 연결할 수 없습니다." in text_of(tested)


def test_a_pack_that_has_never_run_here_is_said_to_be_so(
    page: Callable[..., AppTest], home: Path, state_engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    del home, state_engine  # the database is there and knows nothing of doors
    monkeypatch.setitem(PACKS, "doors", "tests.doors")
    monkeypatch.setenv("MINUTERISK_PACKS", "doors")
    seen = text_of(page())
    assert "시작 전" in seen
    assert "연결할 수 없습니다" not in seen


def test_an_entity_of_a_pack_without_a_page_is_found_by_its_id_with_its_incidents(
    page: Callable[..., AppTest], building: Building
) -> None:
    building("gate-1", "high", None)
    building("lift-7", "critical", "화물 승강기")
    st.cache_resource.clear()
    tested = page("entity")
    tested.text_input(key="entity-typed").set_value("GATE").run()
    assert [b.label for b in tested.button if b.key == "entity-gate-1"] == ["**gate\\-1**"]
    seen = text_of(page("entity", id="lift-7"))
    assert all(words in seen for words in ("화물 승강기", "lift-7", "주 출입문", "진행 중"))
    assert [words for words in (*MERCHANTS, "0원", "위험") if words in seen] == []
    assert "알 수 없는 문입니다: x" in text_of(page("entity", id="x"))
