"""Actions: what was proposed about incidents' money, who approved it, and what came of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pipeline.money.said import came_of
from pipeline.report.html import join, table, tag

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pipeline.report.facts import Facts
    from pipeline.report.html import Html

LISTED: Final = 40


def actions(facts: Facts) -> Html:
    """A row for each; those with most to keep first."""
    rows = facts.gathered.actions
    if not rows:
        return facts.section("actions", facts.note("actions.none"))
    names = ("kind", "keeps", "until", "status", "proposed", "approved", "outcome")
    head = [facts.text("number"), facts.word("entity"), *(facts.text(f"action.{name}") for name in names)]
    made = tag("div", table(head, (_row(facts, row) for row in rows[:LISTED]), texts=len(head)), cls="wide")
    left = rows[0]["total"] - LISTED
    return facts.section("actions", join([made, facts.note("more", count=left)]) if left > 0 else made)


def _row(facts: Facts, row: Mapping[str, Any]) -> list[str]:
    share = f" {row['percent']} %" if row["percent"] is not None else ""
    proposed = facts.text("by_machine") if row["by_machine"] else facts.person(row["proposed_by"])
    approved = "–" if row["decided_at"] is None else facts.at(row["decided_at"])
    return [
        str(row["incident_id"]),
        facts.entity(row["entity_id"], row["entity_name"]),
        f"{facts.word(row['kind'])}{share}",
        facts.amount(row["amount"]),
        "–" if row["helps_until"] is None else facts.at(row["helps_until"]),
        facts.text(f"status.{row['status']}"),
        f"{facts.at(row['proposed_at'])} · {proposed}",
        f"{approved} · {facts.person(row['approved_by'])}" if row["approved_by"] else approved,
        " · ".join(_outcome(facts, row["outcome"] or {})) or "–",
    ]


def _outcome(facts: Facts, outcome: Mapping[str, Any]) -> Iterator[str]:
    """What is known of it, by the pack's names: amounts, and counts of days."""
    for came in came_of(outcome, facts.pack.words[facts.gathered.language]):
        value = facts.amount(came.value) if came.is_amount else f"{came.value:,}"
        yield f"{facts.word(came.name)} {value}"
