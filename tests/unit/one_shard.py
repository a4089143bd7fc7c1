"""The platform rules of merchants where one shard holds everybody."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from baselines.merchants.slices import Totals
from pipeline.packs.merchants.rules import platform_cancels, platform_outage
from pipeline.packs.merchants.rules.platform import PlatformSums

if TYPE_CHECKING:
    from baselines.merchants.rules import Platform
    from baselines.merchants.slices import Integers
    from pipeline.packs.merchants.rules.platform import Row, SameMinutes


@dataclass(frozen=True, slots=True)
class PlatformNumbers:
    """What tells a failure of the whole platform from one of some merchants; arrays of shape (merchants,)."""

    spans: tuple[SameMinutes, ...]  # shortest first; the first is the one that `approvals` and `cancels` span
    before: SameMinutes
    approvals: Integers
    cancels: Integers
    approvals_week: Integers
    cancels_week: Integers

    @property
    def sums(self) -> PlatformSums:
        week = int(self.approvals_week.sum()), int(self.cancels_week.sum())
        return PlatformSums(self.spans, self.before, *week)

    @property
    def each(self) -> tuple[Totals, Totals]:
        return Totals(self.approvals, self.cancels), Totals(self.approvals_week, self.cancels_week)


def outages_among(numbers: PlatformNumbers | None, tuned: Platform) -> list[Row]:
    if numbers is None:
        return []
    most = platform_outage.most_of(*numbers.each, numbers.sums, tuned)
    return platform_outage.outages_among(numbers.sums, [most], tuned)


def cancels_among(numbers: PlatformNumbers | None, tuned: Platform) -> list[Row]:
    if numbers is None:
        return []
    most = platform_cancels.most_of(*numbers.each, numbers.sums, tuned)
    return platform_cancels.cancels_among(numbers.sums, [most], tuned)
