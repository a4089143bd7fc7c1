"""How late minutes were judged, and what they took. Pure: no name of a database stands in a figure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import plotly.graph_objects as go

from app.charts import BLUE, GREEN, GREY, INK, ORANGE, VERMILLION, dress, line, local

if TYPE_CHECKING:
    from collections.abc import Sequence
    from zoneinfo import ZoneInfo

    import polars as pl

    from app.pages.health.rows import Step
    from app.texts import Texts

#: Steps that have a word, in the order of a minute, each with a colour that its neighbours do not have.
COLOURS: Final = {
    "read": "#999999",
    "extract": BLUE,
    "aggregate": ORANGE,
    "judge": GREEN,
    "money": "#8C564B",
    "settle": "#CC79A7",
    "publish": "#56B4E9",
    "commit": VERMILLION,
    "project": "#B8A400",
}
_TICKS_S: Final = (1, 10, 60, 600, 3_600, 21_600, 86_400)


def lag_figure(curve: pl.DataFrame, texts: Texts, zone: ZoneInfo) -> go.Figure:
    """Median and worst delay of each step of time; its scale is one of powers, as a stop lasts hours."""
    x, figure = local(curve["start"], zone), go.Figure()
    for column, colour, name in (("worst_s", GREY, "health.worst"), ("median_s", BLUE, "health.median")):
        values = [None if v is None else max(v, 0.1) for v in curve[column].to_list()]
        figure.add_trace(line(x, values, colour, texts(name), hover="%{y:,.1f}"))
    dress(figure, height=220)
    ticks = [texts(f"health.tick.{seconds}") for seconds in _TICKS_S]
    figure.update_yaxes(type="log", tickvals=list(_TICKS_S), ticktext=ticks)
    return figure


def steps_figure(steps: Sequence[Step], texts: Texts) -> go.Figure:
    """The medians of the steps one behind the other: the last hour above, the last day below."""
    figure, labels = go.Figure(), [texts("health.day"), texts("health.hour")]
    for step in (step for step in steps if step.step in COLOURS):
        name = texts.word("step", step.step)
        figure.add_trace(
            go.Bar(
                y=labels,
                x=[step.median_ms_day, step.median_ms_hour],
                name=name,
                orientation="h",
                marker={"color": COLOURS[step.step], "line": {"color": INK, "width": 0.5}},
                hovertemplate=f"{name} %{{x:,.0f}} ms<extra></extra>",
            )
        )
    dress(figure, height=190)
    figure.update_layout(barmode="stack", hovermode="closest", bargap=0.35)
    figure.update_layout(legend={"traceorder": "normal", "x": 0, "xanchor": "left"})
    figure.update_xaxes(
        showgrid=True, gridcolor="rgba(128, 128, 128, 0.18)", ticksuffix=" ms", tickformat=",d"
    )
    return figure
