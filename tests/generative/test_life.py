"""The life of incidents against the plain oracle, over random sequences of verdicts."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from baselines.merchants.rules import load_rules
from baselines.rules import IncidentRules
from pipeline.judge.hold import Gates
from pipeline.judge.life import Incident, Key, Known, changes_of, keys_to_open, message_of
from pipeline.judge.priced import to_price
from pipeline.minute import MINUTE
from pipeline.money import AtRisk
from pipeline.packs.merchants import PACK
from pipeline.packs.merchants.schema import SIGNAL
from tests.oracle import LifeCycle

RULES = load_rules(Path(__file__).resolve().parents[2] / "baselines" / "merchants" / "rules.toml")
START = datetime(2026, 3, 1, tzinfo=UTC)
KEYS: list[Key] = [(rule, merchant) for rule in ("cancel_surge", "volume_drop") for merchant in ("A", "B")]

#: A verdict: does it pass the policy's gates, and the numbers behind it.
verdicts = st.dictionaries(st.sampled_from(KEYS), st.tuples(st.booleans(), st.integers(0, 12)), max_size=4)
gaps = st.one_of(st.just(1), st.integers(1, 3), st.integers(56, 62))
sequences = st.lists(st.tuples(gaps, verdicts), min_size=1, max_size=25)


def signal(minute: datetime, key: Key, *, passed: bool, size: int) -> dict[str, Any]:
    surge = key[0] == "cancel_surge"
    numbers = {
        "approvals_hour": 10 if surge else None,
        "cancels_hour": size if surge else None,
        "approvals_week": 1000 if surge else None,
        "cancels_week": 50 if surge else None,
        "amount_today": None if surge else 12 - size,
        "amount_paced": None if surge else 7 * 12,
        "amount_days": None if surge else 7 * 100,
        "days": None if surge else 7,
    }
    head = {"minute": minute, "rule": key[0], "entity_id": key[1], "tier": "tail"}
    return {**head, "passed": passed, "reason": "fires" if passed else "few_cancels", **numbers}


def plain_severity(row: dict[str, Any], at_risk: int) -> str:
    """From the words of rules.toml, with exact fractions."""
    if at_risk >= 1_000_000_000:
        return "critical"
    if row["rule"] == "cancel_surge":
        times = (row["cancels_hour"] * row["approvals_week"]) / (row["cancels_week"] * row["approvals_hour"])
        return "critical" if times >= 5 else "high" if times >= 3 else "medium"
    missing_percent = 100 - 100 * row["amount_today"] * row["days"] / row["amount_paced"]
    return "critical" if missing_percent >= 80 else "high" if missing_percent >= 65 else "medium"


@given(
    sequence=sequences,
    risky=st.sets(st.sampled_from(["A", "B"])),
    quiet=st.sampled_from([1, 5, 60]),
    reopen=st.sampled_from([0, 3, 180]),
    repeat=st.sampled_from([2, 60, 240]),
)
def test_incidents_live_as_the_plain_life_cycle_says(
    sequence: list[tuple[int, dict[Key, tuple[bool, int]]]],
    risky: set[str],
    quiet: int,
    reopen: int,
    repeat: int,
) -> None:
    numbers = IncidentRules(
        resolve_after_minutes=quiet, reopen_within_minutes=reopen, repeat_after_minutes=repeat
    )
    rules = replace(RULES, incident=numbers)
    oracle, history = LifeCycle(quiet, reopen, repeat), []
    unresolved, resolved = dict[Key, Incident](), dict[Key, Incident]()
    minute = START
    for gap, found in sequence:
        minute += gap * MINUTE
        rows = [signal(minute, key, passed=passed, size=size) for key, (passed, size) in found.items()]
        signals = pl.DataFrame(rows, SIGNAL, orient="row")
        asked = to_price(keys_to_open(signals, unresolved), PACK)
        assert asked == sorted({k[1] for k, (passed, _) in found.items() if passed and k not in unresolved})
        at_risk = {
            m: AtRisk({"one": 600_000_000, "other": 400_000_000} if m in risky else {"one": 0}) for m in asked
        }
        changes = changes_of(
            minute, signals, Known(unresolved, resolved, at_risk), Gates(PACK, rules, "supported")
        )
        fired = {}
        for row in rows:
            key = (row["rule"], row["entity_id"])
            known = unresolved[key].at_risk if key in unresolved else at_risk.get(key[1], AtRisk({"one": 0}))
            if row["passed"]:
                fired[key] = plain_severity(row, known.total or 0)
        oracle.step(minute, fired)
        history += [(e.minute, e.kind, e.incident.key, e.incident.severity) for e in changes.events]
        for incident in changes.opened:
            assert incident.key not in unresolved, "two unresolved incidents of one key"
            assert incident.incident_id is None
            unresolved[incident.key] = replace(incident, incident_id=len(history))
        for incident in changes.reopened:
            assert incident.key not in unresolved
            assert incident.incident_id == resolved[incident.key].incident_id
            unresolved[incident.key] = incident
        for incident in changes.continued:
            assert incident.incident_id == unresolved[incident.key].incident_id
            unresolved[incident.key] = incident
        for incident in changes.resolved:
            resolved[incident.key] = replace(unresolved.pop(incident.key), resolved_minute=minute)
        assert {
            k: (i.opened_minute, i.last_breach_minute, i.severity, i.times, i.told_minute)
            for k, i in unresolved.items()
        } == {k: (c.opened, c.last_breach, c.severity, c.times, c.told) for k, c in oracle.unresolved.items()}
    assert sorted(history) == sorted(oracle.history)


@given(sequence=sequences)
def test_a_message_says_the_numbers_of_the_minute_it_tells_of(
    sequence: list[tuple[int, dict[Key, tuple[bool, int]]]],
) -> None:
    minute = START
    for gap, found in sequence:
        minute += gap * MINUTE
        rows = [signal(minute, key, passed=passed, size=size) for key, (passed, size) in found.items()]
        changes = changes_of(
            minute, pl.DataFrame(rows, SIGNAL, orient="row"), Known(), Gates(PACK, RULES, "supported")
        )
        for event in changes.events:
            message = message_of(event)
            row = next(r for r in rows if (r["rule"], r["entity_id"]) == event.incident.key)
            assert message["minute"] == minute.isoformat()
            assert {name: row[name] for name in message["reason"]} == message["reason"]
            assert None not in message["reason"].values()


@given(
    numbers=st.tuples(st.integers(0, 50), st.integers(0, 50), st.integers(1, 5000), st.integers(0, 500)),
    risk=st.integers(0, 2 * 10**9),
)
def test_a_larger_surge_or_more_money_never_lowers_the_severity(
    numbers: tuple[int, int, int, int], risk: int
) -> None:
    ah, ch, aw, cw = numbers
    order = ("medium", "high", "critical")

    def severity(cancels: int, krw: int) -> int:
        reason = {"approvals_hour": ah, "cancels_hour": cancels, "approvals_week": aw, "cancels_week": cw}
        return order.index(PACK.severity("cancel_surge", reason, AtRisk({"one": krw}), RULES))

    assert severity(ch, risk) <= severity(ch + 1, risk)
    assert severity(ch, risk) <= severity(ch, risk + 10**9)
