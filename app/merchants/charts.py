"""Frames of merchants in, figures out. Pure: no data is read, no verdict is made."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import plotly.graph_objects as go
import polars as pl
from plotly.subplots import make_subplots

from app.charts import BLUE, GREEN, GREY, INK, VERMILLION, dress, highest, line, local, money_axis, shade
from app.format import count, day, won

if TYPE_CHECKING:
    from datetime import datetime
    from zoneinfo import ZoneInfo

    from app.texts import Texts
    from pipeline.minute import Span

HOUR: Final = 60


def trend_figure(
    frame: pl.DataFrame,
    texts: Texts,
    zone: ZoneInfo,
    shaded: Span | None = None,
    usual_rate: float | None = None,
) -> go.Figure:
    """Counts, amounts and cancel rate of `frame` (`lake.TREND`) above each other, in the business zone.

    `shaded` is the time of the incident; only what lies inside the frame is drawn. `usual_rate` is the rate
    of the week that the incident was judged against.
    """
    titles = [texts("chart.counts"), texts("chart.amounts"), texts("chart.rate")]
    figure = make_subplots(rows=3, cols=1, shared_xaxes=True, vertical_spacing=0.09, subplot_titles=titles)
    x = local(frame["start"], zone)
    _add_pair(figure, 1, x, frame["approval_count"], frame["cancel_count"], texts)
    _add_pair(figure, 2, x, frame["approval_amount"], frame["cancel_amount"], texts)
    rate = frame["cancel_rate"].to_list()
    figure.add_trace(line(x, rate, GREEN, texts("chart.cancel_rate"), hover="%{y:.1%}"), row=3, col=1)
    shade(figure, frame, zone, shaded, texts)
    if usual_rate is not None and x:
        usual = line([x[0], x[-1]], [usual_rate] * 2, INK, texts("chart.usual_rate"), hover="%{y:.1%}")
        usual.update(line={"dash": "dash", "width": 1.2})
        figure.add_trace(usual, row=3, col=1)
    dress(figure, height=600)
    figure.update_yaxes(rangemode="tozero")
    largest = highest(frame, "approval_amount", "cancel_amount")
    figure.update_yaxes(money_axis(largest, texts.language), row=2, col=1)
    figure.update_yaxes(tickformat=",d", row=1, col=1)
    figure.update_yaxes(tickformat=".0%", row=3, col=1)
    for title in figure.layout.annotations[:3]:
        title.update(x=0, xanchor="left", font={"size": 13})
    return figure


def pace_figure(frame: pl.DataFrame, texts: Texts) -> go.Figure:
    """Approved amount so far by time of day: the newest business day of `frame` strong, earlier ones thin."""
    figure = go.Figure()
    days = frame["business_date"].unique().sort().to_list()
    for index, business_date in enumerate(days):
        of_day = frame.filter(pl.col("business_date") == business_date)
        today = index == len(days) - 1
        name = day(business_date, texts.language)
        label = texts("pace.today", day=name) if today else name
        drawn = _pace_line(of_day, label, texts.language, today=today)
        if not today:  # one entry of the legend stands for all of them; the day shows under the pointer
            drawn.update(name=texts("pace.recent"), legendgroup="recent", showlegend=index == 0)
        figure.add_trace(drawn)
    dress(figure, height=380)
    figure.update_layout(hovermode="closest", showlegend=True)
    figure.update_yaxes(money_axis(highest(frame, "approval_amount"), texts.language), rangemode="tozero")
    hours = list(range(0, 25, 3))
    figure.update_xaxes(
        title=texts("chart.elapsed"),
        tickvals=[h * HOUR for h in hours],
        ticktext=[f"{h:02d}:00" for h in hours],
        range=[0, 24 * HOUR],
    )
    return figure


def _add_pair(
    figure: go.Figure, row: int, x: list[datetime], approvals: pl.Series, cancels: pl.Series, texts: Texts
) -> None:
    money = approvals.name == "approval_amount"
    for values, colour, key in ((approvals, BLUE, "chart.approvals"), (cancels, VERMILLION, "chart.cancels")):
        shown = [won(v, texts.language) if money else count(v) + texts("chart.unit") for v in values]
        drawn = line(x, values.to_list(), colour, texts(key), hover="%{customdata}", data=shown)
        drawn.update(legendgroup=key, showlegend=row == 1)
        if key == "chart.approvals":
            drawn.update(fill="tozeroy", fillcolor="rgba(0, 114, 178, 0.10)")
        figure.add_trace(drawn, row=row, col=1)


def _pace_line(of_day: pl.DataFrame, label: str, language: str, *, today: bool) -> go.Scatter:
    elapsed = [0, *of_day["elapsed_minutes"].to_list()]
    amounts = [0, *of_day["approval_amount"].to_list()]
    return go.Scatter(
        x=elapsed,
        y=amounts,
        name=label,
        mode="lines",
        line={"color": BLUE, "width": 3.5} if today else {"color": GREY, "width": 1.3},
        customdata=[
            [f"{e // HOUR:02d}:{e % HOUR:02d}", won(a, language)]
            for e, a in zip(elapsed, amounts, strict=True)
        ],
        hovertemplate=f"{label} %{{customdata[0]}} · %{{customdata[1]}}<extra></extra>",
    )
