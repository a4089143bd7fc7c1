"""The screen of the forecast as Streamlit runs it."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from sqlalchemy import text

from pipeline.minute import MINUTE
from pipeline.packs.merchants.programmes.custody import Custody
from pipeline.packs.merchants.programmes.disputes import read_disputes
from pipeline.packs.merchants.programmes.forecast import Known, forecast
from pipeline.packs.merchants.programmes.rows import shipped
from tests.app.merchants.home import lead, publish, recent
from tests.app.seen import text_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sqlalchemy.engine import Engine
    from streamlit.testing.v1 import AppTest

TODAY = date(2026, 11, 21)


@pytest.fixture(autouse=True)
def _published(home: Path, state_engine: Engine) -> None:
    span = recent(120, datetime.now(UTC))
    publish(home, span, ["m1"], version=41)
    lead(state_engine, next_minute=span.end + MINUTE)


def keep(
    engine: Engine,
    *rows: tuple[str, str, str, int],
    given: bool = True,
    custody: Custody | None = None,
    lacks: tuple[str, ...] = (),
) -> None:
    frame = pl.DataFrame(rows, ["merchant_id", "day", "kind", "count"], orient="row")
    sold = pl.DataFrame(
        [(name, TODAY.replace(day=n), 3_000) for name in ("", "m1") for n in range(1, TODAY.day)],
        ["merchant_id", "day", "count"],
        orient="row",
    )
    found = forecast(
        shipped(),
        Known(
            today=TODAY,
            disputes=read_disputes(frame, "disputes.sql", TODAY, ZoneInfo("Asia/Seoul")) if given else None,
            sold=sold,
            published_from=date(2026, 11, 1),
            custody=custody or Custody(),
        ),
    ).as_json()
    for one in found["outlooks"]:
        for name in lacks:
            del one[name]
    with engine.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO forecast (pack, day, result) VALUES ('merchants', :day, CAST(:result AS jsonb))"
            ),
            {"day": TODAY, "result": json.dumps(found)},
        )


def test_before_there_is_one_it_says_how_to_get_one(page: Callable[..., AppTest]) -> None:
    seen = text_of(page("forecast"))
    assert "아직 전망이 없습니다" in seen
    assert "minuterisk forecast" in seen


def test_what_presses_stands_first_with_its_days(page: Callable[..., AppTest], state_engine: Engine) -> None:
    days = [f"2026-11-{n:02}" for n in range(1, TODAY.day)]
    keep(state_engine, *(("m1", day, "dispute", 60) for day in days), ("m1", days[0], "gift", 1))
    seen = text_of(page("forecast"))
    assert "Visa VAMP 가맹점" in seen
    assert "이달 안에 초과 예상" in seen
    assert "1,200" in seen  # so far
    assert "2.00 % / 1.50 %" in seen
    assert "쓸 수 없는 분쟁 1행" in seen
    assert "kind_unknown (merchant_id m1" in seen
    assert "기준이 공개되지 않았습니다" in seen  # MERP
    assert "밖에 보관한 금액을 모릅니다" in seen


def test_without_the_query_it_says_so(page: Callable[..., AppTest], state_engine: Engine) -> None:
    keep(state_engine, given=False)
    seen = text_of(page("forecast"))
    assert "원천이 분쟁을 주지 않습니다" in seen
    assert "disputes.sql" in seen


OWED = [(TODAY - timedelta(days=n), 100) for n in range(9, -1, -1)]


def test_that_some_money_is_not_known_stands_beside_the_ratio(
    page: Callable[..., AppTest], state_engine: Engine
) -> None:
    keep(state_engine, custody=Custody(owed=OWED, held=[(TODAY, 90)], unknown={TODAY: 1_500}))
    seen = text_of(page("forecast"))
    assert "가맹점 1,500곳에 지급할 금액을 모릅니다" in seen
    assert "일부 가맹점에 지급할 금액을 모릅니다" in seen
    assert "잔액은 11-21 (토) 기준입니다" in seen


def test_a_balance_that_is_long_over_says_its_day(page: Callable[..., AppTest], state_engine: Engine) -> None:
    keep(state_engine, custody=Custody(owed=OWED, held=[(TODAY - timedelta(days=30), 90)]))
    seen = text_of(page("forecast"))
    assert "밖에 보관한 금액을 10-22 (목)까지만 압니다" in seen
    assert "곳에 지급할 금액을 모릅니다" not in seen


def test_what_an_older_version_kept_is_shown(page: Callable[..., AppTest], state_engine: Engine) -> None:
    keep(
        state_engine,
        custody=Custody(owed=OWED, held=[(TODAY, 90)]),
        lacks=("known_on", "merchants_unknown"),
    )
    seen = text_of(page("forecast"))
    assert "정산자금 외부 보관 비율" in seen
    assert "90.00 % / 60.00 %" in seen
