from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.charts import COUNTS, Marked
from app.merchants.charts import (
    beside_figure,
    pace_figure,
    rate_figure,
    ticket_figure,
    tied_figure,
    volume_figure,
)
from app.merchants.pace import PACE
from app.merchants.series import STEPS
from app.merchants.words import WORDS
from app.texts import LANGUAGES, texts_of
from pipeline.minute import MINUTE, Span
from pipeline.packs.merchants import PACK

if TYPE_CHECKING:
    import plotly.graph_objects as go

SEOUL = ZoneInfo("Asia/Seoul")
START = datetime(2026, 11, 20, 23, 58, tzinfo=UTC)
KO = texts_of(PACK, WORDS, "ko")
FIGURES = (rate_figure, volume_figure, tied_figure, ticket_figure)


def steps(*approvals: int, cancels: int = 3) -> pl.DataFrame:
    rows = [
        {
            "start": START + i * MINUTE,
            "end": START + (i + 1) * MINUTE,
            "approval_count": n,
            "cancel_count": cancels,
            "approval_amount": n * 1000,
            "cancel_amount": cancels * 500,
            "cancel_fresh_count": 1,
            "cancel_older_count": 1,
            "cancel_rate": cancels / n if n else None,
            "usual_rate": 0.05 if n else None,
            "chance_low": 0.01 if n else None,
            "chance_high": 0.09 if n else None,
            "ticket": 1000.0 if n else None,
            "usual_ticket": 900.0,
        }
        for i, n in enumerate(approvals)
    ]
    return pl.DataFrame(rows, schema=STEPS)


def marked(start: datetime, end: datetime) -> list[Marked]:
    return [Marked(Span(start, end), "#7 취소 급증")]


def named(figure: go.Figure, name: str) -> go.Scatter:
    return next(trace for trace in figure.data if trace.name == name)


def shapes(figure: go.Figure, kind: str) -> list[go.layout.Shape]:
    return [shape for shape in figure.layout.shapes if shape.type == kind]


def test_counts_and_amounts_share_the_wall_clock_of_the_business_zone() -> None:
    figure = volume_figure(steps(10, 20), KO, SEOUL)
    assert [line.name for line in figure.data] == ["승인", "취소", "승인", "취소"]
    assert all(line.x[0] == datetime(2026, 11, 21, 8, 58) for line in figure.data)  # noqa: DTZ001 - wall clock
    assert list(figure.data[0].y) == [10, 20]


def test_a_step_without_approvals_is_a_gap_in_the_rate_and_a_zero_in_the_counts() -> None:
    rate = named(rate_figure(steps(10, 0, 10), KO, SEOUL), "취소율")
    assert list(rate.y) == [0.3, None, 0.3]
    assert rate.connectgaps is False
    assert rate.mode == "lines+markers"  # a lonely value would draw no line
    assert list(volume_figure(steps(10, 0, 10), KO, SEOUL).data[0].y) == [10, 0, 10]


def test_what_is_usual_is_a_dashed_line_in_the_band_that_chance_allows() -> None:
    figure = rate_figure(steps(10, 0, 40), KO, SEOUL)
    usual = named(figure, "직전 7일 취소율")
    assert (list(usual.y), usual.line.dash) == ([0.05, None, 0.05], "dash")
    band = named(figure, "우연으로 볼 수 있는 범위(95%)")
    assert (list(band.y), band.fill, list(band.customdata)) == ([0.09] * 2, "tonexty", ["1.0% – 9.0%"] * 2)


@pytest.mark.parametrize("figure_of", FIGURES)
def test_incidents_are_shaded_inside_the_figure_alone_and_say_their_number(figure_of: object) -> None:
    lasting = marked(START - 30 * MINUTE, START + 60 * MINUTE)
    figure = figure_of(steps(1, 2, 3), KO, SEOUL, lasting)  # type: ignore[operator]
    found = shapes(figure, "rect")
    assert {(s.x0.minute, s.x1.minute) for s in found} == {(58, 1)}
    assert list(named(figure, "사건").customdata) == ["#7 취소 급증"] * 3 + [None]


@pytest.mark.parametrize("away", [timedelta(days=-1), timedelta(days=1)])
def test_an_incident_outside_the_period_is_not_drawn(away: timedelta) -> None:
    outside = marked(START + away, START + away + MINUTE)
    assert rate_figure(steps(1, 2, 3), KO, SEOUL, outside).layout.shapes == ()


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_empty_frame_gives_empty_figures(language: str) -> None:
    texts, empty = texts_of(PACK, WORDS, language), STEPS.to_frame()
    for figure_of in FIGURES:
        assert figure_of(empty, texts, SEOUL, marked(START, START + MINUTE)).layout.shapes == ()
    assert beside_figure(empty, empty, texts, SEOUL).layout.shapes == ()
    assert pace_figure(pl.DataFrame(schema=PACE), texts, ()).data == ()


@given(st.lists(st.integers(0, 5), max_size=6))
def test_no_nan_gets_into_a_figure(approvals: list[int]) -> None:
    frame = steps(*approvals)
    drawn = [figure_of(frame, KO, SEOUL) for figure_of in FIGURES]
    for figure in (*drawn, beside_figure(frame, frame, KO, SEOUL)):
        json.loads(figure.to_json(), parse_constant=pytest.fail)


def test_cancels_are_stacked_by_when_their_approvals_were_made() -> None:
    figure = tied_figure(steps(10, 10), KO, SEOUL)
    assert {bar.name: list(bar.y) for bar in figure.data} == {
        "24시간 이내 승인분": [1, 1],
        "그 이전 승인분": [1, 1],
        "승인 시점 알 수 없음": [1, 1],
    }
    assert len({bar.marker.pattern.shape for bar in figure.data}) == 3  # not by colour alone


def test_today_stands_out_from_days_like_it() -> None:
    days = [date(2026, 11, d) for d in (19, 20, 21)]
    frame = pl.DataFrame([(d, e, e * 10) for d in days for e in (10, 20)], schema=PACE, orient="row")
    figure = pace_figure(frame, KO, days[:2])
    assert [line.line.width for line in figure.data] == [1.3, 1.3, 3.5]
    assert [line.showlegend for line in figure.data] == [True, False, None]
    assert figure.data[-1].name == "오늘 11-21 (토)"
    assert list(figure.data[-1].x) == [0, 10, 20]
    assert list(figure.data[-1].y) == [0, 100, 200]
    assert figure.data[0].hovertemplate.startswith("11-19 (목)")


def test_money_is_counted_the_korean_way_on_the_axis() -> None:
    figure = volume_figure(steps(100_000, 250_000), KO, SEOUL)
    assert list(figure.layout.yaxis2.ticktext) == ["0원", "5,000만원", "1억원", "1.5억원", "2억원", "2.5억원"]


@pytest.mark.parametrize("figure_of", [volume_figure, tied_figure])
def test_a_tick_between_two_counts_is_not_written_as_one_of_them(figure_of: object) -> None:
    figure = figure_of(steps(1, 0, 1, cancels=0), KO, SEOUL)  # type: ignore[operator]
    assert figure.layout.yaxis.tickformat == COUNTS  # ",d" writes 0.5 as a second 1
