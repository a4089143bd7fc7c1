"""Minutes through the judgement of several policies at once, counted without making frames of signals.

Verdicts are signals before they become a frame. An incident is counted where a passed
signal starts one: none of the rule and merchant within `resolve_after_minutes` before, where a breach that
the budget held back keeps one open (`pipeline.judge.life` opens and keeps them in the same way).
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import numpy as np

from baselines.facts import Facts
from baselines.merchants.rules import Rules, load_rules
from baselines.merchants.windows import Windows
from pipeline.judge.verdicts import FIRES
from pipeline.minute import to_index
from pipeline.packs.merchants import JUDGE, RULES
from pipeline.packs.merchants.judge import Judge
from pipeline.packs.merchants.rules.cancel_surge import CANCEL_SURGE, beside_of, numbers_of, surges_among
from pipeline.packs.merchants.rules.rule import Situation

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import datetime

    import polars as pl

    from baselines.merchants.slices import Integers
    from pipeline.judge.verdicts import Columns, Verdicts
    from pipeline.minute import Span
    from pipeline.packs.merchants.rules.rule import Found
    from pipeline.packs.merchants.rules.surge_spans import Portfolio

SEOUL = ZoneInfo("Asia/Seoul")
TUNED = load_rules(Path(__file__).resolve().parents[2] / "baselines" / "merchants" / "rules.toml")
_FIRES = JUDGE.reasons.index(FIRES)
_NEVER = -(10**9)


@dataclass(frozen=True, slots=True)
class Opened:
    """Incidents in the order in which they opened; position -1 is all merchants; arrays have shape (n,)."""

    minutes: Integers
    rules: Integers  # places in JUDGE.names
    positions: Integers
    kinds: Integers  # places in JUDGE.kinds

    def of(self, rule: str) -> Opened:
        """Those of one rule."""
        chosen = self.rules == JUDGE.names.index(rule)
        return Opened(*(a[chosen] for a in (self.minutes, self.rules, self.positions, self.kinds)))

    def by_kind(self) -> dict[str, int]:
        """How many were seen by which kind of window."""
        return {kind: int((self.kinds == place).sum()) for place, kind in enumerate(JUDGE.kinds)}


@dataclass
class Incidents:
    """When a policy would have opened an incident."""

    resolve_after: int
    _opened: list[tuple[int, int, Integers, Integers]] = field(default_factory=list)
    _last: dict[int, Integers] = field(default_factory=dict)  # by rule: the newest minute that counts

    def add(self, index: int, found: Verdicts) -> None:
        """Take the verdicts of minute `index`."""
        found = found.take(found.settles)
        for rule in range(len(JUDGE.names)):
            chosen = found.columns["rule"] == rule
            if chosen.any():
                self._add(index, rule, found.take(chosen).columns)

    def _add(self, index: int, rule: int, columns: Columns) -> None:
        # All merchants together stand at position -1.
        positions = columns["position"]
        last = self._room(rule, int(positions.max()) + 2)
        passed = columns["reason"] == _FIRES
        known = index - last[positions + 1] < self.resolve_after
        new = passed & ~known
        if new.any():
            self._opened.append((index, rule, positions[new], columns["kind"][new]))
        last[positions[passed | known] + 1] = index

    def _room(self, rule: int, size: int) -> Integers:
        known = self._last.setdefault(rule, np.zeros(0, np.int64))
        if size > len(known):
            grown = np.full(max(size, 2 * len(known)), _NEVER, np.int64)
            grown[: len(known)] = known
            self._last[rule] = grown
        return self._last[rule]

    def opened(self) -> Opened:
        """All of them."""
        sizes = [len(positions) for _, _, positions, _ in self._opened]
        none = np.zeros(0, np.int64)
        return Opened(
            np.repeat(np.array([i for i, *_ in self._opened], np.int64), sizes),
            np.repeat(np.array([rule for _, rule, *_ in self._opened], np.int64), sizes),
            np.concatenate([none, *(positions for _, _, positions, _ in self._opened)]),
            np.concatenate([none, *(kinds for *_, kinds in self._opened)]),
        )


class Watch:
    """Runs minutes through the functions of the live tick, for every policy."""

    def __init__(
        self,
        rules: Rules,
        policies: Iterable[str],
        zone: ZoneInfo = SEOUL,
        portfolio: Portfolio | None = None,
    ) -> None:
        self.rules = rules
        self.windows = Windows(zone, rules.volume_drop.baseline_days)
        self.incidents = {p: Incidents(rules.incident.resolve_after_minutes) for p in policies}
        self.tick_ms: list[float] = []  # the judgement under the last of the policies
        self._judge = JUDGE if portfolio is None else _with_portfolio(portfolio)
        self.facts = Facts()

    def warm(self, span: Span, frame: pl.DataFrame) -> None:
        """Slide through `span` without judging."""
        self.windows.add_many(span.start, span.end, frame)

    def judge(self, span: Span, frame: pl.DataFrame) -> None:
        """Judge every minute of `span`."""
        for minute, counts in minutes_of(span, frame):
            self.windows.add(minute, counts)
            judged = 0.0
            for policy, incidents in self.incidents.items():
                start = time.perf_counter()
                found = self._judge.verdicts(Situation(self.windows, self.rules, policy, self.facts))
                judged = time.perf_counter() - start
                incidents.add(to_index(minute), found)
            self.tick_ms.append(judged * 1000)


def _with_portfolio(portfolio: Portfolio) -> Judge:
    """The judge, were these all the merchants that share the budget."""

    def cancel_surge(situation: Situation) -> Found:
        beside = replace(beside_of(situation), portfolio=portfolio)
        seen = beside if situation.policy == "budgeted" else None
        return surges_among(numbers_of(situation), seen, situation.policy, situation.tuned)

    alone = replace(CANCEL_SURGE, find=cancel_surge)
    return Judge([alone if rule is CANCEL_SURGE else rule for rule in RULES])


def minutes_of(span: Span, frame: pl.DataFrame) -> Iterator[tuple[datetime, pl.DataFrame]]:
    """The minutes of a sorted frame, one after the other."""
    index = frame["minute"].dt.epoch("us").to_numpy() // 60_000_000
    borders = np.searchsorted(index, np.arange(to_index(span.start), to_index(span.end) + 1))
    for n, minute in enumerate(span):
        yield minute, frame.slice(int(borders[n]), int(borders[n + 1] - borders[n]))


def delays(opened: Opened, onsets: Mapping[int, int], within: int) -> dict[str, Any]:
    """Recall and delay of labelled disturbances (position to the minute of its onset), `within` minutes.

    Counted from the onset to the end of the judged minute. An incident open at the onset is a miss.
    """
    first: dict[int, int] = {}
    for minute, position in zip(opened.minutes.tolist(), opened.positions.tolist(), strict=True):
        if position in onsets and 0 <= minute - onsets[position] < within:
            first.setdefault(position, minute - onsets[position] + 1)
    every = [*sorted(first.values()), *([float("inf")] * (len(onsets) - len(first)))]
    return {
        "cases": len(onsets),
        "recall": round(len(first) / len(onsets), 3),
        "median_minutes": _finite(every[(len(every) - 1) // 2]),
        "p95_minutes": _finite(every[int(np.ceil(0.95 * len(every))) - 1]),
    }


def random_recall(incidents: int, merchants: int, minutes: int, left: int) -> float:
    """The control: as many incidents at random merchants and minutes; how many disturbances would be hit?

    A disturbance is hit by an incident on its merchant in the `left` minutes after the onset.
    """
    return round(1 - float((1 - left / minutes / merchants) ** incidents), 4)


def _finite(value: float) -> int | None:
    return None if value == float("inf") else int(value)
