"""The answers for one event that is not held, as a check before a payment needs them: at once. Pure.

The same meaning as for a batch (answers.py), without its cost for a single question.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from baselines.transfers.alike import ends_at, opens_at
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
    SUM,
    Measure,
)
from baselines.transfers.order import Ints, spread
from baselines.transfers.runs import AMOUNT, PLACE, Run
from baselines.transfers.speed import distance_km, floors

if TYPE_CHECKING:
    from collections.abc import Sequence

    from baselines.transfers.codes import Codes
    from baselines.transfers.lanes import Lane

Event = Mapping[str, Any]
#: Of more values the different ones are found by sorting.
_FEW: Final = 256


class Stretch(NamedTuple):
    """The events of a window in one run."""

    run: Run
    low: int
    high: int
    sign: int


class Found:
    """What a lane holds for one event, and the events beside that count as well."""

    def __init__(self, lane: Lane, numbers: Sequence[int], at: int, reach: int, codes: Codes) -> None:
        self._codes = codes
        self._at = at
        self._parts: list[Stretch] = []
        self._windows: dict[tuple[int, int], list[Stretch]] = {}
        if MISSING in numbers:
            return
        second = numbers[1] if len(numbers) > 1 else None
        for runs, sign in ((lane.runs, 1), (lane.gone, -1)):
            for run in runs:
                if run.newest > at - reach and run.base <= at:
                    low, high = run.span(numbers[0], second)
                    if low < high:
                        self._parts.append(Stretch(run, low, high, sign))

    def answer(self, measure: Measure, event: Event, more: Sequence[Event]) -> int | str | None:
        """The answer; `more` are the events that are not held and stand in the window."""
        held = self._window(opens_at(measure, self._at), ends_at(measure, self._at))
        if measure.of == DISTINCT:
            return self._distinct(held, measure.value or "", more)
        if measure.of not in ABOUT_OTHERS:
            return _sums(measure, held, more)
        if measure.of == FIRST_SEEN:
            first = min(self._first(held), *(x["ms"] for x in more), -NEVER)
            return None if first == -NEVER else int((self._at - first) // 1000)
        last = max(self._last(held), *(x["ms"] for x in more), NEVER)
        if last == NEVER or measure.of == SINCE_LAST:
            return None if last == NEVER else int((self._at - last) // 1000)
        return self._of_latest(measure, event, held, more, last)

    def _of_latest(
        self, measure: Measure, event: Event, held: list[Stretch], more: Sequence[Event], last: int
    ) -> int | str | None:
        found = self._values_at(held, last, PLACE if measure.of != PREVIOUS else value_name(measure))
        latest = [x for x in more if x["ms"] == last]
        if measure.of == PREVIOUS:
            return self._previous(measure.value or "", found, latest)
        return _speed(measure, event, self._at - last, found, latest)

    def _window(self, opens: int, ends: int) -> list[Stretch]:
        if (opens, ends) not in self._windows:
            self._windows[opens, ends] = self._cut(opens, ends)
        return self._windows[opens, ends]

    def _cut(self, opens: int, ends: int) -> list[Stretch]:
        found = []
        for part in self._parts:
            if part.run.newest > opens and part.run.base <= ends:
                low = part.run.place_upto(part.low, part.high, opens)
                high = part.run.place_upto(part.low, part.high, ends)
                if low < high:
                    found.append(Stretch(part.run, low, high, part.sign))
        return found

    def _distinct(self, held: list[Stretch], name: str, more: Sequence[Event]) -> int:
        key = value_key(name)
        told = {x["numbers"][key] for x in more} - {MISSING}
        if any(part.sign < 0 for part in held):
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

    def _last(self, held: list[Stretch]) -> int:
        if any(part.sign < 0 for part in held):
            times = _alive(held)
            return int(times[-1]) if times.size else NEVER
        return max((part.run.base + int(part.run.at[part.high - 1]) for part in held), default=NEVER)

    def _first(self, held: list[Stretch]) -> int:
        if any(part.sign < 0 for part in held):
            times = _alive(held)
            return int(times[0]) if times.size else -NEVER
        return min((part.run.base + int(part.run.at[part.low]) for part in held), default=-NEVER)

    def _values_at(self, held: list[Stretch], at: int, name: str) -> Ints:
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

    def _previous(self, name: str, found: Ints, latest: Sequence[Event]) -> int | str | None:
        beside: list[Any] = [x[name] for x in latest if x[name] is not None]
        if name == AMOUNT:
            return int(max([*found.tolist(), *beside]))
        texts = self._codes.texts(found[found != MISSING].astype(np.int32), SAID + name)
        return max((str(text) for text in (*texts, *beside)), default=None)


def _sums(measure: Measure, held: list[Stretch], more: Sequence[Event]) -> int | None:
    count = sum(part.sign * (part.high - part.low) for part in held) + len(more)
    if measure.of == COUNT:
        return count
    amount = sum(int(x[AMOUNT]) for x in more)
    for part in held:
        if part.run.sums is not None:
            amount += part.sign * int(part.run.sums[part.high] - part.run.sums[part.low])
    if measure.of == MEAN:
        return amount // count if count else None
    return amount if measure.of == SUM else None


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
