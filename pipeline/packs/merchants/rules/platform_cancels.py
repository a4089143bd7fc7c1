"""The rule `platform_cancels`: far too many cancels of all merchants together. Pure.

At least `cancel_factor` times the cancels of the highest like day (of four or more the highest but one), and
as many times its cancels per approval.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pipeline.judge.verdicts import NOT_SUDDEN
from pipeline.pack import Inhibits
from pipeline.packs.merchants.rules import platform
from pipeline.packs.merchants.rules.cancel_surge import CANCEL_SURGE
from pipeline.packs.merchants.rules.platform import ordinary, others, row_of
from pipeline.packs.merchants.rules.rule import MerchantRule
from pipeline.packs.merchants.sentences import say_cancels

if TYPE_CHECKING:
    from collections.abc import Mapping

    from baselines.merchants.rules import Platform
    from pipeline.packs.merchants.rules.platform import PlatformNumbers, Row
    from pipeline.packs.merchants.rules.rule import Found, Situation

KINDS: Final = ("platform",)


def platform_cancels(situation: Situation) -> Found:
    """At most one signal, about all merchants."""
    rows = cancels_among(platform.numbers_of(situation), situation.tuned.platform)
    return platform.found_of(rows, KINDS)


def cancels_among(everybody: PlatformNumbers | None, numbers: Platform) -> list[Row]:
    """None or one row about all merchants together."""
    if everybody is None:
        return []
    span, factor = everybody.spans[0], numbers.cancel_factor
    usual = ordinary(span.cancels_like, low=False)
    approvals, cancels = sum(span.approvals_like), sum(span.cancels_like)
    more = span.cancels >= factor * usual
    if (
        usual < numbers.minimum_cancels
        or not more
        or span.cancels * approvals < factor * cancels * span.approvals
    ):
        return []
    week = everybody.cancels_week
    excess = everybody.cancels * int(week.sum()) - week * usual
    now, whole, rest = others(everybody.cancels, week, excess, numbers.left_out)
    if not rest or now * whole < factor * usual * rest:
        return []
    row = row_of("platform", span, usual, (now, usual * rest // whole))
    before = everybody.before
    sudden = span.cancels * sum(before.cancels_like) >= factor * cancels * before.cancels
    return [row if sudden else {**row, "reason": NOT_SUDDEN}]


def deviation(reason: Mapping[str, Any]) -> float:
    """How many times the usual cancels."""
    return float(reason["cancels_window"] / max(reason["expected_window"], 1))


PLATFORM_CANCELS: Final = MerchantRule(
    name="platform_cancels",
    kinds=KINDS,
    numbers=platform.NUMBERS,
    of_everybody=True,
    inhibits=(Inhibits(CANCEL_SURGE.name),),
    find=platform_cancels,
    reasons=platform.REASONS,
    severity=platform.severity_of,
    say=say_cancels,
    deviation=deviation,
)
