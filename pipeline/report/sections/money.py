"""The exposure: what the book held at the end, by day, and who has most of it."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

import plotly.graph_objects as go
import polars as pl

from pipeline.report.facts import axis_amounts, axis_format
from pipeline.report.html import Html, table, tag

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pipeline.report.facts import Facts
    from pipeline.report.published import Exposed


def money(facts: Facts) -> Html:
    """Amounts of the newest snapshot of the period; one that is not known is said so."""
    if facts.pack.exposures is None:
        return facts.section("money", facts.note("money.never"))
    exposed = facts.published.exposed
    if exposed is None:
        return facts.section("money", facts.note("money.none"))
    return facts.section(
        "money",
        facts.note("money.at", at=facts.moment(exposed.minute), known=f"{exposed.known:,}"),
        _totals(facts, exposed),
        _by_day(facts, exposed),
        tag("h3", facts.text("money.most", count=len(exposed.rows))),
        _most(facts, exposed),
    )


def _totals(facts: Facts, exposed: Exposed) -> Html:
    head = [facts.text("amount"), facts.text("money.total"), facts.text("money.unknown")]
    rows = [
        [facts.word(name), facts.amount(total), f"{exposed.unknown[name]:,}"]
        for name, total in exposed.totals.items()
    ]
    return table(head, rows)


def _by_day(facts: Facts, exposed: Exposed) -> Html:
    """A line for each amount, a gap where it was not known; one day alone stands in the table already."""
    if len(exposed.by_day) == 1:
        return Html("")
    names = [name for name in exposed.totals if any(totals[name] for _, totals in exposed.by_day)]
    largest = max((totals[name] or 0 for _, totals in exposed.by_day for name in names), default=0)
    size, unit = axis_amounts(largest, facts.gathered.language)
    figure = go.Figure()
    for name in names:
        days, values = _values(exposed.by_day, name, size)
        figure.add_scatter(x=days, y=values, name=facts.word(name), mode="lines+markers")
    figure.update_layout(showlegend=True)
    figure.update_yaxes(
        title=f"{unit}{facts.gathered.currency}", rangemode="tozero", tickformat=axis_format(unit)
    )
    figure.update_xaxes(tickformat="%m-%d", dtick=86_400_000)
    return facts.draw(figure, facts.text("money.by_day"))


def _values(
    by_day: Sequence[tuple[date, Mapping[str, int | None]]], name: str, size: int
) -> tuple[list[str], list[float | None]]:
    found = [(day.isoformat(), totals[name]) for day, totals in by_day]
    return [day for day, _ in found], [None if value is None else value / size for _, value in found]


def _most(facts: Facts, exposed: Exposed) -> Html:
    schema = {} if facts.pack.exposures is None else facts.pack.exposures.schema
    others = [n for n, kind in schema.items() if kind in (pl.String(), pl.Date()) and n != facts.pack.entity]
    texts = [name for name in others if any(row[name] is not None for row in exposed.rows)]
    head = [
        facts.word("entity"),
        *(facts.word(name) for name in texts),
        facts.text("at_risk"),
        *(facts.word(name) for name in _figures(facts, exposed)),
    ]
    return tag(
        "div",
        table(head, (_row(facts, exposed, row, texts) for row in exposed.rows), texts=1 + len(texts)),
        cls="wide",
    )


def _row(facts: Facts, exposed: Exposed, row: Mapping[str, Any], texts: Sequence[str]) -> list[str]:
    return [
        facts.entity(row["entity_id"]),
        *(_text(facts, name, row[name]) for name in texts),
        facts.amount(row["at_risk"]),
        *(facts.amount(row[name]) for name in _figures(facts, exposed)),
    ]


def _figures(facts: Facts, exposed: Exposed) -> list[str]:
    """What is said of each beside the sum of its parts."""
    return [name for name in exposed.amounts if name not in facts.pack.parts]


def _text(facts: Facts, name: str, value: object) -> str:
    """A date, or a word of the column, for which the pack may have one of its own: state_both."""
    if value is None:
        return "–"
    if isinstance(value, date):
        return f"{value:%m-%d}"
    known = facts.word(f"{name}_{value}")
    return str(value) if known == f"{name}_{value}" else known
