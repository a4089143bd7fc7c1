"""What the check knows of the events up to now, in memory: the windows of the rules, and the rules in force.

What is new is added to a copy, in a thread that gives way to whoever asks, and takes the place of what was
known at once: a check sees all of it or nothing, and waits for none of it. What a new rule asks of the past
is read beside that; until then the rule is warming, and while a live rule is, nothing can be said.
"""

from __future__ import annotations

import asyncio
import gc
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from baselines.transfers.recent import Recent
from pipeline.online.transfers.check.asked import STALE, WARMING, Verdict
from pipeline.packs.transfers.judging import judge_one
from pipeline.packs.transfers.ruleset import LIVE, RuleSet, Timeline
from pipeline.packs.transfers.schema import EVENT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from datetime import datetime
    from zoneinfo import ZoneInfo

    from baselines.transfers.measure import Measure
    from pipeline.packs.transfers.ruleset import InForce

#: So many rows at a time.
PART_ROWS: Final = 5_000
#: Where the newest look at the events is older than this, it is too old to answer by.
STALE_S: Final = 5.0
#: The column of news: the status by which an event is held, null where it is not.
KNOWN_AS: Final = "known_as"


class Known:
    """The state of a process that checks. `monotonic`: seconds of a clock that never goes back."""

    def __init__(self, zone: ZoneInfo, language: str, monotonic: Callable[[], float]) -> None:
        self._zone = zone
        self._language = language
        self._monotonic = monotonic
        self.recent = Recent()
        self.timeline = Timeline()
        self.seen: str | None = None  # which transactions were read
        self._looked_s: float | None = None  # when
        self._filled: set[Measure] = set()
        self._judging: tuple[RuleSet, RuleSet, bool] = (RuleSet(), RuleSet(), False)
        self._missed: list[pl.DataFrame] | None = None  # what comes while something is filled

    def doubt_at(self, moment: datetime) -> str | None:
        """Why nothing can be said now of an event of that moment."""
        if self._looked_s is None:
            return WARMING
        if self._age_s() > STALE_S:
            return STALE
        return WARMING if self._set_at(moment)[1] else None

    @property
    def stale_ms(self) -> int:
        """How old the newest look at the events is; before the first one too old."""
        return round(self._age_s() * 1000)

    def judge(self, event: Mapping[str, Any], beside: Sequence[Mapping[str, Any]]) -> Verdict:
        """What the rules in force at the event's time say of it, where there is no doubt at that moment."""
        rules, _ = self._set_at(event["occurred_at"])
        one = judge_one(self.recent, event, rules, self._zone, beside)
        hits = [
            {
                "rule": hit["rule"],
                "version": hit["version"],
                "say": hit[f"say_{self._language}"],
                "values": json.loads(hit["explanation"]),
            }
            for hit in one.hits
            if hit["mode"] == LIVE
        ]
        return Verdict(one.decision, one.score, hits)

    def in_force(self, timeline: Timeline) -> None:
        """Judge by these rules from now on."""
        if timeline is not self.timeline:
            self.timeline = timeline
            self._judging = (RuleSet(), RuleSet(), False)

    def unfilled(self, since: datetime) -> tuple[Measure, ...]:
        """What rules in force since then ask and nobody fills yet; nothing while something is filled."""
        if self._missed is not None:
            return ()
        return tuple(m for m in self.timeline.measures(since) if m not in self._filled)

    def looked(self, seen: str, looked_s: float | None) -> None:
        """The events were looked at then, up to these transactions; None: they have not come yet."""
        self.seen, self._looked_s = seen, looked_s

    async def with_news(self, news: pl.DataFrame) -> Recent:
        """A copy with what is new: rows of EVENT with `known_as`."""
        fresh = self.recent.copy()
        if news.height:
            await asyncio.to_thread(_take, fresh, news)
        return fresh

    def put(self, fresh: Recent, news: pl.DataFrame) -> None:
        """Answer by this copy from now on."""
        self.recent = fresh
        if self._missed is not None and news.height:
            self._missed.append(news)

    def begin_filling(self, measures: Iterable[Measure]) -> tuple[Recent, Sequence[Measure] | None]:
        """A copy that is to be filled with all that is known up to now, for these measures; None: for all."""
        lacking = self.recent.want(measures)
        self._missed = []
        return self.recent.copy(), lacking or None

    async def end_filling(self, filled: Recent, measures: Iterable[Measure]) -> None:
        """The copy is filled: what came meanwhile comes to it, and it takes its place."""
        while self._missed:
            await asyncio.to_thread(_take, filled, self._missed.pop(0))
        self.recent, self._missed = filled, None
        self._filled.update(measures)
        self._judging = (RuleSet(), RuleSet(), False)
        gc.freeze()  # what is held stays: Python need not look through it each time it collects

    def stop_filling(self) -> None:
        """It failed; it is tried again."""
        self._missed = None

    def _set_at(self, moment: datetime) -> tuple[RuleSet, bool]:
        """The set in force, without rules in their shadow that are warming; and whether others are."""
        whole = self.timeline.at(moment)
        if self._judging[0] is not whole:
            rules = [one for one in whole.rules if one.mode == LIVE or not self._warms(one)]
            warming = any(self._warms(one) for one in rules)
            if whole.learned is not None:
                warming |= not self._filled.issuperset(whole.learned.measures)
            self._judging = (whole, replace(whole, rules=tuple(rules)), warming)
        return self._judging[1:]

    def _warms(self, one: InForce) -> bool:
        return not self._filled.issuperset(one.rule.measures.values())

    def _age_s(self) -> float:
        return STALE_S * 2 if self._looked_s is None else self._monotonic() - self._looked_s


def _take(recent: Recent, news: pl.DataFrame) -> None:
    new = news.filter(pl.col(KNOWN_AS).is_null()).select(EVENT.names())
    for part in new.iter_slices(PART_ROWS):
        recent.take(part)
    changed = news.filter(pl.col(KNOWN_AS) != pl.col("status"))
    for part in changed.iter_slices(PART_ROWS):
        after = part.select(EVENT.names())
        recent.change(after.with_columns(part[KNOWN_AS].alias("status")), after)
