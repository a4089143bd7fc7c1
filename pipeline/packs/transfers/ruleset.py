"""The rules and lists in force, by the time of the events: a whole set or none. Pure.

An event is judged by the set in force at its own time, so any way to judge it again (a closed minute, a
late event, a backtest, an explanation) comes to the same answer.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any, Final, overload

import numpy as np

from pipeline.errors import UsageError
from pipeline.packs.transfers.language import parse, single
from pipeline.packs.transfers.learned import Learned, read_learned

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from datetime import datetime

    import polars as pl

    from baselines.transfers.measure import Measure
    from pipeline.packs.transfers.language import RuleText

LIVE: Final = "live"
SHADOW: Final = "shadow"  # judges, tells nobody, and counts for no decision
PAUSED: Final = "paused"  # of a rule: no version of it is live meanwhile
ALLOW: Final = "allow"
DENY: Final = "deny"


@dataclass(frozen=True, slots=True)
class InForce:
    """A version of a rule that judges."""

    rule: RuleText
    version: int
    mode: str  # LIVE or SHADOW


@dataclass(frozen=True)
class RuleSet:
    """All rules in force at a moment, by name and version, and the values on the lists."""

    rules: Sequence[InForce] = ()
    lists: Mapping[str, frozenset[str]] = field(default_factory=dict)
    learned: Learned | None = None

    @cached_property
    def measures(self) -> tuple[Measure, ...]:
        """What its rules and its learned score ask about earlier events, each once."""
        asked = [m for one in self.rules for m in one.rule.measures.values()]
        return tuple(dict.fromkeys([*asked, *(self.learned.measures if self.learned else ())]))

    @cached_property
    def asked(self) -> tuple[Callable[[Mapping[str, int | str | None]], bool | None], ...]:
        """Each rule as a function of the values of one event, made once."""
        return tuple(single(one.rule, self.lists) for one in self.rules)


@dataclass(frozen=True)
class Timeline:
    """Which set is in force from when on: moments in order, each with its set; nothing before the first."""

    sets: Sequence[tuple[datetime, RuleSet]] = ()

    def at(self, moment: datetime) -> RuleSet:
        """The set that an event of this moment is judged by."""
        place = bisect_right(self._moments, moment) - 1
        return NOTHING if place < 0 else self.sets[place][1]

    def parts(self, events: pl.DataFrame) -> Iterator[tuple[RuleSet, pl.DataFrame]]:
        """Events, with the set that each is judged by: by the times of the sets, rows in the order given."""
        if events.is_empty():
            return
        times = events["occurred_at"].dt.timestamp("us").to_numpy()
        places = np.searchsorted(self._borders, times, side="right") - 1
        for place in np.unique(places).tolist():
            of_set = NOTHING if place < 0 else self.sets[place][1]
            yield of_set, events if (places == place).all() else events.filter(places == place)

    def measures(self, since: datetime) -> tuple[Measure, ...]:
        """What any set asks that is in force at `since` or later, each once."""
        later = [self.at(since), *(of_set for moment, of_set in self.sets if moment > since)]
        return tuple(dict.fromkeys(measure for of_set in later for measure in of_set.measures))

    def asking_only(self, held: set[Measure] | frozenset[Measure]) -> Timeline:
        """The same without what asks for more than these measures: who has not counted must not judge.

        While a version that asks for more is live, the one before it goes on; all other changes count.
        """
        sets, before = [], dict[str, InForce]()
        for moment, of_set in self.sets:
            rules = [one for one in of_set.rules if held.issuperset(one.rule.measures.values())]
            lacking = {one.rule.rule for one in of_set.rules if one.mode == LIVE} - _live(rules).keys()
            rules += [before[rule] for rule in sorted(lacking & before.keys())]
            before = _live(rules)
            learned = of_set.learned
            if learned is not None and not held.issuperset(learned.measures):
                learned = None
            sets.append((moment, RuleSet(tuple(rules), of_set.lists, learned)))
        return Timeline(sets)

    @cached_property
    def _moments(self) -> Sequence[datetime]:
        return self.sets.moments if isinstance(self.sets, _Sets) else [moment for moment, _ in self.sets]

    @cached_property
    def _borders(self) -> np.ndarray[Any, np.dtype[np.int64]]:
        return np.array([_micros(moment) for moment in self._moments], np.int64)


#: Before anything was in force.
NOTHING: Final = RuleSet()


def timeline_of(
    spans: Iterable[Mapping[str, Any]],
    entries: Iterable[Mapping[str, Any]],
    models: Iterable[Mapping[str, Any]] = (),
) -> Timeline:
    """From the rows of the queries `rules_in_force`, `lists_in_force` and `learned_in_force`, in any order.

    A span that ends where it begins is none. While a rule is paused its live version is in no set; one in
    its shadow goes on.
    """
    return Timeline(_Sets(*([row for row in rows if _lasts(row)] for rows in (spans, entries, models))))


class _Sets(Sequence[tuple["datetime", RuleSet]]):
    """The sets between all moments at which something begins or ends; each is made when it is asked for."""

    def __init__(
        self,
        spans: Sequence[Mapping[str, Any]],
        entries: Sequence[Mapping[str, Any]],
        models: Sequence[Mapping[str, Any]],
    ) -> None:
        rows = [*spans, *entries, *models]
        ends = {row["until_at"] for row in rows if row["until_at"] is not None}
        self.moments = sorted({row["from_at"] for row in rows} | ends)
        self._spans = sorted(spans, key=lambda row: (row["rule"], row["version"], row["from_at"]))
        self._entries, self._models = entries, models
        self._made: dict[int, RuleSet] = {}

    def __len__(self) -> int:
        return len(self.moments)

    @overload
    def __getitem__(self, place: int) -> tuple[datetime, RuleSet]: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[tuple[datetime, RuleSet]]: ...
    def __getitem__(
        self, place: int | slice
    ) -> tuple[datetime, RuleSet] | Sequence[tuple[datetime, RuleSet]]:
        if isinstance(place, slice):
            return [self[one] for one in range(len(self))[place]]
        place = range(len(self))[place]
        if place not in self._made:
            self._made[place] = self._set(self.moments[place])
        return self.moments[place], self._made[place]

    def _set(self, moment: datetime) -> RuleSet:
        spans = [row for row in self._spans if _holds(row, moment)]
        paused = {row["rule"] for row in spans if row["mode"] == PAUSED}
        rules = [
            InForce(_understood(row["content"]), row["version"], row["mode"])
            for row in spans
            if row["mode"] == SHADOW or (row["mode"] == LIVE and row["rule"] not in paused)
        ]
        lists: dict[str, set[str]] = {}
        for row in self._entries:
            if _holds(row, moment):
                lists.setdefault(row["list"], set()).add(row["value"])
        on_lists = {name: frozenset(values) for name, values in sorted(lists.items())}
        models = [row for row in self._models if _holds(row, moment)]
        newest = max(models, key=lambda row: row["version"], default=None)
        return RuleSet(tuple(rules), on_lists, None if newest is None else _learned(newest))


def _live(rules: Iterable[InForce]) -> dict[str, InForce]:
    return {one.rule.rule: one for one in rules if one.mode == LIVE}


def _lasts(row: Mapping[str, Any]) -> bool:
    return row["until_at"] is None or row["from_at"] < row["until_at"]


def _holds(row: Mapping[str, Any], moment: datetime) -> bool:
    return bool(row["from_at"] <= moment and (row["until_at"] is None or moment < row["until_at"]))


def _micros(moment: datetime) -> int:
    return round(moment.timestamp() * 1_000_000)


def _learned(row: Mapping[str, Any]) -> Learned | None:
    """A learned score; None for one of another program: what rules find does not wait for it."""
    try:
        return read_learned(row["version"], row["model"], row["features"])
    except UsageError:
        return None


@lru_cache(1000)
def _understood(content: str) -> RuleText:
    """A text of a rule; the same text is the same value, so that it is compiled once."""
    return parse(content)
