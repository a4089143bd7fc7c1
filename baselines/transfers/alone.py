"""The answers for one event that is not held, as a check before a payment needs them: at once. Pure.

The same meaning as for a batch (answers.py), without its cost for a single question: what depends on the
measures alone is made once (`Plan`), and numbers are read one by one and not as arrays.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from baselines.transfers.alike import fits, opens_at, same, within_of
from baselines.transfers.asked import NEVER, values_of
from baselines.transfers.codes import MISSING, SAID
from baselines.transfers.encoded import NO_PLACE, lat_lon, place_of
from baselines.transfers.lanes import value_key, value_name
from baselines.transfers.measure import (
    ABOUT_OTHERS,
    COUNT,
    DISTINCT,
    FIRST_SEEN,
    MEAN,
    MOST_DISTINCT,
    PREVIOUS,
    SINCE_LAST,
    Measure,
)
from baselines.transfers.order import Ints, spread
from baselines.transfers.runs import AMOUNT, PLACE, Run
from baselines.transfers.speed import distance_km, floors

if TYPE_CHECKING:
    from collections.abc import Sequence

    from baselines.transfers.asked import Group
    from baselines.transfers.codes import Codes, Key
    from baselines.transfers.lanes import Lane

Event = Mapping[str, Any]
#: Of more values the different ones are found by sorting.
_FEW: Final = 256


class Single(NamedTuple):
    """An event that is not held: its time, and the numbers of its texts in the order of the plan's keys."""

    event: Event
    ms: int
    numbers: list[int]


class Stretch(NamedTuple):
    """The events of a window in one run."""

    run: Run
    low: int
    high: int
    sign: int


class _Wanted(NamedTuple):
    measure: Measure
    of: str
    column: str
    window: int  # which one of its way
    others: bool  # the event itself does not count
    value: int  # place of the number of the value that is told apart


class _Way:
    """How a single event asks a lane by some fields, for some measures."""

    __slots__ = ("lane", "match", "places", "reach", "taken", "wanted", "windows")

    def __init__(self, group: Group, places: Mapping[Key, int]) -> None:
        self.lane: Lane = group.lane
        self.reach = group.reach
        self.places = [places[key] for key in group.keys]
        self.taken = group.measures[0]  # as any other of them, whoever asks
        self.match = self.taken.match
        windows: dict[tuple[int, int], int] = {}
        self.wanted = [
            _Wanted(
                one,
                one.of,
                one.column,
                windows.setdefault((within_of(one), one.before_ms), len(windows)),
                one.before_ms != 0 or one.of in ABOUT_OTHERS,
                places[value_key(one.value)] if one.of == DISTINCT and one.value else -1,
            )
            for one in group.measures
        ]
        self.windows = list(windows)


class Plan:
    """How single events ask some measures."""

    def __init__(self, groups: Sequence[Group]) -> None:
        self.keys = list(dict.fromkeys(key for group in groups for key in group.numbered))
        places = {key: place for place, key in enumerate(self.keys)}
        self._ways = [_Way(group, places) for group in groups]

    def answers(self, itself: Single, others: Sequence[Single], codes: Codes) -> dict[str, int | str | None]:
        """By their columns; `others` are not held either and count as well."""
        found: dict[str, int | str | None] = {}
        for way in self._ways:
            asked = _Asked(way, itself, others, codes)
            for one in way.wanted:
                found[one.column] = asked.answer(one)
        return found


class _Asked:
    """What a lane holds for one event, and the events beside that count as well."""

    __slots__ = ("_alike", "_at", "_codes", "_itself", "_parts", "_windows")

    def __init__(self, way: _Way, itself: Single, others: Sequence[Single], codes: Codes) -> None:
        self._codes, self._itself, self._at = codes, itself, itself.ms
        self._parts = _parts(way, itself)
        beside = [x for x in others if same(way.match, x.event, itself.event)] if others else []
        if same(way.match, itself.event, itself.event):
            beside.append(itself)
        self._alike = [x for x in beside if fits(way.taken, x.event)]
        self._windows = [self._window(*window) for window in way.windows]

    def answer(self, wanted: _Wanted) -> int | str | None:
        """The answer to one of the measures."""
        opens, ends, held = self._windows[wanted.window]
        more = self._alike
        if more:
            itself, others = self._itself, wanted.others
            more = [x for x in more if (opens < x.ms <= ends if x is not itself else not others)]
        of = wanted.of
        if of == COUNT:
            return sum([part.sign * (part.high - part.low) for part in held]) + len(more)
        if of == DISTINCT:
            return _distinct(held, wanted, more)
        return self._of_others(wanted, held, more) if of in ABOUT_OTHERS else _sums(of, held, more)

    def _of_others(self, wanted: _Wanted, held: list[Stretch], more: list[Single]) -> int | str | None:
        if wanted.of == FIRST_SEEN:
            first = min(_first(held), *(x.ms for x in more), -NEVER)
            return None if first == -NEVER else int((self._at - first) // 1000)
        last = max(_last(held), *(x.ms for x in more), NEVER)
        if last == NEVER or wanted.of == SINCE_LAST:
            return None if last == NEVER else int((self._at - last) // 1000)
        measure, latest = wanted.measure, [x.event for x in more if x.ms == last]
        found = _values_at(held, last, PLACE if measure.of != PREVIOUS else value_name(measure))
        if measure.of == PREVIOUS:
            return _previous(measure.value or "", found, latest, self._codes)
        return _speed(measure, self._itself.event, self._at - last, found, latest)

    def _window(self, within: int, before: int) -> tuple[int, int, list[Stretch]]:
        opens, ends, held = opens_at(within, self._at), self._at - before, []
        for run, low, high, sign in self._parts:
            if run.newest > opens and run.base <= ends:
                begin, end = run.place_upto(low, high, opens), run.place_upto(low, high, ends)
                if begin < end:
                    held.append(Stretch(run, begin, end, sign))
        return opens, ends, held


def _parts(way: _Way, itself: Single) -> list[Stretch]:
    """What each run holds for the event."""
    first, *more = [itself.numbers[place] for place in way.places]
    if first == MISSING or MISSING in more:
        return []
    second, opens, found = more[0] if more else None, itself.ms - way.reach, []
    for runs, sign in ((way.lane.runs, 1), (way.lane.gone, -1)):
        for run in runs:
            if run.newest > opens and run.base <= itself.ms:
                low, high = run.span(first, second)
                if low < high:
                    found.append(Stretch(run, low, high, sign))
    return found


def _sums(of: str, held: list[Stretch], more: list[Single]) -> int | None:
    amount = sum([int(x.event[AMOUNT]) for x in more])
    for run, low, high, sign in held:
        amount += sign * run.sum_of(low, high)
    if of != MEAN:
        return amount
    count = sum([part.sign * (part.high - part.low) for part in held]) + len(more)
    return amount // count if count else None


def _distinct(held: list[Stretch], wanted: _Wanted, more: list[Single]) -> int:
    name = wanted.measure.value or ""
    told = {x.numbers[wanted.value] for x in more} - {MISSING}
    if _some_gone(held):
        values, there = _net(held, name)
        told |= set(values[there].tolist()) - {MISSING}
        return min(len(told), MOST_DISTINCT)
    for part in reversed(held):
        values = part.run.values[name][part.low : part.high]
        told.update((values if values.size < _FEW else np.unique(values)).tolist())
        told.discard(MISSING)
        if len(told) >= MOST_DISTINCT:
            return MOST_DISTINCT
    return len(told)


def _some_gone(held: list[Stretch]) -> bool:
    return bool(held) and held[-1].sign < 0  # what is gone comes last


def _last(held: list[Stretch]) -> int:
    if _some_gone(held):
        times = _alive(held)
        return int(times[-1]) if times.size else NEVER
    return max([part.run.base + part.run.views.at[part.high - 1] for part in held], default=NEVER)


def _first(held: list[Stretch]) -> int:
    if _some_gone(held):
        times = _alive(held)
        return int(times[0]) if times.size else -NEVER
    return min([part.run.base + part.run.views.at[part.low] for part in held], default=-NEVER)


def _values_at(held: list[Stretch], at: int, name: str) -> Ints:
    there = [
        Stretch(
            part.run,
            part.run.place_upto(part.low, part.high, at - 1),
            part.run.place_upto(part.low, part.high, at),
            part.sign,
        )
        for part in held
    ]
    values, alive = _net(there, name)
    return values[alive]


def _previous(name: str, found: Ints, latest: Sequence[Event], codes: Codes) -> int | str | None:
    beside: list[Any] = [x[name] for x in latest if x[name] is not None]
    if name == AMOUNT:
        return int(max([*found.tolist(), *beside]))
    texts = codes.texts(found[found != MISSING].astype(np.int32), SAID + name)
    return max((str(text) for text in (*texts, *beside)), default=None)


def _speed(measure: Measure, event: Event, since: int, found: Ints, latest: Sequence[Event]) -> int | None:
    place = place_of(event["lat_e6"], event["lon_e6"])
    if place == NO_PLACE:
        return None
    beside = [place_of(x["lat_e6"], x["lon_e6"]) for x in latest]
    places = np.concatenate([found, np.array(beside, np.int64)])
    km = distance_km(*lat_lon(np.full(places.size, place)), *lat_lon(places))
    return int(floors(measure.value or "", km, np.full(places.size, since)).max())


def _net(held: list[Stretch], name: str | None) -> tuple[Ints, Ints]:
    """The different values in these stretches, and the places of those of which more is there than gone."""
    places = [spread(np.array([part.low]), np.array([part.high]))[1] for part in held]
    values = [values_of(part.run, place, name) for part, place in zip(held, places, strict=True)]
    signs = [np.full(place.size, part.sign) for part, place in zip(held, places, strict=True)]
    return _more_than_gone(values, signs)


def _alive(held: list[Stretch]) -> Ints:
    """The times in these stretches at which more is there than gone, in order."""
    times = [part.run.times(slice(part.low, part.high)) for part in held]
    signs = [np.full(len(time), part.sign) for time, part in zip(times, held, strict=True)]
    known, alive = _more_than_gone(times, signs)
    return known[alive]


def _more_than_gone(values: list[Ints], signs: list[Ints]) -> tuple[Ints, Ints]:
    known, which = np.unique(np.concatenate([np.empty(0, np.int64), *values]), return_inverse=True)
    net = np.bincount(which, weights=np.concatenate([np.empty(0, np.int64), *signs]), minlength=known.size)
    return known, np.flatnonzero(net > 0)
