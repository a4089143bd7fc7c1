"""The false-alarm budget by day, and how many of the labelled alarms were true ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.desk.precision import WEEKS, percent_of
from pipeline.report.html import join, table, tag

if TYPE_CHECKING:
    from datetime import date

    from pipeline.desk.precision import Labelled
    from pipeline.pack import Budget
    from pipeline.report.facts import Facts
    from pipeline.report.html import Html


def budget(facts: Facts) -> Html:
    """Both; what nobody measured or labelled is not known."""
    return facts.section(
        "budget", _budget(facts), tag("h3", facts.text("precision", weeks=WEEKS)), _precision(facts)
    )


def _budget(facts: Facts) -> Html:
    found = facts.gathered.budgets
    if not found:
        return facts.note("budget.none")
    head = [facts.text(f"budget.{name}") for name in ("day", "spent", "allowed", "null")]
    made = table(head, (_day(facts, day, one) for day, one in found))
    return join([made, facts.note("budget.night")])


def _day(facts: Facts, day: date, one: Budget) -> list[str]:
    unknown, interval = facts.text("unknown"), one.interval
    null = unknown
    if one.null_per_day is not None and interval is not None:
        null = f"{one.null_per_day:.2f} (95 %: {interval[0]:.2f} – {interval[1]:.2f})"
    allowed = unknown if one.allowed is None else f"{one.allowed:.2f}"
    return [day.isoformat(), f"{one.spent:,}", allowed, null]


def _precision(facts: Facts) -> Html:
    found = facts.gathered.labels
    if not found:
        return facts.note("precision.none")
    head = [facts.text("rule"), facts.text("tier")]
    head += [facts.text(f"precision.{name}") for name in ("week", "share", "interval", "labels")]
    return join([table(head, (_week(facts, week) for week in found), texts=3)])


def _week(facts: Facts, week: Labelled) -> list[str]:
    interval = "–" if week.interval is None else " – ".join(percent_of(end) for end in week.interval)
    return [
        facts.word(week.rule),
        facts.word(week.tier),
        week.week.isoformat(),
        percent_of(week.precision, facts.text("unknown")),
        interval,
        f"{week.true_alarms:,}, {week.false_alarms:,} / {week.incidents:,}",
    ]
