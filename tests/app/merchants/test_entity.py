"""The screen of one merchant as Streamlit runs it, against files and a real PostgreSQL."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from tests.app.merchants.home import (
    lead,
    recent,
    write_file,
    write_manifest,
)
from tests.app.seen import figures, run_again, text_of

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
