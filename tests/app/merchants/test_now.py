"""The screen Now as Streamlit runs it, against files and a real PostgreSQL, without a browser."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

from app.door import Door
from pipeline.errors import ConfigurationError
from pipeline.settings import Settings
from tests.app.merchants.home import (
    add_event,
    lead,
    publish,
    recent,
)
from tests.app.seen import figures, text_of

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
