"""Openings as tables and figures. Pure: nothing is read, and no name of a database gets into a figure."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

import plotly.graph_objects as go
import polars as pl

from app.charts import BLUE, COUNTS, GREEN, INK, ORANGE, VERMILLION, dress
from app.format import count, day
from app.markup import Markup, tag

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    from app.pages.statistics.reads import Opening
    from app.texts import Texts
    from pipeline.pack import Budget

HOURS: Final = range(24)
#: The darkest of the cells; style.css has a shade for each.
DARKEST: Final = 5
_COLOURS: Final = (BLUE, ORANGE, GREEN, VERMILLION)
#: Told apart without their colours.
_PATTERNS: Final = ("", "/", "x", ".", "\\", "-", "+")
_HEIGHT: Final = 260


def by_hour(openings: Sequence[Opening]) -> Mapping[str, Counter[int]]:
    """Incidents by rule and hour of the day."""
    found: dict[str, Counter[int]] = {}
    for one in openings:
        found.setdefault(one.rule, Counter())[one.hour] += one.incidents
    return found


def by_day(openings: Sequence[Opening]) -> Mapping[str, Counter[date]]:
    """Incidents by rule and business day."""
    found: dict[str, Counter[date]] = {}
    for one in openings:
        found.setdefault(one.rule, Counter())[one.day] += one.incidents
    return found


def shade(value: int, largest: int) -> int:
    """How dark a cell is: 0 for none, DARKEST for the largest."""
    return -(-value * DARKEST // largest) if value else 0


def heat(openings: Sequence[Opening], rules: Sequence[str], texts: Texts) -> Markup:
    """A row for each rule and one for all, a column for each hour; the numbers stand in the cells."""
    counted = by_hour(openings)
    lines = [(texts.word("rule", rule), counted.get(rule, Counter())) for rule in rules]
    return heat_table(lines, texts, texts("openings.heading"))


def heat_table(lines: Sequence[tuple[str, Counter[int]]], texts: Texts, label: str) -> Markup:
    """The same of whatever is counted by hour and has a name: a row for each line, and one for all."""
    largest = max((n for _, hours in lines for n in hours.values()), default=1)
    head = [tag("th", texts("openings.rule"), scope="col")]
    head += [tag("th", f"{hour:02d}", scope="col") for hour in HOURS]
    head.append(tag("th", texts("openings.all"), scope="col"))
    rows = [_heat_row(name, hours, largest, texts) for name, hours in lines]
    together: Counter[int] = sum((hours for _, hours in lines), Counter())
    rows.append(_heat_row(texts("openings.all"), together, 0, texts))
    inner = tag("table", tag("thead", tag("tr", *head)), tag("tbody", *rows), cls="mr-table mr-heat")
    named = {"aria-label": label}
    return tag("div", inner, cls="mr-scroll", tabindex="0", role="region", **named)


def _heat_row(name: str, hours: Counter[int], largest: int, texts: Texts) -> Markup:
    cells = [tag("th", name, scope="row")]
    for hour in HOURS:
        level = shade(hours[hour], largest) if largest else 0
        said = texts("openings.cell", rule=name, hour=hour, count=hours[hour])
        cells.append(
            tag("td", count(hours[hour]) if hours[hour] else "·", cls=f"mr-heat-{level}", title=said)
        )
    return tag("tr", *cells, tag("td", tag("strong", count(hours.total()))))


def frame_of(openings: Sequence[Opening]) -> pl.DataFrame:
    """As a file: by business day, hour and rule."""
    columns = {
        "day": pl.Date,
        "hour": pl.Int64,
        "rule": pl.String,
        "policy": pl.String,
        "incidents": pl.Int64,
    }
    rows = [(one.day, one.hour, one.rule, one.policy, one.incidents) for one in openings]
    return pl.DataFrame(rows, schema=columns, orient="row")


def days_figure(
    openings: Sequence[Opening], days: Sequence[date], rules: Sequence[str], texts: Texts
) -> go.Figure:
    """A bar for each day, in it the rules of the pack by colour and pattern. `rules` are names of ours."""
    figure, counted = go.Figure(), by_day(openings)
    for number, rule in enumerate(rules):
        values = [counted.get(rule, Counter())[one] for one in days]
        name = texts.word("rule", rule)
        said = [
            texts("days.hover", day=day(one, texts.language), rule=name, count=value)
            for one, value in zip(days, values, strict=True)
        ]
        figure.add_bar(
            x=[day(one, texts.language) for one in days],
            y=values,
            name=name,
            customdata=said,
            hovertemplate="%{customdata}<extra></extra>",
            marker={
                "color": _COLOURS[number % len(_COLOURS)],
                "pattern": {"shape": _PATTERNS[number % len(_PATTERNS)], "size": 6},
            },
        )
    _dress(figure)
    figure.update_layout(barmode="stack")
    return figure


def budget_figure(budgets: Sequence[tuple[date, Budget]], texts: Texts) -> go.Figure:
    """What opened a day as bars, what is allowed as a line; a day that nobody measured is a gap in it."""
    figure = go.Figure()
    x = [day(one, texts.language) for one, _ in budgets]
    spent, allowed = texts("budgets.spent"), texts("budgets.allowed")
    figure.add_bar(
        x=x, y=[b.spent for _, b in budgets], name=spent, marker={"color": BLUE},
        hovertemplate=f"%{{x}} · {spent} %{{y}}<extra></extra>",
    )  # fmt: skip
    figure.add_scatter(
        x=x,
        y=[b.allowed for _, b in budgets],
        name=allowed,
        mode="lines+markers",
        connectgaps=False,
        line={"color": VERMILLION, "dash": "dash", "width": 2},
        marker={"symbol": "diamond", "size": 8, "color": VERMILLION},
        hovertemplate=f"%{{x}} · {allowed} %{{y:.2f}}<extra></extra>",
    )
    _dress(figure)
    return figure


def _dress(figure: go.Figure) -> None:
    dress(figure, _HEIGHT)
    figure.update_layout(hovermode="closest", showlegend=True, font={"color": INK})
    figure.update_xaxes(type="category")
    figure.update_yaxes(rangemode="tozero", tickformat=COUNTS)
