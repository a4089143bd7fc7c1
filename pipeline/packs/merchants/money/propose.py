"""What is proposed to do about an incident: one act, what it would keep, and until when it helps. Pure.

Payouts cover what is cancelled of paid-out sales: what is cancelled already (`unrecovered`) and what the
curve of cancels still expects. It is the expected loss without the probability that the merchant cannot pay,
as the book gives it: whether that one is tuned or measured, and of which state, does not matter here. Where a
share of the coming payouts covers it, this share is kept back, a rolling reserve; where it takes more of
them, or sales have vanished so that hardly any more payouts come, the next payout is held whole. Without any
payout to come, or where the money is not known, nothing can be kept: somebody calls. A shorter cycle is never
proposed by itself: it pays a merchant sooner, which people may agree on when a reserve stands.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any, Final

from pipeline.minute import MINUTE, business_day
from pipeline.money import Proposal
from pipeline.packs.merchants.money.schema import GIVEN_BACK

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from zoneinfo import ZoneInfo

    from baselines.merchants.rules import Rules
    from pipeline.money import AtRisk

HOLD, RESERVE, SHORTER, CALL = "hold_payout", "rolling_reserve", "shorter_cycle", "call"
ACTIONS: Final = (HOLD, RESERVE, SHORTER, CALL)
#: Rules of one merchant, with the state that their incidents say.
STATE_OF: Final = {"cancel_surge": "surge", "volume_drop": "silent"}


def propose(
    rule: str,
    reason: Mapping[str, Any],
    money: AtRisk,
    minute: datetime,
    zone: ZoneInfo,
    tuned: Rules,
) -> Proposal | None:
    """One proposal for an incident of a merchant; None for one of all merchants together."""
    del reason
    if rule not in STATE_OF:
        return None
    next_payout, day = money.figures.get("next_payout"), money.figures.get("next_payout_date")
    pending, total = money.figures.get("pending_payout"), money.total
    if not isinstance(next_payout, int) or not isinstance(day, str) or total is None or next_payout <= 0:
        return Proposal(kind=CALL, amount=None)
    until = until_of(date.fromisoformat(day), minute, zone)
    percent = _percent(rule, money, pending)
    if percent is not None and percent <= tuned.exposure.reserve_up_to_percent:
        return Proposal(kind=RESERVE, amount=next_payout * percent // 100, until=until, percent=percent)
    kept = min(next_payout, total)
    return Proposal(kind=HOLD, amount=kept, until=until) if kept > 0 else Proposal(kind=CALL, amount=None)


def _percent(rule: str, money: AtRisk, pending: int | str | None) -> int | None:
    """The share of all coming payouts that covers what is likely to be cancelled; None: none does."""
    state, covered = STATE_OF[rule], money.figures.get(GIVEN_BACK)
    if state != "surge" or not isinstance(covered, int) or not isinstance(pending, int) or pending <= 0:
        return None
    return max(-(-100 * covered // pending), 1)


def until_of(day: date, minute: datetime, zone: ZoneInfo) -> datetime:
    """The payday's beginning: from then on it may be paid at any time. On the payday itself its end."""
    payday = business_day(day, zone)
    return payday.start if minute + MINUTE < payday.start else payday.end
