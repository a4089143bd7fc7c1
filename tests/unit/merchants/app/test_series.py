"""Windows as differences of prefix sums, beside plain sums."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from app.merchants.series import LEAD, STEPS, SUMS, TIED, Series, series_of, series_of_rows, steps_of
from baselines.chance import wilson_interval
from pipeline.minute import MINUTE, WEEK_MINUTES, Span, to_index
from pipeline.packs.merchants.schema import MERCHANT_MINUTE

if TYPE_CHECKING:
    from collections.abc import Sequence

END = datetime(2026, 11, 21, 1, 0, tzinfo=UTC)
LAST = to_index(END)


def series(approvals: Sequence[int], cancels: Sequence[int]) -> Series:
    span = Span(END - len(approvals) * MINUTE, END)
    minutes = np.arange(to_index(span.start), LAST, dtype=np.int64)
    a, c = np.array(approvals, np.int64), np.array(cancels, np.int64)
    values = {"approval_count": a, "cancel_count": c, "approval_amount": a * 1000, "cancel_amount": c * 500}
    return series_of(minutes, values, span)


def edges(step: int, count: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    return LAST - step * np.arange(count, -1, -1, dtype=np.int64)


def test_the_rate_is_that_of_the_hour_that_ends_with_the_step() -> None:
    frame = steps_of(series([10] * 200, [0] * 150 + [5] * 50), edges(10, 3))
    assert frame.schema == STEPS
    assert frame["approval_count"].to_list() == [100] * 3
    assert frame["cancel_rate"].to_list() == [150 / 600, 200 / 600, 250 / 600]
    assert frame["end"].to_list() == [END - 20 * MINUTE, END - 10 * MINUTE, END]


def test_a_longer_step_is_its_own_hour() -> None:
    frame = steps_of(series([10] * 400, [1] * 200 + [3] * 200), edges(120, 2))
    assert frame["cancel_rate"].to_list() == [(40 + 3 * 80) / 1200, 0.3]


@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=60),
    st.sampled_from([1, 10, 60]),
)
@settings(deadline=None)
def test_every_window_is_a_plain_sum_and_nothing_is_nan(counts: list[tuple[int, int]], step: int) -> None:
    counts = counts * 7
    whole = len(counts) // step
    frame = steps_of(series(*map(list, zip(*counts, strict=True))), edges(step, whole))
    for n, row in enumerate(frame.iter_rows(named=True)):
        end = len(counts) - (whole - 1 - n) * step
        hour = counts[max(0, end - max(60, step)) : end]
        week = counts[max(0, end - max(60, step) - WEEK_MINUTES) : max(0, end - max(60, step))]
        for window, name in ((hour, "cancel_rate"), (week, "usual_rate")):
            approvals = sum(a for a, _ in window)
            assert row[name] == (sum(c for _, c in window) / approvals if approvals else None)
        assert row["approval_count"] == sum(a for a, _ in counts[end - step : end])
    numbers = frame.select(pl.col(pl.Float64)).to_dicts()
    assert all(v is None or np.isfinite(v) for row in numbers for v in row.values())


def test_the_week_does_not_hold_the_hour_nor_what_was_before_it() -> None:
    minutes = LEAD + 100
    cancels = [9] * 100 + [1] * WEEK_MINUTES + [5] * 60
    frame = steps_of(series([10] * minutes, cancels), edges(1, 1))
    assert (frame["usual_rate"][0], frame["cancel_rate"][0]) == (0.1, 0.5)
    low, high = wilson_interval(60, 600)
    assert abs(frame["chance_low"][0] - low) < 1e-12
    assert abs(frame["chance_high"][0] - high) < 1e-12


def test_what_the_ledger_does_not_hold_is_null() -> None:
    assert steps_of(series([1], [0]), edges(1, 1)).select(TIED).row(0) == (None, None)


def test_rows_of_a_merchant_become_dense_minutes() -> None:
    rows = [(END - 3 * MINUTE, "a", 2, 1, 2000, 500, 1, 0), (END - MINUTE, "a", 4, 2, 4000, 900, 0, 2)]
    span = Span(END - 5 * MINUTE, END)
    found = series_of_rows(pl.DataFrame(rows, MERCHANT_MINUTE, orient="row"), span)
    frame = steps_of(found, edges(1, 5))
    assert frame["approval_count"].to_list() == [0, 0, 2, 0, 4]
    assert frame.select(TIED).sum().row(0) == (1, 2)
    assert frame["ticket"].to_list() == [None, None, 1000.0, None, 1000.0]
    assert set(SUMS) < set(frame.columns)
