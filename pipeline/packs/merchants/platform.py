"""A failure of the whole platform: one thing to tell people, not one per merchant. Pure, in exact integers.

- `platform_outage`: in the newest minutes all merchants together have at most `outage_percent` of the
  approvals that the same minutes had on the lowest like day (of four or more the lowest but one); or nothing
  at all happened for as long as it takes for `silence_minimum` approvals to be usual.
- `platform_cancels`: at least `cancel_factor` times the cancels of the highest such day, and as many
  times its cancels per approval.

Both have to hold as well without the `left_out` merchants that deviate most: a giant that fails alone, or a
few merchants that cancel everything, are incidents of theirs. And both have to be sudden, against the three
hours before: a day that is slow or busy as a whole fails nowhere. A failure that lasts need not stay sudden.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from baselines.merchants.rules import Platform
    from baselines.merchants.slices import Integers
    from pipeline.packs.merchants.compare import PlatformNumbers, SameMinutes

#: Stands where a merchant's id stands otherwise. What is of the platform is told by the rule, not by the id.
EVERYBODY: Final = "*"
PLATFORM_OUTAGE: Final = "platform_outage"
PLATFORM_CANCELS: Final = "platform_cancels"
PLATFORM_RULES: Final = (PLATFORM_OUTAGE, PLATFORM_CANCELS)
#: The reason of a platform signal that was as low, or as high, for hours: it opens nothing, but keeps open.
NOT_SUDDEN: Final = "not_sudden"

#: From this many like days on the most extreme one does not count: it may itself have been an outage.
_ENOUGH_DAYS: Final = 4


def platform_rows(platform: PlatformNumbers | None, numbers: Platform) -> list[dict[str, int | str]]:
    """None, one or two rows about all merchants together: rule, kind, and the numbers as in SIGNAL."""
    if platform is None:
        return []
    return [
        *(_outage(platform, numbers) or _silence(platform, numbers)),
        *_cancels(platform, numbers),
    ]


def _outage(platform: PlatformNumbers, numbers: Platform) -> list[dict[str, int | str]]:
    span, percent = platform.spans[0], numbers.outage_percent
    usual = ordinary(span.approvals_like, low=True)
    if usual < numbers.minimum_approvals or 100 * span.approvals > percent * usual:
        return []
    week = platform.approvals_week
    missing = week * usual - platform.approvals * int(week.sum())
    now, whole, rest = _others(platform.approvals, week, missing, numbers.left_out)
    # The others' share of what is usual is their share of the week: now <= percent · usual · rest / whole.
    if not rest or 100 * now * whole > percent * usual * rest:
        return []
    row = _row(PLATFORM_OUTAGE, "platform", span, usual, (now, usual * rest // whole))
    before, like = platform.before, sum(span.approvals_like)
    sudden = 100 * span.approvals * sum(before.approvals_like) <= percent * like * before.approvals
    return [row if sudden else {**row, "reason": NOT_SUDDEN}]


def _silence(platform: PlatformNumbers, numbers: Platform) -> list[dict[str, int | str]]:
    """Not one transaction: the shortest span in which that is unusual."""
    for span in platform.spans:
        usual = ordinary(span.approvals_like, low=True)
        if span.approvals or span.cancels:
            return []
        if usual >= numbers.silence_minimum:
            return [_row(PLATFORM_OUTAGE, "silence", span, usual, (0, usual))]
    return []


def _cancels(platform: PlatformNumbers, numbers: Platform) -> list[dict[str, int | str]]:
    span, factor = platform.spans[0], numbers.cancel_factor
    usual = ordinary(span.cancels_like, low=False)
    approvals, cancels = sum(span.approvals_like), sum(span.cancels_like)
    more = span.cancels >= factor * usual
    if (
        usual < numbers.minimum_cancels
        or not more
        or span.cancels * approvals < factor * cancels * span.approvals
    ):
        return []
    week = platform.cancels_week
    excess = platform.cancels * int(week.sum()) - week * usual
    now, whole, rest = _others(platform.cancels, week, excess, numbers.left_out)
    if not rest or now * whole < factor * usual * rest:
        return []
    row = _row(PLATFORM_CANCELS, "platform", span, usual, (now, usual * rest // whole))
    before = platform.before
    sudden = span.cancels * sum(before.cancels_like) >= factor * cancels * before.cancels
    return [row if sudden else {**row, "reason": NOT_SUDDEN}]


def _others(now: Integers, week: Integers, deviation: Integers, left_out: int) -> tuple[int, int, int]:
    """Without the merchants that deviate most: their sum now; the week's sum of all, and of them."""
    chosen = _most(deviation, week, left_out)
    whole = int(week.sum())
    return int(now.sum()) - int(now[chosen].sum()), whole, whole - int(week[chosen].sum())


def _most(deviation: Integers, week: Integers, count: int) -> Integers:
    """Places of the `count` largest deviations, of equal ones those with the larger week. Shape (count,).

    Of merchants that are equal in both it does not matter which: the sums without them are the same.
    """
    count = min(count, len(deviation))
    if not count:
        return np.zeros(0, np.int64)
    last = np.partition(deviation, -count)[
        -count
    ]  # sorting all merchants for a few would cost five times as much
    above, alike = np.flatnonzero(deviation > last), np.flatnonzero(deviation == last)
    return np.concatenate([above, alike[np.argsort(week[alike])[::-1][: count - len(above)]]])


def ordinary(like: Sequence[int], *, low: bool) -> int:
    """The lowest (or highest) of like days; of many the second: one may have been an incident itself."""
    ordered = sorted(like, reverse=not low)
    return ordered[1 if len(ordered) >= _ENOUGH_DAYS else 0]


def _row(
    rule: str, kind: str, span: SameMinutes, usual: int, others: tuple[int, int]
) -> dict[str, int | str]:
    return {
        "rule": rule,
        "kind": kind,
        "reason": "fires",
        "days": len(span.approvals_like),
        "window_minutes": span.minutes,
        "approvals_window": span.approvals,
        "cancels_window": span.cancels,
        "expected_window": usual,
        "others_window": others[0],
        "others_expected": others[1],
    }
