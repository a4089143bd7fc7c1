"""The rule `volume_drop`: a large merchant's amount today is a fraction of other days' by this time. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from pipeline.judge.verdicts import FIRES, HELD_BY_BUDGET, POLICIES
from pipeline.packs.merchants.account import Account, Condition, Window, one_of, window_of
from pipeline.packs.merchants.rules.drop_windows import (
    HourNumbers,
    find_collapses,
    find_drops,
    hours_of,
    may_have_collapsed,
    usual_for_the_day,
)
from pipeline.packs.merchants.rules.rule import (
    NO_BASELINE,
    NO_BREACH,
    EntityRule,
    Explains,
    Found,
    first_gate,
    rows_of,
    select,
)
from pipeline.packs.merchants.sentences import say_drop

if TYPE_CHECKING:
    from collections.abc import Mapping

    from baselines.merchants.rules import Rules, Severity
    from baselines.merchants.slices import Integers
    from pipeline.judge.verdicts import Columns, Flags
    from pipeline.packs.merchants.rules.rule import Situation

DAY_NOT_CLOSED: Final = "day_not_closed"
LITTLE_EXPECTED: Final = "little_expected_so_far"
BELOW_DAILY_AMOUNT: Final = "below_daily_amount"
USUAL_FOR_THE_DAY: Final = "usual_for_the_day"
REASONS: Final = (
    FIRES,
    NO_BREACH,
    NO_BASELINE,
    DAY_NOT_CLOSED,
    LITTLE_EXPECTED,
    BELOW_DAILY_AMOUNT,
    USUAL_FOR_THE_DAY,
    HELD_BY_BUDGET,
)
KINDS: Final = ("rule", "fast", "silence")
NUMBERS: Final = ("amount_today", "amount_paced", "amount_days", "days")


@dataclass(frozen=True, slots=True)
class DropNumbers:
    """Merchants with any approved amount on the baseline days; all arrays have shape (n,); minor units."""

    positions: Integers
    amount_today: Integers
    amount_paced: Integers
    amount_days: Integers
    days: int
    judged: bool  # mode full_day judges at the business day's last minute only
    paced_like: Integers | None = None  # a(d, t) on days of today's class; shape (days, n)
    approvals_week: Integers | None = None


def volume_drop(situation: Situation) -> Found:
    """Who is down for the day; under `budgeted` also whose last hour has collapsed."""
    rules = situation.tuned
    hourly = situation.policy == "budgeted" and rules.volume_drop.mode != "full_day"
    hours = hours_of(situation) if hourly else None
    return drops_among(numbers_of(situation), hours, situation.policy, rules)


def numbers_of(situation: Situation) -> DropNumbers:
    """Amounts of the merchants that are large enough for the rule."""
    windows, rules, pacing = situation.windows, situation.tuned, situation.windows.pacing
    floor = pacing.days * rules.volume_drop.minimum_daily_amount
    # The first condition of the rule holds for the whole business day, so it picks the merchants to look at.
    positions = situation.concerned(np.flatnonzero(pacing.whole >= max(floor, 1)))
    return DropNumbers(
        positions,
        pacing.today[positions],
        pacing.paced_at(positions),
        pacing.whole[positions],
        pacing.days,
        _is_judged(situation),
        rows_of([pacing.paced_days[day] for day in situation.like], positions),
        windows.week.approvals[positions],
    )


def _is_judged(situation: Situation) -> bool:
    paced = situation.tuned.volume_drop.mode == "paced"
    return paced or situation.windows.pacing.is_day_end(situation.last)


def drops_among(every: DropNumbers, hours: HourNumbers | None, policy: str, rules: Rules) -> Found:
    """The signals of these numbers; `hours` may be given under `budgeted`."""
    breach = drop_breach(every, rules.volume_drop.minimum_daily_amount, rules.volume_drop.divisor)
    numbers, breached = select(every, breach), every.positions[breach]
    if policy != "budgeted":
        return Found([_columns(numbers, numbers.days, _codes(numbers, policy, rules))], breached)
    found = find_drops(numbers, rules)
    codes, day = _codes(numbers, policy, rules, found.passed), found.columns()
    looked_at = None if hours is None else select(hours, may_have_collapsed(hours, rules))
    collapses = None if looked_at is None else find_collapses(looked_at, rules).only_passed()
    if looked_at is None or collapses is None or not len(collapses.positions):
        return Found([_columns(numbers, numbers.days, codes) | day], breached)
    rows, held = collapses.at(numbers.positions)
    held &= codes != REASONS.index(FIRES)  # the hour fires where the day does not yet, and is the reason
    codes[held] = REASONS.index(FIRES)
    hour = collapses.columns(rows, held)
    window = {name: np.where(held, hour[name], day[name]) for name in day}
    raw = _columns(numbers, numbers.days, codes) | window
    alone = ~np.isin(collapses.positions, numbers.positions)
    places = np.flatnonzero(np.isin(looked_at.positions, collapses.positions[alone]))
    beside, at = select(looked_at, places), collapses.take(alone)
    kind = np.where(at.approvals_window == 0, KINDS.index("silence"), KINDS.index("fast"))
    fires = np.zeros(len(kind), np.int64)
    return Found([raw, _columns(beside, every.days, fires) | at.columns() | {"kind": kind}], breached)


def drop_breach(numbers: DropNumbers, minimum_daily_amount: int, divisor: int) -> Flags:
    """The brief's condition, paced and exact: Σa(d,24:00) ≥ N·minimum and divisor·N·a(today,t) ≤ Σa(d,t)."""
    if not numbers.days or not numbers.judged:
        return np.zeros(len(numbers.positions), np.bool_)
    large = numbers.amount_days >= numbers.days * minimum_daily_amount
    # Divided on the side of the sum (floor is exact here: integers x <= y/k and x <= y//k agree).
    return large & (numbers.amount_today <= numbers.amount_paced // (divisor * numbers.days))


def drop_reasons(numbers: DropNumbers, policy: str, rules: Rules) -> list[str]:
    """For each merchant the reason of its verdict: "fires" or what held it back."""
    passes = find_drops(numbers, rules).passed if policy == "budgeted" else None
    return [REASONS[code] for code in _codes(numbers, policy, rules, passes)]


def _codes(numbers: DropNumbers, policy: str, rules: Rules, passes: Flags | None = None) -> Integers:
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
    return first_gate(gates, size, REASONS)


def _columns(numbers: DropNumbers | HourNumbers, days: int, codes: Integers) -> Columns:
    return {
        "position": numbers.positions,
        "reason": codes,
        "amount_today": numbers.amount_today,
        "amount_paced": numbers.amount_paced,
        "amount_days": numbers.amount_days,
        "days": np.full(len(codes), days),
    }


def severity_of(reason: Mapping[str, Any], borders: Severity) -> int:
    """How many borders of the missing part are reached."""
    present, expected = 100 * reason["days"] * reason["amount_today"], reason["amount_paced"]
    limits = (borders.drop_high_percent, borders.drop_critical_percent)
    return sum(present <= (100 - percent) * expected for percent in limits)


def deviation(reason: Mapping[str, Any]) -> float:
    """The inverse share of the expected amount."""
    return float(reason["amount_paced"] / max(reason["days"] * reason["amount_today"], 1))


def supported(row: Mapping[str, Any], rules: Rules) -> bool:
    """Was enough expected so far?"""
    enough: bool = row["amount_paced"] >= row["days"] * rules.volume_drop.minimum_expected_amount
    return enough


def account(situation: Situation, position: int | None) -> Account:
    """Every number of the rule for the merchant at a position; one never seen has zeros."""
    rules, numbers = situation.tuned, _numbers_at(situation, position)
    rule, days = rules.volume_drop, numbers.days
    today, paced, whole = (
        int(a[0]) for a in (numbers.amount_today, numbers.amount_paced, numbers.amount_days)
    )
    fallen = -(-(rule.divisor * days * today - paced) // (rule.divisor * days)) if days else 0
    breach = bool(drop_breach(numbers, rule.minimum_daily_amount, rule.divisor)[0])
    return Account(
        VOLUME_DROP.name,
        {"amount_today": today, "amount_paced": paced, "amount_days": whole, "days": days},
        (
            Condition("complete baseline days >= 1", days, ">=", 1),
            Condition(
                f"amount(days) >= days*{rule.minimum_daily_amount}",
                whole,
                ">=",
                days * rule.minimum_daily_amount,
            ),
            Condition(
                f"{rule.divisor}*days*amount(today) <= amount(paced)",
                rule.divisor * days * today,
                "<=",
                paced,
            ),
        ),
        (Condition("minimum_expected_amount*days", paced, ">=", days * rule.minimum_expected_amount),),
        breach=breach,
        reasons={policy: drop_reasons(numbers, policy, rules)[0] for policy in POLICIES},
        distance="breached"
        if breach
        else f"today would have to be {max(fallen, 0):,} lower to be down that far",
        windows=[] if position is None else _windows_at(situation, position),
    )


def _numbers_at(situation: Situation, position: int | None) -> DropNumbers:
    pacing = situation.windows.pacing
    today, whole = (one_of(a, position) for a in (pacing.today, pacing.whole))
    paced = np.zeros(1, np.int64) if position is None else pacing.paced_at(np.array([position]))
    return DropNumbers(np.zeros(1, np.int64), today, paced, whole, pacing.days, _is_judged(situation))


def _windows_at(situation: Situation, position: int) -> list[Window]:
    """What the day and the hour say about the merchant at `position`, where they were looked at."""
    seen, rules = [], situation.tuned
    every = numbers_of(situation)
    day = select(every, every.positions == position)
    if len(day.positions) and day.days:
        seen.append(window_of(find_drops(day, rules), "like days", "approvals"))
    hours = hours_of(situation)
    hour = select(hours, hours.positions == position)
    if len(hour.approvals_like) and len(hour.positions):
        seen.append(window_of(find_collapses(hour, rules), "like days", "approvals"))
    return seen


VOLUME_DROP: Final = EntityRule(
    name="volume_drop",
    kinds=KINDS,
    numbers=NUMBERS,
    of_the_brief=True,
    find=volume_drop,
    reasons=REASONS,
    severity=severity_of,
    say=say_drop,
    deviation=deviation,
    explains=Explains(account=account, supported=supported),
)
