"""Frames in, figures out. Pure: no data is read, no verdict is made, and no text of a database gets in.

Plotly reads a little HTML in its texts, so names of merchants stay outside the figures; the page writes
them above. Colours are Okabe and Ito's, told apart by colour-blind eyes too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import plotly.graph_objects as go
import polars as pl
from plotly.subplots import make_subplots

from app.format import count, day, won, won_short

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from zoneinfo import ZoneInfo

    from app.texts import Texts
    from pipeline.minute import Span

BLUE: Final = "#0072B2"
VERMILLION: Final = "#D55E00"
GREEN: Final = "#009E73"
ORANGE: Final = "#E69F00"
INK: Final = "rgba(128, 128, 128, 0.9)"
GREY: Final = "rgba(128, 128, 128, 0.55)"
GRID: Final = "rgba(128, 128, 128, 0.18)"
HOUR: Final = 60
MOST_TICKS: Final = 5


def trend_figure(
    frame: pl.DataFrame,
    texts: Texts,
    zone: ZoneInfo,
    shaded: Span | None = None,
    usual_rate: float | None = None,
) -> go.Figure:
    """Counts, amounts and cancel rate of `frame` (`app.door.TREND`) above each other, in the business zone.

    `shaded` is the time of the incident; only what lies inside the frame is drawn. `usual_rate` is the rate
    of the week that the incident was judged against.
    """
    titles = [texts("chart.counts"), texts("chart.amounts"), texts("chart.rate")]
    figure = make_subplots(rows=3, cols=1, shared_xaxes=True, vertical_spacing=0.09, subplot_titles=titles)
    x = _local(frame["start"], zone)
    _add_pair(figure, 1, x, frame["approval_count"], frame["cancel_count"], texts)
    _add_pair(figure, 2, x, frame["approval_amount"], frame["cancel_amount"], texts)
    rate = frame["cancel_rate"].to_list()
    figure.add_trace(_line(x, rate, GREEN, texts("chart.cancel_rate"), hover="%{y:.1%}"), row=3, col=1)
    _shade(figure, frame, zone, shaded, texts)
    if usual_rate is not None and x:
        usual = _line([x[0], x[-1]], [usual_rate] * 2, INK, texts("chart.usual_rate"), hover="%{y:.1%}")
        usual.update(line={"dash": "dash", "width": 1.2})
        figure.add_trace(usual, row=3, col=1)
    _dress(figure, height=600)
    figure.update_yaxes(rangemode="tozero")
    highest = _highest(frame, "approval_amount", "cancel_amount")
    figure.update_yaxes(_money_axis(highest, texts.language), row=2, col=1)
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
        line = _pace_line(of_day, label, texts.language, today=today)
        if not today:  # one entry of the legend stands for all of them; the day shows under the pointer
            line.update(name=texts("pace.recent"), legendgroup="recent", showlegend=index == 0)
        figure.add_trace(line)
    _dress(figure, height=380)
    figure.update_layout(hovermode="closest", showlegend=True)
    figure.update_yaxes(_money_axis(_highest(frame, "approval_amount"), texts.language), rangemode="tozero")
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
        line = _line(x, values.to_list(), colour, texts(key), hover="%{customdata}", data=shown)
        line.update(legendgroup=key, showlegend=row == 1)
        if key == "chart.approvals":
            line.update(fill="tozeroy", fillcolor="rgba(0, 114, 178, 0.10)")
        figure.add_trace(line, row=row, col=1)


def _line(
    x: list[datetime],
    y: Sequence[float | None],
    colour: str,
    name: str,
    *,
    hover: str,
    data: list[str] | None = None,
) -> go.Scatter:
    template = f"{name} {hover}<extra></extra>"
    # A lonely value between two gaps draws no line; a marker shows it.
    mode = "lines+markers" if _has_lonely(y) else "lines"
    return go.Scatter(
        x=x,
        y=list(y),
        name=name,
        mode=mode,
        connectgaps=False,
        line={"color": colour, "width": 1.8},
        marker={"size": 4, "color": colour},
        customdata=data,
        hovertemplate=template,
    )


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


def _shade(figure: go.Figure, frame: pl.DataFrame, zone: ZoneInfo, shaded: Span | None, texts: Texts) -> None:
    if shaded is None or frame.is_empty():
        return
    starts = frame["start"].to_list()
    end = starts[-1] + (starts[1] - starts[0]) if len(starts) > 1 else starts[-1]
    first, last = max(shaded.start, starts[0]), min(shaded.end, end)
    if first >= last:
        return
    x0, x1 = (_naive(m, zone) for m in (first, last))
    figure.add_vrect(
        x0=x0, x1=x1, fillcolor=ORANGE, opacity=0.18, line_width=0, layer="below", row="all", col=1
    )
    if shaded.start >= starts[0]:
        figure.add_vline(x=x0, line={"color": ORANGE, "width": 1.5, "dash": "dot"}, row="all", col=1)
    figure.add_annotation(
        x=x0,
        y=1,
        yref="y domain",
        text=texts("chart.incident"),
        showarrow=False,
        xanchor="left",
        font={"color": ORANGE, "size": 12},
    )


def _dress(figure: go.Figure, height: int) -> None:
    figure.update_layout(
        height=height,
        margin={"l": 8, "r": 8, "t": 44, "b": 8},
        hovermode="x unified",
        legend={"orientation": "h", "y": 1.04, "yanchor": "bottom", "x": 1, "xanchor": "right"},
        plot_bgcolor="rgba(0, 0, 0, 0)",
        paper_bgcolor="rgba(0, 0, 0, 0)",
        uirevision="keep",  # a zoom stays when the page refreshes
    )
    figure.update_xaxes(showgrid=False, tickformatstops=_times(), automargin=True)
    figure.update_yaxes(gridcolor=GRID, zeroline=False, automargin=True)


def _times() -> list[dict[str, object]]:
    """Times of day inside a day, dates beyond it, without English month names."""
    day_ms = 86_400_000
    return [
        {"dtickrange": [None, day_ms - 1], "value": "%H:%M\n%m-%d"},
        {"dtickrange": [day_ms, None], "value": "%m-%d"},
    ]


def _money_axis(highest: int, language: str) -> dict[str, object]:
    """Tick marks at round amounts, written as Koreans (만, 억) or English readers (K, M) count."""
    step = round_step(highest)
    ticks = range(0, highest + step, step)
    return {"tickvals": list(ticks), "ticktext": [won_short(t, language) for t in ticks]}


def round_step(highest: int) -> int:
    """The smallest 1, 2 or 5 times a power of ten that divides 0…`highest` into at most five parts."""
    power = 1
    while True:
        for factor in (1, 2, 5):
            if power * factor * MOST_TICKS >= highest:
                return power * factor
        power *= 10


def _highest(frame: pl.DataFrame, *columns: str) -> int:
    found = [int(value) for c in columns if (value := frame[c].max()) is not None]  # type: ignore[arg-type]  # integers
    return max(found, default=0)


def _has_lonely(y: Sequence[float | None]) -> bool:
    padded = [None, *y, None]
    triples = zip(padded, padded[1:], padded[2:], strict=False)
    return any(here is not None and before is None and after is None for before, here, after in triples)


def _local(moments: pl.Series, zone: ZoneInfo) -> list[datetime]:
    # Plotly knows no zones: it draws what it gets, so it gets the wall clock of the business zone.
    return moments.dt.convert_time_zone(str(zone)).dt.replace_time_zone(None).to_list()


def _naive(moment: datetime, zone: ZoneInfo) -> datetime:
    return moment.astimezone(zone).replace(tzinfo=None)
