"""All merchants together: what is a failure of the platform, and what is one of a few merchants."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from baselines.facts import Facts
from baselines.merchants.rules import load_rules
from baselines.merchants.windows import Windows
from pipeline.minute import Span
from pipeline.packs.merchants import JUDGE
from pipeline.packs.merchants.rules.platform import SameMinutes, _most, found_of, ordinary
from pipeline.packs.merchants.rules.platform_outage import KINDS
from pipeline.packs.merchants.rules.rule import Situation
from pipeline.packs.merchants.schema import MERCHANT_MINUTE
from pipeline.schema import UTC_TIME, conform
from tests.unit.one_shard import PlatformNumbers, cancels_among, outages_among

RULES = load_rules(Path(__file__).resolve().parents[3] / "baselines" / "merchants" / "rules.toml")
NOON = datetime(2026, 3, 4, 3, tzinfo=UTC)
SIZE = 40
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def platform(
    approvals: list[int],
    *,
    like: tuple[int, ...] = (400,) * 5,
    cancels: list[int] | None = None,
    cancels_like: tuple[int, ...] = (60,) * 5,
    longer: tuple[SameMinutes, ...] = (),
    before: SameMinutes | None = None,
) -> PlatformNumbers:
    """Merchants that all had the same week."""
    now, gone = np.array(approvals), np.array(cancels or [0] * len(approvals))
    week = np.full(len(approvals), 1000)
    newest = SameMinutes(5, int(now.sum()), int(gone.sum()), like, cancels_like)
    ordinary_hours = SameMinutes(180, 36 * like[0], 36 * cancels_like[0], *_times(36, like, cancels_like))
    return PlatformNumbers((newest, *longer), before or ordinary_hours, now, gone, week, week // 10)


def _times(factor: int, *like: tuple[int, ...]) -> tuple[tuple[int, ...], ...]:
    return tuple(tuple(factor * n for n in days) for days in like)


def found(numbers: PlatformNumbers | None, **changes: Any) -> list[dict[str, Any]]:  # noqa: ANN401
    tuned = replace(RULES.platform, **changes)
    by_rule = {
        "platform_outage": outages_among(numbers, tuned),
        "platform_cancels": cancels_among(numbers, tuned),
    }
    return [{"rule": rule, **row} for rule, rows in by_rule.items() for row in rows]


def test_half_of_the_lowest_like_day_is_an_outage_and_one_approval_more_is_not() -> None:
    half = [5] * SIZE
    (row,) = found(platform(half))
    assert (row["rule"], row["kind"]) == ("platform_outage", "platform")
    assert (row["approvals_window"], row["expected_window"], row["days"]) == (200, 400, 5)
    assert (row["others_window"], row["others_expected"]) == (150, 300)
    assert found(platform([*half[1:], 6])) == []


def test_the_lowest_of_many_days_may_have_been_an_outage_itself() -> None:
    assert ordinary((400, 3, 410, 420), low=True) == 400
    assert ordinary((400, 3, 410), low=True) == 3
    assert ordinary((60, 900, 70, 65), low=False) == 70
    assert len(found(platform([5] * SIZE, like=(400, 10, 410, 400, 420)))) == 1


def test_a_giant_that_fails_alone_is_no_outage_of_the_platform() -> None:
    giants = [0] * 10 + [10] * 30
    numbers = platform(giants)
    heavy = numbers.approvals_week.copy()
    heavy[:10] = 9000  # they carry three quarters of everything
    numbers = replace(
        numbers,
        approvals_week=heavy,
        spans=(replace(numbers.spans[0], approvals_like=(1200,) * 5),),
    )
    assert numbers.spans[0].approvals * 2 < 1200
    assert found(numbers) == []
    third = replace(numbers.spans[0], approvals=90)
    assert len(found(replace(numbers, approvals=numbers.approvals // 3, spans=(third,)))) == 1


def test_a_few_merchants_that_cancel_everything_are_no_surge_of_the_platform() -> None:
    few = [100] * 10 + [1] * 30
    everybody = [3] * SIZE
    assert found(platform([10] * SIZE, cancels=few)) == []
    (row,) = found(platform([10] * SIZE, cancels=everybody))
    assert (row["rule"], row["cancels_window"], row["expected_window"]) == ("platform_cancels", 120, 60)


def test_a_day_that_is_slow_as_a_whole_opens_nothing_and_keeps_an_outage_open() -> None:
    slow = SameMinutes(180, 36 * 230, 0, (36 * 400,) * 5, (36 * 60,) * 5)
    (row,) = found(platform([5] * SIZE, before=slow))
    assert row["reason"] == "not_sudden"
    assert found(platform([2] * SIZE, before=slow))[0]["reason"] == "fires"


def test_cancels_that_rise_with_the_approvals_are_a_busy_hour() -> None:
    assert found(platform([20] * SIZE, cancels=[3] * SIZE)) == []
    busy = SameMinutes(180, 36 * 400, 36 * 80, (36 * 400,) * 5, (36 * 60,) * 5)
    assert found(platform([10] * SIZE, cancels=[3] * SIZE, before=busy))[0]["reason"] == "not_sudden"


def test_too_little_traffic_says_nothing_and_no_like_day_neither() -> None:
    assert found(platform([0] * SIZE, like=(99,) * 5, cancels=[1] * SIZE, cancels_like=(49,) * 5)) == []
    assert found(None) == []


def test_a_platform_of_ten_merchants_is_these_merchants() -> None:
    assert found(platform([1] * 10)) == []


def test_a_small_source_is_silent_when_nothing_came_for_long_enough() -> None:
    nothing = [0] * SIZE
    quarter = SameMinutes(15, 0, 0, (19,) * 5, (1,) * 5)
    hour = SameMinutes(60, 0, 0, (70,) * 5, (1,) * 5)
    assert found(platform(nothing, like=(6,) * 5, longer=(quarter,))) == []
    (row,) = found(platform(nothing, like=(6,) * 5, longer=(quarter, hour)))
    assert (row["rule"], row["kind"], row["window_minutes"], row["expected_window"]) == (
        "platform_outage",
        "silence",
        60,
        70,
    )
    assert found(platform(nothing, like=(6,) * 5, longer=(quarter, replace(hour, cancels=1)))) == []


def test_of_equal_deviations_the_choice_does_not_depend_on_the_order_of_merchants() -> None:
    rng = np.random.default_rng(4)
    numbers = platform([int(n) for n in rng.integers(0, 6, SIZE)])
    numbers = replace(numbers, approvals_week=rng.integers(1, 4, SIZE) * 1000)
    order = rng.permutation(SIZE)
    turned = replace(
        numbers, approvals=numbers.approvals[order], approvals_week=numbers.approvals_week[order]
    )
    assert found(numbers) == found(turned) != []


def test_what_is_of_everybody_is_a_signal_of_the_top_tier() -> None:
    rows = outages_among(platform([0] * SIZE, like=(60,) * 5), RULES.platform)
    none = pl.Series([], dtype=pl.String), np.zeros(0, np.bool_)
    signals = JUDGE.put_together({"platform_outage": found_of(rows, KINDS)}, NOON, *none).frame()
    shown = signals.select("rule", "minute", "entity_id", "tier", "kind", "passed", "reason")
    assert shown.rows() == [("platform_outage", NOON, "*", "top", "silence", True, "fires")]


@pytest.mark.parametrize(("policy", "rows"), [("literal", 0), ("supported", 1), ("budgeted", 1)])
def test_literal_knows_the_briefs_two_rules_alone(policy: str, rows: int) -> None:
    """A day of one approval a minute, then an hour of nothing."""
    windows = Windows(ZoneInfo("UTC"), 7)
    steady = pl.DataFrame({"minute": pl.Series(list(Span(NOON - 9 * DAY, NOON - HOUR)), dtype=UTC_TIME)})
    counts = steady.with_columns(
        pl.lit("A").alias("merchant_id"),
        *(pl.lit(int(name.startswith("approval"))).alias(name) for name in MERCHANT_MINUTE.names()[2:]),
    )
    for n in range(9):
        day = Span(NOON - (9 - n) * DAY, NOON - (8 - n) * DAY)
        inside = (pl.col("minute") >= day.start) & (pl.col("minute") < day.end)
        windows.add_many(day.start, day.end, conform(counts.filter(inside), MERCHANT_MINUTE))
    found = JUDGE.verdicts(Situation(windows, RULES, policy, Facts())).frame()
    assert found.filter(entity_id="*")["kind"].to_list() == ["silence"] * rows


@given(st.lists(st.tuples(st.integers(-2, 3), st.integers(0, 3)), max_size=12), st.integers(0, 12))
def test_those_left_out_are_the_last_of_all_merchants_in_order(
    rows: list[tuple[int, int]], count: int
) -> None:
    deviation, week = (np.array([row[n] for row in rows], np.int64) for n in (0, 1))
    chosen = _most(deviation, week, count).tolist()
    assert len(set(chosen)) == len(chosen)
    assert sorted(rows[place] for place in chosen) == sorted(rows)[max(len(rows) - count, 0) :]
