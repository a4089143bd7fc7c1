"""Regret: of each labelled bankruptcy, what was lost without us, acting at once, and acting an hour later."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipeline.report.html import join, table, tag

if TYPE_CHECKING:
    from pipeline.report.facts import Facts
    from pipeline.report.html import Html


def regret(facts: Facts) -> Html:
    """Three lines of money for each case."""
    found = facts.gathered.regrets
    if found is None:
        return facts.section("regret", facts.note("regret.not_given"))
    if not found:
        return facts.section("regret", facts.note("regret.none"))
    return facts.section("regret", *(_case(facts, one) for one in found))


def _case(facts: Facts, one: Any) -> Html:  # noqa: ANN401 - a Regret
    told = "–" if one.told_at is None else facts.moment(one.told_at)
    head = ["", facts.text("regret.loss"), facts.text("regret.saved")]
    lines = ("without", "at_once", "hour_later")
    rows = [
        [facts.text(f"regret.{name}"), facts.amount(getattr(one, name)), facts.amount(_saved(one, name))]
        for name in lines
    ]
    return join(
        [
            tag("h3", f"{facts.entity(one.entity_id, one.entity_name)} · {one.label}"),
            facts.note("regret.note", told=told, until=facts.moment(one.until)),
            table(head, rows),
        ]
    )


def _saved(one: Any, name: str) -> int | None:  # noqa: ANN401 - the same
    without, loss = one.without, getattr(one, name)
    return None if without is None or loss is None else without - loss
