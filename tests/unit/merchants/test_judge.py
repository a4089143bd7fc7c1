"""Both rules at their borders, the gates of each policy with their reasons, and the borders of severity."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from baselines.merchants.rules import load_rules
from pipeline.money import AtRisk
from pipeline.packs.merchants import JUDGE, PACK
from pipeline.packs.merchants.rules.cancel_surge import (
    Beside,
    SurgeNumbers,
    surge_breach,
    surge_reasons,
    surges_among,
)
from pipeline.packs.merchants.rules.surge_spans import Portfolio
from pipeline.packs.merchants.rules.volume_drop import DropNumbers, drop_breach, drop_reasons, drops_among

RULES = load_rules(Path(__file__).resolve().parents[3] / "baselines" / "merchants" / "rules.toml")
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
BILLION = 1_000_000_000


def surge(*numbers: tuple[int, int, int, int]) -> SurgeNumbers:
    """Rows of approvals(hour), cancels(hour), approvals(week), cancels(week)."""
    columns = np.array(numbers, np.int64).reshape(-1, 4).T
    return SurgeNumbers(np.arange(columns.shape[1]), *columns)


def drop(*numbers: tuple[int, int, int], days: int = 7, judged: bool = True) -> DropNumbers:
    """Rows of amount today, paced and whole."""
    today, paced, whole = np.array(numbers, np.int64).reshape(-1, 3).T
    return DropNumbers(np.arange(len(today)), today, paced, whole, days, judged)


def test_twice_the_weekly_rate_breaches_and_one_cancel_less_does_not() -> None:
    breach = surge_breach(surge((100, 10, 1000, 50), (100, 9, 1000, 50), (101, 10, 1000, 50)), 2)
    assert breach.tolist() == [True, False, False]


def test_a_week_without_cancels_breaches_at_the_first_cancel() -> None:
    assert surge_breach(surge((100, 1, 1000, 0), (100, 0, 1000, 0)), 2).tolist() == [True, False]


def test_a_week_without_approvals_is_not_judged() -> None:
    numbers = surge((0, 3, 0, 0), (5, 9, 0, 4))
    assert surge_breach(numbers, 2).tolist() == [False, False]
    for policy in ("literal", "supported", "budgeted"):
        assert surge_reasons(numbers, policy, RULES) == ["no_baseline", "no_baseline"]


def test_an_hour_of_cancels_without_approvals_breaches() -> None:
    assert surge_breach(surge((0, 1, 1000, 50)), 2).tolist() == [True]


def test_the_largest_counts_and_the_largest_factor_do_not_wrap() -> None:
    per_week, per_hour = 3_000_000_000, 18_000_000  # 5,000 a second, all of one merchant
    numbers = surge((per_hour, per_hour, per_week, per_week), (per_hour, 1, per_week, per_week))
    assert surge_breach(numbers, 2).tolist() == [False, False]
    numbers = surge((per_hour, 2, 10**6, per_week))
    assert surge_breach(numbers, 100).tolist() == [False]


@pytest.mark.parametrize(
    ("numbers", "reason"),
    [
        ((100, 5, 100, 0), "fires"),
        ((100, 4, 100, 0), "few_cancels"),
        ((100, 5, 99, 0), "few_approvals_in_week"),
        ((100, 4, 99, 0), "few_cancels"),
        ((100, 5, 1000, 500), "no_breach"),
        ((0, 4, 0, 0), "no_baseline"),
    ],
)
def test_supported_holds_back_small_surges_and_names_the_first_gate(
    numbers: tuple[int, int, int, int], reason: str
) -> None:
    assert surge_reasons(surge(numbers), "supported", RULES) == [reason]
    literal = "fires" if reason.startswith("few") else reason
    assert surge_reasons(surge(numbers), "literal", RULES) == [literal]


def test_half_the_paced_amount_breaches_and_one_won_more_does_not() -> None:
    numbers = drop((500, 7000, 7 * BILLION), (501, 7000, 7 * BILLION), (499, 6999, 7 * BILLION))
    assert drop_breach(numbers, BILLION, 2).tolist() == [True, False, True]


def test_an_odd_sum_is_compared_without_rounding() -> None:
    numbers = drop(*((today, 14 * 499 + 13, 7 * BILLION) for today in (499, 500)))
    assert drop_breach(numbers, BILLION, 2).tolist() == [True, False]


def test_a_merchant_one_won_below_a_billion_a_day_is_not_judged() -> None:
    numbers = drop((0, 7000, 7 * BILLION), (0, 7000, 7 * BILLION - 1))
    assert drop_breach(numbers, BILLION, 2).tolist() == [True, False]
    assert drop_reasons(numbers, "literal", RULES) == ["fires", "below_daily_amount"]


def test_fewer_complete_days_ask_for_as_many_billions_fewer() -> None:
    assert drop_breach(drop((0, 7000, 3 * BILLION), days=3), BILLION, 2).tolist() == [True]
    assert drop_breach(drop((0, 7000, 3 * BILLION), days=4), BILLION, 2).tolist() == [False]


def test_without_a_complete_day_nothing_is_judged() -> None:
    numbers = drop((0, 0, 0), days=0)
    assert drop_breach(numbers, BILLION, 2).tolist() == [False]
    assert drop_reasons(numbers, "supported", RULES) == ["no_baseline"]


def test_the_full_day_mode_judges_nothing_before_the_day_has_closed() -> None:
    numbers = drop((0, 7000, 7 * BILLION), judged=False)
    assert drop_breach(numbers, BILLION, 2).tolist() == [False]
    assert drop_reasons(numbers, "literal", RULES) == ["day_not_closed"]


@pytest.mark.parametrize(
    ("paced", "reason"), [(7 * 100_000_000, "fires"), (7 * 100_000_000 - 1, "little_expected_so_far")]
)
def test_supported_waits_until_enough_was_expected(paced: int, reason: str) -> None:
    numbers = drop((0, paced, 7 * BILLION))
    assert drop_reasons(numbers, "supported", RULES) == [reason]
    assert drop_reasons(numbers, "literal", RULES) == ["fires"]


def test_the_largest_amounts_do_not_wrap() -> None:
    rules = replace(RULES, volume_drop=replace(RULES.volume_drop, minimum_daily_amount=10**15, divisor=100))
    largest = 9 * 10**18
    numbers = drop((largest, largest, largest), (0, largest, largest), days=60)
    assert drop_breach(numbers, 10**15, 100).tolist() == [False, True]
    assert drop_reasons(numbers, "supported", rules) == ["no_breach", "fires"]


SURGES = surge((100, 50, 1000, 10), (100, 4, 1000, 0), (100, 0, 1000, 0))
DROPS = drop((0, 7 * BILLION, 7 * BILLION), (0, 7000, 7 * BILLION), (BILLION, 7000, 7 * BILLION))


def judged(policy: str, surges: SurgeNumbers = SURGES, drops: DropNumbers = DROPS) -> pl.DataFrame:
    """The signals of three merchants, Z of the top tier; under `budgeted` no window looked at them."""
    beside = Beside((), Portfolio()) if policy == "budgeted" else None
    found = {
        "cancel_surge": surges_among(surges, beside, policy, RULES),
        "volume_drop": drops_among(drops, None, policy, RULES),
    }
    ids, top = pl.Series(["Z", "B", "A"]), np.array([True, False, False])
    return JUDGE.put_together(found, NOON, ids, top).frame()


def test_every_breach_is_a_signal_and_the_policy_only_decides_what_passes() -> None:
    literal, supported = judged("literal"), judged("supported")
    assert literal.drop("passed", "reason").equals(supported.drop("passed", "reason"))
    assert literal["passed"].all()
    assert supported["reason"].to_list() == ["fires", "fires", "few_cancels", "little_expected_so_far"]
    budgeted = judged("budgeted")
    verdict = ("passed", "reason", *JUDGE.schema.names()[JUDGE.schema.names().index("kind") + 1 :])
    assert budgeted.drop(verdict).equals(supported.drop(verdict))


def test_signals_come_with_the_top_tier_first() -> None:
    found = judged("literal")
    assert found.schema == JUDGE.schema
    assert list(found.select("tier", "entity_id", "rule").iter_rows()) == [
        ("top", "Z", "cancel_surge"),
        ("top", "Z", "volume_drop"),
        ("tail", "B", "cancel_surge"),
        ("tail", "B", "volume_drop"),
    ]


def test_a_signal_holds_the_numbers_of_its_own_rule_and_no_others() -> None:
    row = judged("literal").to_dicts()[0]
    assert (row["approvals_hour"], row["cancels_hour"], row["approvals_week"], row["cancels_week"]) == (
        100,
        50,
        1000,
        10,
    )
    assert [row[name] for name in ("amount_today", "amount_paced", "amount_days", "days")] == [None] * 4


def test_without_a_breach_the_signals_are_empty_and_typed() -> None:
    found = judged("literal", surge(), drop())
    assert found.schema == JUDGE.schema
    assert found.is_empty()


SURGE = ("approvals_hour", "cancels_hour", "approvals_week", "cancels_week")
DROP = ("amount_today", "amount_paced", "amount_days", "days")


@pytest.mark.parametrize(
    ("cancels", "severity"), [(10, "medium"), (14, "medium"), (15, "high"), (24, "high"), (25, "critical")]
)
def test_a_surge_is_high_at_three_times_and_critical_at_five_times(cancels: int, severity: str) -> None:
    reason = dict(zip(SURGE, (100, cancels, 1000, 50), strict=True))
    assert PACK.severity("cancel_surge", reason, AtRisk(), RULES) == severity


@pytest.mark.parametrize(
    ("today", "severity"),
    [(500, "medium"), (351, "medium"), (350, "high"), (201, "high"), (200, "critical"), (0, "critical")],
)
def test_a_drop_is_high_at_65_and_critical_at_80_percent_missing(today: int, severity: str) -> None:
    reason = dict(zip(DROP, (today, 7000, 7 * BILLION, 7), strict=True))
    assert PACK.severity("volume_drop", reason, AtRisk(), RULES) == severity


@pytest.mark.parametrize(("krw", "severity"), [(BILLION - 1, "medium"), (BILLION, "critical")])
def test_a_billion_at_risk_is_critical_whatever_the_deviation(krw: int, severity: str) -> None:
    reason = dict(zip(SURGE, (100, 10, 1000, 50), strict=True))
    assert PACK.severity("cancel_surge", reason, AtRisk({"one": krw}), RULES) == severity


@pytest.mark.parametrize(
    ("loss", "severity"), [(49_999_999, "medium"), (50_000_000, "critical"), (None, "critical")]
)
def test_where_the_expected_loss_is_known_it_decides_and_not_what_is_merely_at_risk(
    loss: int | None, severity: str
) -> None:
    reason = dict(zip(SURGE, (100, 10, 1000, 50), strict=True))
    money = AtRisk({"paid_out_cancelable": 32 * BILLION}, figures={"expected_loss": loss})
    assert PACK.severity("cancel_surge", reason, money, RULES) == severity
