"""The answers to measures for a batch of events, from what a lane holds for them. Pure."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from typing import TYPE_CHECKING, Final

import numpy as np
import polars as pl

from baselines.transfers.asked import NEVER, Asked, Window, values_of
from baselines.transfers.codes import MISSING
from baselines.transfers.encoded import NO_PLACE, lat_lon
from baselines.transfers.lanes import value_name
from baselines.transfers.measure import (
    COUNT,
    DISTINCT,
    FIRST_SEEN,
    MEAN,
    MOST_DISTINCT,
    SINCE_LAST,
    SPEED,
    SUM,
    Measure,
)
from baselines.transfers.order import Ints, in_order, spread
from baselines.transfers.runs import AMOUNT, PLACE
from baselines.transfers.speed import distance_km, floors

if TYPE_CHECKING:
    from collections.abc import Sequence

    from baselines.transfers.codes import Codes
    from baselines.transfers.encoded import Bools

#: Windows with more events are looked at from their newest end first.
FEW: Final = 64
#: So many events of such windows are laid out for all who ask; what is left, key by key.
LAID_OUT: Final = 500_000
#: After so many events that are gone or the asking one itself, a key's times are laid out once.
_TURNS: Final = 4


def answer(asked: Asked, measure: Measure, codes: Codes) -> tuple[Ints | list[str | None], Ints | None]:
    """For each of those who ask: the answer, and where it is known (None: everywhere)."""
    window = asked.window(measure)
    if measure.of in (COUNT, SUM, MEAN):
        return _of_all(asked, measure, window)
    if measure.of == DISTINCT:
        return _distinct(asked, window, measure.value or ""), None
    if measure.of == FIRST_SEEN:
        first = _first(asked, measure, window)
        return (asked.at - first) // 1000, np.flatnonzero(first != -NEVER)
    last = _latest(asked, measure, window)
    there = np.flatnonzero(last != NEVER)
    if measure.of == SINCE_LAST:
        return (asked.at - last) // 1000, there
    if measure.of == SPEED:
        return _speed(asked, measure, there, last)
    return _previous(asked, measure, there, last, codes)


def _of_all(asked: Asked, measure: Measure, window: Window) -> tuple[Ints, Ints | None]:
    count, amount = np.zeros((2, asked.rows.size), np.int64)
    for part in asked.parts:
        low, high = part.between(window)
        count += part.sign * (high - low)
        if part.run.sums is not None and measure.of != COUNT:
            amount += part.sign * (part.run.sums[high] - part.run.sums[low])
    if measure.of == MEAN:
        return amount // np.maximum(count, 1), np.flatnonzero(count)
    return (amount if measure.of == SUM else count), None


# ---------------------------------------------------------------- the latest and the first other one


def _latest(asked: Asked, measure: Measure, window: Window) -> Ints:
    own = asked.own_within(measure)
    found, left, until = np.full(asked.rows.size, NEVER), np.arange(asked.rows.size), window.ends.copy()
    for _ in range(_TURNS):
        times = asked.last_until(left, until[left])
        there = times > window.opens[left]
        left, times = left[there], times[there]
        good = _others(asked, left, times, own[left])
        found[left[good]] = times[good]
        left, times = left[~good], times[~good]
        if not left.size:
            return found
        until[left] = times - 1
    for who, times_there in _laid_out(asked, left, window, own):
        found[who] = times_there[-1] if times_there else NEVER
    return found


def _first(asked: Asked, measure: Measure, window: Window) -> Ints:
    own = asked.own_within(measure)
    found, left, after = np.full(asked.rows.size, -NEVER), np.arange(asked.rows.size), window.opens.copy()
    for _ in range(_TURNS):
        times = asked.first_after(left, after[left])
        there = times <= window.ends[left]
        left, times = left[there], times[there]
        good = _others(asked, left, times, own[left])
        found[left[good]] = times[good]
        left, times = left[~good], times[~good]
        if not left.size:
            return found
        after[left] = times
    for who, times_there in _laid_out(asked, left, window, own):
        found[who] = times_there[0] if times_there else -NEVER
    return found


def _others(asked: Asked, some: Ints, times: Ints, own: Bools) -> Bools:
    """Whether at these times there is an event that is not gone and not the asking one."""
    itself = own & (times == asked.at[some])
    doubtful = np.ones_like(itself) if asked.some_gone else itself
    good: Bools = ~doubtful
    checked = np.flatnonzero(doubtful)
    good[checked] = asked.count_at(some[checked], times[checked]) > itself[checked]
    return good


def _laid_out(asked: Asked, some: Ints, window: Window, own: Bools) -> list[tuple[int, list[int]]]:
    """For each of some: the first and the last time of another event in its window, by its key's times."""
    found = []
    for members in _by_key(asked, some):
        times, _, signs = asked.entries(
            int(members[0]), int(window.opens[members].min()), int(window.ends[members].max()), None
        )
        known, begins = np.unique(times, return_index=True)
        counts = np.add.reduceat(signs, begins) if times.size else signs
        alive, left = known[counts > 0].tolist(), counts[counts > 0].tolist()
        for who in members.tolist():
            low, high = (
                bisect_right(alive, int(window.opens[who])),
                bisect_right(alive, int(window.ends[who])),
            )
            at = bisect_left(alive, int(asked.at[who]))
            alone = own[who] and low <= at < high and alive[at] == asked.at[who] and left[at] == 1
            there = alive[low:high] if high - low < FEW else [*alive[low : low + 2], *alive[high - 2 : high]]
            found.append((who, [t for t in there if not (alone and t == asked.at[who])]))
    return found


def _by_key(asked: Asked, some: Ints) -> list[Ints]:
    """Some of those who ask, those with the same key together, each in order of time."""
    numbers = [n[some] for n in asked.numbers]
    order = in_order(*numbers, asked.at[some])
    ordered = [n[order] for n in numbers]
    changes = np.logical_or.reduce([n[1:] != n[:-1] for n in ordered])
    return np.split(some[order], np.flatnonzero(changes) + 1)


# ---------------------------------------------------------------- values of others


def _speed(asked: Asked, measure: Measure, there: Ints, last: Ints) -> tuple[Ints, Ints]:
    place = asked.own_values(PLACE)
    some = there[place[there] != NO_PLACE]
    owners, places = asked.values_at(some, last[some], PLACE, asked.own_within(measure))
    lat, lon = lat_lon(place[owners])
    there_lat, there_lon = lat_lon(places)
    km = distance_km(lat, lon, there_lat, there_lon)
    found = np.full(asked.rows.size, NEVER)
    np.maximum.at(found, owners, floors(measure.value or "", km, asked.at[owners] - last[owners]))
    return found, some


def _previous(
    asked: Asked, measure: Measure, there: Ints, last: Ints, codes: Codes
) -> tuple[Ints | list[str | None], Ints]:
    name = value_name(measure)
    owners, values = asked.values_at(there, last[there], name, asked.own_within(measure))
    if name == AMOUNT:
        found = np.full(asked.rows.size, NEVER)
        np.maximum.at(found, owners, values)
        return found, there
    known = values != MISSING
    texts = codes.texts(values[known].astype(np.int32), name)
    greatest = pl.DataFrame({"who": owners[known], "text": texts}).group_by("who").agg(pl.col("text").max())
    said: list[str | None] = [None] * asked.rows.size
    for who, text in greatest.iter_rows():
        said[who] = text
    return said, there


def _distinct(asked: Asked, window: Window, name: str) -> Ints:
    stretches = [part.between(window) for part in asked.parts]
    length = np.zeros(asked.rows.size, np.int64)
    for low, high in stretches:
        length += high - low
    few, many = np.flatnonzero((length > 0) & (length <= FEW)), np.flatnonzero(length > FEW)
    found = np.zeros(asked.rows.size, np.int64)
    found[few] = _told_apart(asked, few, stretches, name)
    if many.size and not asked.some_gone:  # the newest of each run, which is enough nearly everywhere
        newest = [(np.maximum(low, high - FEW), high) for low, high in stretches]
        found[many] = _told_apart(asked, many, newest, name)
        many = many[found[many] < MOST_DISTINCT]
    some, many = _affordable(many, length)
    found[some] = _told_apart(asked, some, stretches, name)
    for members in _by_key(asked, many) if many.size else ():
        found[members] = _sliding(asked, members, window, name)
    return np.asarray(np.minimum(found, MOST_DISTINCT), np.int64)


def _affordable(many: Ints, length: Ints) -> tuple[Ints, Ints]:
    """Those whose windows may all be laid out beside each other, and the others, with the longest ones."""
    shortest = many[np.argsort(length[many], kind="stable")]
    fits = int(np.searchsorted(np.cumsum(length[shortest]), LAID_OUT, "right"))
    return shortest[:fits], shortest[fits:]


def _told_apart(asked: Asked, some: Ints, stretches: Sequence[tuple[Ints, Ints]], name: str) -> Ints:
    """How many different known values some find in these stretches of the runs."""
    owners, values, signs = [some[:0]], [some[:0]], [some[:0]]
    for part, (low, high) in zip(asked.parts, stretches, strict=True):
        owner, place = spread(low[some], high[some])
        owners.append(owner)
        values.append(values_of(part.run, place, name))
        signs.append(np.full(place.size, part.sign))
    owner, value = np.concatenate(owners), np.concatenate(values)
    order = in_order(owner, value)
    owner, value, sign = owner[order], value[order], np.concatenate(signs)[order]
    if not owner.size:
        return np.zeros(some.size, np.int64)
    new = np.flatnonzero(np.r_[True, (owner[1:] != owner[:-1]) | (value[1:] != value[:-1])])
    there = (np.add.reduceat(sign, new) > 0) & (value[new] != MISSING)
    return np.bincount(owner[new[there]], minlength=some.size).astype(np.int64)


def _sliding(asked: Asked, members: Ints, window: Window, name: str) -> list[int]:
    """The same for events of one key in order of time: its events are looked at once for all of them."""
    opens, ends = window.opens[members].tolist(), window.ends[members].tolist()
    times, values, signs = asked.entries(int(members[0]), opens[0], ends[-1], name)
    known = values != MISSING
    at, what, sign = times[known].tolist(), values[known].tolist(), signs[known].tolist()
    counts: dict[int, int] = defaultdict(int)
    found, alive, begin, end = [], 0, 0, 0
    for opened, ended in zip(opens, ends, strict=True):
        while end < len(at) and at[end] <= ended:
            alive += _moved(counts, what[end], sign[end])
            end += 1
        while begin < end and at[begin] <= opened:
            alive += _moved(counts, what[begin], -sign[begin])
            begin += 1
        found.append(alive)
    return found


def _moved(counts: dict[int, int], value: int, by: int) -> int:
    """Count a value up or down; how many more values there are then."""
    before = counts[value]
    counts[value] = before + by
    return (before + by > 0) - (before > 0)
