"""Snoozed, resolved and opened again by people, against the plain life cycle, over random sequences."""

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
from pipeline.judge.life import Changes, Incident, Key, Known, changes_of
from pipeline.judge.people import Dismissal, Snooze
from pipeline.minute import MINUTE
from pipeline.money import AtRisk
from pipeline.packs.merchants import PACK
from pipeline.packs.merchants.schema import SIGNAL
from tests.oracle import LifeCycle

RULES = load_rules(Path(__file__).resolve().parents[2] / "baselines" / "merchants" / "rules.toml")
START = datetime(2026, 3, 1, tzinfo=UTC)
KEYS: list[Key] = [("cancel_surge", merchant) for merchant in ("A", "B")]

#: What a person does before a minute: to whom, what, for how many minutes, past what money it ends.
acts = st.tuples(
    st.sampled_from(KEYS),
    st.sampled_from(["snooze", "resolve", "reopen"]),
    st.integers(1, 6),
    st.integers(0, 4),
)
#: A minute: how far it lies from the one before, the cancels of those that fire, their money, and acts.
minutes = st.tuples(
    st.sampled_from([1, 1, 1, 2, 5]),
    st.dictionaries(st.sampled_from(KEYS), st.integers(1, 12), max_size=2),
    st.dictionaries(st.sampled_from(KEYS), st.integers(0, 5), max_size=2),
    st.lists(acts, max_size=2),
)


def signals_of(minute: datetime, fired: dict[Key, int]) -> pl.DataFrame:
    rows: list[dict[str, Any]] = [
        {
            "minute": minute,
            "rule": rule,
            "entity_id": merchant,
            "tier": "tail",
            "passed": True,
            "reason": "fires",
            "approvals_hour": 10,
            "cancels_hour": cancels,
            "approvals_week": 1000,
            "cancels_week": 50,
        }
        for (rule, merchant), cancels in fired.items()
    ]
    return pl.DataFrame(rows, SIGNAL, orient="row")


def severity_of(cancels: int) -> str:
    times = cancels * 1000 / (50 * 10)
    return "critical" if times >= 5 else "high" if times >= 3 else "medium"


class Desk:
    """Incidents as the database keeps them, and what people do to them there."""

    def __init__(self) -> None:
        self.unresolved: dict[Key, Incident] = {}
        self.resolved: dict[Key, Incident] = {}

    def act(self, minute: datetime, key: Key, act: str, length: int, limit: int, oracle: LifeCycle) -> None:
        if act == "snooze" and key in self.unresolved:
            incident, until = self.unresolved[key], minute + length * MINUTE
            snooze = Snooze(
                by="kim",
                since=incident.last_breach_minute,
                until=until,
                at_risk=incident.at_risk.total,
                severity=incident.severity,
                limit=limit,
            )
            self.unresolved[key] = replace(incident, snooze=snooze)
            oracle.snooze(key, until, limit)
        elif act == "resolve" and key in self.unresolved:
            incident = self.unresolved.pop(key)
            dismissal = Dismissal(by="kim", minute=minute, at_risk=incident.at_risk.total, limit=limit)
            self.resolved[key] = replace(
                incident,
                resolved_minute=minute,
                snooze=None,
                dismissal=dismissal,
                breached_minute=incident.last_breach_minute,
            )
            oracle.resolve(key, minute, limit)
        elif act == "reopen" and key in self.resolved and key not in self.unresolved:
            self.unresolved[key] = replace(
                self.resolved.pop(key),
                resolved_minute=None,
                dismissal=None,
                breached_minute=None,
                kept_minute=minute,
            )
            oracle.reopen(key, minute)

    def known(self, minute: datetime, quiet: int, money: dict[Key, int]) -> Known:
        since = minute - quiet * MINUTE
        dismissed = {
            k: i for k, i in self.resolved.items() if i.breached_minute and i.breached_minute > since
        }
        at_risk = {key[1]: AtRisk({"one": money.get(key, 0)}) for key in KEYS}
        for key, incident in self.unresolved.items():
            if key not in money:
                at_risk[key[1]] = incident.at_risk
        return Known(self.unresolved, self.resolved, at_risk, dismissed)

    def apply(self, minute: datetime, changes: Changes) -> None:
        for incident in changes.opened:
            self.unresolved[incident.key] = replace(incident, incident_id=1)
            self.resolved.pop(incident.key, None)
        for incident in changes.reopened:
            assert self.resolved.pop(incident.key).opened_minute == incident.opened_minute
            self.unresolved[incident.key] = incident
        self.unresolved |= {i.key: i for i in changes.continued}
        self.resolved |= {i.key: i for i in changes.dismissed}
        for incident in changes.resolved:
            before = self.unresolved.pop(incident.key)
            self.resolved[incident.key] = replace(before, resolved_minute=minute, snooze=None)


@given(
    story=st.lists(minutes, min_size=1, max_size=25),
    quiet=st.sampled_from([2, 4]),
    reopen=st.sampled_from([0, 3]),
    repeat=st.sampled_from([2, 5]),
)
def test_what_people_do_has_the_effects_of_the_plain_life_cycle(
    story: list[tuple[int, dict[Key, int], dict[Key, int], list[tuple[Key, str, int, int]]]],
    quiet: int,
    reopen: int,
    repeat: int,
) -> None:
    numbers = IncidentRules(
        resolve_after_minutes=quiet, reopen_within_minutes=reopen, repeat_after_minutes=repeat
    )
    gates = Gates(PACK, replace(RULES, incident=numbers), "supported")
    oracle, desk, minute = LifeCycle(quiet, reopen, repeat), Desk(), START
    told: list[tuple[datetime, str, Key, str]] = []
    for gap, fired, money, done in story:
        minute += gap * MINUTE
        for key, act, length, limit in done:
            desk.act(minute, key, act, length, limit, oracle)
        changes = changes_of(minute, signals_of(minute, fired), desk.known(minute, quiet, money), gates)
        desk.apply(minute, changes)
        oracle.step(minute, {key: severity_of(cancels) for key, cancels in fired.items()}, dict(money))
        told += [(e.minute, e.kind, e.incident.key, e.incident.severity) for e in changes.events]
        assert sorted(told) == sorted(oracle.history)
        assert {k: (i.severity, i.times, i.snooze is not None) for k, i in desk.unresolved.items()} == {
            k: (c.severity, c.times, c.snoozed_until is not None) for k, c in oracle.unresolved.items()
        }
