from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.merchants.charts import pace_figure, trend_figure
from app.merchants.lake import PACE, TREND
from app.merchants.words import WORDS
from app.texts import LANGUAGES, texts_of
from pipeline.minute import MINUTE, Span
from pipeline.packs.merchants import PACK

if TYPE_CHECKING:
    import plotly.graph_objects as go

SEOUL = ZoneInfo("Asia/Seoul")
START = datetime(2026, 11, 20, 23, 58, tzinfo=UTC)
KO = texts_of(PACK, WORDS, "ko")


def trend(*approvals: int, cancels: int = 1) -> pl.DataFrame:
    rows = [
        (START + i * MINUTE, n, cancels, n * 1000, cancels * 500, cancels / n if n else None)
        for i, n in enumerate(approvals)
    ]
    return pl.DataFrame(rows, schema=TREND, orient="row")


def shapes(figure: go.Figure, kind: str) -> list[go.layout.Shape]:
    return [shape for shape in figure.layout.shapes if shape.type == kind]


def test_counts_amounts_and_rate_share_the_wall_clock_of_the_business_zone() -> None:
    figure = trend_figure(trend(10, 20), KO, SEOUL)
    assert [line.name for line in figure.data] == ["승인", "취소", "승인", "취소", "취소율"]
    assert all(line.x[0] == datetime(2026, 11, 21, 8, 58) for line in figure.data)  # noqa: DTZ001 - wall clock
    assert list(figure.data[0].y) == [10, 20]
    assert list(figure.data[4].y) == [0.1, 0.05]


def test_a_step_without_approvals_is_a_gap_in_the_rate_and_a_zero_in_the_counts() -> None:
    figure = trend_figure(trend(10, 0, 10), KO, SEOUL)
    assert list(figure.data[4].y) == [0.1, None, 0.1]
    assert figure.data[4].connectgaps is False
    assert figure.data[4].mode == "lines+markers"  # a lonely value would draw no line
    assert list(figure.data[0].y) == [10, 0, 10]


def test_the_week_that_was_judged_against_is_a_dashed_line_beside_the_rate() -> None:
    figure = trend_figure(trend(10, 20, 40), KO, SEOUL, usual_rate=0.05)
    usual = figure.data[5]
    assert (usual.name, list(usual.y), usual.line.dash) == ("직전 7일 취소율", [0.05, 0.05], "dash")
    assert (usual.x[0], usual.x[-1]) == (figure.data[4].x[0], figure.data[4].x[-1])


def test_the_incident_is_shaded_within_the_window_alone() -> None:
    shaded = Span(START - 30 * MINUTE, START + 60 * MINUTE)
    figure = trend_figure(trend(1, 2, 3), KO, SEOUL, shaded)
    found = shapes(figure, "rect")
    assert len(found) == 3
    assert {(s.x0.minute, s.x1.minute) for s in found} == {(58, 1)}
    assert shapes(figure, "line") == []  # it did not begin inside the window


def test_the_incidents_beginning_is_marked() -> None:
    figure = trend_figure(trend(1, 2, 3), KO, SEOUL, Span(START + MINUTE, START + 60 * MINUTE))
    assert len(shapes(figure, "line")) == 3


@pytest.mark.parametrize("away", [timedelta(days=-1), timedelta(days=1)])
def test_an_incident_outside_the_window_is_not_drawn(away: timedelta) -> None:
    figure = trend_figure(trend(1, 2, 3), KO, SEOUL, Span(START + away, START + away + MINUTE))
    assert figure.layout.shapes == ()


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_empty_frame_gives_empty_figures(language: str) -> None:
    texts = texts_of(PACK, WORDS, language)
    assert trend_figure(pl.DataFrame(schema=TREND), texts, SEOUL, Span(START, START)).layout.shapes == ()
    assert pace_figure(pl.DataFrame(schema=PACE), texts).data == ()


@given(st.lists(st.integers(0, 5), max_size=6))
def test_no_nan_gets_into_a_figure(approvals: list[int]) -> None:
    text = trend_figure(trend(*approvals), KO, SEOUL).to_json()
    json.loads(text, parse_constant=pytest.fail)


def test_today_stands_out_from_recent_days() -> None:
    days = [date(2026, 11, d) for d in (19, 20, 21)]
    frame = pl.DataFrame([(d, e, e * 10) for d in days for e in (10, 20)], schema=PACE, orient="row")
    figure = pace_figure(frame, KO)
    assert [line.line.width for line in figure.data] == [1.3, 1.3, 3.5]
    assert [line.showlegend for line in figure.data] == [True, False, None]
    assert figure.data[-1].name == "오늘 11-21 (토)"
    assert list(figure.data[-1].x) == [0, 10, 20]
    assert list(figure.data[-1].y) == [0, 100, 200]
    assert figure.data[0].hovertemplate.startswith("11-19 (목)")


def test_money_is_counted_the_korean_way_on_the_axis() -> None:
    figure = trend_figure(trend(100_000, 250_000), KO, SEOUL)
    assert list(figure.layout.yaxis2.ticktext) == ["0원", "5,000만원", "1억원", "1.5억원", "2억원", "2.5억원"]
