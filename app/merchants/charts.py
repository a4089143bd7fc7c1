"""Frames of merchants in, figures out. Pure: no data is read, no verdict is made."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import plotly.graph_objects as go
import polars as pl
from plotly.subplots import make_subplots

from app.charts import (
    BLUE,
    COUNTS,
    GREEN,
    GREY,
    INK,
    ORANGE,
    PURPLE,
    VERMILLION,
    Marked,
    band,
    dress,
    highest,
    line,
    local,
    mark,
    money_axis,
)
from app.format import count, day, won

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date, datetime
    from zoneinfo import ZoneInfo

    from app.texts import Texts

HOUR: Final = 60


def rate_figure(
    frame: pl.DataFrame, texts: Texts, zone: ZoneInfo, marked: Sequence[Marked] = ()
) -> go.Figure:
    """The cancel rate of `frame` (`series.STEPS`) over what is usual and what chance allows there."""
    figure = make_subplots(rows=1, cols=1)
    x = local(frame["start"], zone)
    low, high = frame["chance_low"], frame["chance_high"]
    said = [
        f"{a:.1%} – {b:.1%}" if a is not None and b is not None else ""
        for a, b in zip(low, high, strict=True)
    ]
    for trace in band(x, low, high, texts("chart.chance"), said):
        figure.add_trace(trace)
    usual = line(x, frame["usual_rate"].to_list(), INK, texts("chart.usual_rate"), hover="%{y:.2%}")
    usual.update(line={"dash": "dash", "width": 1.4})
    figure.add_trace(usual)
    rate = frame["cancel_rate"].to_list()
    figure.add_trace(line(x, rate, GREEN, texts("chart.cancel_rate"), hover="%{y:.2%}"))
    dress(figure, height=320)
    figure.update_yaxes(tickformat=".0%", rangemode="tozero")
    mark(figure, frame, zone, marked, texts)
    return figure


def volume_figure(
    frame: pl.DataFrame, texts: Texts, zone: ZoneInfo, marked: Sequence[Marked] = ()
) -> go.Figure:
    """Counts and amounts of `frame` (`series.STEPS`), above each other."""
    titles = [texts("chart.counts"), texts("chart.amounts")]
    figure = make_subplots(rows=2, cols=1, shared_xaxes=True, vertical_spacing=0.14, subplot_titles=titles)
    x = local(frame["start"], zone)
    _add_pair(figure, 1, x, frame["approval_count"], frame["cancel_count"], texts)
    _add_pair(figure, 2, x, frame["approval_amount"], frame["cancel_amount"], texts)
    dress(figure, height=400)
    figure.update_yaxes(rangemode="tozero")
    largest = highest(frame, "approval_amount", "cancel_amount")
    figure.update_yaxes(money_axis(largest, texts.language), row=2, col=1)
    figure.update_yaxes(tickformat=COUNTS, row=1, col=1)
    for title in figure.layout.annotations[:2]:
        title.update(x=0, xanchor="left", font={"size": 13})
    mark(figure, frame, zone, marked, texts)
    return figure


def pace_figure(frame: pl.DataFrame, texts: Texts, like: Sequence[date]) -> go.Figure:
    """Approved amount so far by time of day: the newest day of `frame` strong, the `like` ones thin."""
    figure = go.Figure()
    days = frame["business_date"].unique().sort().to_list()
    for business_date in days:
        of_day = frame.filter(pl.col("business_date") == business_date)
        today = business_date == days[-1]
        name = day(business_date, texts.language)
        label = texts("pace.today", day=name) if today else name
        drawn = _pace_line(of_day, label, texts.language, today=today)
        if not today:  # one entry of the legend stands for all of them; the day shows under the pointer
            first = business_date == min(like)
            drawn.update(name=texts("pace.like"), legendgroup="like", showlegend=first)
        figure.add_trace(drawn)
    dress(figure, height=320)
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


def tied_figure(
    frame: pl.DataFrame, texts: Texts, zone: ZoneInfo, marked: Sequence[Marked] = ()
) -> go.Figure:
    """Cancels by when their approvals were made, stacked: of the day before, earlier, not known."""
    figure = make_subplots(rows=1, cols=1)
    x = local(frame["start"], zone)
    untied = frame["cancel_count"] - frame["cancel_fresh_count"] - frame["cancel_older_count"]
    for values, colour, pattern, key in (
        (frame["cancel_fresh_count"], ORANGE, "", "chart.fresh"),
        (frame["cancel_older_count"], PURPLE, "/", "chart.older"),
        (untied, GREY, ".", "chart.untied"),
    ):
        bars = go.Bar(
            x=x,
            y=values.to_list(),
            name=texts(key),
            marker={"color": colour, "line": {"width": 0}, "pattern": {"shape": pattern, "size": 5}},
            customdata=[count(v) + texts("chart.unit") for v in values],
            hovertemplate=f"{texts(key)} %{{customdata}}<extra></extra>",
        )
        figure.add_trace(bars)
    dress(figure, height=260)
    figure.update_layout(barmode="stack", bargap=0.05)
    figure.update_yaxes(tickformat=COUNTS, rangemode="tozero")
    mark(figure, frame, zone, marked, texts)
    return figure


def ticket_figure(
    frame: pl.DataFrame, texts: Texts, zone: ZoneInfo, marked: Sequence[Marked] = ()
) -> go.Figure:
    """The average approval of each step, and that of the week before it."""
    figure = make_subplots(rows=1, cols=1)
    x = local(frame["start"], zone)
    for column, colour, key, dash in (
        ("usual_ticket", INK, "chart.usual_ticket", "dash"),
        ("ticket", BLUE, "chart.ticket", "solid"),
    ):
        said = ["" if v is None else won(round(v), texts.language) for v in frame[column]]
        drawn = line(x, frame[column].to_list(), colour, texts(key), hover="%{customdata}", data=said)
        drawn.update(line={"dash": dash})
        figure.add_trace(drawn)
    dress(figure, height=260)
    largest = max(highest(frame, "ticket", "usual_ticket"), 1)
    figure.update_yaxes(money_axis(largest, texts.language), rangemode="tozero")
    mark(figure, frame, zone, marked, texts)
    return figure


def beside_figure(
    frame: pl.DataFrame, beside: pl.DataFrame, texts: Texts, zone: ZoneInfo, marked: Sequence[Marked] = ()
) -> go.Figure:
    """The cancel rate of a merchant and of its category, at the same steps (`series.STEPS` both)."""
    figure = make_subplots(rows=1, cols=1)
    x = local(frame["start"], zone)
    theirs = line(x, beside["cancel_rate"].to_list(), BLUE, texts("chart.category"), hover="%{y:.2%}")
    theirs.update(line={"dash": "dot"})
    figure.add_trace(theirs)
    figure.add_trace(
        line(x, frame["cancel_rate"].to_list(), GREEN, texts("chart.cancel_rate"), hover="%{y:.2%}")
    )
    dress(figure, height=260)
    figure.update_yaxes(tickformat=".0%", rangemode="tozero")
    mark(figure, frame, zone, marked, texts)
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
