"""The share of what is owed to merchants that is held outside the company, against the law's floor. Pure.

What is owed is the book's `pending_payout` of all merchants together. The balance goes up and down with the
week and has no direction of its own, so the best forecast of a later day is today's; its interval is that
of a random walk, 1.645 · s · √days, with s the deviation of the differences between business days.

What is held is compared with what was owed at the end of the same day, and only where that day is not long
over. Merchants whose payouts are not known are owed more than is counted: the ratio is at most what is said.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from datetime import timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from pipeline.packs.merchants.programmes.rows import WHOLE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    from pipeline.packs.merchants.programmes.forecast import Outlook
    from pipeline.packs.merchants.programmes.rows import Programme

_Z90: Final = 1.6448536269514722
#: A floor that rises later than this is no reason for an alarm yet.
SOON_DAYS: Final = 90
#: Differences that an interval needs at least.
_ENOUGH: Final = 5
#: Balances older than this say nothing of today; weekends and holidays, on which none comes, are not longer.
FRESH_DAYS: Final = 10


@dataclass(frozen=True, slots=True)
class Custody:
    """Balances at the end of days, minor units, oldest first."""

    owed: Sequence[tuple[date, int]] = ()  # to merchants, by the book
    held: Sequence[tuple[date, int]] = ()  # of it, outside the company
    unknown: Mapping[date, int] = field(default_factory=dict)  # merchants in none of that day's `owed`
    wrong: Mapping[str, int] = field(default_factory=dict)  # rows of the latter set aside, by reason
    example: str = ""


def look_at_custody(
    outlook: type[Outlook], programme: Programme, after: Programme | None, custody: Custody, today: date
) -> Outlook:
    """The outlook of the floor: `projected` is what has to be held at the month's end, `counted` what is.

    Without what is held only the amount that has to be is known; without a book nothing is. Both are taken of
    the newest day that has both.
    """
    found = outlook(
        programme=programme.name,
        merchant_id=None,
        status="unknown",
        limit_per_10000=programme.per_10000,
        source=programme.source,
        note=programme.note,
    )
    if not custody.owed:
        return replace(found, why="exposure")
    if after is not None and after.per_10000 is not None:
        found = replace(found, next_from=after.starts, next_per_10000=after.per_10000)
    oldest, owed, held = today - timedelta(days=FRESH_DAYS), dict(custody.owed), dict(custody.held)
    newest = custody.owed[-1][0]
    if newest < oldest:
        return replace(found, why="exposure_day", known_on=newest)
    both = max((day for day in owed.keys() & held.keys() if day >= oldest), default=None)
    day = both or newest
    spread = _spread([one for one in custody.owed if one[0] <= day], _month_end(today))
    found = _owed(replace(found, known_on=day, merchants_unknown=custody.unknown.get(day)), owed[day], spread)
    if both is not None:
        return _held(found, held[both], owed[both], spread, today)
    if not held:
        return replace(found, why="custody")
    last = custody.held[-1][0]
    return replace(found, why="custody_day" if last < oldest else "owed_day", known_on=last)


def _owed(found: Outlook, owed: int, spread: int | None) -> Outlook:
    """With what has to be held by it at the month's end."""
    limit = found.limit_per_10000 or 0
    found = replace(found, sales=owed, projected=_share(owed, limit))
    if spread is None:
        return found
    low, high = max(owed - spread, 0), owed + spread
    return replace(found, low=_share(low, limit), high=_share(high, limit))


def _held(found: Outlook, held: int, owed: int, spread: int | None, today: date) -> Outlook:
    ratio = round(held * WHOLE / owed, 2) if owed else float(WHOLE)
    found = replace(found, counted=held, per_10000=ratio)
    needed, most = found.projected or 0, found.high if spread is not None else found.projected
    if spread is not None:
        low, high = max(owed - spread, 1), owed + spread
        found = replace(
            found,
            per_10000_low=round(held * WHOLE / high, 2),
            per_10000_high=round(held * WHOLE / low, 2),
        )
    if held < needed:
        return replace(found, status="breached", days_until=0, days_earliest=0)
    if found.next_from is not None and ratio < (found.next_per_10000 or 0):
        days = (found.next_from - today).days
        return replace(found, status="ahead" if days <= SOON_DAYS else "possible", days_until=days)
    if held < (most or 0):
        return replace(found, status="possible")
    # More may be owed than is known: what is breached is so all the more, what is clear may not be.
    return replace(found, why="owed_some") if found.merchants_unknown else replace(found, status="clear")


def _share(amount: int, per_10000: int) -> int:
    return -(-amount * per_10000 // WHOLE)


def _spread(owed: Sequence[tuple[date, int]], end: date) -> int | None:
    """Half of the 90 % interval at `end`; None where too few days are known."""
    steps = [after - before for (_, before), (_, after) in pairwise(owed)]
    if len(steps) < _ENOUGH:
        return None
    deviation = math.sqrt(sum(step * step for step in steps) / len(steps))
    return math.ceil(_Z90 * deviation * math.sqrt(max((end - owed[-1][0]).days, 0)))


def _month_end(today: date) -> date:
    return (today.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)
