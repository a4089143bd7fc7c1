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
from pipeline.packs.merchants.rules.platform import Most, newest_of, ordinary, row_of
from pipeline.packs.merchants.rules.rule import PlatformRule
from pipeline.packs.merchants.sentences import say_cancels

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from baselines.merchants.rules import Platform, Rules
    from baselines.merchants.slices import Totals
    from pipeline.packs.merchants.rules.platform import PlatformSums, Row
    from pipeline.packs.merchants.rules.rule import Found

KINDS: Final = ("platform",)


def platform_cancels(everybody: PlatformSums, shards: Sequence[Most | None], tuned: Rules) -> Found:
    """At most one signal, about all merchants."""
    return platform.found_of(cancels_among(everybody, shards, tuned.platform), KINDS)


def _usual(everybody: PlatformSums, numbers: Platform) -> int | None:
    """The cancels that are usual in these minutes; None: there are no more of them than may be."""
    span, factor = everybody.spans[0], numbers.cancel_factor
    usual = ordinary(span.cancels_like, low=False)
    approvals, cancels = sum(span.approvals_like), sum(span.cancels_like)
    more = usual >= numbers.minimum_cancels and span.cancels >= factor * usual
    return usual if more and span.cancels * approvals >= factor * cancels * span.approvals else None


def most_of(now: Totals, week: Totals, everybody: PlatformSums, numbers: Platform) -> Most | None:
    """Whose cancels exceed their share of what is usual by the most; None: nobody asks."""
    usual = _usual(everybody, numbers)
    if usual is None:
        return None
    excess = now.cancels * everybody.cancels_week - week.cancels * usual
    return Most.of(excess, now.cancels, week.cancels, numbers.left_out)


def cancels_among(everybody: PlatformSums, shards: Sequence[Most | None], numbers: Platform) -> list[Row]:
    """None or one row about all merchants together; each shard says which of its own deviate most."""
    usual = _usual(everybody, numbers)
    if usual is None:
        return []
    span, before, factor = everybody.spans[0], everybody.before, numbers.cancel_factor
    whole = everybody.cancels_week
    now, rest = Most.joined(shards, numbers.left_out).without(span.cancels, whole)
    if not rest or now * whole < factor * usual * rest:
        return []
    row = row_of("platform", span, usual, (now, usual * rest // whole))
    cancels = sum(span.cancels_like)
    sudden = span.cancels * sum(before.cancels_like) >= factor * cancels * before.cancels
    return [row if sudden else {**row, "reason": NOT_SUDDEN}]


def deviation(reason: Mapping[str, Any]) -> float:
    """How many times the usual cancels."""
    return float(reason["cancels_window"] / max(reason["expected_window"], 1))


PLATFORM_CANCELS: Final = PlatformRule(
    name="platform_cancels",
    kinds=KINDS,
    numbers=platform.NUMBERS,
    inhibits=(Inhibits(CANCEL_SURGE.name),),
    most=lambda windows, everybody, tuned: most_of(*newest_of(windows), everybody, tuned.platform),
    find=platform_cancels,
    reasons=platform.REASONS,
    severity=platform.severity_of,
    say=say_cancels,
    deviation=deviation,
)
