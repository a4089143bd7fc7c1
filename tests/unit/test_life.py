"""What people are told of many incidents at once: most at risk first, the rest in their threads or later."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl

from baselines.merchants.rules import load_rules
from pipeline.judge.hold import Gates
from pipeline.judge.life import REPEATED_AT_ONCE, Incident, Key, Known, at_once, changes_of
from pipeline.minute import MINUTE
from pipeline.money import AtRisk
from pipeline.packs.merchants import PACK
from pipeline.packs.merchants.schema import SIGNAL

RULES = load_rules(Path(__file__).resolve().parents[2] / "baselines" / "merchants" / "rules.toml")
GATES = Gates(PACK, RULES, "budgeted")
NOON = datetime(2026, 3, 10, 3, tzinfo=UTC)
REASON = {"approvals_hour": 10, "cancels_hour": 6, "approvals_week": 1000, "cancels_week": 50}


def incident(number: int, **changes: Any) -> Incident:  # noqa: ANN401
    given = {
        "incident_id": number,
        "rule": "cancel_surge",
        "entity_id": f"M{number}",
        "tier": "tail",
        "severity": "critical",
        "status": "open",
        "policy": "budgeted",
        "opened_minute": NOON - timedelta(hours=5),
        "last_breach_minute": NOON - timedelta(hours=2),
        "reason": REASON,
        "at_risk": AtRisk({"paid_out_cancelable": number}),
        "told_minute": NOON - timedelta(hours=5),
        **changes,
    }
    return Incident(**given)


def breached(numbers: range) -> pl.DataFrame:
    head = {"minute": NOON, "rule": "cancel_surge", "tier": "tail", "passed": True, "reason": "fires"}
    return pl.DataFrame([{**head, **REASON, "entity_id": f"M{n}"} for n in numbers], SIGNAL, orient="row")


def test_of_many_that_come_back_together_those_with_most_at_risk_are_shown_in_the_channel() -> None:
    many = range(1, 46)
    resolved = {
        i.key: i for n in many for i in [incident(n, status="resolved", resolved_minute=NOON - MINUTE)]
    }
    at_risk = {f"M{n}": AtRisk({"paid_out_cancelable": n}) for n in many}
    changes = changes_of(NOON, breached(many), Known({}, resolved, at_risk), GATES)
    assert len(changes.reopened) == 45
    assert {event.kind for event in changes.events} == {"reopened"}
    shown = sorted(int(e.incident.entity_id[1:]) for e in changes.events if e.visible)
    assert shown == list(range(46 - REPEATED_AT_ONCE, 46))


def test_reminders_come_in_portions_and_each_incident_gets_one() -> None:
    unresolved: dict[Key, Incident] = {i.key: i for n in range(1, 46) for i in [incident(n)]}
    told: list[list[int]] = []
    for minute in (NOON, NOON + MINUTE, NOON + 2 * MINUTE, NOON + 3 * MINUTE):
        rows = breached(range(1, 46)).with_columns(minute=pl.lit(minute, SIGNAL["minute"]))
        changes = changes_of(minute, rows, Known(unresolved), GATES)
        told.append([int(e.incident.entity_id[1:]) for e in changes.events if e.kind == "repeated"])
        assert all(e.visible for e in changes.events)
        unresolved = {i.key: i for i in changes.continued}
    assert told == [list(range(45, 25, -1)), list(range(25, 5, -1)), list(range(5, 0, -1)), []]


def test_a_reminder_that_is_due_when_a_payment_fires_is_given_and_not_only_noted() -> None:
    unresolved: dict[Key, Incident] = {i.key: i for i in [incident(1), incident(2)]}
    changes = at_once(changes_of(NOON, breached(range(1, 2)), Known(unresolved), GATES), {incident(1).key})
    noted = [i.entity_id for i in changes.continued if i.told_minute == NOON]
    assert noted == [e.incident.entity_id for e in changes.events if e.kind == "repeated"] == ["M1"]
