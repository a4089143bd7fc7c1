"""A lane: all held events that can matter to the measures of one kind, in a few runs. Pure.

Measures with the same fields of earlier events and the same conditions share a lane. New events become a
small run; small runs are merged into larger ones, the larger the rarer. Events that left it again (their
status changed) stand in runs of their own and are subtracted.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from baselines.transfers.alike import HOUR_MS
from baselines.transfers.codes import MISSING, SAID, kind_of_text
from baselines.transfers.encoded import NO_PLACE
from baselines.transfers.measure import (
    DISTINCT,
    EXACT_MS,
    LONGEST_MS,
    MEAN,
    PREVIOUS,
    SPEED,
    SUM,
    Measure,
)
from baselines.transfers.merging import Merging, merged
from baselines.transfers.runs import AMOUNT, PLACE, Columns, Run, run_of

if TYPE_CHECKING:
    from baselines.transfers.codes import Key
    from baselines.transfers.encoded import Bools, Encoded, Where

#: A run is merged with the one before while that is at most so many times as large.
RATIO: Final = 2
#: No run grows past this, so that merging needs little memory beside.
MOST_IN_RUN: Final = 3_000_000
#: Merges up to this size are done at once, larger ones step by step.
AT_ONCE: Final = 8_192


@dataclass(frozen=True, slots=True)
class Content:
    """What a lane holds of events."""

    fields: tuple[str, ...]  # by whose values they are found
    where: Where
    placed: bool  # only those with a place
    amount: bool
    values: tuple[str, ...]  # texts (by field) and places that stand beside

    @property
    def keys(self) -> tuple[Key, ...]:
        """The numbers of texts that events need to stand in the lane."""
        beside = tuple(value_key(name) for name in self.values if name != PLACE)
        return (*split(self.fields), *beside)

    def chosen(self, events: Encoded) -> Bools:
        """Which events stand in the lane."""
        found = events.fits[self.where]
        for key in split(self.fields):
            found = found & (events.codes[key] != MISSING)
        return found & (events.place != NO_PLACE) if self.placed else found

    def columns(self, events: Encoded, chosen: Bools) -> Columns:
        """These events as the lane holds them."""
        numbers = [events.codes[key] for key in split(self.fields)]
        values = {n: events.place if n == PLACE else events.codes[value_key(n)] for n in self.values}
        found = Columns(
            numbers[0],
            numbers[1] if len(numbers) > 1 else None,
            events.at,
            events.amount if self.amount else None,
            values,
        )
        return found if chosen.all() else found.take(chosen)


def content_of(measure: Measure) -> Content:
    """What must be held to answer a measure."""
    amount = measure.of in (SUM, MEAN) or (measure.of == PREVIOUS and measure.value == AMOUNT)
    values: tuple[str, ...] = (PLACE,) if measure.of == SPEED else ()
    if measure.of in (DISTINCT, PREVIOUS) and not amount:
        values = (value_name(measure),)
    fields = tuple(theirs for theirs, _ in measure.match)
    return Content(fields, measure.where, measure.of == SPEED, amount, values)


def reach_ms(measure: Measure) -> int:
    """How far before an event its window can begin."""
    within = LONGEST_MS if measure.within_ms is None else min(measure.within_ms, LONGEST_MS)
    return within if within <= EXACT_MS else within + HOUR_MS


@functools.cache
def split(fields: tuple[str, ...]) -> tuple[Key, ...]:
    """One or two numbers for the values of these fields: the first alone, the others together."""
    parts = (fields[:1], fields[1:]) if len(fields) > 1 else (fields,)
    return tuple((part, kind_of_text(part)) for part in parts)


def value_name(measure: Measure) -> str:
    """The name of the value that stands beside for a measure: texts that are said again are kept."""
    name = measure.value or ""
    return SAID + name if measure.of == PREVIOUS and name != AMOUNT else name


def value_key(name: str) -> Key:
    """The number of a value that stands beside."""
    fields = (name.removeprefix(SAID),)
    return fields, name if name.startswith(SAID) else kind_of_text(fields)


@dataclass(slots=True)
class Lane:
    """The runs of one content, oldest first as they came, and how long they are held."""

    content: Content
    reach: int
    cutoff: int = -(1 << 62)  # nothing older is held
    runs: list[Run] = field(default_factory=list)
    gone: list[Run] = field(default_factory=list)
    merging: list[Merging] = field(default_factory=list)

    def add(self, events: Encoded) -> None:
        """Hold those of these events that matter to it."""
        self._add(events, self.runs)
        self._tidy()

    def remove(self, events: Encoded) -> None:
        """No longer count those of these held events that stand in it."""
        self._add(events, self.gone)
        while len(self.gone) > 1 and self.gone[-2].size <= RATIO * self.gone[-1].size:
            both = merged(self.gone[-2:], self.cutoff)
            self.gone[-2:] = [both] if both.size else []

    def step(self, merging: Merging) -> int:
        """Go on with a merge that is under way; about how many events it moved."""
        moved = merging.step()
        if merging.result is not None:
            self._replace(merging.runs, merging.result)
            self.merging.remove(merging)
            self._tidy()
        return max(moved, 1)

    def expire(self, oldest: int) -> None:
        """Nothing before `oldest` matters any more."""
        self.cutoff = max(self.cutoff, oldest)
        self.runs = [run for run in self.runs if run.newest >= self.cutoff]
        self.gone = [run for run in self.gone if run.newest >= self.cutoff]

    def copy(self) -> Lane:
        """Another one that shares the runs, and the merges that are under way."""
        return Lane(
            self.content, self.reach, self.cutoff, list(self.runs), list(self.gone), list(self.merging)
        )

    def _add(self, events: Encoded, runs: list[Run]) -> None:
        chosen = self.content.chosen(events) & (events.at >= self.cutoff)
        if chosen.any():
            runs.append(run_of(self.content.columns(events, chosen)))

    def _tidy(self) -> None:
        while (number := self._due()) is not None:
            pair = self.runs[number : number + 2]
            if pair[0].size + pair[1].size > AT_ONCE:
                self.merging.append(Merging(pair, self.cutoff))
            else:
                self._replace(tuple(pair), merged(pair, self.cutoff))

    def _due(self) -> int | None:
        """The newest two neighbours that are to be merged and are not yet."""
        busy = {id(run) for merging in self.merging for run in merging.runs}
        for number in range(len(self.runs) - 2, -1, -1):
            older, newer = self.runs[number : number + 2]
            due = older.size <= RATIO * newer.size and older.size + newer.size <= MOST_IN_RUN
            if due and id(older) not in busy and id(newer) not in busy:
                return number
        return None

    def _replace(self, old: tuple[Run, ...], new: Run) -> None:
        """Put the merged run where its parts stood, unless one of these has been let go."""
        numbers = [number for number, run in enumerate(self.runs) if any(run is o for o in old)]
        if len(numbers) == len(old):
            self.runs[numbers[0] : numbers[-1] + 1] = [new] if new.size else []
