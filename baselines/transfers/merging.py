"""Runs become one, a stretch of keys at a time, so that no batch waits for a large merge. Pure."""

from __future__ import annotations

import itertools
from threading import Lock
from typing import TYPE_CHECKING, Final

import numpy as np

from baselines.transfers.runs import Builder, Columns, Run

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

#: About so many events are merged in one step.
STEP: Final = 16_384


class Merging:
    """Two or more runs on their way to one; copies of a lane share it, and whoever has time goes on."""

    def __init__(self, runs: Sequence[Run], cutoff: int) -> None:
        self.runs = tuple(runs)
        self._cutoff = cutoff
        self.size = sum(run.size for run in runs)
        self._lock = Lock()
        self._parts = self._stretches()
        self.result: Run | None = None

    def step(self) -> int:
        """Merge one stretch; gives about how many events it was. `result` is there after the last one."""
        if not self._lock.acquire(blocking=False):  # a copy in another thread is at it
            return STEP
        try:
            return next(self._parts, 0)
        finally:
            self._lock.release()

    def _stretches(self) -> Iterator[int]:
        edges = self._edges()
        parts = self.runs[0].part(0, 0)
        times = min(run.oldest for run in self.runs), max(run.newest for run in self.runs)
        builder = Builder(
            parts, self.size, (max(times[0], min(self._cutoff, times[1])), times[1]), self._greatest()
        )
        for begin, end in itertools.pairwise(edges):
            part = together([run.part(begin, end) for run in self.runs])
            builder.add(part if times[0] >= self._cutoff else part.take(part.at >= self._cutoff))
            yield len(part.at)
        self.result = builder.run()

    def _greatest(self) -> int:
        return max(run.greatest for run in self.runs)

    def _edges(self) -> list[int]:
        """Keys at which stretches begin: evenly over the largest run."""
        largest = max(self.runs, key=lambda run: run.size)
        share = largest.size / self.size
        places = range(0, largest.size, max(int(STEP * share), 1))
        return sorted({0, *(largest.key_at(place) for place in places), self._greatest() + 1})


def merged(runs: Sequence[Run], cutoff: int) -> Run:
    """All at once."""
    merging = Merging(runs, cutoff)
    while merging.result is None:
        merging.step()
    return merging.result


def together(parts: Sequence[Columns]) -> Columns:
    """The events of all parts."""
    first, amounts = parts[0], [part.amount for part in parts]
    seconds = [part.second for part in parts]
    return Columns(
        np.concatenate([part.first for part in parts]),
        None if first.second is None else np.concatenate([s for s in seconds if s is not None]),
        np.concatenate([part.at for part in parts]),
        None if first.amount is None else np.concatenate([a for a in amounts if a is not None]),
        {name: np.concatenate([part.values[name] for part in parts]) for name in first.values},
    )
