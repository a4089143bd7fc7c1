"""A batch of events asks a lane: whose runs hold what each asks for, and where. Pure.

The searches for the same border are made once, whichever measures need it.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from baselines.transfers.alike import HOUR_MS
from baselines.transfers.codes import MISSING, kind_of_text
from baselines.transfers.lanes import reach_ms, split, value_key
from baselines.transfers.measure import DISTINCT, EXACT_MS, LONGEST_MS
from baselines.transfers.order import Array, Ints, spread
from baselines.transfers.runs import AMOUNT, PLACE, Run

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from baselines.transfers.codes import Key
    from baselines.transfers.encoded import Bools, Encoded
    from baselines.transfers.lanes import Lane
    from baselines.transfers.measure import Measure

#: No time at all.
NEVER: Final = -(1 << 62)


@dataclass(frozen=True, slots=True)
class Window:
    """For each event: the times after `opens` up to `ends`; their names tell which borders are the same."""

    opens: Ints
    ends: Ints
    names: tuple[str, str]


@dataclass(slots=True)
class Part:
    """What one run holds for each of the events that ask."""

    run: Run
    low: Ints
    high: Ints
    sign: int  # -1 where the events of the run are gone
    _places: dict[str, Ints] = field(default_factory=dict)

    def upto(self, name: str, until: Ints) -> Ints:
        """Behind the last one not after `until`, for all who ask."""
        if name not in self._places:
            self._places[name] = self.run.upto(self.low, self.high, until)
        return self._places[name]

    def some_upto(self, some: Ints, until: Ints) -> Ints:
        """The same for some of those who ask."""
        return self.run.upto(self.low[some], self.high[some], until)

    def between(self, window: Window) -> tuple[Ints, Ints]:
        """The places of the window."""
        return self.upto(window.names[0], window.opens), self.upto(window.names[1], window.ends)


@functools.cache
def keys_asked(ours: tuple[str, ...], lane_fields: tuple[str, ...]) -> tuple[Key, ...]:
    """The numbers by which an event with the fields `ours` finds others by theirs."""
    theirs = split(lane_fields)
    parts = (ours[:1], ours[1:]) if len(ours) > 1 else (ours,)
    return tuple((part, kind_of_text(key[0])) for part, key in zip(parts, theirs, strict=True))


@dataclass(frozen=True, slots=True)
class Group:
    """Measures that look into the same lane by the same fields."""

    lane: Lane
    keys: tuple[Key, ...]
    measures: tuple[Measure, ...]
    reach: int
    numbered: tuple[Key, ...]  # what a single event needs to ask, and to be told apart from others


def grouped(measures: Iterable[Measure], lanes: Mapping[Measure, Lane]) -> list[Group]:
    """These measures, each once, by what they look into."""
    found: dict[tuple[int, tuple[str, ...]], list[Measure]] = {}
    for measure in dict.fromkeys(measures):
        ours = tuple(ours for _, ours in measure.match)
        found.setdefault((id(lanes[measure]), ours), []).append(measure)
    return [_group(lanes[some[0]], ours, tuple(some)) for (_, ours), some in found.items()]


def _group(lane: Lane, ours: tuple[str, ...], measures: tuple[Measure, ...]) -> Group:
    keys = keys_asked(ours, lane.content.fields)
    values = (m.value for m in measures if m.of == DISTINCT and m.value is not None)
    return Group(lane, keys, measures, max(map(reach_ms, measures)), (*keys, *map(value_key, values)))


class Asked:
    """The events that can ask a lane, with what it holds for them."""

    def __init__(self, group: Group, events: Encoded) -> None:
        content = group.lane.content
        numbers = [events.codes[key] for key in group.keys]
        theirs = [events.codes[key] for key in split(content.fields)]
        self.rows = np.flatnonzero(np.logical_and.reduce([n != MISSING for n in numbers]))
        self.numbers = [n[self.rows] for n in numbers]
        self.at = events.at[self.rows]
        self.own: Bools = content.chosen(events)[self.rows]
        for mine, held in zip(self.numbers, theirs, strict=True):
            self.own = self.own & (mine == held[self.rows])
        self.events = events
        self.parts = self._parts(group) if self.rows.size else []
        self.some_gone = any(part.sign < 0 for part in self.parts)

    def window(self, measure: Measure) -> Window:
        """The window of each event."""
        within = LONGEST_MS if measure.within_ms is None else min(measure.within_ms, LONGEST_MS)
        opens = self.at - within
        if within > EXACT_MS:
            opens = opens // HOUR_MS * HOUR_MS
        ends = np.maximum(self.at - measure.before_ms, opens)
        names = f"opens {within}", f"ends {measure.before_ms} {within if measure.before_ms else 0}"
        return Window(opens, ends, names)

    def own_within(self, measure: Measure) -> Bools:
        """Whether each event is itself one of those that it asks about."""
        return self.own if measure.before_ms == 0 else np.zeros_like(self.own)

    def own_values(self, name: str) -> Array:
        """What each event has of a value that stands beside."""
        if name == AMOUNT:
            return self.events.amount[self.rows]
        column = self.events.place if name == PLACE else self.events.codes[value_key(name)]
        return column[self.rows]

    def last_until(self, some: Ints, until: Ints) -> Ints:
        """The time of the last event not after `until`, gone or not; NEVER without one."""
        found = np.full(some.size, NEVER)
        for part in self.parts:
            if part.sign > 0:
                place = part.some_upto(some, until)
                live = np.flatnonzero(place > part.low[some])
                found[live] = np.maximum(found[live], part.run.times(place[live] - 1))
        return found

    def first_after(self, some: Ints, after: Ints) -> Ints:
        """The time of the first event after `after`, gone or not; -NEVER without one."""
        found = np.full(some.size, -NEVER)
        for part in self.parts:
            if part.sign > 0:
                place = part.some_upto(some, after)
                live = np.flatnonzero(place < part.high[some])
                found[live] = np.minimum(found[live], part.run.times(place[live]))
        return found

    def count_at(self, some: Ints, at: Ints) -> Ints:
        """How many events there are at exactly this time."""
        found = np.zeros(some.size, np.int64)
        for part in self.parts:
            found += part.sign * (part.some_upto(some, at) - part.some_upto(some, at - 1))
        return found

    def entries(self, who: int, opens: int, ends: int, name: str | None) -> tuple[Ints, Array, Ints]:
        """Times, values and signs of all that one event finds in a window, in order of time."""
        times, values, signs = [np.empty(0, np.int64)], [np.empty(0, np.int64)], [np.empty(0, np.int64)]
        for part in self.parts:
            begin, end = int(part.low[who]), int(part.high[who])
            low, high = (part.run.place_upto(begin, end, until) for until in (opens, ends))
            if low == high:
                continue
            times.append(part.run.times(slice(low, high)))
            values.append(values_of(part.run, np.arange(low, high), name))
            signs.append(np.full(high - low, part.sign))
        joined = np.concatenate(times)
        order = np.argsort(joined, kind="stable")
        return joined[order], np.concatenate(values)[order], np.concatenate(signs)[order]

    def values_at(self, some: Ints, at: Ints, name: str, own: Bools) -> tuple[Ints, Array]:
        """The values of the events at exactly these times, their own left out: whose, and which."""
        at_own = own[some] & (at == self.at[some])
        owners, values = [some[at_own]], [self.own_values(name)[some[at_own]].astype(np.int64)]
        signs = [np.full(owners[0].size, -1)]
        for part in self.parts:
            owner, place = spread(part.some_upto(some, at - 1), part.some_upto(some, at))
            owners.append(some[owner])
            values.append(values_of(part.run, place, name))
            signs.append(np.full(place.size, part.sign))
        return _left(np.concatenate(owners), np.concatenate(values), np.concatenate(signs))

    def _parts(self, group: Group) -> list[Part]:
        lane, opens = group.lane, int(self.at.min()) - group.reach
        ends = int(self.at.max())
        second = self.numbers[1] if len(self.numbers) > 1 else None
        found = []
        for runs, sign in ((lane.runs, 1), (lane.gone, -1)):
            for run in runs:
                if run.newest > opens and run.oldest <= ends:
                    low, high = run.spans(self.numbers[0], second)
                    if (low < high).any():
                        found.append(Part(run, low, high, sign))
        return found


def values_of(run: Run, places: Ints, name: str | None) -> Ints:
    """What stands beside these events of a run."""
    if name is None:
        return np.zeros(places.size, np.int64)
    if name == AMOUNT and run.sums is not None:
        return run.sums[places + 1] - run.sums[places]
    return run.values[name][places].astype(np.int64)


def _left(owners: Ints, values: Ints, signs: npt.NDArray[Any]) -> tuple[Ints, Ints]:
    """Pairs of owner and value, each once, of which there is more than is gone."""
    order = np.lexsort((values, owners))
    owners, values, signs = owners[order], values[order], signs[order]
    if not owners.size:
        return owners, values
    new = np.flatnonzero(np.r_[True, (owners[1:] != owners[:-1]) | (values[1:] != values[:-1])])
    there = np.add.reduceat(signs, new) > 0
    return owners[new[there]], values[new[there]]
