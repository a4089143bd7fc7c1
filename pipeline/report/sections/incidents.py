"""Incidents: all of the period in a table, those with most money in full, with picture and timeline."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from plotly.subplots import make_subplots

from pipeline.minute import parse_time
from pipeline.pack import MONEY, SHARE
from pipeline.report.about import INCIDENT
from pipeline.report.facts import COLOURS, USUAL, axis_amounts, axis_format
from pipeline.report.html import Html, join, pairs, table, tag
from pipeline.report.people import written
from pipeline.tell.words import TEXTS as TOLD

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    import plotly.graph_objects as go

    from pipeline.pack import Chart, Curve, Panel
    from pipeline.report.facts import Facts

    Row = Mapping[str, Any]

#: So many rows of the table; the page lists all.
LISTED: Final = 60
_PANEL: Final = 150  # pixels
#: What people did, by the name of the event that tells of it.
_DID: Final = {
    "acknowledge": "acknowledged",
    "assign": "assigned",
    "note": "noted",
    "snooze": "snoozed",
    "resolve": "resolved_by",
    "reopen": "reopened_by",
    "label": "labelled",
}


def incidents(facts: Facts) -> Html:
    """The table, then each of the first ones."""
    rows, about = facts.gathered.incidents, facts.gathered.about
    if not rows:
        return facts.section("incidents", facts.note("incidents.none"))
    if about.kind == INCIDENT:
        return facts.section("incidents", _one(facts, rows[0], whole=True))
    full = [_one(facts, row, whole=False) for row in facts.gathered.detailed]
    return facts.section(
        "incidents",
        tag("p", _counted(facts)),
        _table(facts),
        facts.note("incidents.detailed", count=len(full)),
        *full,
        page=True,
    )


def _counted(facts: Facts) -> str:
    first = facts.gathered.incidents[0]
    counts = {name: f"{first[name]:,}" for name in ("total", "opened", "resolved")}
    return facts.text("incidents.count", **counts)


def _table(facts: Facts) -> Html:
    names = ("number", "severity", "rule")
    money = ["at_risk", "expected_loss"] if _has_money(facts) else []
    head = [*(facts.text(name) for name in names), facts.word("entity")]
    head += [facts.text(name) for name in ("opened", "resolved", "label", *money)]
    shown = facts.gathered.incidents[:LISTED]
    made = tag("div", table(head, (_listed(facts, row) for row in shown), texts=7), cls="wide")
    left = facts.gathered.incidents[0]["total"] - len(shown)
    return join([made, facts.note("more", count=f"{left:,}")]) if left > 0 else made


def _listed(facts: Facts, row: Row) -> list[str]:
    ended, span = row["resolved_minute"], facts.gathered.span
    lasts = ended is None or ended >= span.end
    money = [facts.amount(row["at_risk"]), facts.amount(row["expected_loss"])] if _has_money(facts) else []
    return [
        str(row["incident_id"]),
        facts.text(row["severity"]),
        facts.word(row["rule"]),
        facts.entity(row["entity_id"], row["entity_name"]),
        facts.at(row["opened_minute"]),
        facts.text("still") if lasts else facts.at(ended),
        facts.text(row["label"]) if row["label"] else "–",
        *money,
    ]


def _has_money(facts: Facts) -> bool:
    return facts.pack.at_risk is not None or facts.pack.exposures is not None


def _one(facts: Facts, row: Row, *, whole: bool) -> Html:
    """One incident: what happened in words, its money, the picture, what followed."""
    who = facts.entity(row["entity_id"], row["entity_name"])
    title = f"{row['incident_id']} · {facts.word(row['rule'])} · {who}"
    reason = row["latest_reason"] or row["reason"]
    event = "opened" if row["resolved_minute"] is None else "resolved"
    said = facts.pack.say(row["rule"], reason, event, facts.gathered.language).replace("`", "")
    head = tag("div", tag("h3", title), tag("p", said), _money(facts, row), cls="head")
    chart = facts.published.pictures.get(row["incident_id"])
    return join(
        [
            head,
            _picture(facts, chart, row) if chart else Html(""),
            _timeline(facts, row["incident_id"]),
            _numbers(facts, row) if whole else Html(""),
        ]
    )


def _money(facts: Facts, row: Row) -> Html:
    """The parts and figures as they are stored, each by its name."""
    shown = [
        (facts.text("severity"), facts.text(row["severity"])),
        (facts.text("opened"), facts.moment(row["opened_minute"])),
        (
            facts.text("resolved"),
            facts.text("still") if row["resolved_minute"] is None else facts.moment(row["resolved_minute"]),
        ),
    ]
    if _has_money(facts):
        shown.append((facts.text("at_risk"), facts.money(row["at_risk"])))
        stored = {**(row["parts"] or {}), **(row["figures"] or {})}
        names = [name for name in (*facts.pack.parts, *facts.pack.figures) if name in stored]
        shown += [(facts.word(name), _figure(facts, stored[name])) for name in names]
    return pairs(shown)


def _figure(facts: Facts, value: object) -> str:
    """An amount, or a date as it is stored."""
    return value if isinstance(value, str) else facts.money(value)


def _timeline(facts: Facts, number: int) -> Html:
    rows = facts.gathered.timeline.get(number, ())
    if not rows:
        return Html("")
    head = [facts.text(name) for name in ("time", "what", "who", "said", "told", "at_risk")]
    head = head if _has_money(facts) else head[:-1]
    made = table(head, (_happened(facts, row)[: len(head)] for row in rows), texts=5)
    return join([tag("h4", facts.text("timeline")), made])


def _happened(facts: Facts, row: Row) -> list[str]:
    words = TOLD[facts.gathered.language]
    name = _DID.get(row["what"], str(row["what"]))
    return [
        facts.at(row["at"], seconds=True),
        words.get(f"state_{name}", name),
        facts.person(row["by"]) if row["by"] else "–",
        " · ".join(_said(facts, row["said"])) or "–",
        facts.at(row["sent_at"], seconds=True) if row["sent_at"] else "–",
        facts.amount(row["at_risk"]) if row["at_risk"] is not None else "–",
    ]


def _said(facts: Facts, said: Mapping[str, Any]) -> Iterator[str]:
    """What somebody said: words of ours as they are, names masked, their own words left out."""
    if said.get("label"):
        yield facts.text(str(said["label"]))
    if said.get("to"):
        yield facts.person(str(said["to"]))
    if said.get("kind"):
        status = facts.text(f"status.{said['status']}")
        yield f"{facts.word(str(said['kind']))}: {status}"
    elif said.get("until"):
        yield facts.moment(parse_time(str(said["until"])))
    if isinstance(said.get("limit"), int):
        yield facts.money(said["limit"])
    for name in ("text", "reason"):
        if said.get(name):
            yield written(str(said[name]), named=facts.gathered.named)


def _numbers(facts: Facts, row: Row) -> Html:
    first, latest = row["reason"] or {}, row["latest_reason"] or {}
    names = sorted(first.keys() | latest.keys())
    head = ["", facts.text("numbers.first"), facts.text("numbers.latest")]
    rows = [[name, _plain(first.get(name)), _plain(latest.get(name))] for name in names]
    return join([tag("h4", facts.text("numbers")), table(head, rows)])


def _plain(value: object) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    return "–" if value is None else str(value)


def _picture(facts: Facts, chart: Chart, row: Row) -> Html:
    """The panels below each other over one axis of time; the time since it opened is shaded."""
    figure = make_subplots(rows=len(chart.panels), cols=1, shared_xaxes=True, vertical_spacing=0.12)
    times = [_local(facts, step) for step in chart.steps]
    for number, panel in enumerate(chart.panels, 1):
        _panel(figure, facts, panel, times, number)
    figure.update_layout(showlegend=False)
    opened = max(_local(facts, row["opened_minute"]), times[0])
    figure.add_vrect(x0=opened, x1=times[-1], fillcolor="#ffecd6", opacity=0.6, layer="below", line_width=0)
    figure.add_vline(x=opened, line={"color": "#b04200", "width": 1})
    figure.update_xaxes(tickformat="%H:%M\n%m-%d")
    return facts.draw(figure, facts.text("evidence"), height=_PANEL * len(chart.panels) + 60, top=24)


def _local(facts: Facts, when: datetime) -> datetime:
    """As Plotly draws it: the clock of the business zone, without a zone."""
    return when.astimezone(facts.gathered.zone).replace(tzinfo=None)


def _panel(figure: go.Figure, facts: Facts, panel: Panel, times: list[datetime], number: int) -> None:
    largest = max((value for curve in panel.curves for value in curve.values if value is not None), default=0)
    size, unit = axis_amounts(int(largest), facts.gathered.language) if panel.unit == MONEY else (1, "")
    for curve in panel.curves:
        figure.add_scatter(
            x=times,
            y=[None if value is None else value / size for value in curve.values],
            mode="lines",
            name=curve.label,
            line=_line(curve),
            row=number,
            col=1,
        )
    title = f"{panel.title} ({unit}{facts.gathered.currency})" if panel.unit == MONEY else panel.title
    figure.add_annotation(
        text=title, xref="x domain", yref="y domain", x=0, y=1.02, xanchor="left", yanchor="bottom",
        showarrow=False, font={"size": 11}, row=number, col=1,
    )  # fmt: skip
    figure.update_yaxes(
        rangemode="tozero", tickformat=".1%" if panel.unit == SHARE else axis_format(unit), row=number, col=1
    )


def _line(curve: Curve) -> dict[str, object]:
    return {"color": USUAL, "width": 1, "dash": "dot"} if curve.usual else {"color": COLOURS[0], "width": 1.6}
