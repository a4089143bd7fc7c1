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
from pipeline.packs.merchants.rules.platform import Most, newest_of, ordinary, row_of
from pipeline.packs.merchants.rules.rule import PlatformRule
from pipeline.packs.merchants.rules.volume_drop import VOLUME_DROP
from pipeline.packs.merchants.sentences import say_outage

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from baselines.merchants.rules import Platform, Rules
    from baselines.merchants.slices import Totals
    from pipeline.packs.merchants.rules.platform import PlatformSums, Row
    from pipeline.packs.merchants.rules.rule import Found

KINDS: Final = ("platform", "silence")

#: A rate also doubles where approvals are missing; cancels that really rose are another matter.
_UNLESS_RISEN: Final = ("cause", "more_cancels")


def platform_outage(everybody: PlatformSums, shards: Sequence[Most | None], tuned: Rules) -> Found:
    """At most one signal, about all merchants."""
    return platform.found_of(outages_among(everybody, shards, tuned.platform), KINDS)


def _usual(everybody: PlatformSums, numbers: Platform) -> int | None:
    """The approvals that are usual in these minutes; None: there are no fewer of them than may be."""
    span = everybody.spans[0]
    usual = ordinary(span.approvals_like, low=True)
    fewer = usual >= numbers.minimum_approvals and 100 * span.approvals <= numbers.outage_percent * usual
    return usual if fewer else None


def most_of(now: Totals, week: Totals, everybody: PlatformSums, numbers: Platform) -> Most | None:
    """Whose approvals lack the most of their share of what is usual; None: nobody asks."""
    usual = _usual(everybody, numbers)
    if usual is None:
        return None
    missing = week.approvals * usual - now.approvals * everybody.approvals_week
    return Most.of(missing, now.approvals, week.approvals, numbers.left_out)


def outages_among(everybody: PlatformSums, shards: Sequence[Most | None], numbers: Platform) -> list[Row]:
    """None or one row about all merchants together; each shard says which of its own deviate most."""
    return _outage(everybody, shards, numbers) or _silence(everybody, numbers)


def _outage(everybody: PlatformSums, shards: Sequence[Most | None], numbers: Platform) -> list[Row]:
    usual = _usual(everybody, numbers)
    if usual is None:
        return []
    span, before, percent = everybody.spans[0], everybody.before, numbers.outage_percent
    whole = everybody.approvals_week
    now, rest = Most.joined(shards, numbers.left_out).without(span.approvals, whole)
    # The others' share of what is usual is their share of the week: now <= percent · usual · rest / whole.
    if not rest or 100 * now * whole > percent * usual * rest:
        return []
    row = row_of("platform", span, usual, (now, usual * rest // whole))
    like = sum(span.approvals_like)
    sudden = 100 * span.approvals * sum(before.approvals_like) <= percent * like * before.approvals
    return [row if sudden else {**row, "reason": NOT_SUDDEN}]


def _silence(everybody: PlatformSums, numbers: Platform) -> list[Row]:
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


PLATFORM_OUTAGE: Final = PlatformRule(
    name="platform_outage",
    kinds=KINDS,
    numbers=platform.NUMBERS,
    inhibits=(Inhibits(VOLUME_DROP.name), Inhibits(CANCEL_SURGE.name, unless=_UNLESS_RISEN)),
    most=lambda windows, everybody, tuned: most_of(*newest_of(windows), everybody, tuned.platform),
    find=platform_outage,
    reasons=platform.REASONS,
    severity=platform.severity_of,
    say=say_outage,
    deviation=deviation,
)
