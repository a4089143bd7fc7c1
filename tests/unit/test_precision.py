"""Precision from labels: by rule, tier and week, with the interval that so few labels allow."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import text

from baselines.chance import wilson_interval
from pipeline.desk.precision import Labelled, altogether, labelled, precision_text, since
from pipeline.store.state import State
from tests.people import do

if TYPE_CHECKING:
    from sqlalchemy import Engine

SEOUL = ZoneInfo("Asia/Seoul")
INSERT = """
INSERT INTO incident (pack, rule, entity_id, tier, severity, policy, opened_minute, last_breach_minute,
    currency, parts, reason, latest_reason)
VALUES ('merchants', :rule, :entity, :tier, 'high', 'budgeted', :opened, :opened, 'KRW', '{}',
    CAST(:reason AS jsonb), CAST(:reason AS jsonb))
RETURNING incident_id
"""
REASON = {"approvals_hour": 10, "cancels_hour": 6, "approvals_week": 1000, "cancels_week": 50}
SUNDAY = datetime(2026, 3, 15, 14, 59, tzinfo=UTC)  # its last minute in Seoul


@pytest.mark.parametrize(
    ("part", "whole", "low", "high"),
    [
        # From the formula in Wilson 1927 with z = 1.959964, worked out by hand with fractions.
        (0, 1, 0.0, 0.7935),
        (1, 1, 0.2065, 1.0),
        (5, 10, 0.2366, 0.7634),
        (90, 100, 0.8256, 0.9448),
    ],
)
def test_the_interval_of_a_share_is_wilsons(part: int, whole: int, low: float, high: float) -> None:
    assert wilson_interval(part, whole) == pytest.approx((low, high), abs=5e-5)


def test_the_newest_label_counts_in_the_week_in_which_the_incident_opened(
    state_engine: Engine, state_url: str
) -> None:
    state = State(state_engine, state_url, "merchants", "KRW")
    numbers = []
    for n in range(5):
        row = {"entity": f"M{n}", "tier": "top" if n < 2 else "tail", "reason": json.dumps(REASON)}
        opened = SUNDAY + timedelta(minutes=n % 2)
        with state.changing() as connection:
            given = {**row, "rule": "cancel_surge", "opened": opened}
            numbers.append(connection.execute(text(INSERT), given).scalar_one())
    labels = {0: "false_alarm", 2: "true_alarm", 4: "false_alarm"}
    for n, label in labels.items():
        do(state, "label", numbers[n], label=label, reason="seen", by="kim")
    do(state, "label", numbers[4], label="true_alarm", reason="on second thought", by="kim")
    rows = state.rows("labels_by_week", since=SUNDAY, zone=SEOUL.key)
    found = {(w.tier, w.week): (w.incidents, w.true_alarms, w.false_alarms) for w in labelled(rows)}
    first, second = date(2026, 3, 9), date(2026, 3, 16)
    assert found == {
        ("top", first): (1, 0, 1),
        ("tail", first): (2, 2, 0),
        ("top", second): (1, 0, 0),
        ("tail", second): (1, 0, 0),
    }
    whole = altogether(labelled(rows))
    assert whole is not None
    assert (whole.incidents, whole.labels, whole.precision) == (5, 3, 2 / 3)


def test_without_a_label_the_precision_is_not_known_and_never_0() -> None:
    week = Labelled(
        rule="cancel_surge", tier="top", week=date(2026, 3, 9), incidents=3, true_alarms=0, false_alarms=0
    )
    assert week.as_json() | {"precision": None, "low": None, "high": None} == week.as_json()
    assert "not known  0 true, 0 false of 3 incidents" in precision_text([week])
    assert "not known, no incident opened" in precision_text([])


def test_whole_weeks_of_the_business_zone_are_shown() -> None:
    assert since(SUNDAY, SEOUL) == datetime(2026, 2, 15, 15, tzinfo=UTC)
    assert since(SUNDAY + timedelta(minutes=1), SEOUL) == datetime(2026, 2, 22, 15, tzinfo=UTC)
