"""Pieces of figures for every page. Pure: nothing is read, no verdict made, no text of a database gets in.

Plotly reads a little HTML in its texts, so names of entities stay outside the figures; a page writes them
above. Colours are Okabe and Ito's, told apart by colour-blind eyes too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import plotly.graph_objects as go

from app.format import won_short

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from zoneinfo import ZoneInfo

    import polars as pl

    from app.texts import Texts
    from pipeline.minute import Span

BLUE: Final = "#0072B2"
VERMILLION: Final = "#D55E00"
GREEN: Final = "#009E73"
PURPLE: Final = "#CC79A7"
ORANGE: Final = "#E69F00"
INK: Final = "rgba(128, 128, 128, 0.9)"
GREY: Final = "rgba(128, 128, 128, 0.55)"
BAND: Final = "rgba(128, 128, 128, 0.22)"
GRID: Final = "rgba(128, 128, 128, 0.18)"
#: Numbers on an axis of counts: a tick between two of them is not written as one of them.
COUNTS: Final = ",.1~f"
MOST_TICKS: Final = 5
#: What each figure is drawn with: no zoom bar, no logo; a chart of an operator's page, not of a notebook.
CONFIG: Final = {"displayModeBar": False, "displaylogo": False, "scrollZoom": False}


def line(
    x: list[datetime],
    y: Sequence[float | None],
    colour: str,
    name: str,
    *,
    hover: str,
    data: list[str] | None = None,
) -> go.Scatter:
    """One thin line; a value that is None is a gap. `data` is what `hover` shows as %{customdata}."""
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


def dress(figure: go.Figure, height: int) -> None:
    """The looks of every figure; `height` in pixels."""
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


def money_axis(largest: int, language: str) -> dict[str, object]:
    """Tick marks at round amounts, written as Koreans (만, 억) or English readers (K, M) count."""
    step = round_step(largest)
    ticks = range(0, largest + step, step)
    return {"tickvals": list(ticks), "ticktext": [won_short(t, language) for t in ticks]}


def round_step(largest: int) -> int:
    """The smallest 1, 2 or 5 times a power of ten that divides 0…`largest` into at most five parts."""
    power = 1
    while True:
        for factor in (1, 2, 5):
            if power * factor * MOST_TICKS >= largest:
                return power * factor
        power *= 10


def highest(frame: pl.DataFrame, *columns: str) -> int:
    """The largest whole number in these columns; 0 where there is none."""
    found = [int(value) for c in columns if (value := frame[c].max()) is not None]  # type: ignore[arg-type]  # integers
    return max(found, default=0)


def _has_lonely(y: Sequence[float | None]) -> bool:
    padded = [None, *y, None]
    triples = zip(padded, padded[1:], padded[2:], strict=False)
    return any(here is not None and before is None and after is None for before, here, after in triples)


def local(moments: pl.Series, zone: ZoneInfo) -> list[datetime]:
    """The wall clock of the business zone: Plotly knows no zones, it draws what it gets."""
    return moments.dt.convert_time_zone(str(zone)).dt.replace_time_zone(None).to_list()


def _naive(moment: datetime, zone: ZoneInfo) -> datetime:
    return moment.astimezone(zone).replace(tzinfo=None)


@dataclass(frozen=True, slots=True)
class Marked:
    """The time of an incident, and how it is called under the pointer: our own words, never a name."""

    span: Span
    label: str


def mark(
    figure: go.Figure, frame: pl.DataFrame, zone: ZoneInfo, marked: Sequence[Marked], texts: Texts
) -> None:
    """Shade the time of each incident inside the frame (`start`, `end`); its label is under the pointer."""
    if frame.is_empty():
        return
    first, last = frame["start"][0], frame["end"][-1]
    inside = [m for m in marked if m.span.end > first and m.span.start < last]
    x: list[datetime | None] = []
    said: list[str | None] = []
    for one in inside:
        x0, x1 = (_naive(m, zone) for m in (max(one.span.start, first), min(one.span.end, last)))
        figure.add_vrect(
            x0=x0, x1=x1, fillcolor=ORANGE, opacity=0.18, line_width=0, layer="below", row="all", col=1
        )
        x += [x0, x0 + (x1 - x0) / 2, x1, None]
        said += [one.label] * 3 + [None]
    if inside:
        line_on_top = {"color": ORANGE, "width": 4}
        figure.add_trace(
            go.Scatter(
                x=x,
                y=[1] * len(x),
                yaxis="y99",
                mode="lines",
                line=line_on_top,
                name=texts("chart.incident"),
                customdata=said,
                hovertemplate="%{customdata}<extra></extra>",
            )
        )
        above = {"overlaying": "y", "range": [0, 1], "visible": False, "fixedrange": True}
        figure.update_layout(yaxis99=above)


def band(x: list[datetime], low: pl.Series, high: pl.Series, name: str, hover: list[str]) -> list[go.Scatter]:
    """What lies between two lines, in grey: where either is None there is nothing."""
    known = [
        (a, b, c, d)
        for a, b, c, d in zip(x, low, high, hover, strict=True)
        if b is not None and c is not None
    ]
    if not known:
        return []
    at, below, above, said = (list(values) for values in zip(*known, strict=True))
    edge = {"width": 0, "color": BAND}
    lower = go.Scatter(x=at, y=below, mode="lines", line=edge, showlegend=False, hoverinfo="skip")
    upper = go.Scatter(
        x=at,
        y=above,
        mode="lines",
        line=edge,
        fill="tonexty",
        fillcolor=BAND,
        name=name,
        customdata=said,
        hovertemplate=f"{name} %{{customdata}}<extra></extra>",
    )
    return [lower, upper]
