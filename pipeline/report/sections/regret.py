"""Regret: of each labelled case what was lost without us, acting on the first message, and an hour later."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

import plotly.graph_objects as go

from pipeline.report.facts import COLOURS, axis_amounts, axis_format
from pipeline.report.html import Html, join, table, tag

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from pipeline.replay.regret import Regret
    from pipeline.report.facts import Facts

#: The three lines of money, in the order of the table.
_LINES: Final = ("without", "at_once", "hour_later")
_HOUR: Final = timedelta(hours=1)


def regret(facts: Facts) -> Html:
    """Three lines of money for each case, and the loss by when somebody acts."""
    found = facts.gathered.regrets
    if found is None:
        return facts.section("regret", facts.note("regret.not_given"))
    if not found:
        return facts.section("regret", facts.note("regret.none"))
    return facts.section("regret", *(_case(facts, one) for one in found))


def _case(facts: Facts, one: Regret) -> Html:
    told = facts.text("regret.nobody") if one.told_at is None else facts.moment(one.told_at)
    head = ["", facts.text("regret.loss"), facts.text("regret.saved")]
    lines = {name: getattr(one, name) for name in _LINES}
    rows = [
        [facts.text(f"regret.{name}"), facts.amount(loss), facts.amount(_saved(one, loss))]
        for name, loss in lines.items()
    ]
    return join(
        [
            tag("h3", f"{facts.entity(one.entity_id, one.entity_name)} · {one.label}"),
            facts.note("regret.note", told=told, until=facts.moment(one.until)),
            table(head, rows),
            _curve(facts, one) if len(one.curve) > 1 else Html(""),
        ]
    )


def _saved(one: Regret, loss: int | None) -> int | None:
    return None if one.without is None or loss is None else one.without - loss


def _curve(facts: Facts, one: Regret) -> Html:
    """A step at each moment from which acting keeps less; the first message and an hour later are marked."""
    losses = [lost for _, lost in one.curve]
    size, unit = axis_amounts(max(losses), facts.gathered.language)
    figure = go.Figure()
    figure.add_scatter(
        x=[_local(facts, at) for at, _ in one.curve],
        y=[lost / size for lost in losses],
        mode="lines",
        line={"shape": "hv", "color": COLOURS[0], "width": 1.8},
    )
    for at, name in _marks(one):
        figure.add_vline(x=_local(facts, at), line={"color": COLOURS[1], "width": 1, "dash": "dot"})
        figure.add_annotation(
            x=_local(facts, at), y=1, yref="paper", yanchor="bottom", showarrow=False, font={"size": 10},
            text=facts.text(f"regret.mark.{name}"), xanchor="right" if name == "at_once" else "left",
        )  # fmt: skip
    figure.update_layout(showlegend=False)
    figure.update_yaxes(
        title=f"{unit}{facts.gathered.currency}", rangemode="tozero", tickformat=axis_format(unit)
    )
    figure.update_xaxes(tickformat="%H:%M\n%m-%d")
    return facts.draw(figure, facts.text("regret.curve"), top=24)


def _marks(one: Regret) -> Iterator[tuple[datetime, str]]:
    if one.told_at is not None:
        yield one.told_at, "at_once"
        yield one.told_at + _HOUR, "hour_later"


def _local(facts: Facts, when: datetime) -> datetime:
    """As Plotly draws it: the clock of the business zone, without a zone."""
    return when.astimezone(facts.gathered.zone).replace(tzinfo=None)
