"""Why something cannot be shown: one notice above the screen, and no other about the same."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

from app import demo
from app.door import Door, newest_revision
from app.gate import here
from pipeline.desk.people.entrance import Entrance
from pipeline.errors import ConfigurationError
from pipeline.minute import MINUTE
from pipeline.settings import Settings
from tests.app.merchants.home import add_incident, lead, publish, recent
from tests.app.seen import html_of, run_again, text_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sqlalchemy.engine import Engine
    from streamlit.testing.v1 import AppTest

LEDGER = """
INSERT INTO minute_ledger (pack, minute, rows, sums, source_rows, source_sums, source_xmin, source_clock,
    committed_at)
SELECT 'merchants', minute, 0, '{}', 0, '{}', 1, now(), now() - :ago
FROM generate_series(CAST(:first AS timestamptz), CAST(:last AS timestamptz), interval '1 minute') AS minute
"""


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> datetime:
    del monkeypatch
    return datetime.now(UTC)


def change(engine: Engine, query: str, **given: object) -> None:
    with engine.begin() as connection:
        connection.execute(text(query), given)


def notices(tested: AppTest) -> int:
    """How many say that something is not as it should be."""
    return len(re.findall("mr-notice mr-(?:bad|warn)", html_of(tested)))


# nothing has run


@pytest.fixture
def nothing(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home in which nothing has ever run, and no database is configured."""
    monkeypatch.delenv("MINUTERISK_STATE_URL")
    monkeypatch.setattr(demo, "_started", {})
    return home


def test_an_empty_installation_says_what_to_do(page: Callable[..., AppTest], nothing: Path) -> None:
    tested = page()
    seen = text_of(tested)
    for words in (
        "아직 아무것도 실행되지 않았습니다",
        "minuterisk connect",
        "minuterisk run",
        "minuterisk demo",
    ):
        assert words in seen, words
    assert "연결할 수 없습니다" not in seen
    assert "시작 전" in seen  # at the foot
    assert [button.key for button in tested.button] == ["demo-start"]
    assert list(nothing.iterdir()) == []  # looking makes nothing


@pytest.mark.parametrize("screen", ["incidents", "entity", "statistics", "rules", "health"])
def test_an_empty_installation_says_so_on_every_screen(
    page: Callable[..., AppTest], nothing: Path, screen: str
) -> None:
    del nothing
    tested = page(screen)
    assert "아직 아무것도 실행되지 않았습니다" in text_of(tested)
    assert notices(tested) == 0


@pytest.mark.parametrize("setting", ["SOURCE_URL", "STATE_URL"])
def test_the_demo_is_offered_nowhere_but_where_nothing_is_configured(
    page: Callable[..., AppTest],
    nothing: Path,
    state_url: str,
    state_engine: Engine,
    monkeypatch: pytest.MonkeyPatch,
    setting: str,
) -> None:
    del nothing, state_engine
    monkeypatch.setenv(f"MINUTERISK_{setting}", state_url)
    tested = page()
    assert "아직 아무것도 실행되지 않았습니다" in text_of(tested)
    assert not tested.button


@pytest.mark.parametrize(("local", "in_demo"), [(False, False), (True, True)])
def test_the_demo_is_offered_to_nobody_elsewhere_and_within_no_demo(
    page: Callable[..., AppTest],
    nothing: Path,
    monkeypatch: pytest.MonkeyPatch,
    *,
    local: bool,
    in_demo: bool,
) -> None:
    settings = Settings(home=nothing)
    monkeypatch.setattr(
        here, "_known", {here._name_of(settings): Entrance(settings, local=local, demo=in_demo)}
    )
    assert not page().button


def test_the_demo_is_started_once_and_its_way_is_shown_when_it_answers(
    page: Callable[..., AppTest], nothing: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Path] = []

    def start(settings: Settings, language: str) -> demo.Demo:
        assert language == "ko"
        asked.append(settings.home)
        return demo._started.setdefault(settings.home, demo.Demo())

    monkeypatch.setattr("app.pages.beginning.start_demo", start)
    tested = page()
    tested.button(key="demo-start").click().run()
    assert asked == [nothing]
    assert not tested.button
    for stage, words in (("home", "PostgreSQL"), ("published", "최근 한 시간"), ("dashboard", "여는 중")):
        demo._started[nothing].stage = stage
        run_again(tested)
        assert words in str(tested.get("progress")[0].proto), stage
    demo._started[nothing].stage, demo._started[nothing].url = "ready", "http://127.0.0.1:9/"
    assert 'href="http://127.0.0.1:9/"' in html_of(run_again(tested))
    demo._started[nothing].stage, demo._started[nothing].last = demo.ENDED, "<b>no port is free</b>"
    seen = text_of(run_again(tested))
    assert "데모가 끝났습니다" in seen
    assert "<b>no port is free</b>" in seen
    assert [button.key for button in tested.button] == ["demo-start"]


def test_a_database_that_knows_only_its_people_is_empty_too(
    page: Callable[..., AppTest], home: Path, signed_in: Callable[[str], None]
) -> None:
    del home
    signed_in("SUPER_ADMIN")
    tested = page()
    assert "아직 아무것도 실행되지 않았습니다" in text_of(tested)
    assert not tested.button


# history


def test_history_that_is_being_read_says_how_far_and_how_long(
    page: Callable[..., AppTest], state_engine: Engine, home: Path, now: datetime
) -> None:
    del home
    lead(state_engine)
    assert "첫 구간이 게시되면" in text_of(page())
    first = now.replace(second=0, microsecond=0) - 3000 * MINUTE
    change(state_engine, LEDGER, first=first, last=first + 99 * MINUTE, ago=timedelta(seconds=60))
    mark = "INSERT INTO watermark (pack, next_minute, history_until) VALUES ('merchants', :reached, :until)"
    change(state_engine, mark, reached=first + 100 * MINUTE, until=first + 1000 * MINUTE)
    tested = page()
    assert "100분 / 1,000분" in text_of(tested)
    assert "남음" not in text_of(tested)
    more = {"first": first + 100 * MINUTE, "last": first + 399 * MINUTE, "ago": timedelta(seconds=30)}
    change(state_engine, LEDGER, **more)
    tested = page()
    seen = text_of(tested)
    assert "과거 읽는 중" in seen  # at the foot
    assert "400분 / 1,000분" in seen
    assert "초 남음" in seen or "분 남음" in seen
    assert "승인액" not in seen  # nothing of today is counted yet
    assert "진행 중인 사건이 없습니다" not in seen  # nothing is judged yet
    assert notices(tested) == 1


# late, stopped, away


def test_a_pipeline_that_catches_up(
    page: Callable[..., AppTest], state_engine: Engine, home: Path, now: datetime
) -> None:
    span = recent(30, now - 10 * MINUTE)
    publish(home, span, ["m1"])
    lead(state_engine, next_minute=span.end)
    seen = text_of(page())
    assert "따라잡는 중" in seen
    assert "뒤처져 따라잡는 중입니다" in seen


def test_a_stopped_pipeline(
    page: Callable[..., AppTest], state_engine: Engine, home: Path, now: datetime
) -> None:
    span = recent(10, now)
    publish(home, span, ["m1"])
    lead(state_engine, age=timedelta(minutes=5), next_minute=span.end)
    tested = page()
    seen = text_of(tested)
    assert "멈춤" in seen
    assert "파이프라인이 5분" in seen
    assert "minuterisk run" in seen


def test_a_list_of_files_that_is_older_than_the_ledger(
    page: Callable[..., AppTest], state_engine: Engine, home: Path, now: datetime
) -> None:
    span = recent(30, now)
    publish(home, recent(20, now - 5 * MINUTE), ["m1"])
    lead(state_engine, next_minute=span.end)
    seen = text_of(page())
    assert "게시 목록이 오래됨" in seen
    assert "장부보다 5분 오래되었습니다" in seen


def test_a_list_of_files_that_is_gone(
    page: Callable[..., AppTest], state_engine: Engine, home: Path, now: datetime
) -> None:
    del home
    lead(state_engine, next_minute=now.replace(second=0, microsecond=0))
    assert "게시 목록이 없습니다" in text_of(page())


@pytest.mark.parametrize("screen", ["", "entity"])
def test_an_unreadable_manifest(
    page: Callable[..., AppTest], state_engine: Engine, home: Path, now: datetime, screen: str
) -> None:
    (home / "manifest.json").write_text("{", encoding="utf-8")
    lead(state_engine, next_minute=now.replace(second=0, microsecond=0))
    add_incident(state_engine, now.replace(second=0, microsecond=0) - MINUTE)
    tested = page(screen)
    seen = text_of(tested)
    assert seen.count("게시 목록을 읽을 수 없습니다.") == 1
    assert notices(tested) == 1
    assert ("튼튼 컴퓨터" in seen) == (screen == "")  # the rest goes on


@pytest.mark.parametrize("screen", ["", "incidents", "statistics", "rules", "health"])
def test_a_database_that_is_away_is_said_once(
    page: Callable[..., AppTest], home: Path, monkeypatch: pytest.MonkeyPatch, now: datetime, screen: str
) -> None:
    publish(home, recent(10, now), ["m1"])
    monkeypatch.setenv("MINUTERISK_STATE_URL", f"postgresql:///none?host={home / 'nowhere'}")
    tested = page(screen)
    seen = text_of(tested)
    assert seen.count("운영 데이터베이스에 연결할 수 없습니다.") == 1
    assert "상태 확인 불가" in seen
    assert "이 부분을 지금 보여줄 수 없습니다" not in seen


def test_a_stopped_pipeline_whose_database_is_its_own(
    page: Callable[..., AppTest], home: Path, monkeypatch: pytest.MonkeyPatch, now: datetime
) -> None:
    publish(home, recent(10, now), ["m1"])
    (home / "postgres").mkdir()
    monkeypatch.delenv("MINUTERISK_STATE_URL")
    tested = page()
    seen = text_of(tested)
    assert "파이프라인이 멈춰 있습니다." in seen
    assert " 멈춤 " in seen  # at the foot
    assert not tested.button
    assert notices(tested) == 1


def test_a_database_without_a_table(
    page: Callable[..., AppTest], home: Path, state_engine: Engine, state_url: str
) -> None:
    change(state_engine, "ALTER TABLE outbox RENAME TO outbox_gone")
    door = Door(Settings(home=home, state_url=state_url))
    with pytest.raises(ConfigurationError, match="outbox"):
        door.heartbeat()
    door.close()
    tested = page()
    assert "운영 데이터베이스에 연결할 수 없습니다." in text_of(tested)
    assert notices(tested) == 1


@pytest.mark.parametrize(
    ("found", "said"),
    [("0001_foundation", "minuterisk run 이 바꿉니다"), ("9999_later", "새 버전의 minuterisk")],
)
@pytest.mark.parametrize("broken", [False, True])
def test_a_database_of_another_version(
    page: Callable[..., AppTest], state_engine: Engine, home: Path, found: str, said: str, *, broken: bool
) -> None:
    del home
    lead(state_engine)
    change(state_engine, "UPDATE schema_version SET version_num = :found", found=found)
    if broken:
        change(state_engine, "ALTER TABLE incident_act RENAME TO act_gone")
    seen = text_of(page())
    assert "운영 데이터베이스가 다른 버전의 것입니다." in seen
    assert said in seen
    assert newest_revision() in seen
    assert found in seen


# rights and settings


def test_whoever_may_not_see_a_screen_is_told_who_may(
    page: Callable[..., AppTest], state_engine: Engine, signed_in: Callable[[str], None]
) -> None:
    lead(state_engine)
    signed_in("READ_ONLY")
    tested = page("access")
    assert "이 화면을 볼 수 없습니다." in text_of(tested)
    assert "최고 관리자" in text_of(tested)
    assert notices(tested) == 1


def test_a_setting_that_nobody_knows(page: Callable[..., AppTest], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MINUTERISK_LANGUAG", "ko")
    assert "did you mean MINUTERISK_LANGUAGE?" in text_of(page())


def test_states_are_said_in_english(
    page: Callable[..., AppTest], nothing: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    del nothing
    monkeypatch.setenv("MINUTERISK_LANGUAGE", "en")
    assert "Nothing has run here yet." in text_of(page())
