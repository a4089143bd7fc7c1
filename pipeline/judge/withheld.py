"""What people hold back: maintenance windows and exclusions, each from a minute on until another. Pure.

They are a mapping of a reason to the signals it is about, minute by minute. One begins and ends at minutes
that were not judged yet when somebody said so: what was in force at a past minute is known for ever, and a
correction, a backtest and `explain` meet what the minute met.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import TYPE_CHECKING, Final

import polars as pl

from pipeline.judge.verdicts import EXCLUDED, MAINTENANCE, SETTLING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

#: The first of these that a signal meets is its reason; others come after them in the order of their words.
_FIRST: Final = (EXCLUDED, MAINTENANCE)


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldSpan:
    """Signals that are held back for a while, with the reason that they get."""

    reason: str
    start: datetime
    end: datetime | None = None  # not included; None: nobody has ended it
    rule: str | None = None  # None: every rule
    entity_id: str | None = None  # None: everybody

    def holds_at(self, minute: datetime) -> bool:
        """Is it in force at `minute`?"""
        return self.start <= minute and (self.end is None or minute < self.end)

    def concerns(self, entity_id: str) -> bool:
        """Is it about that entity, perhaps among all others?"""
        return self.entity_id in (None, entity_id)


@dataclass(frozen=True, slots=True)
class Withheld:
    """Everything that people hold back, past, present and planned."""

    spans: Sequence[HeldSpan] = ()

    def at(self, minute: datetime) -> list[HeldSpan]:
        """What is in force at `minute`."""
        return [span for span in self.spans if span.holds_at(minute)]

    def hold(self, minute: datetime, signals: pl.DataFrame) -> pl.DataFrame:
        """The signals of `minute`; those held back have their reason and open nothing."""
        spans = self.at(minute)
        if not spans or signals.is_empty():
            return signals
        reason, held = pl.col("reason"), pl.lit(value=False)
        could_change = pl.col("passed") | pl.col("reason").is_in(SETTLING)
        for word, which in reversed(_by_reason(spans).items()):
            reason = pl.when(which & could_change).then(pl.lit(word)).otherwise(reason)
            held |= which & could_change
        return signals.with_columns(passed=pl.col("passed") & ~held, reason=reason)


def _by_reason(spans: Sequence[HeldSpan]) -> dict[str, pl.Expr]:
    """Which signals each reason is about, the strongest reason first."""
    words = sorted({span.reason for span in spans}, key=lambda w: (w not in _FIRST, w))
    return {word: _signals([span for span in spans if span.reason == word]) for word in words}


def _signals(spans: Sequence[HeldSpan]) -> pl.Expr:
    """The signals of some spans: a look-up for each rule that is named, not one for each span."""
    if any(span.rule is None and span.entity_id is None for span in spans):
        return pl.lit(value=True)
    rules = {span.rule for span in spans}
    return reduce(or_, (_of_rule(rule, [s.entity_id for s in spans if s.rule == rule]) for rule in rules))


def _of_rule(rule: str | None, entities: Sequence[str | None]) -> pl.Expr:
    named = pl.lit(value=True) if rule is None else pl.lit(rule) == pl.col("rule")
    return named if None in entities else named & pl.col("entity_id").is_in([e for e in entities if e])
