"""Verdicts: which merchants breach a rule, and what the policy makes of it. Pure.

A verdict carries a reason, not only a yes or no. Every breach of a raw condition is a row of SIGNAL with the
kind `rule`; `passed` says whether the policy lets it become an incident, `reason` names the gate that held
it back. The policy `budgeted` adds what its own windows see beyond that, as rows of other kinds.
"""

from __future__ import annotations

from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import polars as pl

from pipeline.budget import find_collapses, find_drops, find_surges, usual_for_the_day
from pipeline.minute import HOUR_MINUTES
from pipeline.schema import SIGNAL

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from baselines.rules import Rules
    from baselines.slices import Integers
    from pipeline.budget import Found
    from pipeline.compare import Comparison, DropNumbers, HourNumbers, SurgeNumbers

    Flags = NDArray[np.bool_]

Numbers = TypeVar("Numbers", "SurgeNumbers", "DropNumbers", "HourNumbers")

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
USUAL_FOR_THE_DAY = "usual_for_the_day"
HELD_BY_BUDGET = "held_by_budget"
REASONS = (
    FIRES,
    NO_BREACH,
    NO_BASELINE,
    DAY_NOT_CLOSED,
    FEW_CANCELS,
    FEW_APPROVALS,
    LITTLE_EXPECTED,
    BELOW_DAILY_AMOUNT,
    USUAL_FOR_THE_DAY,
    HELD_BY_BUDGET,
)

#: How a signal was seen: by the brief's condition, or under `budgeted` in another window beside it.
KINDS = ("rule", "fast", "slow", "silence")
#: Why the cancel rate rose: its numerator, or its denominator.
CAUSES = ("more_cancels", "fewer_approvals")

_TIERS = pl.Series(["tail", "top"])
_EMPTY = SIGNAL.to_frame()


def judge(comparison: Comparison, policy: str, rules: Rules) -> pl.DataFrame:
    """All signals of a minute (schema SIGNAL), top tier first, then by merchant and rule.

    `literal` lets every breach pass, `supported` those with enough counts, `budgeted` those that chance does
    not explain within the false-alarm budget; it also sees what stands out in other windows.
    """
    surges, drops = _surge_parts(comparison, policy, rules), _drop_parts(comparison, policy, rules)
    frames = [_signals(comparison, *part) for part in (*surges, *drops) if len(part[1])]
    if not frames:
        return _EMPTY
    return pl.concat(frames).sort(pl.col("tier") != "top", "merchant_id", "rule")


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


def surge_reasons(numbers: SurgeNumbers, policy: str, rules: Rules, passes: Flags | None = None) -> list[str]:
    """For each merchant the reason of its verdict: "fires" or what held it back.

    `passes` says for which merchants chance is no explanation; `budgeted` lets only those through.
    """
    return [REASONS[code] for code in _surge_codes(numbers, policy, rules, passes)]


def _surge_codes(numbers: SurgeNumbers, policy: str, rules: Rules, passes: Flags | None = None) -> Integers:
    rule, size = rules.cancel_surge, len(numbers.positions)
    gates: list[tuple[str, Flags]] = [
        (NO_BASELINE, numbers.approvals_week == 0),
        (NO_BREACH, ~surge_breach(numbers, rule.factor)),
    ]
    few_cancels = numbers.cancels_hour < rule.minimum_cancels_hour
    if policy == "supported":
        gates.append((FEW_CANCELS, few_cancels))
        gates.append((FEW_APPROVALS, numbers.approvals_week < rule.minimum_approvals_week))
    if policy == "budgeted":
        passed = np.zeros(size, np.bool_) if passes is None else passes
        gates.append((FEW_CANCELS, few_cancels & ~passed))  # a longer window may hold enough of them
        gates.append((HELD_BY_BUDGET, ~passed))
    return _first_gate(gates, size)


def drop_reasons(numbers: DropNumbers, policy: str, rules: Rules) -> list[str]:
    """For each merchant the reason of its verdict: "fires" or what held it back."""
    passes = find_drops(numbers, rules).passed if policy == "budgeted" else None
    return [REASONS[code] for code in _drop_codes(numbers, policy, rules, passes)]


def _drop_codes(numbers: DropNumbers, policy: str, rules: Rules, passes: Flags | None = None) -> Integers:
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
    if policy == "budgeted" and passes is not None:
        gates.append((USUAL_FOR_THE_DAY, usual_for_the_day(numbers, rules)))
        gates.append((HELD_BY_BUDGET, ~passes))
    return _first_gate(gates, size)


def _first_gate(gates: list[tuple[str, Flags]], size: int) -> Integers:
    """The place in REASONS of the first gate that is closed."""
    codes = np.zeros(size, np.int64)
    for name, closed in reversed(gates):
        codes[closed] = REASONS.index(name)
    return codes


Part = tuple[
    str, "Integers", "Integers", "Mapping[str, Integers | pl.Series]"
]  # rule, positions, codes, columns


def _surge_parts(comparison: Comparison, policy: str, rules: Rules) -> list[Part]:
    every = comparison.surge
    breach = surge_breach(every, rules.cancel_surge.factor)
    numbers = _select(every, breach)
    if policy != "budgeted":
        codes = _surge_codes(numbers, policy, rules)
        return [(CANCEL_SURGE, numbers.positions, codes, _surge_columns(numbers))]
    found = find_surges(comparison, rules)
    rows, held = found.at(numbers.positions)
    passes = held & found.passed[rows] if len(found.positions) else held
    codes = _surge_codes(numbers, policy, rules, passes)
    raw = _surge_columns(numbers) | _cause(numbers, rules) | _window(found, rows, held)
    beside, at = _beside(every, found.take(found.passed), breach)
    columns = _surge_columns(beside) | _cause(beside, rules) | _window(at) | {"kind": _span_kinds(at)}
    return [
        (CANCEL_SURGE, numbers.positions, codes, raw),
        (CANCEL_SURGE, beside.positions, np.zeros(len(beside.positions), np.int64), columns),
    ]


def _drop_parts(comparison: Comparison, policy: str, rules: Rules) -> list[Part]:
    every, drop, hours = comparison.drop, rules.volume_drop, comparison.hours
    breach = drop_breach(every, drop.minimum_daily_amount, drop.divisor)
    numbers = _select(every, breach)
    if policy != "budgeted" or hours is None or drop.mode == "full_day":
        passes = find_drops(numbers, rules).passed if policy == "budgeted" else None
        codes = _drop_codes(numbers, policy, rules, passes)
        return [(VOLUME_DROP, numbers.positions, codes, _drop_columns(numbers, numbers.days))]
    found, collapses = find_drops(numbers, rules), find_collapses(hours, rules)
    codes = _drop_codes(numbers, policy, rules, found.passed)
    collapsed = np.isin(numbers.positions, collapses.positions[collapses.passed])
    codes[collapsed] = REASONS.index(FIRES)
    raw = _drop_columns(numbers, numbers.days) | _window(found)
    alone = collapses.passed & ~np.isin(collapses.positions, numbers.positions)
    beside, at = _select(hours, alone), collapses.take(alone)
    columns = _drop_columns(beside, every.days) | _window(at) | {"kind": _hour_kinds(at)}
    return [
        (VOLUME_DROP, numbers.positions, codes, raw),
        (VOLUME_DROP, beside.positions, np.zeros(len(beside.positions), np.int64), columns),
    ]


def _beside(numbers: SurgeNumbers, passed: Found, breach: Flags) -> tuple[SurgeNumbers, Found]:
    """What passed without a breach of the raw condition, among merchants with a cancel in the hour."""
    rows, held = passed.at(numbers.positions)
    chosen = held & ~breach
    return _select(numbers, chosen), passed.take(rows[chosen])


def _surge_columns(numbers: SurgeNumbers) -> dict[str, Integers | pl.Series]:
    return {
        "approvals_hour": numbers.approvals_hour,
        "cancels_hour": numbers.cancels_hour,
        "approvals_week": numbers.approvals_week,
        "cancels_week": numbers.cancels_week,
    }


def _drop_columns(numbers: DropNumbers | HourNumbers, days: int) -> dict[str, Integers | pl.Series]:
    return {
        "amount_today": numbers.amount_today,
        "amount_paced": numbers.amount_paced,
        "amount_days": numbers.amount_days,
        "days": np.full(len(numbers.positions), days, np.int64),
    }


def _cause(numbers: SurgeNumbers, rules: Rules) -> dict[str, Integers | pl.Series]:
    """Did the cancels rise or the approvals fall, against the same hour on the days before?

    Usual cancels are the week's rate of that hour's approvals; everything as integer cross-products.
    """
    if numbers.approvals_like is None:
        return {}
    days, like, factor = 7, numbers.approvals_like, rules.cancel_surge.factor
    more = days * numbers.cancels_hour * numbers.approvals_week >= factor * numbers.cancels_week * like
    fewer = ~more & (days * factor * numbers.approvals_hour <= like)
    return {"cause": pl.Series(CAUSES).gather(fewer.astype(np.int64))}


def _window(
    found: Found, rows: Integers | None = None, held: Flags | None = None
) -> dict[str, Integers | pl.Series]:
    """The strongest window's columns, null where no window looked at the merchant."""
    chosen = found if rows is None else found.take(rows[held])
    names = (
        "window_minutes",
        "approvals_window",
        "cancels_window",
        "expected_window",
        "evidence",
        "evidence_needed",
    )
    columns: dict[str, Integers | pl.Series] = {name: getattr(chosen, name) for name in names}
    if rows is None or held is None or held.all():
        return columns
    places = pl.Series(np.where(held, np.cumsum(held) - 1, -1)).replace(-1, None)
    return {name: pl.Series(values).gather(places) for name, values in columns.items()}


def _span_kinds(found: Found) -> pl.Series:
    return pl.Series(["fast", "slow"]).gather((found.window_minutes > HOUR_MINUTES).astype(np.int64))


def _hour_kinds(found: Found) -> pl.Series:
    return pl.Series(["fast", "silence"]).gather((found.approvals_window == 0).astype(np.int64))


def _select(numbers: Numbers, chosen: Flags) -> Numbers:
    given = ((f.name, getattr(numbers, f.name)) for f in fields(numbers))
    arrays: dict[str, Any] = {name: a[..., chosen] for name, a in given if isinstance(a, np.ndarray)}
    return replace(numbers, **arrays)


def _signals(
    comparison: Comparison,
    rule: str,
    positions: Integers,
    codes: Integers,
    columns: Mapping[str, Integers | pl.Series],
) -> pl.DataFrame:
    size = len(positions)
    given: dict[str, object] = {
        "minute": pl.repeat(comparison.minute, size, dtype=SIGNAL["minute"], eager=True),
        "rule": pl.repeat(rule, size, eager=True),
        "merchant_id": comparison.merchant_ids.gather(positions),
        "tier": _TIERS.gather(comparison.top[positions].astype(np.int64)),
        "passed": codes == REASONS.index(FIRES),
        "reason": pl.Series(REASONS).gather(codes),
        "kind": pl.repeat(KINDS[0], size, eager=True),
        **columns,
    }
    nothing = {
        name: pl.repeat(None, size, dtype=SIGNAL[name], eager=True) for name in SIGNAL if name not in given
    }
    everything = {**given, **nothing}
    return pl.DataFrame({name: everything[name] for name in SIGNAL}, schema=SIGNAL)
