"""Judge a published period again, in stretches side by side: verdicts go to files, incidents come later.

A stretch needs nothing but the files before it, so each runs in a process of its own. What becomes of the
incidents needs every minute in order, but only the few signals that can change one: see backtest.py.
"""

from __future__ import annotations

import multiprocessing
import os
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor, wait
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from pipeline.feeds import LakeFeed
from pipeline.figures import moment
from pipeline.history import history_of, reach_of, windows_from
from pipeline.judge.hold import Gates
from pipeline.judge.verdicts import RAW, Verdicts
from pipeline.minute import DAY_MINUTES, MINUTE, Span, one_minute, split_by_day
from pipeline.run import judge_minute
from pipeline.steps import Steps

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from multiprocessing.sharedctypes import Synchronized
    from pathlib import Path

    from baselines.versions import Versions
    from pipeline.catch_up import Progress
    from pipeline.history import History
    from pipeline.judge.verdicts import Integers
    from pipeline.store.lake import Lake
    from pipeline.store.state import State

#: A stretch that finds more signals than this keeps only those that can change an incident.
KEPT_WHOLE = 500_000
#: Each stretch rebuilds nine days of windows first, in more than a gigabyte at full size.
MOST_JOBS = 4
_TOLD_EVERY_S = 0.2
#: For the processes of stretches, where the allocator is glibc's: keep the memory of one day's rows for the
#: next day's. Given back and taken again it costs page faults, up to half of the time of a rebuild.
_KEEP_MEMORY = {"MALLOC_MMAP_THRESHOLD_": str(1 << 30), "MALLOC_TRIM_THRESHOLD_": str(1 << 32)}


@dataclass(frozen=True, slots=True)
class Stretch:
    """What one process needs to judge some minutes again; plain data."""

    lake: Lake
    history: History
    span: Span
    policy: str
    versions: Versions[Any]  # the numbers in force at each minute
    folder: Path  # for the files of signals
    whole: bool  # keep every signal, however many


@dataclass(slots=True)
class Replayed:
    """What a stretch has given; stretches of a period are added up in order."""

    files: list[tuple[Span, Path]] = field(default_factory=list)  # signals, in order
    whole: bool = True  # do the files hold every signal?
    entities: int = 0  # known at the end
    raw: Counter[str] = field(default_factory=Counter)  # breaches of the raw conditions by rule
    raw_entities: set[str] = field(default_factory=set)
    beside: Counter[str] = field(default_factory=Counter)  # what `budgeted` saw besides, by kind

    def add(self, later: Replayed) -> None:
        """Append the stretch that follows."""
        self.files += later.files
        self.whole &= later.whole
        self.entities = later.entities
        self.raw += later.raw
        self.raw_entities |= later.raw_entities
        self.beside += later.beside


def replay(stretch: Stretch, tick: Callable[[], None]) -> Replayed:
    """Judge every minute of a stretch through the functions of the live tick; `tick` after each."""
    tuned = stretch.versions.tuned(stretch.span.start)
    windows, facts = windows_from(stretch.lake, stretch.history, stretch.span.start, tuned)
    feed = LakeFeed(stretch.lake, stretch.history.files, windows.entities)
    gates, steps = gates_of(stretch), Steps(time.monotonic)
    result, seen, kept = Replayed(), Seen(), 0
    for day in split_by_day(stretch.span, stretch.lake.zone):
        parts = []
        for minute in day:
            counted = feed.count(one_minute(minute), steps)
            found = judge_minute(counted, windows, gates, facts, whole=result.whole)
            tick()
            seen.add(found, len(windows.entities))
            parts.append(replace(found, judged=None))  # nothing of it is written
            kept += len(found)
            if result.whole and kept > KEPT_WHOLE and not stretch.whole:
                result.whole = False
                parts = [part.take(part.settles) for part in parts]
        path = stretch.folder / f"{day.start:%Y%m%dT%H%M}.parquet"
        Verdicts.joined(parts).frame().write_parquet(path)
        result.files.append((day, path))
    result.entities = len(windows.entities)
    result.raw, result.beside = seen.raw, seen.beside
    result.raw_entities = set(windows.entities.ids.gather(np.flatnonzero(seen.entities)).to_list())
    return result


def gates_of(stretch: Stretch) -> Gates:
    """The gates as they stand before anything is known of the past."""
    tuned = stretch.versions.tuned(stretch.span.start)
    held = stretch.history.withheld
    return Gates(stretch.lake.pack, tuned, stretch.policy, withheld=held, versions=stretch.versions)


class Seen:
    """Signals counted as they pass by, also those that are not kept."""

    def __init__(self) -> None:
        self.raw: Counter[str] = Counter()  # breaches of the raw conditions, by rule
        self.beside: Counter[str] = Counter()  # what was seen beside them, by kind
        self.entities = np.zeros(0, np.bool_)  # with a breach

    def add(self, found: Verdicts, size: int) -> None:
        """Count the signals of a minute in which `size` entities are known."""
        if size > len(self.entities):
            self.entities = np.concatenate([self.entities, np.zeros(size - len(self.entities), np.bool_)])
        for rule, positions in zip(found.words["rule"], found.breached, strict=False):
            self.raw[rule] += len(positions)
            self.entities[positions] = True
        self._count_beside(found.columns["kind"], found.words["kind"])

    def _count_beside(self, kinds: Integers, words: Sequence[str]) -> None:
        beside = np.bincount(kinds, minlength=len(words)).tolist()
        for kind, times in zip(words, beside, strict=True):
            if times and kind != RAW:
                self.beside[kind] += times


def replay_all(stretches: Sequence[Stretch], progress: Progress) -> Replayed:
    """All stretches of a period, each in a process of its own if there are several."""
    total = sum(stretch.span.minutes for stretch in stretches)
    if len(stretches) == 1:
        done = 0

        def tick() -> None:
            nonlocal done
            done += 1
            progress(done, total, moment(stretches[0].span.start + done * MINUTE, stretches[0].lake.zone))

        return replay(stretches[0], tick)
    # Not forked: the threads of Polars do not survive that.
    context = multiprocessing.get_context("spawn")
    counter = context.Value("q", 0)
    result = Replayed()
    os.environ.update({name: value for name, value in _KEEP_MEMORY.items() if name not in os.environ})
    with ProcessPoolExecutor(len(stretches), context, _start, (counter,)) as pool:
        running = [pool.submit(_replay, stretch) for stretch in stretches]
        while wait(running, _TOLD_EVERY_S).not_done:
            progress(counter.value, total, f"{counter.value:,} minutes")
        for future in running:
            result.add(future.result())
    return result


def whole_period(
    lake: Lake,
    state: State,
    span: Span,
    policy: str,
    versions: Versions[Any],
    folder: Path,
    *,
    whole: bool = False,
) -> Stretch:
    """A period as one stretch, with all the history it needs; every process holds all windows of its own."""
    lake = lake.alone()
    in_force = versions.within(span.start, span.end)
    told = state.told(lake.pack.told, span.start)
    reach = max(reach_of(lake, version.tuned, told, span.start) for version in in_force)
    history = history_of(state, span.end, reach + span.minutes, told)
    return Stretch(lake, history, span, policy, versions, folder, whole)


def stretches_of(whole: Stretch, jobs: int | None) -> list[Stretch]:
    """Cut a period into about equal stretches of at least a day, one for each core.

    And where the windows become others: a stretch has one kind of them.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    wanted = min(cores, MOST_JOBS) if jobs is None else jobs
    count = max(1, min(wanted, whole.span.minutes // DAY_MINUTES))
    borders = [whole.span.start + (whole.span.minutes * n // count) * MINUTE for n in range(count + 1)]
    equal, shape = [Span(*ends) for ends in pairwise(borders)], whole.lake.pack.shape
    spans = [part for span in equal for part in whole.versions.stretches(span, shape)]
    return [replace(whole, span=span) for span in spans]


_counter: Synchronized[int] | None = None


def _start(counter: Synchronized[int]) -> None:
    global _counter  # noqa: PLW0603 - set once, when the process begins
    _counter = counter


def _replay(stretch: Stretch) -> Replayed:
    pending = 0

    def tick() -> None:
        nonlocal pending
        pending += 1
        if _counter is not None and pending % 60 == 0:
            with _counter.get_lock():
                _counter.value += 60

    return replay(stretch, tick)
