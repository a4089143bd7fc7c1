"""All merchants together: what the two rules about a failure of the whole platform share. Pure.

Both have to hold as well without the `left_out` merchants that deviate most: a giant that fails alone, or a
few merchants that cancel everything, are incidents of theirs. And both have to be sudden, against the three
hours before: a day that is slow or busy as a whole fails nowhere. A failure that lasts need not stay sudden.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from baselines.merchants.recent import LOCAL_MINUTES
from baselines.merchants.slices import Totals
from pipeline.judge.verdicts import FIRES, NOT_SUDDEN
from pipeline.minute import DAY_MINUTES
from pipeline.packs.merchants.rules.rule import Found

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from baselines.merchants.rules import Severity
    from baselines.merchants.slices import Integers
    from baselines.merchants.windows import Windows
    from pipeline.packs.merchants.rules.rule import Situation
    from pipeline.packs.merchants.rules.surge_spans import Portfolio

    #: A signal about all merchants: its kind and reason in words, and numbers of SIGNAL.
    Row = dict[str, int | str]

#: The integers of SIGNAL that the reason of these rules cannot do without.
NUMBERS: Final = (
    "days",
    "window_minutes",
    "approvals_window",
    "cancels_window",
    "expected_window",
    "others_window",
    "others_expected",
)
REASONS: Final = (FIRES, NOT_SUDDEN)

#: Minutes in which all merchants together are looked at; the longer ones for a source with little traffic.
_SPANS: Final = (5, 15, 60)
#: From this many like days on the most extreme one does not count: it may itself have been an outage.
_ENOUGH_DAYS: Final = 4


@dataclass(frozen=True, slots=True)
class SameMinutes:
    """All merchants together in some minutes, and in the same minutes of like days."""

    minutes: int
    approvals: int
    cancels: int
    approvals_like: tuple[int, ...]  # one per like day
    cancels_like: tuple[int, ...]

    @classmethod
    def nothing(cls) -> SameMinutes:
        """Where the minutes are not held."""
        return cls(0, 0, 0, (), ())

    @classmethod
    def joined(cls, parts: Sequence[SameMinutes]) -> SameMinutes:
        """The sums of several shards; ValueError where these are not the same minutes and days."""
        minutes = {(part.minutes, len(part.approvals_like)) for part in parts}
        if len(minutes) > 1:
            msg = f"shards do not hold the same minutes of the same days: {sorted(minutes)}"
            raise ValueError(msg)
        like = [
            tuple(map(sum, zip(*days, strict=True)))
            for days in ([part.approvals_like for part in parts], [part.cancels_like for part in parts])
        ]
        approvals, cancels = sum(part.approvals for part in parts), sum(part.cancels for part in parts)
        return cls(minutes.pop()[0], approvals, cancels, *like)


@dataclass(frozen=True, slots=True)
class PlatformSums:
    """All merchants together, of one shard or of all: what tells whether anything may have failed."""

    spans: tuple[SameMinutes, ...]  # shortest first; the first is the one that is looked at most
    before: SameMinutes  # the three hours before it
    approvals_week: int
    cancels_week: int

    @classmethod
    def joined(cls, parts: Sequence[PlatformSums]) -> PlatformSums:
        """The sums of several shards; ValueError where they do not hold the same minutes."""
        spans = zip(*(part.spans for part in parts), strict=True)
        return cls(
            tuple(SameMinutes.joined(span) for span in spans),
            SameMinutes.joined([part.before for part in parts]),
            sum(part.approvals_week for part in parts),
            sum(part.cancels_week for part in parts),
        )


@dataclass(frozen=True, slots=True)
class Most:
    """The merchants that deviate most, each in the newest minutes and in the week; shape (n,) each."""

    deviation: Integers
    now: Integers
    week: Integers

    @classmethod
    def of(cls, deviation: Integers, now: Integers, week: Integers, count: int) -> Most:
        """The `count` largest of some; shape (merchants,) each."""
        chosen = _most(deviation, week, count)
        return cls(deviation[chosen], now[chosen], week[chosen])

    @classmethod
    def joined(cls, parts: Sequence[Most | None], count: int) -> Most:
        """The `count` largest of those that each shard names."""
        named = [part for part in parts if part is not None]
        if len(named) != len(parts):
            msg = "a shard does not say which of its merchants deviate most"
            raise ValueError(msg)
        columns = ([getattr(part, name) for part in named] for name in ("deviation", "now", "week"))
        deviation, now, week = (np.concatenate(arrays) for arrays in columns)
        return cls.of(deviation, now, week, count)

    def without(self, now: int, week: int) -> tuple[int, int]:
        """What is left of both sums over all merchants."""
        return now - int(self.now.sum()), week - int(self.week.sum())


def sums_of(situation: Situation, portfolio: Portfolio) -> PlatformSums | None:
    """All merchants of the windows; None before there is a whole like day to compare with."""
    windows, last = situation.windows, situation.last
    days = [(situation.today - day).days * DAY_MINUTES for day in situation.like]
    spans = [_same_minutes(windows, last, minutes, days) for minutes in _SPANS]
    if not days or spans[0] is None:
        return None
    before = _same_minutes(windows, last - _SPANS[0], LOCAL_MINUTES, days)
    return PlatformSums(
        tuple(span for span in spans if span is not None),
        before or SameMinutes.nothing(),
        portfolio.approvals_week,
        portfolio.cancels_week,
    )


def _same_minutes(windows: Windows, last: int, minutes: int, days: list[int]) -> SameMinutes | None:
    now = windows.everybody(last, minutes)
    before = [sums for ago in days if (sums := windows.everybody(last - ago, minutes)) is not None]
    if now is None or not before:
        return None
    return SameMinutes(minutes, *now, tuple(a for a, _ in before), tuple(c for _, c in before))


def newest_of(windows: Windows) -> tuple[Totals, Totals]:
    """Each merchant in the shortest span and in the week; arrays of shape (merchants,)."""
    size, newest, week = windows.size, windows.recent.spans[_SPANS[0]], windows.week
    first, second = (Totals(part.approvals[:size], part.cancels[:size]) for part in (newest, week))
    return first, second


def _most(deviation: Integers, week: Integers, count: int) -> Integers:
    """Places of the `count` largest deviations, of equal ones those with the larger week. Shape (count,).

    Of merchants that are equal in both it does not matter which: the sums without them are the same.
    """
    count = min(count, len(deviation))
    if not count:
        return np.zeros(0, np.int64)
    # Sorting all merchants for a few would cost five times as much.
    last = np.partition(deviation, -count)[-count]
    above, alike = np.flatnonzero(deviation > last), np.flatnonzero(deviation == last)
    return np.concatenate([above, alike[np.argsort(week[alike])[::-1][: count - len(above)]]])


def ordinary(like: Sequence[int], *, low: bool) -> int:
    """The lowest (or highest) of like days; of many the second: one may have been an incident itself."""
    ordered = sorted(like, reverse=not low)
    return ordered[1 if len(ordered) >= _ENOUGH_DAYS else 0]


def row_of(kind: str, span: SameMinutes, usual: int, rest: tuple[int, int]) -> Row:
    """A signal of these minutes; `rest` is the others' sum now and what is usual for them."""
    return {
        "kind": kind,
        "reason": FIRES,
        "days": len(span.approvals_like),
        "window_minutes": span.minutes,
        "approvals_window": span.approvals,
        "cancels_window": span.cancels,
        "expected_window": usual,
        "others_window": rest[0],
        "others_expected": rest[1],
    }


def found_of(rows: Sequence[Row], kinds: Sequence[str]) -> Found:
    """These rows as a rule gives them; all merchants together stand at position -1."""
    places = {"kind": kinds, "reason": REASONS}
    parts = [
        {
            "position": np.array([-1]),
            **{
                name: np.array([places[name].index(str(value)) if name in places else int(value)])
                for name, value in row.items()
            },
        }
        for row in rows
    ]
    return Found(parts, np.zeros(0, np.int64))


def severity_of(reason: Mapping[str, Any], borders: Severity) -> int:  # noqa: ARG001 - as every rule
    """A failure of everything is as severe as can be."""
    return 2
