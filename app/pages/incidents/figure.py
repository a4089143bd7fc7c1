"""The picture of an incident: the chart that a pack makes of its rows, with its thresholds. Pure."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Final

from plotly.subplots import make_subplots

from app.charts import BLUE, COUNTS, INK, ORANGE, VERMILLION, dress, line, money_axis
from app.format import count, won
from pipeline.pack import MONEY, SHARE

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from zoneinfo import ZoneInfo

    import plotly.graph_objects as go

    from app.texts import Texts
    from pipeline.pack import Chart, Panel, Threshold

PANEL: Final = 190
#: Past so many times the threshold, a curve would press it down onto the axis: then the axis counts in tens.
TOO_FAR: Final = 10


def picture_figure(
    chart: Chart,
    thresholds: Sequence[Threshold],
    opened: datetime,
    ended: datetime | None,
    texts: Texts,
    zone: ZoneInfo,
) -> go.Figure:
    """The panels above each other; what is usual dashed, a threshold dotted, its time shaded."""
    panels = chart.panels
    titles = [panel.title for panel in panels]
    figure = make_subplots(
        rows=len(panels), cols=1, shared_xaxes=True, vertical_spacing=0.16, subplot_titles=titles
    )
    starts = [_naive(at, zone) for at in chart.steps]
    x = [at + chart.step for at in starts]  # each value is of what ends there
    for row, panel in enumerate(panels, start=1):
        _panel(figure, row, panel, x, texts.language)
        for threshold in thresholds:
            if threshold.panel == row - 1:
                _threshold(figure, row, threshold, x)
        _axis(figure, row, panel, thresholds, texts.language)
    _shade(figure, starts[0], x[-1], _naive(opened, zone), None if ended is None else _naive(ended, zone))
    dress(figure, height=PANEL * len(panels) + 90)
    figure.update_layout(legend={"y": -0.1, "yanchor": "top", "x": 0, "xanchor": "left"})
    figure.update_yaxes(rangemode="tozero")
    for row, (panel, title) in enumerate(zip(panels, figure.layout.annotations, strict=False), start=1):
        title.update(x=0, xanchor="left", font={"size": 13})
        least = [threshold.value for threshold in thresholds if threshold.panel == row - 1]
        if least and 0 < TOO_FAR * min(least) < _highest(panel):
            figure.update_yaxes(type="log", dtick=1, rangemode="normal", row=row, col=1)
            title.update(text=f"{title.text} · {texts('picture.in_tens')}")
    return figure


def _panel(figure: go.Figure, row: int, panel: Panel, x: list[datetime], language: str) -> None:
    for curve in panel.curves:
        shown = ["–" if value is None else _said(value, panel.unit, language) for value in curve.values]
        colour = INK if curve.usual else BLUE
        drawn = line(x, curve.values, colour, curve.label, hover="%{customdata}", data=shown)
        if curve.usual:
            drawn.update(line={"dash": "dash", "width": 1.4})
        drawn.update(legendgroup=curve.label, showlegend=not _in_legend(figure, curve.label))
        figure.add_trace(drawn, row=row, col=1)


def _in_legend(figure: go.Figure, label: str) -> bool:
    return any(trace.name == label for trace in figure.data)


def _threshold(figure: go.Figure, row: int, threshold: Threshold, x: list[datetime]) -> None:
    across = [x[0], x[-1]]
    drawn = line(across, [threshold.value] * 2, VERMILLION, threshold.label, hover="%{y:.2%}")
    drawn.update(line={"dash": "dot", "width": 2})
    figure.add_trace(drawn, row=row, col=1)


def _axis(figure: go.Figure, row: int, panel: Panel, thresholds: Sequence[Threshold], language: str) -> None:
    lines = [threshold.value for threshold in thresholds if threshold.panel == row - 1]
    largest = max(_highest(panel), *lines, 0)
    if panel.unit == MONEY:
        figure.update_yaxes(money_axis(int(largest), language), row=row, col=1)
    else:
        figure.update_yaxes(tickformat=".1%" if panel.unit == SHARE else COUNTS, row=row, col=1)


def _highest(panel: Panel) -> float:
    values = chain.from_iterable(curve.values for curve in panel.curves)
    return max((value for value in values if value is not None), default=0)


def _said(value: float, unit: str, language: str) -> str:
    if unit == SHARE:
        return f"{value:.2%}"
    return won(round(value), language) if unit == MONEY else count(round(value))


def _shade(
    figure: go.Figure, first: datetime, last: datetime, opened: datetime, ended: datetime | None
) -> None:
    start, end = max(opened, first), min(ended or last, last)
    if start < end:
        style = {"fillcolor": ORANGE, "opacity": 0.18, "line_width": 0, "layer": "below"}
        figure.add_vrect(x0=start, x1=end, row="all", col=1, **style)


def _naive(moment: datetime, zone: ZoneInfo) -> datetime:
    return moment.astimezone(zone).replace(tzinfo=None)
