from __future__ import annotations

from datetime import UTC, datetime, timedelta

import polars as pl

from app.minutes import in_steps, of_ledger
from pipeline.minute import MINUTE, Span, to_index
from tests.doors import COUNTS, DOOR_MINUTE

START = datetime(2026, 11, 21, 1, 3, tzinfo=UTC)
STEP = timedelta(minutes=10)


def test_a_step_is_counted_from_the_start_of_the_span_and_an_empty_one_is_0() -> None:
    span = Span(START, START + 30 * MINUTE)
    counted = [(START + n * MINUTE, "gate-1", 1, n) for n in (0, 9, 10, 19)]
    rows = pl.DataFrame(counted, DOOR_MINUTE, orient="row")
    found = in_steps(rows, COUNTS, span, STEP)
    assert found.columns == ["start", *COUNTS]
    assert found.rows() == [(START, 2, 9), (START + STEP, 2, 29), (START + 2 * STEP, 0, 0)]


def test_without_minutes_every_step_is_0() -> None:
    found = in_steps(DOOR_MINUTE.to_frame(), COUNTS, Span(START, START + STEP), STEP)
    assert found.rows() == [(START, 0, 0)]


def test_the_ledgers_sums_are_the_minutes_of_all_together() -> None:
    first = to_index(START)
    rows = [
        {"name": "opened_count", "minutes": [first, first + 2], "totals": [5, 7]},
        {"name": "forced_count", "minutes": [first + 1], "totals": [1]},
        {"name": "of_before", "minutes": [first], "totals": [9]},
    ]
    found = of_ledger(rows, COUNTS)
    assert found.rows() == [(START, 5, 0), (START + MINUTE, 0, 1), (START + 2 * MINUTE, 7, 0)]
    assert found.schema["minute"] == DOOR_MINUTE["minute"]
    assert of_ledger([], COUNTS).is_empty()
