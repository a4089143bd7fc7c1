"""How soon people were told of incidents, by tier."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipeline.report.html import table

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import timedelta

    from pipeline.report.facts import Facts
    from pipeline.report.html import Html


def delays(facts: Facts) -> Html:
    """Median and 95 % of each step, of what opened in the period."""
    rows = facts.gathered.delays
    if not rows:
        return facts.section("delays", facts.note("delays.none"))
    head = [facts.text("tier")]
    head += [facts.text(f"delays.{n}") for n in ("incidents", "delivered", "committed", "sent", "whole")]
    return facts.section("delays", facts.note("delays.note"), table(head, (_row(facts, row) for row in rows)))


def _row(facts: Facts, row: Mapping[str, Any]) -> list[str]:
    steps = [
        _both(facts, row[f"{name}_median"], row[f"{name}_p95"]) for name in ("committed", "sent", "whole")
    ]
    return [facts.word(row["tier"]), f"{row['incidents']:,}", f"{row['delivered']:,}", *steps]


def _both(facts: Facts, median: timedelta | None, p95: timedelta | None) -> str:
    if median is None or p95 is None:
        return facts.text("unknown")
    return f"{median.total_seconds():,.1f} / {p95.total_seconds():,.1f}"
