"""The bookkeeping of the detection benchmark: incidents, delays, the control, targets."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest

from pipeline.judge.verdicts import FIRES, HELD_BY_BUDGET, Verdicts
from pipeline.packs.merchants import JUDGE
from pipeline.packs.merchants.schema import SIGNAL
from tests.benchmarks.detection import targets_met
from tests.benchmarks.watch import Incidents, Opened, delays, random_recall


def found(*rows: tuple[str, int, str]) -> Verdicts:
    """Verdicts of rule, position and reason."""
    columns = {
        "rule": np.array([JUDGE.names.index(rule) for rule, _, _ in rows], np.int64),
        "position": np.array([position for _, position, _ in rows], np.int64),
        "reason": np.array([JUDGE.reasons.index(reason) for _, _, reason in rows], np.int64),
        "kind": np.zeros(len(rows), np.int64),
    }
    return Verdicts(columns, pl.Series(["A", "B"]), SIGNAL, {"reason": JUDGE.reasons})


def test_an_incident_opens_once_and_a_held_breach_keeps_it_open() -> None:
    incidents = Incidents(60)
    incidents.add(0, found(("cancel_surge", 0, HELD_BY_BUDGET)))  # keeps nothing open, nothing was
    incidents.add(10, found(("cancel_surge", 0, FIRES), ("volume_drop", 0, FIRES)))
    incidents.add(60, found(("cancel_surge", 0, HELD_BY_BUDGET)))
    incidents.add(110, found(("cancel_surge", 0, FIRES), ("volume_drop", 0, FIRES)))
    opened = incidents.opened()
    assert opened.of("cancel_surge").minutes.tolist() == [10]
    assert opened.of("volume_drop").minutes.tolist() == [10, 110]


def test_all_merchants_together_are_an_incident_of_their_own() -> None:
    incidents = Incidents(60)
    incidents.add(5, found(("platform_outage", -1, FIRES)))
    incidents.add(6, found(("platform_outage", -1, FIRES)))
    assert incidents.opened().positions.tolist() == [-1]


def test_a_delay_ends_with_the_judged_minute_and_what_was_open_before_is_missed() -> None:
    none = np.zeros(4, np.int64)
    opened = Opened(np.array([90, 100, 114, 300]), none, np.array([0, 1, 2, 3]), none)
    assert delays(opened, dict.fromkeys(range(4), 100), within=100) == {
        "cases": 4,
        "recall": 0.5,
        "median_minutes": 15,
        "p95_minutes": None,
    }


@pytest.mark.parametrize(("incidents", "recall"), [(0, 0.0), (1, 0.05), (1000, 1.0)])
def test_the_control_hits_by_luck_alone(incidents: int, recall: float) -> None:
    assert random_recall(incidents, merchants=10, minutes=1000, left=500) == pytest.approx(recall)


def report(false: float, minutes: int | None) -> dict[str, Any]:
    surges = [
        {"per_day": 20_000, "times": times, "policy": "budgeted", "median_minutes": minutes}
        for times in (3.0, 5.0)
    ]
    quiet = [{"false_incidents_per_day": {"budgeted": false}}]
    return {"quiet": quiet, "surges": surges, "drops": {"false_per_1000": {"budgeted": 0.0}}}


def test_a_target_is_met_up_to_its_border_and_never_by_what_was_not_found() -> None:
    assert all(row["met"] for row in targets_met(report(5.0, 5)).values())
    assert not targets_met(report(5.1, 5))["false_incidents_per_day"]["met"]
    assert not targets_met(report(5.0, None))["x3_median_minutes_at_20000"]["met"]
    assert not targets_met(report(5.0, 6))["x5_median_minutes_at_20000"]["met"]
