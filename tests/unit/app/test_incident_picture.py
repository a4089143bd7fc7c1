"""The figure of an incident: the pack's panels, the threshold across its panel, its time shaded."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from app.pages.incidents.figure import picture_figure
from app.texts import Texts
from pipeline.pack import COUNT, MONEY, SHARE, Chart, Curve, Panel, Threshold

SEOUL = ZoneInfo("Asia/Seoul")
START = datetime(2026, 3, 10, tzinfo=UTC)
STEP = timedelta(minutes=10)


def chart(count: int = 12) -> Chart:
    values = [None, *(n / 100 for n in range(1, count))]
    panels = [
        Panel("rate", SHARE, [Curve("usual", [0.05] * count, usual=True), Curve("now", values)]),
        Panel("amount", MONEY, [Curve("usual", [2e8] * count, usual=True), Curve("now", [1e8] * count)]),
        Panel("count", COUNT, [Curve("now", [3] * count)]),
    ]
    return Chart([START + STEP * n for n in range(count)], STEP, panels)


def test_a_threshold_crosses_its_own_panel_alone() -> None:
    figure = picture_figure(chart(), [Threshold(0, "limit", 0.1)], START, None, Texts("ko"), SEOUL)
    (limit,) = [trace for trace in figure.data if trace.name == "limit"]
    assert (limit.yaxis, list(limit.y)) == ("y", [0.1, 0.1])
    assert (limit.x[0].hour, limit.x[0].minute) == (9, 10)
    assert limit.line.dash == "dot"


def test_each_curve_has_one_entry_in_the_legend_and_the_usual_one_is_dashed() -> None:
    figure = picture_figure(chart(), [], START, None, Texts("en"), SEOUL)
    named = [trace.name for trace in figure.data if trace.showlegend is not False]
    assert named == ["usual", "now"]
    assert {trace.line.dash for trace in figure.data if trace.name == "usual"} == {"dash"}
    assert figure.layout.yaxis2.ticktext[0] == "₩0"


def test_the_time_of_the_incident_is_shaded_as_far_as_it_is_shown() -> None:
    opened = START + timedelta(minutes=30)
    figure = picture_figure(chart(), [], opened, opened + timedelta(minutes=20), Texts("ko"), SEOUL)
    assert {(shape.x0.minute, shape.x1.minute) for shape in figure.layout.shapes} == {(30, 50)}
    before = START - timedelta(days=2)
    assert picture_figure(chart(), [], before, before, Texts("ko"), SEOUL).layout.shapes == ()


def test_a_curve_far_past_its_threshold_is_drawn_in_tens_so_that_both_are_seen() -> None:
    near = picture_figure(chart(), [Threshold(0, "limit", 0.02)], START, None, Texts("en"), SEOUL)
    far = picture_figure(chart(), [Threshold(0, "limit", 0.01)], START, None, Texts("en"), SEOUL)
    assert (near.layout.yaxis.type, far.layout.yaxis.type, far.layout.yaxis2.type) == (None, "log", None)
    assert "ten times" in far.layout.annotations[0].text
    assert "ten times" not in far.layout.annotations[1].text
