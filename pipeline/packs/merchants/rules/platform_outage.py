"""The rule `platform_outage`: far too few approvals of all merchants together, or nothing at all. Pure.

In the newest minutes all merchants together have at most `outage_percent` of the approvals that the same
minutes had on the lowest like day (of four or more the lowest but one); or nothing at all happened for as
long as it takes for `silence_minimum` approvals to be usual.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pipeline.judge.verdicts import NOT_SUDDEN
from pipeline.pack import Inhibits
from pipeline.packs.merchants.rules import platform
from pipeline.packs.merchants.rules.cancel_surge import CANCEL_SURGE
from pipeline.packs.merchants.rules.platform import ordinary, others, row_of
from pipeline.packs.merchants.rules.rule import MerchantRule
from pipeline.packs.merchants.rules.volume_drop import VOLUME_DROP
from pipeline.packs.merchants.sentences import say_outage

if TYPE_CHECKING:
    from collections.abc import Mapping

    from baselines.merchants.rules import Platform
    from pipeline.packs.merchants.rules.platform import PlatformNumbers, Row
    from pipeline.packs.merchants.rules.rule import Found, Situation

KINDS: Final = ("platform", "silence")

#: A rate also doubles where approvals are missing; cancels that really rose are another matter.
_UNLESS_RISEN: Final = ("cause", "more_cancels")


def platform_outage(situation: Situation) -> Found:
    """At most one signal, about all merchants."""
    rows = outages_among(platform.numbers_of(situation), situation.tuned.platform)
    return platform.found_of(rows, KINDS)


def outages_among(everybody: PlatformNumbers | None, numbers: Platform) -> list[Row]:
    """None or one row about all merchants together."""
    return [] if everybody is None else _outage(everybody, numbers) or _silence(everybody, numbers)


def _outage(everybody: PlatformNumbers, numbers: Platform) -> list[Row]:
    span, percent = everybody.spans[0], numbers.outage_percent
    usual = ordinary(span.approvals_like, low=True)
    if usual < numbers.minimum_approvals or 100 * span.approvals > percent * usual:
        return []
    week = everybody.approvals_week
    missing = week * usual - everybody.approvals * int(week.sum())
    now, whole, rest = others(everybody.approvals, week, missing, numbers.left_out)
    # The others' share of what is usual is their share of the week: now <= percent · usual · rest / whole.
    if not rest or 100 * now * whole > percent * usual * rest:
        return []
    row = row_of("platform", span, usual, (now, usual * rest // whole))
    before, like = everybody.before, sum(span.approvals_like)
    sudden = 100 * span.approvals * sum(before.approvals_like) <= percent * like * before.approvals
    return [row if sudden else {**row, "reason": NOT_SUDDEN}]


def _silence(everybody: PlatformNumbers, numbers: Platform) -> list[Row]:
    """Not one transaction: the shortest span in which that is unusual."""
    for span in everybody.spans:
        usual = ordinary(span.approvals_like, low=True)
        if span.approvals or span.cancels:
            return []
        if usual >= numbers.silence_minimum:
            return [row_of("silence", span, usual, (0, usual))]
    return []


def deviation(reason: Mapping[str, Any]) -> float:
    """The inverse share of the usual approvals."""
    return float(reason["expected_window"] / max(reason["approvals_window"], 1))


PLATFORM_OUTAGE: Final = MerchantRule(
    name="platform_outage",
    kinds=KINDS,
    numbers=platform.NUMBERS,
    of_everybody=True,
    inhibits=(Inhibits(VOLUME_DROP.name), Inhibits(CANCEL_SURGE.name, unless=_UNLESS_RISEN)),
    find=platform_outage,
    reasons=platform.REASONS,
    severity=platform.severity_of,
    say=say_outage,
    deviation=deviation,
)
