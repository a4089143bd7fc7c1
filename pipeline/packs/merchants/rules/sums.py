"""What the rules ask of all merchants together: sums, of one shard's merchants or of everybody's. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.packs.merchants.rules import platform
from pipeline.packs.merchants.rules.platform import PlatformSums
from pipeline.packs.merchants.rules.surge_spans import Portfolio, portfolio_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.packs.merchants.rules.rule import Situation


@dataclass(frozen=True, slots=True)
class Sums:
    """Exact, and so small that they are sent from one process to another every minute."""

    last: int  # the judged minute, since the epoch
    portfolio: Portfolio
    platform: PlatformSums | None  # None before there is a whole like day

    @classmethod
    def joined(cls, parts: Sequence[Sums]) -> Sums:
        """The sums of all shards; ValueError where they do not stand at the same minute and hold the same."""
        minutes = {part.last for part in parts}
        compared = [part.platform for part in parts if part.platform is not None]
        if len(minutes) > 1 or len(compared) not in (0, len(parts)):
            msg = f"shards do not hold the same minutes: they stand at {sorted(minutes)}"
            raise ValueError(msg)
        portfolio = Portfolio.joined([part.portfolio for part in parts])
        return cls(minutes.pop(), portfolio, PlatformSums.joined(compared) if compared else None)


def sums_of(situation: Situation) -> Sums:
    """Over all merchants of the windows; by category only where the policy asks for that."""
    windows, facts = situation.windows, situation.facts
    names = facts.names if situation.policy == "budgeted" else ()
    codes = facts.codes(situation.last, windows.entities)
    portfolio = portfolio_of(windows, codes, names)
    return Sums(situation.last, portfolio, platform.sums_of(situation, portfolio))
