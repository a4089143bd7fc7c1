"""A run: events of one lane, sorted by key and time and never changed, so that copies share it. Pure.

A key is one number or two. Times are kept as offsets from the run's oldest; amounts as sums from the start,
so that the sum of any stretch is one subtraction (it wraps around like the sums themselves, and comes out
right). Where keys are dense, a table says where each begins.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from baselines.transfers.order import Array, Ints, bisect, in_order_of_key

if TYPE_CHECKING:
    from collections.abc import Mapping

    from baselines.transfers.codes import Codes32

AMOUNT: Final = "amount"
PLACE: Final = "place"
_SPAN: Final = 1 << 32
#: Sums of 64 bits wrap around here.
_WRAPS: Final = 1 << 63


@dataclass(frozen=True, slots=True)
class Columns:
    """Events of a lane in any order: what runs are made of."""

    first: Codes32
    second: Codes32 | None
    at: Ints
    amount: Ints | None
    values: Mapping[str, Array]

    def take(self, chosen: npt.NDArray[Any]) -> Columns:
        """These of them."""
        return Columns(
            self.first[chosen],
            None if self.second is None else self.second[chosen],
            self.at[chosen],
            None if self.amount is None else self.amount[chosen],
            {name: column[chosen] for name, column in self.values.items()},
        )


class Views:
    """The columns of a run for single questions: a number at a time, without what an array costs for each."""

    __slots__ = ("at", "first", "offsets", "second", "sums")

    def __init__(self, run: Run) -> None:
        self.offsets = _view(run.offsets)
        self.first = _view(run.first)
        self.second = _view(run.second)
        self.at = run.at.data
        self.sums = _view(run.sums)


@dataclass(frozen=True, slots=True)
class Run:
    """Sorted events. `offsets` or `first`: one of both says where a key begins."""

    offsets: npt.NDArray[np.int32] | None
    first: Codes32 | None
    second: Codes32 | None
    base: int
    at: Array
    sums: Ints | None  # before each event, and one more for the end
    values: Mapping[str, Array]
    newest: int
    views: Views = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "views", Views(self))

    @property
    def size(self) -> int:
        """How many events it holds."""
        return len(self.at)

    @property
    def oldest(self) -> int:
        """No event is older."""
        return self.base

    def spans(self, first: Codes32, second: Codes32 | None) -> tuple[Ints, Ints]:
        """Where each key begins and ends."""
        if self.offsets is not None:
            top = len(self.offsets) - 1
            low = self.offsets[np.minimum(first, top)].astype(np.int64)
            high = self.offsets[np.minimum(first + 1, top)].astype(np.int64)
        else:
            keys = _there(self.first)
            low, high = np.searchsorted(keys, first, "left"), np.searchsorted(keys, first, "right")
        if second is None or self.second is None:
            return low, high
        live = np.flatnonzero(high > low)
        for edge, right in ((high, True), (low, False)):
            edge[live] = bisect(self.second, low[live], high[live], second[live], right=right)
        return low, high

    def span(self, first: int, second: int | None) -> tuple[int, int]:
        """Where a single key begins and ends."""
        views = self.views
        if views.offsets is not None:
            if first >= len(views.offsets) - 1:
                return 0, 0
            low, high = views.offsets[first], views.offsets[first + 1]
        else:
            keys = views.first or ()
            low = bisect_left(keys, first)
            if low == len(keys) or keys[low] != first:
                return 0, 0
            high = bisect_right(keys, first, low)
        if second is None or views.second is None or low == high:
            return low, high
        low = bisect_left(views.second, second, low, high)
        return low, bisect_right(views.second, second, low, high)

    def upto(self, low: Ints, high: Ints, until: Ints) -> Ints:
        """Behind the last event of each [low, high) that is not after `until`."""
        found = low.copy()
        live = np.flatnonzero(high > low)
        found[live] = bisect(self.at, low[live], high[live], until[live] - self.base, right=True)
        return found

    def place_upto(self, low: int, high: int, until: int) -> int:
        """The same for a single key."""
        if until < self.base:
            return low
        if until >= self.newest:
            return high
        return bisect_right(self.views.at, until - self.base, low, high)

    def sum_of(self, low: int, high: int) -> int:
        """The sum of the amounts in [low, high)."""
        sums = self.views.sums
        if sums is None:
            return 0
        found: int = sums[high] - sums[low]
        return found if -_WRAPS <= found < _WRAPS else (found + _WRAPS) % (2 * _WRAPS) - _WRAPS

    def begins(self, code: int) -> int:
        """Where the events whose key begins with `code` or a greater number start."""
        if self.offsets is not None:
            return int(self.offsets[min(code, len(self.offsets) - 1)])
        return int(_there(self.first).searchsorted(np.int32(code)))

    def part(self, begin: int, end: int) -> Columns:
        """The events whose key begins with one of [begin, end)."""
        low, high = self.begins(begin), self.begins(end)
        if self.offsets is not None:
            lengths = np.diff(self.offsets[begin : end + 1])
            first = np.repeat(np.arange(begin, begin + len(lengths), dtype=np.int32), lengths)
        else:
            first = _there(self.first)[low:high]
        return Columns(
            first,
            None if self.second is None else self.second[low:high],
            self.times(slice(low, high)),
            None if self.sums is None else np.diff(self.sums[low : high + 1]),
            {name: column[low:high] for name, column in self.values.items()},
        )

    def key_at(self, place: int) -> int:
        """The first number of the key of the event at `place`."""
        if self.offsets is not None:
            return int(self.offsets.searchsorted(np.int32(place), "right")) - 1
        return int(_there(self.first)[place])

    def times(self, places: Ints | slice) -> Ints:
        """The times of these events."""
        return self.at[places].astype(np.int64) + self.base

    @property
    def firsts(self) -> Array:
        """The numbers with which its keys begin."""
        return np.flatnonzero(np.diff(self.offsets)) if self.offsets is not None else _there(self.first)

    @property
    def greatest(self) -> int:
        """No key begins with a greater number."""
        return len(self.offsets) - 2 if self.offsets is not None else int(_there(self.first)[-1])


class Builder:
    """Makes a run out of parts that come in order of their keys."""

    def __init__(self, like: Columns, size: int, times: tuple[int, int], greatest: int) -> None:
        self._filled, self._base, self._newest = 0, times[0], times[1]
        self._counts = np.zeros(greatest + 1, np.int32) if greatest + 1 <= 2 * size else None
        self._first = np.empty(size, np.int32) if self._counts is None else None
        self._second = None if like.second is None else np.empty(size, np.int32)
        self._at = np.empty(size, np.uint32 if times[1] - times[0] < _SPAN else np.int64)
        self._sums = None if like.amount is None else np.zeros(size + 1, np.int64)
        self._values = {name: np.empty(size, column.dtype) for name, column in like.values.items()}

    def add(self, part: Columns) -> None:
        """Sort the part and put it behind what is there."""
        low, high = self._filled, self._filled + len(part.at)
        if low == high:
            return
        order = in_order_of_key(part.first, part.second, part.at)
        if self._first is not None:
            self._first[low:high] = part.first[order]
        if self._counts is not None:
            begin = int(part.first.min())
            counts = np.bincount(part.first - begin)
            self._counts[begin : begin + len(counts)] = counts
        if self._second is not None and part.second is not None:
            self._second[low:high] = part.second[order]
        self._at[low:high] = (part.at - self._base)[order]
        if self._sums is not None and part.amount is not None:
            np.cumsum(part.amount[order], out=self._sums[low + 1 : high + 1])
            self._sums[low + 1 : high + 1] += self._sums[low]
        for name, column in part.values.items():
            self._values[name][low:high] = column[order]
        self._filled = high

    def run(self) -> Run:
        """What was added, as a run."""
        offsets = None
        if self._counts is not None:
            offsets = np.zeros(len(self._counts) + 1, np.int32)
            np.cumsum(self._counts, out=offsets[1:])
        return Run(
            offsets,
            None if self._first is None else self._cut(self._first),
            None if self._second is None else self._cut(self._second),
            self._base,
            self._cut(self._at),
            None if self._sums is None else self._cut(self._sums, 1),
            {name: self._cut(column) for name, column in self._values.items()},
            self._newest,
        )

    def _cut(self, column: Array, more: int = 0) -> Array:
        """Without the room that was not needed; copied where that frees much."""
        used = self._filled + more
        return column[:used] if used > len(column) * 0.9 else column[:used].copy()


def run_of(columns: Columns) -> Run:
    """A run of these events, of which there is at least one."""
    times = int(columns.at.min()), int(columns.at.max())
    builder = Builder(columns, len(columns.at), times, int(columns.first.max()))
    builder.add(columns)
    return builder.run()


def _there(first: Codes32 | None) -> Codes32:
    if first is None:  # one of both is there
        raise AssertionError
    return first


def _view(column: Array | None) -> memoryview | None:
    return None if column is None else column.data
