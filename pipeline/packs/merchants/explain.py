"""Every number behind a verdict, also behind "did not fire". Pure: windows in, an account out."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from pipeline.figures import moment, one_line
from pipeline.packs.merchants.compare import DropNumbers, SurgeNumbers, compare
from pipeline.packs.merchants.judge import (
    CANCEL_SURGE,
    FIRES,
    HELD_BY_BUDGET,
    NO_BASELINE,
    VOLUME_DROP,
    drop_breach,
    drop_reasons,
    judge,
    surge_breach,
    surge_reasons,
)
from pipeline.packs.merchants.why_not import windows_of
from pipeline.schema import BUDGETED_COLUMNS
from pipeline.settings import POLICIES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime
    from zoneinfo import ZoneInfo

    from baselines.merchants.rules import Rules
    from baselines.merchants.windows import Windows
    from pipeline.packs.merchants.why_not import FirstFire, Window


@dataclass(frozen=True, slots=True)
class Condition:
    """One comparison of a rule: `left` `sign` `right`, in integers."""

    name: str
    left: int
    sign: str
    right: int

    @property
    def holds(self) -> bool:
        """Is the comparison true?"""
        return self.left >= self.right if self.sign == ">=" else self.left <= self.right


@dataclass(frozen=True, slots=True)
class Account:
    """Why a rule did or did not fire for a merchant at a minute."""

    rule: str
    numbers: Mapping[str, int]
    conditions: Sequence[Condition]  # of the brief's rule
    gates: Sequence[Condition]  # what the policy `supported` asks for besides
    breach: bool
    reasons: Mapping[str, str]  # by policy: "fires", or what held it back
    distance: str  # how far from a breach, in words
    signal: Mapping[str, Any] = field(
        default_factory=dict
    )  # the signal under `budgeted`: kind, window, evidence
    windows: Sequence[Window] = ()  # every window of `budgeted`, however far from its evidence
    first: Mapping[str, FirstFire] = field(default_factory=dict)  # by policy, where signals were searched

    def as_json_at(self, asked: datetime) -> dict[str, Any]:
        """For machines, with the first fires as seen from the minute that was asked for."""
        first = {policy: found.as_json(asked) for policy, found in self.first.items()}
        return {**self.as_json(), "first_fires": first}

    def as_json(self) -> dict[str, Any]:
        """For machines."""
        return {
            "rule": self.rule,
            "numbers": dict(self.numbers),
            "conditions": [_as_json(c) for c in self.conditions],
            "gates": [_as_json(c) for c in self.gates],
            "breach": self.breach,
            "verdicts": {p: {"fires": r == FIRES, "reason": r} for p, r in self.reasons.items()},
            "distance": self.distance,
            "budgeted": dict(self.signal),
            "windows": [window.as_json() for window in self.windows],
        }


def explain(windows: Windows, merchant_id: str, rules: Rules) -> list[Account]:
    """The accounts of both rules for one merchant at the minute the windows stand at.

    The verdicts come from the very functions that judge live; a merchant never seen has only zeros.
    """
    position = windows.merchants.find(merchant_id)
    accounts = [
        _surge_account(_surge_of(windows, position), rules),
        _drop_account(_drop_of(windows, position, rules), rules),
    ]
    if position is None:
        return accounts
    # A share of a budget depends on everybody, so the whole minute is judged.
    comparison = compare(windows, rules, position)
    signals = judge(comparison, "budgeted", rules).filter(merchant_id=merchant_id)
    seen = windows_of(comparison, position, rules)
    return [
        replace(
            _with_signal(account, signals.filter(rule=account.rule).to_dicts()), windows=seen[account.rule]
        )
        for account in accounts
    ]


def _with_signal(account: Account, signals: Sequence[Mapping[str, Any]]) -> Account:
    """The account with what the policy `budgeted` made of the minute."""
    if not signals:
        # The rule asks for a week; the windows of `budgeted` have looked at a new merchant all the same.
        looked = account.reasons["budgeted"] == NO_BASELINE and account.numbers.get("cancels_hour", 0) > 0
        held = {**account.reasons, "budgeted": HELD_BY_BUDGET}
        return replace(account, reasons=held) if looked else account
    shown = {name: signals[0][name] for name in BUDGETED_COLUMNS if signals[0][name] is not None}
    return replace(account, reasons={**account.reasons, "budgeted": signals[0]["reason"]}, signal=shown)


def _surge_of(windows: Windows, position: int | None) -> SurgeNumbers:
    arrays = (windows.hour.approvals, windows.hour.cancels, windows.week.approvals, windows.week.cancels)
    return SurgeNumbers(np.zeros(1, np.int64), *(_one(array, position) for array in arrays))


def _drop_of(windows: Windows, position: int | None, rules: Rules) -> DropNumbers:
    pacing = windows.pacing
    today, whole = (_one(a, position) for a in (pacing.today, pacing.whole))
    paced = np.zeros(1, np.int64) if position is None else pacing.paced_at(np.array([position]))
    judged = rules.volume_drop.mode == "paced" or pacing.is_day_end(windows.last or 0)
    return DropNumbers(np.zeros(1, np.int64), today, paced, whole, pacing.days, judged)


def _surge_account(numbers: SurgeNumbers, rules: Rules) -> Account:
    rule = rules.cancel_surge
    ah, ch = int(numbers.approvals_hour[0]), int(numbers.cancels_hour[0])
    aw, cw = int(numbers.approvals_week[0]), int(numbers.cancels_week[0])
    limit = rule.factor * cw * ah
    needed = max(1, -(-limit // aw)) if aw else None
    more = (
        "no approvals in the week: the rule itself does not judge"
        if needed is None
        else _cancels_missing(needed - ch)
    )
    return Account(
        CANCEL_SURGE,
        {"approvals_hour": ah, "cancels_hour": ch, "approvals_week": aw, "cancels_week": cw},
        (
            Condition(
                f"cancels(hour)*approvals(week) >= {rule.factor}*cancels(week)*approvals(hour)",
                ch * aw,
                ">=",
                limit,
            ),
            Condition("cancels(hour) >= 1", ch, ">=", 1),
            Condition("approvals(week) >= 1", aw, ">=", 1),
        ),
        (
            Condition("minimum_cancels_hour", ch, ">=", rule.minimum_cancels_hour),
            Condition("minimum_approvals_week", aw, ">=", rule.minimum_approvals_week),
        ),
        breach=bool(surge_breach(numbers, rule.factor)[0]),
        reasons={policy: surge_reasons(numbers, policy, rules)[0] for policy in POLICIES},
        distance=more,
    )


def _drop_account(numbers: DropNumbers, rules: Rules) -> Account:
    rule, days = rules.volume_drop, numbers.days
    today, paced, whole = (
        int(a[0]) for a in (numbers.amount_today, numbers.amount_paced, numbers.amount_days)
    )
    fallen = -(-(rule.divisor * days * today - paced) // (rule.divisor * days)) if days else 0
    breach = bool(drop_breach(numbers, rule.minimum_daily_amount, rule.divisor)[0])
    return Account(
        VOLUME_DROP,
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
    )


def _cancels_missing(missing: int) -> str:
    return "breached" if missing <= 0 else f"{missing:,} more cancels in the hour would breach"


def _one(
    array: np.ndarray[Any, np.dtype[np.int64]], position: int | None
) -> np.ndarray[Any, np.dtype[np.int64]]:
    return np.zeros(1, np.int64) if position is None else array[position : position + 1]


def _as_json(condition: Condition) -> dict[str, Any]:
    parts = {"name": condition.name, "left": condition.left, "sign": condition.sign, "right": condition.right}
    return {**parts, "holds": condition.holds}


def account_text(merchant_id: str, minute: datetime, accounts: Sequence[Account], zone: ZoneInfo) -> str:
    """The accounts for people; times in `zone`."""
    lines = [f"merchant {one_line(merchant_id)}, minute {moment(minute, zone)}"]
    for account in accounts:
        lines += ["", f"{account.rule}: {'BREACH' if account.breach else 'no breach'} ({account.distance})"]
        lines += [f"  {name:<22}{value:>20,}" for name, value in account.numbers.items()]
        for title, conditions in (("rule", account.conditions), ("gate", account.gates)):
            lines += [
                f"  {title}  {'yes' if c.holds else 'NO ':<4}{c.left:,} {c.sign} {c.right:,}   {c.name}"
                for c in conditions
            ]
        lines += [
            f"  {policy:<10} {'fires' if r == FIRES else 'does not fire: ' + r}"
            for policy, r in account.reasons.items()
        ]
        lines += [f"    {name:<20}{one_line(str(value)):>20}" for name, value in account.signal.items()]
        lines += [f"  window  {window}" for window in account.windows]
        lines += [
            f"  {policy:<10} first fires: {found.text(minute, zone)}"
            for policy, found in account.first.items()
        ]
    return "\n".join(lines)
