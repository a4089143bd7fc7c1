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

RULES = (CANCEL_SURGE, VOLUME_DROP)
TIERS = ("tail", "top")
_WINDOW_COLUMNS = (
    "window_minutes",
    "approvals_window",
    "cancels_window",
    "expected_window",
    "evidence",
    "evidence_needed",
)
_NUMBERS = tuple(name for name, dtype in SIGNAL.items() if dtype == pl.Int64)
_EMPTY = SIGNAL.to_frame()


def judge(comparison: Comparison, policy: str, rules: Rules) -> pl.DataFrame:
    """All signals of a minute (schema SIGNAL), top tier first, then by merchant and rule.

    `literal` lets every breach pass, `supported` those with enough counts, `budgeted` those that chance
    does not explain within the false-alarm budget; it also sees what stands out in other windows.
    """
    parts = [*_surge_parts(comparison, policy, rules), *_drop_parts(comparison, policy, rules)]
    parts = [part for part in parts if len(part["position"])]
    return _frame(comparison, parts) if parts else _EMPTY


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


#: Columns of signals by name, as integers: words by their place in a list, -1 for null. Shape (rows,) each.
Columns = dict[str, "Integers"]


def _surge_parts(comparison: Comparison, policy: str, rules: Rules) -> list[Columns]:
    every = comparison.surge
    breach = surge_breach(every, rules.cancel_surge.factor)
    numbers = _select(every, breach)
    if policy != "budgeted":
        return [_surge_columns(numbers, _surge_codes(numbers, policy, rules))]
    found = find_surges(comparison, rules)
    rows, held = found.at(numbers.positions)
    passes = held.copy()
    passes[held] = found.passed[rows[held]]
    codes = _surge_codes(numbers, policy, rules, passes)
    raw = _surge_columns(numbers, codes) | _cause(numbers, rules) | _window(found, rows, held)
    beside, at = _beside(every, found.take(found.passed), breach)
    slow = (at.window_minutes > HOUR_MINUTES).astype(np.int64)
    fires = np.zeros(len(slow), np.int64)
    seen = _surge_columns(beside, fires) | _cause(beside, rules) | _window(at) | {"kind": 1 + slow}
    return [raw, seen]


def _drop_parts(comparison: Comparison, policy: str, rules: Rules) -> list[Columns]:
    every, drop, hours = comparison.drop, rules.volume_drop, comparison.hours
    numbers = _select(every, drop_breach(every, drop.minimum_daily_amount, drop.divisor))
    if policy != "budgeted":
        return [_drop_columns(numbers, numbers.days, _drop_codes(numbers, policy, rules))]
    found = find_drops(numbers, rules)
    codes = _drop_codes(numbers, policy, rules, found.passed)
    raw = _drop_columns(numbers, numbers.days, codes) | _window(found)
    if hours is None or drop.mode == "full_day":
        return [raw]
    collapses = find_collapses(hours, rules)
    codes[np.isin(numbers.positions, collapses.positions[collapses.passed])] = REASONS.index(FIRES)
    alone = collapses.passed & ~np.isin(collapses.positions, numbers.positions)
    beside, at = _select(hours, alone), collapses.take(alone)
    kind = np.where(at.approvals_window == 0, KINDS.index("silence"), KINDS.index("fast"))
    fires = np.zeros(len(kind), np.int64)
    return [raw, _drop_columns(beside, every.days, fires) | _window(at) | {"kind": kind}]


def _beside(numbers: SurgeNumbers, passed: Found, breach: Flags) -> tuple[SurgeNumbers, Found]:
    """What passed without a breach of the raw condition, among merchants with a cancel in the hour."""
    rows, held = passed.at(numbers.positions)
    chosen = held & ~breach
    return _select(numbers, chosen), passed.take(rows[chosen])


def _surge_columns(numbers: SurgeNumbers, codes: Integers) -> Columns:
    return {
        "position": numbers.positions,
        "rule": np.full(len(codes), RULES.index(CANCEL_SURGE)),
        "reason": codes,
        "approvals_hour": numbers.approvals_hour,
        "cancels_hour": numbers.cancels_hour,
        "approvals_week": numbers.approvals_week,
        "cancels_week": numbers.cancels_week,
    }


def _drop_columns(numbers: DropNumbers | HourNumbers, days: int, codes: Integers) -> Columns:
    return {
        "position": numbers.positions,
        "rule": np.full(len(codes), RULES.index(VOLUME_DROP)),
        "reason": codes,
        "amount_today": numbers.amount_today,
        "amount_paced": numbers.amount_paced,
        "amount_days": numbers.amount_days,
        "days": np.full(len(codes), days),
    }


def _cause(numbers: SurgeNumbers, rules: Rules) -> Columns:
    """Did the cancels rise or the approvals fall, against the same hour on the days before?

    Usual cancels are the week's rate of that hour's approvals; everything as integer cross-products.
    """
    if numbers.approvals_like is None:
        return {}
    days, like, factor = 7, numbers.approvals_like, rules.cancel_surge.factor
    more = days * numbers.cancels_hour * numbers.approvals_week >= factor * numbers.cancels_week * like
    fewer = ~more & (days * factor * numbers.approvals_hour <= like)
    return {"cause": fewer.astype(np.int64)}


def _window(found: Found, rows: Integers | None = None, held: Flags | None = None) -> Columns:
    """The strongest window's columns; null where no window looked at the merchant."""
    columns: Columns = {}
    for name in _WINDOW_COLUMNS:
        values = getattr(found, name)
        if rows is not None and held is not None:
            values, every = np.full(len(rows), -1), values
            values[held] = every[rows[held]]
        columns[name] = values
    return columns


def _select(numbers: Numbers, chosen: Flags) -> Numbers:
    given = ((f.name, getattr(numbers, f.name)) for f in fields(numbers))
    arrays: dict[str, Any] = {name: a[..., chosen] for name, a in given if isinstance(a, np.ndarray)}
    return replace(numbers, **arrays)


def _frame(comparison: Comparison, parts: list[Columns]) -> pl.DataFrame:
    """One frame of all parts, in one pass of the engine: its start costs more than these few rows."""
    names = ("position", "rule", "reason", "kind", "cause", *_NUMBERS)
    absent = {"kind": 0}
    columns = {
        name: np.concatenate(
            [part.get(name, np.full(len(part["position"]), absent.get(name, -1))) for part in parts]
        )
        for name in names
    }
    position = columns.pop("position")
    columns["top"] = comparison.top[position].astype(np.int64)
    words = {"rule": RULES, "reason": REASONS, "kind": KINDS, "cause": CAUSES}
    made: dict[str, pl.Expr] = {name: pl.when(pl.col(name) >= 0).then(pl.col(name)) for name in _NUMBERS}
    made |= {name: _word(name, list_) for name, list_ in words.items()}
    made["tier"] = _word("top", TIERS)
    made["minute"] = pl.lit(comparison.minute, SIGNAL["minute"])
    made["passed"] = pl.col("reason") == REASONS.index(FIRES)
    made["merchant_id"] = pl.lit(comparison.merchant_ids).gather(position)
    frame = pl.DataFrame(columns).lazy().select(made[name].alias(name) for name in SIGNAL)
    return frame.sort(pl.col("tier") != "top", "merchant_id", "rule").collect()


def _word(name: str, words: tuple[str, ...]) -> pl.Expr:
    """The word at each place, null for -1."""
    place = pl.col(name)
    return pl.lit(pl.Series(words)).gather(pl.when(place >= 0).then(place))
