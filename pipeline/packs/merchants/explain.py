"""Every number behind a verdict, also behind "did not fire". Pure: windows in, an account out."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from baselines.facts import Facts
from pipeline.figures import moment, one_line
from pipeline.judge.verdicts import FIRES
from pipeline.pack import Explained
from pipeline.packs.merchants.own import numbers_of
from pipeline.packs.merchants.rules.rule import Situation
from pipeline.packs.merchants.schema import BUDGETED_COLUMNS
from pipeline.packs.merchants.why_not import first_fires

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime
    from zoneinfo import ZoneInfo

    from baselines.merchants.rules import Rules
    from baselines.merchants.windows import Windows
    from pipeline.pack import Asked
    from pipeline.packs.merchants.account import Account
    from pipeline.packs.merchants.judge import Judge


def explain(
    judge: Judge, windows: Windows, merchant_id: str, tuned: Rules, facts: Facts | None = None
) -> list[Account]:
    """The accounts of one merchant at the minute the windows stand at, of every rule that gives one.

    The verdicts come from the very functions that judge live; a merchant never seen has only zeros.
    """
    position = windows.entities.find(merchant_id)
    situation = Situation(windows, tuned, "budgeted", facts or Facts(), always=position)
    own = replace(situation, tuned=numbers_of(tuned, situation.facts, windows, merchant_id))
    accounts = [rule.explains.account(own, position) for rule in judge.rules if rule.explains]
    if position is None:
        return accounts
    # A share of a budget depends on everybody, so the whole minute is judged.
    signals = judge.verdicts(situation).frame().filter(entity_id=merchant_id)
    return [_with_signal(account, signals.filter(rule=account.rule).to_dicts()) for account in accounts]


def _with_signal(account: Account, signals: Sequence[Mapping[str, Any]]) -> Account:
    """The account with what the policy `budgeted` made of the minute."""
    if not signals:
        if account.unsignalled is None:
            return account
        return replace(account, reasons={**account.reasons, "budgeted": account.unsignalled})
    shown = {name: signals[0][name] for name in BUDGETED_COLUMNS if signals[0][name] is not None}
    return replace(account, reasons={**account.reasons, "budgeted": signals[0]["reason"]}, signal=shown)


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


def explained(judge: Judge, windows: Windows, tuned: Rules, facts: Facts, asked: Asked) -> Explained:
    """The accounts of a merchant, with when each rule first would have fired around the minute."""
    own = numbers_of(tuned, facts, windows, asked.entity_id)
    first = first_fires(judge.rules, asked.minute, asked.around, asked.policies, own)
    accounts = [
        replace(account, first=first[account.rule])
        for account in explain(judge, windows, asked.entity_id, tuned, facts)
    ]
    text = account_text(asked.entity_id, asked.minute, accounts, asked.zone)
    return Explained([account.as_json_at(asked.minute) for account in accounts], text)
