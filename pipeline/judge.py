"""Verdicts: which merchants breach a rule, and what the policy makes of it. Pure.

A verdict carries a reason, not only a yes or no. Every breach of a raw condition is a row of SIGNAL;
`passed` says whether the policy lets it become an incident, `reason` names the gate that held it back.
"""

from __future__ import annotations

from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import polars as pl

from pipeline.schema import SIGNAL

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from baselines.rules import Rules
    from baselines.slices import Integers
    from pipeline.compare import Comparison, DropNumbers, SurgeNumbers

    Flags = NDArray[np.bool_]

Numbers = TypeVar("Numbers", "SurgeNumbers", "DropNumbers")

CANCEL_SURGE = "cancel_surge"
VOLUME_DROP = "volume_drop"

FIRES = "fires"
NO_BREACH = "no_breach"
NO_BASELINE = "no_baseline"
DAY_NOT_CLOSED = "day_not_closed"
FEW_CANCELS = "few_cancels"
FEW_APPROVALS = "few_approvals_in_week"
LITTLE_EXPECTED = "little_expected_so_far"
BELOW_DAILY_AMOUNT = "below_daily_amount"


def judge(comparison: Comparison, policy: str, rules: Rules) -> pl.DataFrame:
    """All signals of a minute (schema SIGNAL), top tier first, then by merchant and rule.

    `budgeted` equals `supported` until its statistics arrive; `literal` lets every signal pass.
    """
    frames = [_surge_signals(comparison, policy, rules), _drop_signals(comparison, policy, rules)]
    signals = pl.concat(frames)
    return signals.sort(pl.col("tier") != "top", "merchant_id", "rule")


def surge_breach(numbers: SurgeNumbers, factor: int) -> Flags:
    """The brief's condition, exactly, without a division.

    cancels(hour) · approvals(week) ≥ factor · cancels(week) · approvals(hour), with at least one cancel
    in the hour and one approval in the week. Counts stay below 2^31, so products fit 64 bits.
    """
    exceeds = (
        numbers.cancels_hour * numbers.approvals_week
        >= factor * numbers.cancels_week * numbers.approvals_hour
    )
    return exceeds & (numbers.cancels_hour >= 1) & (numbers.approvals_week > 0)


def drop_breach(numbers: DropNumbers, minimum_daily_amount: int, divisor: int) -> Flags:
    """The brief's condition, paced and exact: Σa(d,24:00) ≥ N·minimum and divisor·N·a(today,t) ≤ Σa(d,t)."""
    if not numbers.days or not numbers.judged:
        return np.zeros(len(numbers.positions), np.bool_)
    large = numbers.amount_days >= numbers.days * minimum_daily_amount
    # Divided on the side of the sum (floor is exact here: integers x <= y/k and x <= y//k agree).
    return large & (numbers.amount_today <= numbers.amount_paced // (divisor * numbers.days))


def surge_reasons(numbers: SurgeNumbers, policy: str, rules: Rules) -> list[str]:
    """For each merchant the reason of its verdict: "fires" or what held it back."""
    gates: list[tuple[str, Flags]] = [
        (NO_BASELINE, numbers.approvals_week == 0),
        (NO_BREACH, ~surge_breach(numbers, rules.cancel_surge.factor)),
    ]
    if policy != "literal":
        gates.append((FEW_CANCELS, numbers.cancels_hour < rules.cancel_surge.minimum_cancels_hour))
        gates.append((FEW_APPROVALS, numbers.approvals_week < rules.cancel_surge.minimum_approvals_week))
    return _first_gate(gates, len(numbers.positions))


def drop_reasons(numbers: DropNumbers, policy: str, rules: Rules) -> list[str]:
    """For each merchant the reason of its verdict: "fires" or what held it back."""
    size = len(numbers.positions)
    drop = rules.volume_drop
    gates: list[tuple[str, Flags]] = [
        (NO_BASELINE, np.full(size, fill_value=not numbers.days)),
        (DAY_NOT_CLOSED, np.full(size, fill_value=not numbers.judged)),
        (BELOW_DAILY_AMOUNT, numbers.amount_days < numbers.days * drop.minimum_daily_amount),
        (NO_BREACH, ~drop_breach(numbers, drop.minimum_daily_amount, drop.divisor)),
    ]
    if policy != "literal":
        gates.append((LITTLE_EXPECTED, numbers.amount_paced < numbers.days * drop.minimum_expected_amount))
    return _first_gate(gates, size)


def _first_gate(gates: list[tuple[str, Flags]], size: int) -> list[str]:
    reasons = np.full(size, FIRES, dtype=object)
    for name, closed in reversed(gates):
        reasons[closed] = name
    return list(reasons)


def _surge_signals(comparison: Comparison, policy: str, rules: Rules) -> pl.DataFrame:
    all_numbers = comparison.surge
    numbers = _select(all_numbers, surge_breach(all_numbers, rules.cancel_surge.factor))
    measures = {
        "approvals_hour": numbers.approvals_hour,
        "cancels_hour": numbers.cancels_hour,
        "approvals_week": numbers.approvals_week,
        "cancels_week": numbers.cancels_week,
    }
    return _signals(
        comparison, CANCEL_SURGE, numbers.positions, surge_reasons(numbers, policy, rules), measures
    )


def _drop_signals(comparison: Comparison, policy: str, rules: Rules) -> pl.DataFrame:
    all_numbers, drop = comparison.drop, rules.volume_drop
    numbers = _select(all_numbers, drop_breach(all_numbers, drop.minimum_daily_amount, drop.divisor))
    measures = {
        "amount_today": numbers.amount_today,
        "amount_paced": numbers.amount_paced,
        "amount_days": numbers.amount_days,
        "days": np.full(len(numbers.positions), numbers.days, np.int64),
    }
    return _signals(
        comparison, VOLUME_DROP, numbers.positions, drop_reasons(numbers, policy, rules), measures
    )


def _select(numbers: Numbers, chosen: Flags) -> Numbers:
    values = {f.name: getattr(numbers, f.name) for f in fields(numbers)}
    arrays: dict[str, Any] = {name: a[chosen] for name, a in values.items() if isinstance(a, np.ndarray)}
    return replace(numbers, **arrays)


def _signals(
    comparison: Comparison, rule: str, positions: Integers, reasons: list[str], measures: dict[str, Integers]
) -> pl.DataFrame:
    size = len(positions)
    if not size:  # the ordinary minute
        return SIGNAL.to_frame()
    columns: dict[str, object] = {
        "minute": [comparison.minute] * size,
        "rule": [rule] * size,
        "merchant_id": comparison.merchant_ids.gather(positions),
        "tier": np.where(comparison.top[positions], "top", "tail").tolist(),
        "passed": [reason == FIRES for reason in reasons],
        "reason": reasons,
        **measures,
    }
    nothing = [None] * size
    return pl.DataFrame({name: columns.get(name, nothing) for name in SIGNAL}, SIGNAL)
